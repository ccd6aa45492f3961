"""What is particular to layouts and archives."""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import archive as archive_module
from elfgate.images.archive import Archive
from elfgate.images.docker_archive import open_docker_archive
from elfgate.images.layout import Folder, Layout
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.source import Descriptor, Limits, Source
from support.elf_file import elf_file
from support.oci import (
    Blob,
    archive_of,
    compressed,
    docker_archive_files,
    image,
    index,
    layout_files,
    sha256,
    write_docker_archive,
    write_layout,
)
from support.tarball import program, tarball

BASE = tarball({"bin/sh": program(elf_file("amd64"))})
APP, OTHER = image([BASE]), image([BASE, tarball({"x": "y"})], platform="linux/s390x")


def layout(path: Path) -> Layout:
    return Layout(Folder(str(path)), Limits())


def manifest(source: Source, name: str) -> Manifest:
    descriptor = source.resolve(name)
    read = read_document(source.document(descriptor), descriptor, limits=Limits())
    assert isinstance(read, Manifest)
    return read


# --- layouts


def test_the_only_image_of_a_layout_needs_no_name(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": APP})
    assert layout(tmp_path).resolve("").digest == APP.digest


def test_an_image_may_be_named_by_its_place(tmp_path: Path) -> None:
    """As skopeo and podman have it: ``oci:DIR:@1``, ``docker-archive:FILE:@1``."""
    write_layout(tmp_path, {"1.0": APP, "2.0": OTHER})
    assert layout(tmp_path).resolve("@1").digest == OTHER.digest
    write_docker_archive(tmp_path / "a.tar", {"a:1": APP, "b:1": OTHER})
    archive = open_docker_archive(str(tmp_path / "a.tar"), Limits())
    assert archive.resolve("@1") == archive.resolve("b:1")
    for source in (layout(tmp_path), archive):
        with pytest.raises(UnreadableError, match=r"has no image @2: it has 2, counted from @0"):
            source.resolve("@2")


def test_of_several_images_one_must_be_named(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": APP, "2.0": OTHER})
    with pytest.raises(
        UnreadableError, match=r"has several images, and none was named: name one of 1\.0, 2\.0"
    ):
        layout(tmp_path).resolve("")


def test_an_image_under_two_names_is_one_image(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": APP, "latest": APP})
    assert layout(tmp_path).resolve("").digest == APP.digest


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": APP})
    with pytest.raises(UnreadableError, match=r"has no image named '3\.0': name one of 1\.0"):
        layout(tmp_path).resolve("3.0")


def test_a_name_is_known_however_it_is_spelt(tmp_path: Path) -> None:
    write_layout(tmp_path, {"docker.io/example/app:1.0": APP})
    for name in ("1.0", "example/app:1.0", "docker.io/example/app:1.0"):
        assert layout(tmp_path).resolve(name).digest == APP.digest


def test_a_layout_of_one_entry_a_platform_is_itself_the_image(tmp_path: Path) -> None:
    both = index([APP, OTHER])
    write_layout(tmp_path, {"": both})
    (tmp_path / "index.json").write_bytes(both.data)
    source = layout(tmp_path)
    top = source.resolve("")
    assert top.digest == both.digest
    assert source.document(top) == both.data


def test_a_digest_finds_what_the_top_index_does_not_name(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": index([APP, OTHER])})
    assert len(manifest(layout(tmp_path), OTHER.digest).layers) == 2
    with pytest.raises(UnreadableError, match="is missing"):
        layout(tmp_path).resolve("sha256:" + "0" * 64)


def test_an_empty_layout_has_no_image(tmp_path: Path) -> None:
    write_layout(tmp_path, {})
    with pytest.raises(UnreadableError, match="has no image") as raised:
        layout(tmp_path).resolve("")
    assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


def test_a_folder_without_an_index_is_no_layout(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"is no OCI layout: it has no index\.json"):
        layout(tmp_path).resolve("")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", APP.data, b" " * (5 << 20)])
def test_an_index_that_is_none_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(UnreadableError) as raised:
        layout(tmp_path).resolve("1.0")
    assert raised.value.reason in {UnknownReason.IMAGE_INVALID, UnknownReason.LIMIT_EXCEEDED}


def test_a_digest_cannot_climb_out_of_a_layout(tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", {"1.0": APP})
    (tmp_path / "secret").write_text("{}")
    for digest in ("sha256:../../../secret", "../../secret:x", "sha256:" + "/" * 64):
        with pytest.raises(UnreadableError, match="is not a sha256"):
            layout(tmp_path / "layout").document(Descriptor("x", digest))


def test_blobs_may_be_symlinks_but_not_fifos(tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", {"1.0": APP})
    blob = tmp_path / "layout/blobs" / APP.digest.replace(":", "/")
    blob.rename(tmp_path / "shared")
    blob.symlink_to(tmp_path / "shared")
    assert manifest(layout(tmp_path / "layout"), "1.0").layers
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(UnreadableError, match="is missing"):
        manifest(layout(tmp_path / "layout"), "1.0")


# --- archives


def test_an_archive_that_is_missing_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="does not exist") as raised:
        Archive(str(tmp_path / "app.tar"), Limits())
    assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no tar" * 500,
        b"\x1f\x8b\x08" + b"x" * 500,
        gzip.compress(b"no tar" * 500, mtime=0),
        gzip.compress(archive_of(layout_files({"1.0": APP})), mtime=0)[:-200],
    ],
    ids=["empty", "no tar", "no gzip", "no tar in gzip", "cut gzip"],
)
def test_what_is_no_archive_is_invalid_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "app.tar").write_bytes(content)
    with pytest.raises(UnreadableError, match="not a sound tar archive") as raised:
        Archive(str(tmp_path / "app.tar"), Limits())
    assert raised.value.reason is UnknownReason.IMAGE_INVALID
    assert "\n" not in str(raised.value)


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="cannot be read"):
        Archive(str(tmp_path), Limits())


def test_an_archive_cut_within_a_blob_is_unreadable(tmp_path: Path) -> None:
    files = {"oci-layout": b"{}", "index.json": layout_files({"1.0": APP})["index.json"]}
    blob = f"blobs/{APP.digest.replace(':', '/')}"
    whole = archive_of({**files, blob: APP.data + b" " * 3000})
    (tmp_path / "app.tar").write_bytes(whole.rstrip(b"\0")[:-2900])
    with pytest.raises(UnreadableError) as raised:
        manifest(Layout(Archive(str(tmp_path / "app.tar"), Limits()), Limits()), "1.0")
    assert raised.value.reason is UnknownReason.IMAGE_INVALID


def test_a_compressed_archive_unpacks_within_its_limit(tmp_path: Path) -> None:
    (tmp_path / "app.tar").write_bytes(compressed(archive_of({"zeros": bytes(4 << 20)}), "gzip"))
    with pytest.raises(UnreadableError) as raised:
        Archive(str(tmp_path / "app.tar"), Limits(layer_bytes=1 << 20))
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_an_archive_of_too_many_members_exceeds_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "_MOST_MEMBERS", 10)
    (tmp_path / "app.tar").write_bytes(archive_of({str(number): b"" for number in range(11)}))
    with pytest.raises(UnreadableError, match="more than 10 members"):
        Archive(str(tmp_path / "app.tar"), Limits())


