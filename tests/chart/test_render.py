"""Every values file that we ship renders, the same each time and with each Helm, to what Kubernetes takes."""

import json
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from elfgate import chart_values
from elfgate.policy.config import PolicyConfig
from support import kubernetes_values
from support.chart import (
    CHART,
    FOREIGN,
    KUBERNETES,
    VALUES,
    helm,
    helms,
    objects,
    one,
    rendered,
    template,
)
from support.control_plane import MINOR, MINORS

RECORDED = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "kubernetes").glob("*.json"))
}

named = pytest.mark.parametrize(
    "values", VALUES, ids=lambda path: path.name.removesuffix("-values.yaml")
)


@named
def test_two_renders_are_the_same_bytes_of_what_kubernetes_takes(major: str, values: Path) -> None:
    first, second = (template(major, "--values", str(values)) for _ in range(2))
    assert first == second
    found = list(objects(first))
    assert len(found) > 10
    for minor, obj in product(RECORDED, found):
        assert _complaints(minor, obj) == [], f"{minor}: {obj['kind']}/{obj['metadata']['name']}"


def test_the_minors_are_the_oldest_that_the_chart_allows_and_those_that_make_minors_starts() -> (
    None
):
    oldest = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert list(RECORDED) == [oldest.removeprefix(">=").removesuffix(".0-0"), *MINORS]
    for minor, recorded in RECORDED.items():
        assert f" v{minor}." in recorded["source"]


def values_of(schema: object, place: str = "") -> dict[str, list[str]]:
    """Each list of values in a schema, by its place."""
    found = {}
    if isinstance(schema, dict):
        if "enum" in schema:
            found[place] = sorted(schema["enum"])
        for key, value in schema.items():
            found |= values_of(value, f"{place}/{key}")
    return found


@pytest.mark.parametrize("minor", RECORDED)
def test_every_minors_schemas_list_the_values_of_fields(minor: str) -> None:
    values = values_of(RECORDED[minor]["$defs"])
    place = "/io.k8s.api.core.v1.Container/properties/imagePullPolicy"
    assert values[place] == ["Always", "IfNotPresent", "Never"]
    assert len(values) > 50


def test_the_source_of_kubernetes_lists_the_values_that_its_api_server_does() -> None:
    """The other minors' lists are read so."""
    recorded = RECORDED[MINOR]
    version = recorded["source"].partition(" v1.")[2]
    if shutil.which("go") is None:
        pytest.skip("no go to get the module k8s.io/api with: install Go 1.26 or newer")
    try:
        source = kubernetes_values.download(f"k8s.io/api@v0.{version}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no module k8s.io/api: {error.stdout.decode()[:200]}")
    bare = json.loads(json.dumps(recorded["$defs"]), object_hook=without_values)
    assert values_of(bare) == {}
    kubernetes_values.add(bare, source)
    assert values_of(bare) == values_of(recorded["$defs"])


def without_values(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "enum"}


@pytest.mark.parametrize("minor", RECORDED)
def test_every_minor_is_rendered_the_same(major: str, minor: str) -> None:
    words = ("--values", str(CHART / "examples" / "production-values.yaml"))
    assert template(major, *words, "--kube-version", f"{minor}.0") == template(major, *words)


def test_an_older_minor_is_refused(major: str) -> None:
    done = helm(major, "template", "elfgate", str(CHART), "--kube-version", "1.28.15")
    assert done.returncode == 1
    assert "chart requires kubeVersion: >=1.29.0-0" in done.stderr


@named
def test_both_helms_render_the_same_objects(values: Path) -> None:
    if len(helms()) < 2:
        pytest.skip("needs two Helms: .ci/helm 3 and .ci/helm 4 build them")
    older, newer = (sorted(map(json.dumps, rendered(major, values))) for major in ("3", "4"))
    assert older == newer


@named
def test_lint_finds_nothing(major: str, values: Path) -> None:
    done = helm(
        major, "lint", "--strict", str(CHART), "--values", str(values), "--kube-version", KUBERNETES
    )
    assert done.returncode == 0, done.stdout
    assert "0 chart(s) failed" in done.stdout
    assert "[WARNING]" not in done.stdout


