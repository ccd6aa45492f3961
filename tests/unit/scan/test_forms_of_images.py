"""One image in every form that tools write it in: what nodes take is taken."""

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.wiring.images import Reading, scanner
from support.elf_file import elf_file
from support.oci import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    REF_NAME,
    Blob,
    archive_of,
    by_sha512,
    docker_archive_files,
    image,
    index,
    json_blob,
    layout_files,
    manifest_of,
)
from support.tarball import program, tarball

AMD64 = Platform("linux", "amd64")
STARTS, FAILS = Outcome.STARTS, Outcome.CANNOT_START
LAYER = tarball({"app": program(elf_file("amd64", type=2))})
OTHER_LAYER = tarball({"app": program(elf_file("arm64", type=2))})
APP = image([LAYER], entrypoint=["/app"])
EMPTY = image([], entrypoint=["/app"])
OTHER = image([OTHER_LAYER], platform="linux/arm64", entrypoint=["/app"])
BOTH = index([APP, OTHER])
SAVED = docker_archive_files({"example/app:1": APP})
ATTESTATION = json_blob(
    OCI_MANIFEST,
    manifest_of(
        OCI_MANIFEST,
        json_blob(OCI_CONFIG, {}),
        [Blob("application/vnd.in-toto+json", b"{}")],
    ),
    platform={"os": "unknown", "architecture": "unknown"},
    annotations={"vnd.docker.reference.type": "attestation-manifest"},
)
Files = dict[str, bytes]
Document = Any


@dataclass(frozen=True)
class Form:
    """A way to write an image down.

    Attributes:
        transport: How it is named.
        files: Those of the layout, or of the archive.
        name: What is asked for; empty for the only image.
        outcome: What comes of it on amd64.
    """

    transport: str
    files: Files
    name: str = ""
    outcome: Outcome = STARTS


def changed(files: Mapping[str, bytes], path: str, change: Callable[[Document], Any]) -> Files:
    """Files of which one JSON document is another."""
    document = json.loads(files[path])
    told = change(document)
    return {**files, path: json.dumps(document if told is None else told).encode()}


def saved(change: Callable[[Document], Any], files: Mapping[str, bytes] = SAVED) -> Form:
    return Form("docker-archive", changed(files, "manifest.json", change))


def configured(change: Callable[[Document], Any], files: Mapping[str, bytes] = SAVED) -> Form:
    (entry,) = json.loads(files["manifest.json"])
    return Form("docker-archive", changed(files, entry["Config"], change))


def packed(pack: Callable[[bytes], bytes], suffix: str) -> Form:
    (entry,) = json.loads(SAVED["manifest.json"])
    names = {path: path + suffix for path in entry["Layers"]}
    files = {
        names.get(path, path): pack(data) if path in names else data for path, data in SAVED.items()
    }
    listed = [{**entry, "Layers": list(names.values())}]
    return Form("docker-archive", {**files, "manifest.json": json.dumps(listed).encode()})


def beside(**more: bytes) -> Form:
    """What Docker 25 and later writes, but for some files."""
    files = {**SAVED, **layout_files({"1": APP})}
    return Form(
        "docker-archive", files | {name.replace("_", "."): data for name, data in more.items()}
    )


def partly() -> Files:
    """What Docker writes of an image of which it has one platform only."""
    files = {**SAVED, **layout_files({"1": BOTH})}
    gone = {f"blobs/{digest.replace(':', '/')}" for digest in OTHER.everything()}
    return {name: data for name, data in files.items() if name not in gone}


def renamed_config() -> Files:
    """Config and layers as go-containerregistry names them."""
    (entry,) = json.loads(SAVED["manifest.json"])
    name = f"sha256:{entry['Config'].removesuffix('.json')}"
    files = {name if path == entry["Config"] else path: data for path, data in SAVED.items()}
    return {**files, "manifest.json": json.dumps([{**entry, "Config": name}]).encode()}


def layout(top: Blob, name: str = "", outcome: Outcome = STARTS) -> Form:
    return Form("oci", layout_files({"1": top}), name, outcome)


