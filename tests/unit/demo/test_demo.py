"""The demo's own parts: what it writes is what elfgate and the API server take."""

import hashlib
import json
import tarfile
from pathlib import Path

import orjson
import pytest

from demo import built
from demo.cluster import NODES, deployment, node_list, pod, review
from demo.story import Apply, Outcome, kubectl
from demo.webhook import Answer
from elfgate.cluster.nodes import read_nodes
from elfgate.cluster.review import judged, parse
from lab.layout import File, Layout
from support.elf_file import elf_file


def test_a_layout_is_what_its_digests_say_and_the_same_each_time(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        layout = Layout(tmp_path / name)
        layer = layout.layer([File("usr/bin/app", b"x", 0o755), File("usr/bin/link", link="app")])
        layout.tag("1", [layout.image("ppc64le", [layer], {"Entrypoint": ["app"]})])
        layout.finish()
        written.append(
            {
                path.relative_to(tmp_path / name): path.read_bytes()
                for path in files_of(tmp_path / name)
            }
        )
    assert written[0] == written[1]
    for path, content in written[0].items():
        if path.parts[0] == "blobs":
            assert path.name == hashlib.sha256(content).hexdigest()
    (tagged,) = json.loads(written[0][Path("index.json")])["manifests"]
    assert tagged["annotations"] == {"org.opencontainers.image.ref.name": "1"}


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_a_layer_has_each_directory_once_and_before_what_is_in_it(tmp_path: Path) -> None:
    layer = Layout(tmp_path).layer([File("a/b/one"), File("a/b/two"), File("a/three")])
    blob = tmp_path / "blobs" / "sha256" / layer.descriptor["digest"].removeprefix("sha256:")
    with tarfile.open(blob) as archive:
        assert archive.getnames() == ["a", "a/b", "a/b/one", "a/b/two", "a/three"]


def test_the_made_debian_root_has_every_library_that_the_program_names() -> None:
    needs = {"libc.so.6": ["GLIBC_2.17"], "libm.so.6": ["GLIBC_2.29"]}
    program = elf_file(
        "s390x",
        interp="/lib/ld64.so.1",
        needed=["libm.so.6", "libc.so.6"],
        version_needs=needs,
        undefined=["puts"],
    )
    paths = {file.path for file in built.debian("s390x", program)}
    assert {
        "usr/lib/ld64.so.1",
        "usr/lib/s390x-linux-gnu/libm.so.6",
        "usr/lib/s390x-linux-gnu/libc.so.6",
    } <= paths


def test_the_nodes_are_read_as_a_clusters_own() -> None:
    nodes = {
        node.name: node.platform.architecture for node in read_nodes(orjson.dumps(node_list()))
    }
    assert nodes == NODES


@pytest.mark.parametrize(
    "obj", [pod("web", "example/uv:1", "ppc64le"), deployment("web", "example/uv:1", ["amd64"])]
)
def test_the_reviews_are_taken_as_the_api_servers(obj: dict[str, object]) -> None:
    workload = judged(parse(orjson.dumps(review(obj))))
    assert workload is not None
    assert (workload.kind, workload.namespace, workload.name) == (obj["kind"], "default", "web")
    assert [container.image for container in workload.containers] == ["example/uv:1"]


@pytest.mark.parametrize("recorded", ["pod-create-kubectl.json", "deployment-create-kubectl.json"])
def test_the_reviews_have_the_fields_of_recorded_ones(recorded: str) -> None:
    theirs = json.loads((Path(__file__).parents[2] / "data" / "reviews" / recorded).read_bytes())[
        "request"
    ]
    made = {
        "Pod": pod("web", "example/uv:1", "ppc64le"),
        "Deployment": deployment("web", "example/uv:1", ["amd64"]),
    }
    ours = review(made[theirs["kind"]["kind"]])["request"]
    assert ours.keys() == theirs.keys()
    assert ours["object"].keys() == theirs["object"].keys()
    for field in (
        "kind",
        "resource",
        "requestKind",
        "requestResource",
        "operation",
        "oldObject",
        "dryRun",
        "options",
    ):
        assert ours[field] == theirs[field]


def test_answers_are_shown_in_kubectls_words() -> None:
    apply = Apply("web.yaml", "", deployment("web", "i", ["amd64"]), Outcome.WARNED)
    warned = Answer(allowed=True, message="", reason="", warnings=("careful",))
    assert list(kubectl(apply, warned)) == ["Warning: careful", "deployment.apps/web created"]
    denied = Answer(allowed=False, message="no:\n  because", reason="Forbidden", warnings=())
    first, second = kubectl(apply, denied)
    assert first.startswith(
        'Error from server (Forbidden): error when creating "web.yaml": admission webhook '
    )
    assert first.endswith('"validate.elfgate.dev" denied the request: no:')
    assert second == "  because"
    assert [Outcome.of(answer) for answer in (warned, denied)] == [Outcome.WARNED, Outcome.DENIED]
