"""The same object is judged alike wherever it is asked about: by the webhook, and on the command line."""

import asyncio
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from elfgate.cli.main import main
from elfgate.cluster.exempt import Exemption
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import read_node
from elfgate.gate.gate import Gate
from elfgate.server.validate import Validator
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from elfgate.wiring.policies import Judging, engine
from support import object_cases
from support.judging import answered, review_of
from support.object_cases import Case, object_of

CASES = object_cases.cases()
FEW = CASES[::20]  # judged under each of the settings
DEFAULTS = Settings()

# Settings that decide by the point, by the namespace, by exemption, and by what may be done at most.
SETTINGS: dict[str, dict[str, Any]] = {
    "points": {
        "policies": {
            "points": {"workload": {"most": "warn"}, "pod": {"rules": {"user_missing": "warn"}}}
        }
    },
    "default": {"policies": {"namespaces": {"default": {"most": "dryrun"}}}},
    "pattern": {"policies": {"namespaces": {"sh*": {"rules": {"unpinned_tag": "deny"}}}}},
    "exempt": {"admission": {"exempt_namespaces": ["shop"]}},
    "exemption": {
        "policies": {
            "exemptions": [
                {"namespace": "shop", "owner": "a", "reason": "b", "expires": "9999-12-31"}
            ]
        }
    },
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return object_cases.write_images(tmp_path_factory.mktemp("images"))


def webhook(
    case: Case, images: dict[str, str], settings: Settings = DEFAULTS, **fields: Any
) -> tuple[str, str]:
    """The verdict of the webhook, and what it says."""

    async def judged() -> dict[str, Any]:
        nodes = Inventory(map(read_node, object_cases.nodes_of(case)))
        policies = await engine(Judging.of_settings(settings.policies))
        try:
            async with wiring.scanner(wiring.Reading(images=images, store=None)) as scanner:
                validator = Validator(
                    gate=Gate(nodes, scanner, policies),
                    nodes_known=lambda: True,
                    live_engine=policies.live,
                    sights=policies.live.sights,
                    exemption=Exemption(settings.admission.exempt_namespaces, own=""),
                )
                body = review_of(object_cases.object_of(case), **fields)
                found = await answered(validator, body)
        finally:
            await policies.close()
        response: dict[str, Any] = json.loads(found.body)["response"]
        return response

    response = asyncio.run(judged())
    if not response["allowed"]:
        return "denied", response["status"]["message"]
    told = response.get("warnings", [])
    return "warned" if told else "admitted", "\n".join(told)


def check(
    case: Case,
    images: dict[str, str],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *options: str,
) -> tuple[str, str]:
    """The verdict of the command line, and what it says."""
    manifest, nodes = folder / "object.json", folder / "nodes.json"
    manifest.write_text(json.dumps(object_cases.object_of(case)))
    nodes.write_text(json.dumps({"kind": "List", "items": object_cases.nodes_of(case)}))
    named = {name: place for name, place in images.items() if name in manifest.read_text()}
    where = [word for pair in named.items() for word in ("--image", "=".join(pair))]
    main(["check", str(manifest), "--nodes", str(nodes), "-o", "json", *where, *options])
    (result,) = json.loads(capsys.readouterr().out)["results"]
    return result["verdict"], json.dumps(result)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_object_is_judged_alike_by_the_webhook_and_on_the_command_line(
    case: Case, images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("nodes: {stale_seconds: 5}\n")
    verdict, words = webhook(case, images)

    assert (verdict, case.get("says", "") in words) == (case["should"], True), words
    assert check(case, images, tmp_path, capsys)[0] == verdict
    assert check(case, images, tmp_path, capsys, "--config", str(settings))[0] == verdict


def test_settings_say_where_images_are_on_the_command_line_too(
    images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps({"images": images, "nodes": {"watch": True}}))
    spec = {"containers": [{"name": "c", "image": "ex/amd64only:1"}]}
    case = {"nodes": ["arm"], "spec": spec}
    assert check(case, {}, tmp_path, capsys, "--config", str(settings))[0] == "denied"


def values_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The chart's values that make these settings."""
    exempt = settings.get("admission", {}).get("exempt_namespaces", [])
    return {"policies": settings.get("policies", {}), "exemptNamespaces": exempt}


@pytest.mark.parametrize("asked", list(product(SETTINGS, ("shop", "default"))), ids="-".join)
@pytest.mark.parametrize("case", FEW, ids=[case["name"] for case in FEW])
def test_settings_decide_alike_for_the_webhook_and_on_the_command_line(
    case: Case,
    asked: tuple[str, str],
    images: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    about, namespace = asked
    obj = object_of(case) if namespace == "shop" else nameless(object_of(case))
    case = {**case, "object": obj}
    config, values = tmp_path / "elfgate.yaml", tmp_path / "values.yaml"
    config.write_text(json.dumps(SETTINGS[about]))
    values.write_text(json.dumps(values_of(SETTINGS[about])))
    settings = Settings.read(config)

    verdict, _ = webhook(case, images, settings, namespace=namespace)

    for options in (("--config", str(config)), ("--values", str(values))):
        assert check(case, images, tmp_path, capsys, *options)[0] == verdict


def nameless(obj: dict[str, Any]) -> dict[str, Any]:
    """An object that names no namespace, as a chart's template."""
    return {**obj, "metadata": {**obj["metadata"], "namespace": ""}}


def test_a_command_line_judges_by_itself_where_the_webhook_has_an_opa(
    images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("policies: {engine: opa, opa_socket: /nowhere/opa.sock}\n")
    case = {"nodes": ["arm"], "object": _deployment()}
    assert check(case, images, tmp_path, capsys, "--config", str(settings))[0] == "denied"


def test_a_namespace_can_be_given_for_objects_that_name_none(
    images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "elfgate.yaml"
    config.write_text(json.dumps({"policies": {"namespaces": {"prod": {"most": "dryrun"}}}}))
    case = {"nodes": ["arm"], "object": nameless(_deployment())}
    options = ("--config", str(config))

    assert check(case, images, tmp_path, capsys, *options)[0] == "denied"
    assert check(case, images, tmp_path, capsys, *options, "-n", "prod")[0] == "admitted"
    named = {"nodes": ["arm"], "object": _deployment()}
    assert check(named, images, tmp_path, capsys, *options, "-n", "prod")[0] == "denied"


def test_what_the_webhook_passes_over_is_exempt(
    images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = _deployment()
    system["metadata"]["namespace"] = "kube-system"
    case = {"nodes": ["arm"], "object": system}

    assert webhook(case, images, namespace="kube-system")[0] == "admitted"
    verdict, words = check(case, images, tmp_path, capsys)
    assert (verdict, json.loads(words)["exempt"]) == ("admitted", True)


def _deployment(kind: str = "Deployment", **fields: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "ex/amd64only:1", **fields}
    template = {"spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }


def _of_status(obj: dict[str, Any], nodes: int) -> dict[str, Any]:
    return obj | {"status": {"currentNumberScheduled": nodes}}


def _of_class(obj: dict[str, Any]) -> dict[str, Any]:
    obj["spec"]["template"]["spec"]["runtimeClassName"] = "crun"
    return obj


def _beside(obj: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """The object with further containers, which start everywhere."""
    helper = {"name": "helper", "image": "ex/shell:1", "command": ["/app"]}
    spec = obj["spec"]["template"]["spec"]
    spec["containers"] += [helper, *others]
    return obj


@pytest.mark.parametrize(
    ("nodes", "before", "after", "verdict"),
    [
        # The nodes that start it are gone for an hour: an edit that leaves the image alone passes.
        (["arm"], _deployment(), _deployment(env=[{"name": "A", "value": "b"}]), "warned"),
        (["arm"], _deployment(), _deployment(image="ex/single:1"), "denied"),
        (
            ["arm"],
            _beside(_deployment()),
            _beside(_deployment(env=[{"name": "A", "value": "b"}])),
            "warned",
        ),
        (["arm"], _deployment(), _beside(_deployment()), "warned"),
        (
            ["arm"],
            _deployment(),
            _beside(_deployment(), {"name": "other", "image": "ex/single:1"}),
            "denied",
        ),
        # A DaemonSet: what starts no longer where it started is refused, what never did is warned of.
        (
            ["amd", "arm"],
            _deployment("DaemonSet", image="ex/shell:1", command=["/app"]),
            _deployment("DaemonSet"),
            "denied",
        ),
        # Its namespace keeps the pods from some nodes: what starts there no longer never ran there.
        (
            ["amd", "arm"],
            _of_status(_deployment("DaemonSet", image="ex/shell:1", command=["/app"]), 1),
            _of_status(_deployment("DaemonSet"), 1),
            "warned",
        ),
        (
            ["amd", "arm"],
            _of_status(_deployment("DaemonSet", image="ex/shell:1", command=["/app"]), 2),
            _of_status(_deployment("DaemonSet"), 2),
            "denied",
        ),
        # A node that is not reached may be gone for good.
        (
            ["amd", "lost"],
            _deployment("DaemonSet", image="ex/shell:1", command=["/app"]),
            _deployment("DaemonSet"),
            "warned",
        ),
        # What its RuntimeClass asks of nodes is not known: its pods may never have been there.
        (
            ["amd", "arm"],
            _of_class(_deployment("DaemonSet", image="ex/shell:1", command=["/app"])),
            _of_class(_deployment("DaemonSet")),
            "warned",
        ),
        (
            ["amd", "arm"],
            _deployment("DaemonSet"),
            _deployment("DaemonSet", env=[{"name": "A", "value": "b"}]),
            "warned",
        ),
        (
            ["amd", "arm"],
            _beside(_deployment("DaemonSet")),
            _beside(_deployment("DaemonSet", env=[{"name": "A", "value": "b"}])),
            "warned",
        ),
    ],
)
def test_an_update_is_judged_by_what_it_makes_worse(
    nodes: list[str],
    before: dict[str, Any],
    after: dict[str, Any],
    verdict: str,
    images: dict[str, str],
) -> None:
    case = {"nodes": nodes, "object": after}
    assert webhook(case, images, operation="UPDATE", oldObject=before)[0] == verdict


def test_a_debug_container_may_join_a_pod_whose_volume_cannot_be_pulled(
    images: dict[str, str],
) -> None:
    spec = {
        "volumes": [{"name": "v", "image": {"reference": "ex/amd64only:1"}}],
        "containers": [{"name": "c", "image": "ex/shell:1", "command": ["/app"]}],
    }
    before = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    debugger = {"name": "d", "image": "ex/shell:1", "command": ["/app"]}
    after = {**before, "spec": {**spec, "ephemeralContainers": [debugger]}}
    asked: dict[str, Any] = {
        "operation": "UPDATE",
        "subResource": "ephemeralcontainers",
        "oldObject": before,
    }

    assert webhook({"nodes": ["power"], "object": after}, images, **asked)[0] == "admitted"


@pytest.mark.parametrize(("nodes", "verdict"), [(["power"], "warned"), (["amd"], "admitted")])
def test_native_add_ons_of_another_machine_can_be_warned_of(
    nodes: list[str],
    verdict: str,
    images: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "elfgate.yaml"
    config.write_text(json.dumps({"policies": {"notes": {"addon_mismatch": "warn"}}}))
    case = {"nodes": nodes, "object": _deployment(image="ex/addon:1", command=["/app"])}

    assert webhook(case, images, Settings.read(config))[0] == verdict
    assert check(case, images, tmp_path, capsys, "--config", str(config))[0] == verdict


def test_a_scan_tells_of_native_add_ons_of_another_machine(
    images: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", images["ex/addon:1"], "--platform", "linux/arm64"]) == 0
    words = "own.node is an amd64 ELF file, which programs for arm64 cannot load"
    assert words in capsys.readouterr().out