# --- docker save


def test_an_archive_of_docker_save_finds_images_by_name(tmp_path: Path) -> None:
    write_docker_archive(tmp_path / "app.tar", {"example/app:1.0": APP, "quay.io/x/other:2": OTHER})
    source = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    for name in ("example/app:1.0", "docker.io/example/app:1.0", "1.0"):
        assert len(manifest(source, name).layers) == 1
    assert len(manifest(source, "quay.io/x/other:2").layers) == 2
    with pytest.raises(
        UnreadableError, match=r"several images: it has example/app:1\.0, quay\.io/x/other:2"
    ):
        source.resolve("")


def test_layers_that_images_share_may_be_links(tmp_path: Path) -> None:
    files = docker_archive_files({"a:1": APP})
    layer = next(path for path in files if path.endswith("layer.tar"))
    files["manifest.json"] = files["manifest.json"].replace(layer.encode(), b"twin/layer.tar")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in {
            **files,
            "manifest.json": files["manifest.json"].replace(layer.encode(), b"twin/layer.tar"),
        }.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        twin = tarfile.TarInfo("twin/layer.tar")
        twin.type, twin.linkname = tarfile.SYMTYPE, f"../{layer}"
        archive.addfile(twin)
    (tmp_path / "app.tar").write_bytes(stream.getvalue())
    source = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    (descriptor,) = manifest(source, "a:1").layers
    assert set(source.layer(descriptor).entries("/bin")) == {"sh"}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        loop = tarfile.TarInfo("manifest.json")
        loop.type, loop.linkname = tarfile.SYMTYPE, "manifest.json"
        archive.addfile(loop)
    (tmp_path / "app.tar").write_bytes(stream.getvalue())
    with pytest.raises(UnreadableError, match=r"has no manifest\.json"):
        open_docker_archive(str(tmp_path / "app.tar"), Limits())


