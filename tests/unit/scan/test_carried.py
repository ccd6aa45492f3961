"""What a manifest's descriptors carry is not asked of a registry, as containerd asks none."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from elfgate.api import scan
from support.elf_file import elf_file
from support.oci import Blob, image
from support.registry import Registry
from support.tarball import program, tarball

APP = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])


def carrying(*parts: Blob) -> Blob:
    """The image, whose manifest carries some parts, and whose registry lacks them."""
    content = {part.digest: b64encode(part.data).decode() for part in parts}
    manifest = json.loads(APP.data)
    for descriptor in (manifest["config"], *manifest["layers"]):
        descriptor.update(_data(content, descriptor))
    kept = tuple(child for child in APP.children if child not in parts)
    return replace(APP, data=json.dumps(manifest).encode(), children=kept)


def _data(content: dict[str, str], descriptor: dict[str, Any]) -> dict[str, str]:
    digest = descriptor["digest"]
    return {"data": content[digest]} if digest in content else {}


@pytest.mark.parametrize("parts", [APP.children[:1], APP.children[1:], APP.children])
def test_what_a_manifest_carries_need_not_be_in_its_registry(parts: tuple[Blob, ...]) -> None:
    with Registry({"example/app": {"1.0": carrying(*parts)}}) as registry:
        result = scan(registry.reference("example/app:1.0"))
    assert [row.verdict for row in result.platforms] == ["starts"]