PULL = "registries.pullSecrets"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["replica=3"], "replica"),
        (["webhooks.validate.failurePolicy=Maybe"], "failurePolicy"),
        (["policies.rules.exec_format=sometimes"], "exec_format"),
        (["policies.exemptions[0].namespace=shop"], "owner"),
        (["image.digest=sha256:short"], "digest"),
        (["replicas=0"], "replicas"),
        (["certificates.mode=secret"], "certificates.secret.name must be set"),
        (["store.kind=valkey"], "store.valkey.url must be set"),
        (["warm.enabled=true"], "warm.enabled needs store.kind valkey"),
        (["registries.pullSecrets.enabled=true"], "must name the Secrets"),
        ([f"{PULL}.enabled=true", f"{PULL}.names={{a}}"], "needs certificates.clientCA"),
        (
            [f"{PULL}.enabled=true", f"{PULL}.names={{*}}", "certificates.clientCA=x"],
            "needs registries.pullSecrets.namespaces",
        ),
        (
            ["bundle.location=x/y:1", "bundle.publicKeys.a=b", "engine=opa"],
            "followed by the embedded",
        ),
        (["bundle.location=x/y:1"], "bundle.publicKeys must be set"),
        (["ownRulesConfigMap=rules", "ownRules.a\\.rego=x"], "exclude each other"),
        (["webhooks.validate.failurePolicy=null"], "missing property 'failurePolicy'"),
        (["webhooks.validate.timeoutSeconds=31"], "timeoutSeconds"),
        (["webhooks.validate.namespaceSelector.matchLabel.a=b"], "matchLabel"),
        (["webhooks.validate.objectSelector.matchLabel.a=b"], "matchLabel"),
        (["registries=null"], "missing property 'registries'"),
        (["exemptNamespaces=null"], "missing property 'exemptNamespaces'"),
        (["exemptNamespaces={1,true}"], "exemptNamespaces"),
        (["imagePullSecrets={regcred}"], "imagePullSecrets"),
        (["tolerations={all}"], "tolerations"),
        (["nodeSelector.ssd=true"], "nodeSelector"),
        (["podAnnotations.scrape=true"], "podAnnotations"),
        (["commonLabels.version=1"], "commonLabels"),
        (["commonLabels.helm\\.sh/chart=mine"], "helm.sh/chart is a label of the chart's own"),
        (["podLabels.app\\.kubernetes\\.io/name=mine"], "finds its pods"),
        (["registries.authorities.a/b=x"], "authorities"),
        (["registries.hosts.http://docker\\.io=x"], "hosts"),
        (["ownRules.a/b\\.rego=x"], "ownRules"),
        (["store.volumeSize=large"], "volumeSize"),
        (["podDisruptionBudget.maxUnavailable=half"], "maxUnavailable"),
        (["service.port=70000"], "port"),
        (["networkPolicy.egressPorts={registry}"], "egressPorts"),
        (["autoscaling.enabled=true", "autoscaling.minReplicas=9"], "is more than"),
        (["autoscaling.enabled=true", "verticalPodAutoscaler.enabled=true"], "exclude each other"),
        (["fullnameOverride=My.Name"], "fullnameOverride"),
        (["nameOverride=El_Gate"], "cannot be a Service's name: set fullnameOverride"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    major: str, words: list[str], complaint: str
) -> None:
    settings = [part for word in words for part in ("--set", word)]
    done = helm(major, "template", "elfgate", str(CHART), "--kube-version", KUBERNETES, *settings)
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("release", ["1st", "a.b"])
def test_a_release_whose_name_no_service_can_have_is_told_what_to_set(
    major: str, release: str
) -> None:
    words = ("template", release, str(CHART), "--kube-version", KUBERNETES)
    done = helm(major, *words)
    assert done.returncode == 1
    assert f"{release}-elfgate cannot be a Service's name: set fullnameOverride" in done.stderr
    assert helm(major, *words, "--set", "fullnameOverride=gate").returncode == 0


EMPTY = (
    "affinity",
    "architectures",
    "commonLabels",
    "dashboard.labels",
    "extraEnv",
    "kinds",
    "networkPolicy.egressPorts",
    "networkPolicy.from",
    "nodeSelector",
    "ownRules",
    "policies",
    "resources",
    "settings",
    "settings.listen",
    "tolerations",
    "topologySpreadConstraints",
    "warm.images",
    "webhooks.validate.matchConditions",
    "webhooks.validate.namespaceSelector",
    "webhooks.validate.objectSelector",
)


@pytest.mark.parametrize("value", EMPTY)
def test_a_list_or_a_mapping_that_is_null_is_an_empty_one(major: str, value: str) -> None:
    """As a key without a value in a file is null."""
    production = ("--values", str(CHART / "examples" / "production-values.yaml"))
    for obj in objects(template(major, *production, "--set", f"{value}=null")):
        assert _complaints(MINOR, obj) == [], f"{obj['kind']}/{obj['metadata']['name']}"


def test_a_network_policy_without_ports_lets_nothing_out_but_to_dns(major: str) -> None:
    """A rule with an empty list of ports would be one for all ports."""
    words = ("networkPolicy.enabled=true", "networkPolicy.egressPorts=null")
    found = list(objects(template(major, *(part for word in words for part in ("--set", word)))))
    (rule,) = one(found, "NetworkPolicy")["spec"]["egress"]
    assert {port["port"] for port in rule["ports"]} == {53}