def test_layers_that_are_stored_compressed_are_read(tmp_path: Path) -> None:
    files = docker_archive_files({"a:1": APP})
    layer = next(path for path in files if path.endswith("layer.tar"))
    files[layer] = compressed(files[layer], "gzip")
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    source = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    (descriptor,) = manifest(source, "").layers
    assert descriptor.digest == sha256(files[layer])
    assert set(source.layer(descriptor).entries("/bin")) == {"sh"}


@pytest.mark.parametrize(
    "listing",
    [
        {},
        [1],
        [{"Config": "x"}],
        [{"Config": "missing.json", "Layers": []}],
        [{"Config": "../../etc/passwd", "Layers": []}],
    ],
)
def test_a_listing_that_is_none_is_unreadable_in_one_line(tmp_path: Path, listing: object) -> None:
    (tmp_path / "app.tar").write_bytes(archive_of({"manifest.json": json.dumps(listing).encode()}))
    with pytest.raises(UnreadableError) as raised:
        open_docker_archive(str(tmp_path / "app.tar"), Limits()).resolve("")
    assert "\n" not in str(raised.value)


def test_an_archive_without_images_says_so(tmp_path: Path) -> None:
    (tmp_path / "app.tar").write_bytes(archive_of({"manifest.json": b"[]"}))
    with pytest.raises(UnreadableError, match="has no image: it has no image at all"):
        open_docker_archive(str(tmp_path / "app.tar"), Limits()).resolve("")


def test_a_layer_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    files = docker_archive_files({"a:1": APP})
    (gone,) = [name for name in files if name.endswith("layer.tar")][:1]
    del files[gone]
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    with pytest.raises(UnreadableError) as raised:
        open_docker_archive(str(tmp_path / "app.tar"), Limits()).resolve("")
    assert raised.value.message == f"{tmp_path / 'app.tar'} has no {gone}"
    assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


@pytest.mark.parametrize(
    "broken",
    [
        {"Config": "gone.json", "RepoTags": ["b:1"], "Layers": []},
        {"Config": "gone.json", "RepoTags": None},
    ],
)
def test_an_image_that_cannot_be_read_spoils_no_other(
    broken: dict[str, object], tmp_path: Path
) -> None:
    files = docker_archive_files({"a:1": APP})
    listing = [broken, *json.loads(files["manifest.json"])]
    files["manifest.json"] = json.dumps(listing).encode()
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    archive = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    assert archive.resolve("a:1") == archive.resolve("@1")
    for name in ("@0", *(broken["RepoTags"] or ())):  # type: ignore[misc]
        with pytest.raises(UnreadableError, match=r"has no gone\.json"):
            archive.resolve(name)
    with pytest.raises(UnreadableError, match="has several images"):
        archive.resolve("")


def test_a_null_among_names_is_none(tmp_path: Path) -> None:
    files = docker_archive_files({"a:1": APP})
    files["manifest.json"] = files["manifest.json"].replace(b'["a:1"]', b'[null, "a:1"]')
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    archive = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    assert archive.resolve("a:1") == archive.resolve("")


def test_layers_and_diff_ids_must_match_in_number(tmp_path: Path) -> None:
    wrong = image([BASE], config={"rootfs": {"type": "layers", "diff_ids": []}})
    write_docker_archive(tmp_path / "app.tar", {"a:1": wrong})
    with pytest.raises(UnreadableError, match=r"names 0 layers, manifest\.json 1"):
        open_docker_archive(str(tmp_path / "app.tar"), Limits()).resolve("")


def test_a_newer_archive_of_docker_save_has_every_platform(tmp_path: Path) -> None:
    both = index([APP, OTHER])
    files = docker_archive_files({"a:1": APP}) | layout_files({"docker.io/library/a:1": both})
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    assert (
        open_docker_archive(str(tmp_path / "app.tar"), Limits()).resolve("a:1").digest
        == both.digest
    )


def test_a_newer_archive_of_docker_save_counts_images_as_skopeo_does(tmp_path: Path) -> None:
    files = layout_files({"docker.io/library/a:1": APP, "docker.io/library/b:1": OTHER})
    files |= docker_archive_files({"b:1": OTHER, "a:1": APP})
    (tmp_path / "app.tar").write_bytes(archive_of(files))
    archive = open_docker_archive(str(tmp_path / "app.tar"), Limits())
    assert [archive.resolve(place).digest for place in ("@0", "@1")] == [OTHER.digest, APP.digest]
    with pytest.raises(UnreadableError, match="has no image @2: it has 2, counted from @0"):
        archive.resolve("@2")


def test_a_blob_of_another_kind_is_no_manifest(tmp_path: Path) -> None:
    write_layout(tmp_path, {"1.0": Blob("application/vnd.oci.image.manifest.v1+json", b"\x89PNG")})
    with pytest.raises(UnreadableError, match="is not JSON"):
        manifest(layout(tmp_path), "1.0")