def listed(change: Callable[[Document], Any], top: Blob = APP, name: str = "") -> Form:
    """A layout whose index says something more, or less, of each image."""

    def each(document: Document) -> None:
        for entry in document["manifests"]:
            change(entry)

    return Form("oci", changed(layout_files({"1": top}), "index.json", each), name)


def flat(top: Blob, change: Callable[[Document], Any] = lambda _: None, name: str = "") -> Form:
    """A layout whose index is the image's."""
    files = {**layout_files({"1": top}), "index.json": top.data}
    return Form("oci", changed(files, "index.json", change), name)


def offered(**platform: str) -> Form:
    return layout(index([replace(APP, platform=platform)]))


def with_config(**config: Any) -> Form:
    return layout(image([LAYER], entrypoint=["/app"], config=config))


def started(**start: Any) -> Form:
    return with_config(config=start)


def with_manifest(change: Callable[[Document], Any]) -> Form:
    document = json.loads(APP.data)
    change(document)
    return layout(json_blob(OCI_MANIFEST, document, APP.children, platform=APP.platform))


def with_layer(media_type: str, data: bytes) -> Form:
    return layout(image([Blob(media_type, data)], entrypoint=["/app"]))


def annotate(annotations: Mapping[str, str]) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for entry in document["manifests"]:
            entry["annotations"] = dict(annotations)

    return change


def also_attested(document: Document) -> None:
    said = {"vnd.docker.reference.type": "attestation-manifest"}
    entry = {"mediaType": OCI_MANIFEST, "digest": APP.digest, "size": 5, "annotations": said}
    document["manifests"].append(entry)


def twice(document: Document) -> None:
    (entry,) = document["manifests"]
    document["manifests"].append({**entry, "annotations": {REF_NAME: "2"}})


GZIP_NAMED = b"\x1f\x8b\x08\x18" + bytes(6) + b"name\0comment\0"
GZIP_EXTRA = b"\x1f\x8b\x08\x04" + bytes(6) + b"\x04\0SG\0\0"
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
NULLS: Document = {"Volumes": None, "ExposedPorts": {"80/tcp": {}}, "Env": None, "Labels": None}
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
UNSHARED = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"

