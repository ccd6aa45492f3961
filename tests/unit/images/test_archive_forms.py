"""Archives as tools really write them: every form in which one image is the same image."""

import bz2
import gzip
import io
import json
import lzma
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import zstandard

from elfgate.errors import InputError, UnreadableError
from elfgate.images.archive import Archive
from elfgate.images.docker_archive import open_docker_archive
from elfgate.images.layout import Layout
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.reference import Location, pulled_name
from elfgate.images.source import Limits, Source
from support.elf_file import elf_file
from support.oci import archive_of, docker_archive_files, image, layout_files
from support.tarball import program, tarball

APP = image([tarball({"bin/app": program(elf_file("amd64"))})], entrypoint=["/bin/app"])
SAVED = docker_archive_files({"example/app:1": APP})


def written(path: Path, files: Mapping[str, bytes]) -> str:
    path.write_bytes(archive_of(files))
    return str(path)


def names(source: Source) -> list[str]:
    """The names in /bin of the source's only image."""
    descriptor = source.resolve("")
    manifest = read_document(source.document(descriptor), descriptor, limits=Limits())
    assert isinstance(manifest, Manifest)
    return list(source.layer(manifest.layers[0]).entries("/bin"))


def saved(path: Path, files: Mapping[str, bytes]) -> list[str]:
    return names(open_docker_archive(written(path, files), Limits()))


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress]
)
def test_a_compressed_archive_is_unpacked(pack: "object", tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / "app").write_bytes(pack(archive_of(SAVED)))
    assert names(open_docker_archive(str(tmp_path / "app"), Limits())) == ["app"]


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_compressed_streams_follow_one_another(pack: "object", tmp_path: Path) -> None:
    assert callable(pack)
    whole = archive_of(SAVED)
    (tmp_path / "app").write_bytes(pack(whole[:700]) + pack(whole[700:]))
    assert names(open_docker_archive(str(tmp_path / "app"), Limits())) == ["app"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_archive_cut_short_is_not_sound(pack: "object", tmp_path: Path) -> None:
    assert callable(pack)
    (tmp_path / "app").write_bytes(pack(archive_of(SAVED))[:-20])
    with pytest.raises(UnreadableError, match="is not a sound tar archive"):
        Archive(str(tmp_path / "app"), Limits())


@pytest.mark.parametrize("prefix", ["./", "/", "././"])
def test_paths_are_the_same_however_they_are_written(prefix: str, tmp_path: Path) -> None:
    (entry,) = json.loads(SAVED["manifest.json"])
    listed = {
        **entry,
        "Config": prefix + entry["Config"],
        "Layers": [prefix + path for path in entry["Layers"]],
    }
    assert saved(tmp_path / "a", {**SAVED, "manifest.json": json.dumps([listed]).encode()}) == [
        "app"
    ]
    assert saved(tmp_path / "b", {prefix + path: data for path, data in SAVED.items()}) == ["app"]


def test_keys_match_whatever_their_case(tmp_path: Path) -> None:
    (entry,) = json.loads(SAVED["manifest.json"])
    for turned in (str.lower, str.upper):
        listed = [{turned(key): value for key, value in entry.items()}]
        files = {**SAVED, "manifest.json": json.dumps(listed).encode()}
        assert saved(tmp_path / "app.tar", files) == ["app"]


def test_an_index_without_images_leaves_it_to_the_manifest(tmp_path: Path) -> None:
    index = b'{"schemaVersion": 2, "manifests": null}'
    files = {**SAVED, "oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index}
    assert saved(tmp_path / "app.tar", files) == ["app"]


def test_a_layer_below_a_linked_folder_is_found(tmp_path: Path) -> None:
    (entry,) = json.loads(SAVED["manifest.json"])
    (layer,) = entry["Layers"]
    listed = json.dumps([{**entry, "Layers": ["there/layer.tar"]}]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in {
            **SAVED,
            "manifest.json": listed,
            "real/layer.tar": SAVED[layer],
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("there")
        link.type, link.linkname = tarfile.SYMTYPE, "./real"
        archive.addfile(link)
    (tmp_path / "app.tar").write_bytes(buffer.getvalue())
    assert names(open_docker_archive(str(tmp_path / "app.tar"), Limits())) == ["app"]


def test_links_that_lead_in_circles_lead_nowhere(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, target in {"a": "b/x", "b": "a/x", "c": "c"}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    (tmp_path / "x.tar").write_bytes(buffer.getvalue())
    opened = Archive(str(tmp_path / "x.tar"), Limits())
    for path in ("a", "b/c", "c", "c/d"):
        with pytest.raises(FileNotFoundError):
            opened.open(path)


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_a_sparse_member_has_its_holes(form: str, tmp_path: Path) -> None:
    parts = {0: b"begin", 1 << 20: b"middle", (3 << 20) - 3: b"end"}
    with (tmp_path / "sparse").open("wb") as file:
        for at, data in parts.items():
            file.seek(at)
            file.write(data)
    command = ["tar", f"--format={form}", "-cSf", "x.tar", "sparse"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "x.tar").stat().st_size < 1 << 20
    opened = Archive(str(tmp_path / "x.tar"), Limits())
    assert opened.open("sparse").read() == (tmp_path / "sparse").read_bytes()
    assert opened.size("sparse") == 3 << 20


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (layout_files({"1": APP}), "is an OCI image layout: write oci-archive:FILE"),
        ({"repositories": b"{}", "x/layer.tar": b""}, "Docker before 1.10"),
        ({"app/Chart.yaml": b"", "app/values.yaml": b""}, "Helm chart"),
        ({"bin/sh": b"", "etc/passwd": b""}, "root file system"),
        ({"manifest.json": b"{}", "version": b"", "abc": b""}, "skopeo"),
        ({"x": b""}, "has no manifest.json$"),
    ],
)
def test_words_for_what_is_no_docker_archive(
    files: Mapping[str, bytes], words: str, tmp_path: Path
) -> None:
    kept = {path: data for path, data in files.items() if path != "oci-layout"}
    if "version" in files:  # its manifest.json is one image's manifest
        with pytest.raises(UnreadableError, match=r"no OCI layout: it is a folder of skopeo"):
            Layout(Archive(written(tmp_path / "x", kept), Limits()), Limits()).resolve("")
        return
    with pytest.raises(UnreadableError, match=words):
        open_docker_archive(written(tmp_path / "x", kept), Limits())


@pytest.mark.parametrize(
    ("head", "words"),
    [(b"\x7fELF", "an ELF file"), (b"PK\3\4", "a zip archive"), (b"hsqs", "squashfs")],
)
def test_words_for_what_is_no_archive(head: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(head + bytes(1000))
    with pytest.raises(UnreadableError, match=words):
        Archive(str(tmp_path / "x"), Limits())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("docker://registry.example/app:1", "write registry.example/app:1"),
        ("docker-daemon:app:1", "docker save app:1 | elfgate scan docker-archive:-"),
        ("containers-storage:localhost/app", "podman save localhost/app | "),
    ],
)
def test_where_elfgate_does_not_read_there_is_a_way(text: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        Location.parse(text)
    assert hint in refused.value.hint


def test_in_a_pod_such_a_word_is_a_repository() -> None:
    assert pulled_name("docker-daemon:1") == "docker.io/library/docker-daemon:1"
    assert pulled_name("oci:app") == "docker.io/library/oci:app"
