"""Every values file that we ship renders, the same each time and with each Helm, to what Kubernetes takes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from elfgate import chart_values
from elfgate.policy.config import PolicyConfig
from support.chart import CHART, FOREIGN, VALUES, helm, helms, objects, rendered, template

RECORDED = json.loads((Path(__file__).parent / "kubernetes.json").read_text())

named = pytest.mark.parametrize(
    "values", VALUES, ids=lambda path: path.name.removesuffix("-values.yaml")
)


@named
def test_two_renders_are_the_same_bytes_of_what_kubernetes_takes(major: str, values: Path) -> None:
    first, second = (template(major, "--values", str(values)) for _ in range(2))
    assert first == second
    found = list(objects(first))
    assert len(found) > 10
    for obj in found:
        assert _complaints(obj) == [], f"{obj['kind']}/{obj['metadata']['name']}"


@named
def test_both_helms_render_the_same_objects(values: Path) -> None:
    if len(helms()) < 2:
        pytest.skip("needs two Helms: .ci/helm 3 and .ci/helm 4 build them")
    older, newer = (sorted(map(json.dumps, rendered(major, values))) for major in ("3", "4"))
    assert older == newer


@named
def test_lint_finds_nothing(major: str, values: Path) -> None:
    done = helm(
        major, "lint", "--strict", str(CHART), "--values", str(values), "--kube-version", "1.36.3"
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
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    major: str, words: list[str], complaint: str
) -> None:
    settings = [part for word in words for part in ("--set", word)]
    done = helm(major, "template", "elfgate", str(CHART), "--kube-version", "1.36.3", *settings)
    assert done.returncode == 1
    assert complaint in done.stderr


def test_the_archive_holds_the_policies_and_renders_as_the_folder_does(
    major: str, tmp_path: Path
) -> None:
    packed = helm(major, "package", str(CHART), "--destination", str(tmp_path))
    assert packed.returncode == 0, packed.stderr
    (archive,) = tmp_path.glob("elfgate-*.tgz")
    done = helm(
        major, "template", "elfgate", str(archive), "-n", "elfgate", "--kube-version", "1.36.3"
    )
    assert list(objects(done.stdout)) == list(rendered(major))
    assert archive.stat().st_size < 100_000  # a release is kept in a Secret, of a mebibyte at most


def test_a_chart_without_its_policies_is_refused(major: str, tmp_path: Path) -> None:
    """Else every pod would die in its init container, long after the installation said that it was done."""
    bare = tmp_path / "elfgate"
    shutil.copytree(CHART, bare, ignore=lambda folder, _: ["policies"] * (folder == str(CHART)))
    done = helm(major, "template", "elfgate", str(bare), "--kube-version", "1.36.3")
    assert done.returncode == 1
    assert "the chart holds no policies" in done.stderr


def _complaints(obj: Any) -> list[str]:
    group = f"{obj['apiVersion']}/{obj['kind']}"
    if FOREIGN.get(obj["kind"]) == obj["apiVersion"]:
        return []
    schema = {"$ref": f"#/$defs/{RECORDED['kinds'][group]}", "$defs": RECORDED["$defs"]}
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