FORMS = {
    "docker save": Form("docker-archive", SAVED),
    "docker save, by name": Form("docker-archive", SAVED, "example/app:1"),
    "docker save, by its whole name": Form("docker-archive", SAVED, "docker.io/example/app:1"),
    "jib: keys in lower case": saved(
        lambda all_: [{key.lower(): value for key, value in one.items()} for one in all_]
    ),
    "no names": saved(lambda all_: all_[0].update(RepoTags=None)),
    "no key for names": saved(lambda all_: all_[0].pop("RepoTags") and None),
    "docker 1.10: a parent": saved(lambda all_: all_[0].update(Parent="sha256:00")),
    "docker 25: sources of layers": saved(lambda all_: all_[0].update(LayerSources={"a": {}})),
    "one image under two names": saved(lambda all_: [*all_, {**all_[0], "RepoTags": ["b:2"]}]),
    "an image without layers": replace(
        Form("docker-archive", docker_archive_files({"empty:1": EMPTY})), outcome=FAILS
    ),
    "an image whose layers are null": replace(
        saved(lambda all_: all_[0].update(Layers=None), docker_archive_files({"empty:1": EMPTY})),
        outcome=FAILS,
    ),
    "an image that says nothing of layers": replace(
        saved(
            lambda all_: [{key: all_[0][key] for key in ("Config", "RepoTags")}],
            docker_archive_files({"empty:1": EMPTY}),
        ),
        outcome=FAILS,
    ),
    "a config without a root": replace(
        configured(lambda one: one.update(rootfs=None), docker_archive_files({"empty:1": EMPTY})),
        outcome=FAILS,
    ),
    "a history with empty layers": configured(
        lambda one: one.update(history=[{"empty_layer": True}, {"created_by": "COPY"}])
    ),
    "a config of docker 1.9": configured(
        lambda one: one.update(container_config={"Entrypoint": ["/no"]}, id="x")
    ),
    "nulls in a config": configured(lambda one: one["config"].update(NULLS)),
    "an entrypoint that is text": replace(
        configured(lambda one: one["config"].update(Entrypoint="/app")), outcome=Outcome.UNKNOWN
    ),
    "crane: layers in gzip": packed(gzip.compress, ".gz"),
    "layers in zstd": packed(zstandard.compress, ".zst"),
    "ko: a config named by its digest": Form("docker-archive", renamed_config()),
    "docker 25": beside(),
    "docker 25: a list that is null": beside(index_json=b'{"manifests": null}'),
    "docker 25: no list": beside(index_json=b'{"schemaVersion": 2}'),
    "docker 25: an empty index": beside(index_json=b""),
    "docker 25: no index": Form("docker-archive", {**SAVED, "oci-layout": b"{}"}),
    "docker with containerd's store": Form("docker-archive", partly()),
    "an archive of a layout": Form("oci-archive", layout_files({"1": APP})),
    "an archive of a layout without its mark": Form(
        "oci-archive",
        {name: data for name, data in layout_files({"1": APP}).items() if name != "oci-layout"},
    ),
    "a layout": layout(APP),
    "a layout of two": Form("oci", layout_files({"1": APP, "2": OTHER}), "1"),
    "an index": layout(BOTH),
    "docker's types": layout(image([LAYER], entrypoint=["/app"], flavour="docker")),
    "docker's list": layout(index([APP], flavour="docker")),
    "an index in an index": layout(index([BOTH])),
    "three of them": layout(index([index([BOTH])])),
    "config and layers by sha512": layout(by_sha512(APP)),
    "by the digest of the index": layout(BOTH, BOTH.digest),
    "by the digest of one platform": layout(BOTH, APP.digest),
    "buildkit: an attestation": layout(index([APP, ATTESTATION])),
    "entries without a type": listed(lambda entry: entry.pop("mediaType")),
    "entries without a size": listed(lambda entry: entry.update(size=0)),
    "entries with more": listed(lambda entry: entry.update(urls=[], data="e30=", artifactType="")),
    "containerd's name": listed(
        lambda entry: entry["annotations"].update({"io.containerd.image.name": "example/app:7"}),
        name="example/app:7",
    ),
    "one digest under two names": Form(
        "oci", changed(layout_files({"1": APP}), "index.json", twice)
    ),
    "an index without its version": Form(
        "oci",
        changed(
            layout_files({"1": APP}), "index.json", lambda one: one.pop("schemaVersion") and None
        ),
    ),
    "an index with more": Form(
        "oci",
        changed(layout_files({"1": APP}), "index.json", lambda one: one.update(subject=None)),
    ),
    "apko: an index of platforms": flat(BOTH),
    "an index of one platform": flat(index([APP])),
    "an index of platforms and attestations": flat(index([APP, ATTESTATION])),
    "an attestation that says no platform": flat(BOTH, also_attested),
    "an index of platforms with annotations": flat(BOTH, annotate({"created": "now"})),
    "an index of platforms under one name": flat(BOTH, annotate({REF_NAME: "latest"})),
    "an index of platforms, by that name": flat(BOTH, annotate({REF_NAME: "latest"}), "latest"),
    "x86_64": offered(os="linux", architecture="x86_64"),
    "a platform in upper case": offered(os="Linux", architecture="AMD64"),
    "a platform without a system": offered(architecture="amd64"),
    "a platform that is empty": offered(os="", architecture=""),
    "amd64 v1": offered(os="linux", architecture="amd64", variant="v1"),
    "386 for amd64": replace(offered(os="linux", architecture="386"), outcome=STARTS),
    "another system": replace(offered(os="windows", architecture="amd64"), outcome=FAILS),
    "a config without a platform": with_config(os="", architecture=""),
    "a config in upper case": with_config(os="Linux", architecture="AMD64"),
    "a config with more": with_config(author="x", history=None, moby={"buildkit.cache": 1}),
    "a config in lower case": started(entrypoint=["/app"], cmd=None, env=["PATH=/"]),
    "variables that are none": started(Entrypoint=["/app"], Env=["A", "B=", "=C", "PATH=/bin"]),
    "no entrypoint, but a command": started(Entrypoint=None, Cmd=["/app"]),
    "an empty entrypoint, and a command": started(Entrypoint=[], Cmd=["/app"]),
    "a user and a group": started(Entrypoint=["/app"], User="0:0"),
    "a folder to work in": started(Entrypoint=["./app"], WorkingDir="/"),
    "a folder that is made": started(Entrypoint=["/app"], WorkingDir="srv/data"),
    "a manifest without its type": with_manifest(lambda one: one.pop("mediaType")),
    "a manifest with nulls": with_manifest(lambda one: one.update(annotations=None, subject=None)),
    "a manifest with a type of artifact": with_manifest(lambda one: one.update(artifactType="x/y")),
    "a manifest with a subject": with_manifest(
        lambda one: one.update(subject={"digest": OTHER.digest, "size": 1})
    ),
    "a layer in plain": with_layer(OCI_LAYER, LAYER),
    "a layer in two members of gzip": with_layer(
        f"{OCI_LAYER}+gzip", gzip.compress(LAYER[:700]) + gzip.compress(LAYER[700:])
    ),
    "a layer in two frames of zstd": with_layer(
        f"{OCI_LAYER}+zstd", zstandard.compress(LAYER[:700]) + zstandard.compress(LAYER[700:])
    ),
    "zstd with a frame to skip": with_layer(
        f"{OCI_LAYER}+zstd", SKIPPABLE + zstandard.compress(LAYER)
    ),
    "gzip that is zstd": with_layer(f"{OCI_LAYER}+gzip", zstandard.compress(LAYER)),
    "gzip that is plain": with_layer(f"{OCI_LAYER}+gzip", LAYER),
    "plain that is gzip": with_layer(OCI_LAYER, gzip.compress(LAYER)),
    "gzip with a name": with_layer(
        f"{OCI_LAYER}+gzip", GZIP_NAMED + gzip.compress(LAYER, mtime=0)[10:]
    ),
    "gzip with a field of its own": with_layer(
        f"{OCI_LAYER}+gzip", GZIP_EXTRA + gzip.compress(LAYER, mtime=0)[10:]
    ),
    "gzip padded with zeros": with_layer(f"{OCI_LAYER}+gzip", gzip.compress(LAYER) + bytes(700)),
    "a foreign layer that is here": with_layer(FOREIGN, gzip.compress(LAYER)),
    "a layer not to be shared that is here": with_layer(UNSHARED, gzip.compress(LAYER)),
}


def written(form: Form, folder: Path) -> str:
    """The image as a command line names it."""
    place = folder / "image"
    if form.transport == "oci":
        for name, data in form.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    else:
        place.write_bytes(archive_of(form.files))
    return f"{form.transport}:{place}" + (f":{form.name}" if form.name else "")


@pytest.mark.parametrize("name", FORMS)
def test_what_nodes_take_is_taken(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    where = written(form, tmp_path)

    async def run() -> None:
        async with scanner(Reading(store=None)) as scanning:
            told = await scanning.linkage(where, AMD64)
        assert told.outcome is form.outcome, told.prediction.findings

    asyncio.run(run())


def test_a_foreign_layer_that_is_elsewhere_is_told(tmp_path: Path) -> None:
    files = dict(FORMS["a foreign layer that is here"].files)
    (layer,) = (name for name, data in files.items() if data.startswith(b"\x1f\x8b"))
    del files[layer]
    where = written(Form("oci", files), tmp_path)

    async def run() -> None:
        async with scanner(Reading(store=None)) as scanning:
            told = await scanning.linkage(where, AMD64)
        assert "kept elsewhere (a foreign layer)" in told.prediction.findings[0].message
        assert told.outcome is Outcome.UNKNOWN

    asyncio.run(run())
