"""Rules of the user's own that look at the labels of images, asked on a command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from elfgate.cli.main import main
from support.image import static_program
from support.oci import Blob, image, index, json_blob, write_layout
from support.tarball import tarball

RULE = """# METADATA
# custom:
#   looks_at: [image_labels]
package elfgate.rules.sourced

findings contains {"container": each.container, "message": "its image has no source"} if {
	some each in input.linkages
	not each.WHERE["org.opencontainers.image.source"]
}
"""
SOURCE = {"org.opencontainers.image.source": "https://example.test/app"}
POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: "registry.invalid/app:1"}]}
"""


def labelled(labels: dict[str, str], on_index: dict[str, str], on_manifest: dict[str, str]) -> Blob:
    """An image for two platforms with labels in its config, its index and its manifests."""
    entries = [_of_platform(name, labels, on_manifest) for name in ("amd64", "arm64")]
    whole = index(entries)
    document = {**json.loads(whole.data), "annotations": on_index}
    return json_blob(whole.media_type, document, entries)


def _of_platform(name: str, labels: dict[str, str], annotations: dict[str, str]) -> Blob:
    start = {"Entrypoint": ["/app"], "Labels": labels}
    layer = tarball({"app": static_program(name)})
    plain = image([layer], platform=f"linux/{name}", config={"config": start})
    document = {**json.loads(plain.data), "annotations": annotations}
    return json_blob(plain.media_type, document, plain.children, platform=plain.platform)


def checked(folder: Path, where: str, app: Blob | None, capsys: Any) -> tuple[int, str]:
    """What ``elfgate check`` says of a pod of the image, and its exit code."""
    (folder / "rules").mkdir()
    (folder / "rules" / "sourced.rego").write_text(RULE.replace("WHERE", where))
    (folder / "web.yaml").write_text(POD)
    words = ["check", str(folder / "web.yaml"), "--arch", "amd64,arm64"]
    if app is not None:
        write_layout(folder / "images", {"1": app})
        words += ["--image", f"registry.invalid/app:1=oci:{folder}/images:1"]
    code = main([*words, "--rules", str(folder / "rules")])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize(
    ("where", "app", "expected"),
    [
        ("labels", labelled(SOURCE, {}, {}), 0),
        ("labels", labelled({}, SOURCE, SOURCE), 1),
        ("annotations", labelled({}, SOURCE, {}), 0),
        ("annotations", labelled({}, {}, SOURCE), 0),
        ("annotations", labelled(SOURCE, {}, {}), 1),
    ],
)
def test_a_rule_sees_the_labels_of_an_image_that_is_read(
    where: str, app: Blob, expected: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(tmp_path, where, app, capsys)
    assert code == expected
    assert ("its image has no source  [sourced]" in said) == (expected == 1)


def test_a_rule_is_left_out_where_the_labels_are_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = checked(tmp_path, "labels", None, capsys)
    assert code == 0
    assert "the rule sourced failed and was left out: the labels of an image are not known" in said