def test_numbers_stay_whole(major: str) -> None:
    """Helm reads them as floating point numbers, and writes large ones as 1e+06."""
    values = ("terminationGracePeriodSeconds=1000000", "podSecurityContext.runAsUser=1000650000")
    found = list(objects(template(major, *(part for word in values for part in ("--set", word)))))
    spec = one(found, "Deployment")["spec"]["template"]["spec"]
    assert repr(spec["terminationGracePeriodSeconds"]) == "1000000"
    assert repr(spec["securityContext"]["runAsUser"]) == "1000650000"


def test_the_longest_names_fit_their_kinds(major: str) -> None:
    """A CronJob's has 52 characters at most, any other's 63."""
    words = ("--set", f"fullnameOverride={'n' * 60}", "--values")
    values = CHART / "examples" / "production-values.yaml"
    names = [
        (obj["kind"], len(obj["metadata"]["name"]))
        for obj in objects(template(major, *words, str(values)))
    ]
    most = {"CronJob": 52}
    assert [(kind, size) for kind, size in names if size > most.get(kind, 63)] == []


def test_two_installations_share_no_name(major: str) -> None:
    values = ("--values", str(CHART / "examples" / "production-values.yaml"))
    first, second = (
        {(obj["kind"], obj["metadata"]["name"]) for obj in objects(template(major, *values, *more))}
        for more in ((), ("--set", "fullnameOverride=other"))
    )
    assert first & second == set()


def test_two_installations_write_reports_of_two_names(major: str) -> None:
    values = ("--set", "audit.enabled=true,audit.reports=openreports,fullnameOverride=blue")
    found = list(objects(template(major, *values)))
    rules = one(found, "ClusterRole", "blue-audit")["rules"]
    (named,) = (rule["resourceNames"] for rule in rules if "update" in rule["verbs"])
    pod = one(found, "CronJob", "blue-audit")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    args = pod["containers"][0]["args"]
    assert [args[args.index("--report-name") + 1]] == named == ["blue"]


def test_the_archive_holds_the_policies_and_renders_as_the_folder_does(
    major: str, tmp_path: Path
) -> None:
    packed = helm(major, "package", str(CHART), "--destination", str(tmp_path))
    assert packed.returncode == 0, packed.stderr
    (archive,) = tmp_path.glob("elfgate-*.tgz")
    done = helm(
        major, "template", "elfgate", str(archive), "-n", "elfgate", "--kube-version", KUBERNETES
    )
    assert list(objects(done.stdout)) == list(rendered(major))
    assert archive.stat().st_size < 100_000  # a release is kept in a Secret, of a mebibyte at most


def test_a_chart_without_its_policies_is_refused(major: str, tmp_path: Path) -> None:
    """Else every pod would die in its init container, long after the installation said that it was done."""
    bare = tmp_path / "elfgate"
    shutil.copytree(CHART, bare, ignore=lambda folder, _: ["policies"] * (folder == str(CHART)))
    done = helm(major, "template", "elfgate", str(bare), "--kube-version", KUBERNETES)
    assert done.returncode == 1
    assert "the chart holds no policies" in done.stderr


def _complaints(minor: str, obj: Any) -> list[str]:
    group = f"{obj['apiVersion']}/{obj['kind']}"
    if FOREIGN.get(obj["kind"]) == obj["apiVersion"]:
        return []
    recorded = RECORDED[minor]
    schema = {"$ref": f"#/$defs/{recorded['kinds'][group]}", "$defs": recorded["$defs"]}
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(obj)
    ]


OF_THE_POD = {"folder", "engine", "opa_socket", "own_rules", "bundle"}


@named
def test_values_come_to_the_same_policies_on_a_command_line(major: str, values: Path) -> None:
    (whole,) = (
        yaml.safe_load(obj["data"]["elfgate.yaml"])
        for obj in rendered(major, values)
        if obj["kind"] == "ConfigMap" and "elfgate.yaml" in obj["data"]
    )
    policies = {key: value for key, value in whole["policies"].items() if key not in OF_THE_POD}
    nodes = {key: value for key, value in whole["nodes"].items() if value and key != "watch"}
    made = chart_values.settings(yaml.safe_load(values.read_text()) or {})
    exempt = {*made["admission"]["exempt_namespaces"], "kube-system"}

    assert PolicyConfig(**made["policies"]) == PolicyConfig(**policies)
    assert made["nodes"] == nodes
    assert exempt == set(whole["admission"]["exempt_namespaces"])
