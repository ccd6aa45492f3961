"""What every source of images does, whatever form the images are in."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.archive import Archive
from elfgate.images.docker_archive import open_docker_archive
from elfgate.images.layout import Folder, Layout
from elfgate.images.manifest import read_config
from elfgate.images.pull import Pulled, pull
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Limits, Source
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Found, Tree
from support.elf_file import elf_file
from support.oci import (
    Blob,
    archive_of,
    docker_archive_files,
    image,
    index,
    layout_files,
    write_docker_archive,
    write_layout,
    write_oci_archive,
)
from support.registry import Registry
from support.tarball import program, tarball, whiteout

Images = Mapping[str, Blob]
Serve = Callable[..., Source]

AMD64, PPC64LE = Platform("linux", "amd64"), Platform("linux", "ppc64le")
BASE = tarball(
    {"bin/sh": program(elf_file("amd64")), "lib/old.so": "old", "etc/os-release": "ID=alpine\n"}
)
TOP = tarball({"app/run": program("#!/bin/sh\nexec true\n"), whiteout("lib/old.so"): ""})
APP = image(
    [BASE, TOP],
    entrypoint=["/app/run"],
    cmd=["--serve"],
    env=["PATH=/bin", "A=b=c"],
    working_dir="/app",
)


def serve_layout(path: Path, images: Images, limits: Limits, _: ExitStack) -> Source:
    write_layout(path / "layout", images)
    return Layout(Folder(str(path / "layout")), limits)


def serve_oci_archive(path: Path, images: Images, limits: Limits, _: ExitStack) -> Source:
    write_oci_archive(path / "images.tar", images)
    return Layout(Archive(str(path / "images.tar"), limits), limits)


def serve_compressed_oci_archive(
    path: Path, images: Images, limits: Limits, _: ExitStack
) -> Source:
    write_oci_archive(path / "images.tar.gz", images, compression="gzip")
    return Layout(Archive(str(path / "images.tar.gz"), limits), limits)


def serve_docker_archive(path: Path, images: Images, limits: Limits, _: ExitStack) -> Source:
    write_docker_archive(
        path / "images.tar", {f"example/app:{tag}": blob for tag, blob in images.items()}
    )
    return open_docker_archive(str(path / "images.tar"), limits)


def serve_newer_docker_archive(path: Path, images: Images, limits: Limits, _: ExitStack) -> Source:
    named = {f"docker.io/example/app:{tag}": blob for tag, blob in images.items()}
    single = {name: blob for name, blob in named.items() if blob.platform}
    (path / "images.tar").write_bytes(
        archive_of(docker_archive_files(single) | layout_files(named))
    )
    return open_docker_archive(str(path / "images.tar"), limits)


def serve_registry(
    path: Path, images: Images, limits: Limits, stack: ExitStack, auth: str = ""
) -> Source:
    registry = stack.enter_context(Registry({"example/app": images}, auth=auth))
    registries = Registries(limits=limits)
    stack.callback(registries.close)
    return registries.repository(Reference.parse(registry.reference("example/app")))


def serve_registry_with_tokens(
    path: Path, images: Images, limits: Limits, stack: ExitStack
) -> Source:
    return serve_registry(path, images, limits, stack, auth="bearer")


KINDS = [
    serve_layout,
    serve_oci_archive,
    serve_compressed_oci_archive,
    serve_docker_archive,
    serve_newer_docker_archive,
    serve_registry,
    serve_registry_with_tokens,
]
WITH_INDEXES = [kind for kind in KINDS if kind is not serve_docker_archive]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__.removeprefix("serve_"))
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda images, limits=None: request.param(tmp_path, images, limits or Limits(), stack)


def pulled(source: Source, platform: Platform, name: str = "1.0") -> Pulled:
    found = pull(source.resolve(name), platform, source.document, Limits())
    assert found is not None
    return found


def tree(source: Source, found: Pulled) -> Tree:
    return Tree([source.layer(layer) for layer in found.manifest.layers])


def test_an_image_is_found_by_its_tag_and_read_to_its_files(serve: Serve) -> None:
    source = serve({"1.0": APP})
    found = pulled(source, AMD64)
    assert set(tree(source, found).listdir("/app")) == {"run"}
    assert set(tree(source, found).listdir("/lib")) == set()
    sh = tree(source, found).lookup("/bin/sh")
    assert isinstance(sh, Found)
    facts = tree(source, found).facts(sh)
    assert facts is not None
    assert facts.machine == 62


def test_its_config_says_how_it_wants_to_be_started(serve: Serve) -> None:
    source = serve({"1.0": APP})
    config = pulled(source, AMD64).manifest.config
    defaults = read_config(source.document(config), config).defaults
    assert (defaults.entrypoint, defaults.cmd, defaults.working_dir) == (
        ("/app/run",),
        ("--serve",),
        "/app",
    )
    assert defaults.env == {"PATH": "/bin", "A": "b=c"}


def test_an_image_is_found_by_the_digest_that_its_tag_points_at(serve: Serve) -> None:
    source = serve({"1.0": APP, "2.0": image([BASE])})
    descriptor = source.resolve("1.0")
    assert source.resolve(descriptor.digest).digest == descriptor.digest


def test_an_unknown_name_is_not_found(serve: Serve) -> None:
    source = serve({"1.0": APP})
    for name in ("9.9", "sha256:" + "0" * 64):
        with pytest.raises(UnreadableError) as raised:
            source.resolve(name)
        assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


@pytest.mark.parametrize("compression", ["gzip", "zstd", "plain"])
@pytest.mark.parametrize("flavour", ["oci", "docker"])
def test_layers_are_read_however_they_are_compressed(
    serve: Serve, compression: str, flavour: str
) -> None:
    source = serve({"1.0": image([BASE, TOP], compression=compression, flavour=flavour)})
    assert set(tree(source, pulled(source, AMD64)).listdir("/bin")) == {"sh"}


def test_a_layer_that_is_missing_is_not_found(serve: Serve) -> None:
    source = serve({"1.0": APP})
    layer = pulled(source, AMD64).manifest.layers[0]
    missing = type(layer)(layer.media_type, "sha256:" + "0" * 64, layer.size)
    with pytest.raises(UnreadableError) as raised:
        source.layer(missing)
    assert raised.value.reason is UnknownReason.IMAGE_NOT_FOUND


def test_a_layer_that_is_not_what_its_digest_says_is_invalid(serve: Serve) -> None:
    lie = Blob("application/vnd.oci.image.layer.v1.tar", TOP, claims="sha256:" + "1" * 64)
    source = serve(
        {"1.0": image([lie], config={"rootfs": {"type": "layers", "diff_ids": [lie.digest]}})}
    )
    with pytest.raises(UnreadableError, match=r"111111111111.*does not match its digest") as raised:
        tree(source, pulled(source, AMD64))
    assert raised.value.reason is UnknownReason.IMAGE_INVALID


def test_a_layer_that_is_no_tar_is_invalid(serve: Serve) -> None:
    source = serve({"1.0": image([b"not a tar" * 1000], compression="plain")})
    with pytest.raises(UnreadableError, match="not a sound tar") as raised:
        tree(source, pulled(source, AMD64))
    assert raised.value.reason is UnknownReason.IMAGE_INVALID


def test_a_path_that_climbs_stays_within_the_root(serve: Serve) -> None:
    source = serve({"1.0": image([archive_of({"../../etc/passwd": b"root::0:0"})])})
    assert list(tree(source, pulled(source, AMD64)).listdir("/etc")) == ["passwd"]


def test_a_layer_of_too_many_entries_exceeds_the_limit(serve: Serve) -> None:
    source = serve(
        {"1.0": image([tarball({f"f{number}": "" for number in range(50)})])},
        Limits(layer_entries=20),
    )
    with pytest.raises(UnreadableError) as raised:
        tree(source, pulled(source, AMD64))
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_layer_that_unpacks_to_too_much_exceeds_the_limit(serve: Serve) -> None:
    source = serve(
        {"1.0": image([archive_of({"zeros": bytes(3_000_000)})])}, Limits(layer_bytes=2_000_000)
    )
    with pytest.raises(UnreadableError) as raised:
        tree(source, pulled(source, AMD64))
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


def test_a_config_that_is_too_large_exceeds_the_limit(serve: Serve) -> None:
    with pytest.raises(UnreadableError) as raised:  # noqa: PT012 - some sources read it when they are opened
        source = serve(
            {"1.0": image([BASE], env=["A=" + "x" * 20_000])}, Limits(manifest_bytes=10_000)
        )
        source.document(pulled(source, AMD64).manifest.config)
    assert raised.value.reason is UnknownReason.LIMIT_EXCEEDED


@pytest.mark.parametrize("serve", WITH_INDEXES, indirect=True)
def test_a_node_pulls_the_entry_of_its_platform(serve: Serve) -> None:
    ours, other = (
        image([BASE], platform="linux/ppc64le"),
        image([BASE, TOP], platform="linux/amd64"),
    )
    source = serve({"1.0": index([other, ours])})
    assert pulled(source, PPC64LE).descriptor.digest == ours.digest
    assert (
        pull(source.resolve("1.0"), Platform("linux", "s390x"), source.document, Limits()) is None
    )


@pytest.mark.parametrize("serve", WITH_INDEXES, indirect=True)
def test_indexes_may_nest(serve: Serve) -> None:
    ours = image([BASE], platform="linux/ppc64le")
    source = serve({"1.0": index([index([ours], flavour="docker")])})
    assert pulled(source, PPC64LE).descriptor.digest == ours.digest


@pytest.mark.parametrize("serve", WITH_INDEXES, indirect=True)
def test_a_document_that_is_not_what_its_digest_says_is_invalid(serve: Serve) -> None:
    lie = Blob(
        APP.media_type,
        APP.data + b" ",
        APP.children,
        {"os": "linux", "architecture": "amd64"},
        claims=APP.digest,
    )
    source = serve({"1.0": index([lie])})
    with pytest.raises(UnreadableError) as raised:
        pulled(source, AMD64)
    assert raised.value.reason is UnknownReason.IMAGE_INVALID


def test_many_threads_may_read_at_once(serve: Serve) -> None:
    source = serve({"1.0": APP})
    layers = pulled(source, AMD64).manifest.layers

    def read(number: int) -> Layer:
        return source.layer(layers[number % 2])

    with ThreadPoolExecutor(8) as pool:
        indexes = {layer.encode() for layer in pool.map(read, range(16))}
    assert len(indexes) == 2


def test_no_file_is_left_open(serve: Serve) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to count open files")
    source = serve({"1.0": APP})
    tree(source, pulled(source, AMD64))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        tree(source, pulled(source, AMD64))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
