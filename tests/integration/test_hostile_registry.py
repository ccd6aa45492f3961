"""A registry that means ill, case by case: what it cannot do to the asker, to the store, and to another image.

Each case serves a bad image beside a good one. Both are asked for at once, as two pods would; the bad one must end as
an unknown with its reason (or, where it only looks odd, be judged right), the good one must be judged as ever, and of
the bad one's layers nothing may be kept.
"""

import asyncio
import ssl
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
import zstandard

from elfgate.errors import UnknownReason
from elfgate.images.auth import Credential
from elfgate.images.docker_config import DockerConfig
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions
from elfgate.images.source import Limits
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan.asker import ANYBODY, Asker
from elfgate.scan.local import LocalPredictor
from elfgate.scan.reader import Located, Reader
from elfgate.scan.scanner import Linkage, Scanner
from elfgate.store.protocol import Kind
from elfgate.store.sqlite import SqliteStore
from support.asking import descriptor, refused
from support.elf_file import elf_file
from support.oci import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Blob, image, json_blob, manifest_of
from support.registry import Answer, Registry
from support.tarball import Item, directory, fifo, hardlink, link, program, tarball

AMD64 = Platform("linux", "amd64")
APP = program(elf_file(type=2))
GOOD = image([tarball({"app": APP, "good": "x"})], entrypoint=["/app"])
PATH = "/v2/example/bad"
LIMITS = Limits(layer_entries=10_000, seconds=2.0)
METADATA = "http://169.254.169.254/latest/meta-data/"

Trouble = Callable[[Registry, Blob], None]


@dataclass(frozen=True)
class Case:
    """A bad image, what its registry does besides, and what must come of it."""

    image: Blob
    reason: UnknownReason
    words: str
    trouble: Trouble = lambda *_: None


def of(*layers: bytes | Blob, command: str = "/app") -> Blob:
    return image(layers, entrypoint=[command])


ODD = of(tarball({"app": APP, "odd": "x"}))
ODD_LAYER = ODD.children[1]


def of_blob(data: bytes, kind: str) -> Blob:
    """An image of one layer, stored as these bytes."""
    config = json_blob(
        OCI_CONFIG, {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app"]}}
    )
    layer = Blob(f"{OCI_LAYER}+{kind}", data)
    return json_blob(OCI_MANIFEST, manifest_of(OCI_MANIFEST, config, [layer]), [config, layer])


def bomb(compressor: Any) -> bytes:
    """80 MiB of zeros in an archive, in some thousand bytes; never in memory as a whole."""
    info = tarfile.TarInfo("zeros")
    info.size = 80 << 20
    parts = [
        compressor.compress(info.tobuf()),
        *(compressor.compress(bytes(1 << 20)) for _ in range(80)),
    ]
    return b"".join([*parts, compressor.flush()])


def manifest(answer: Answer) -> Trouble:
    return lambda registry, bad: registry.answer(f"{PATH}/manifests/{bad.digest}", answer)


def tag(*answers: Answer) -> Trouble:
    return lambda registry, _: registry.answer(f"{PATH}/manifests/1.0", *answers)


def layer(answer: Callable[[Registry, Blob], Answer]) -> Trouble:
    def trouble(registry: Registry, bad: Blob) -> None:
        blob = bad.children[1]
        registry.answer(f"{PATH}/blobs/{blob.digest}", answer(registry, blob))

    return trouble


def spaces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * (1 << 20)


def silence(registry: Registry) -> Iterator[bytes]:
    registry.stopping.wait(30)
    yield b""


def lying(*, claims: str = "", claims_size: int | None = None) -> Blob:
    return of(Blob(f"{OCI_LAYER}+gzip", ODD_LAYER.data, claims=claims, claims_size=claims_size))


def token_service(url: str) -> Trouble:
    return tag(Answer(401, {"WWW-Authenticate": f'Bearer realm="{url}",service="x"'}))


INVALID, LIMIT, UNREACHABLE = (
    UnknownReason.IMAGE_INVALID,
    UnknownReason.LIMIT_EXCEEDED,
    UnknownReason.REGISTRY_UNREACHABLE,
)

CASES = {
    # what the bytes are
    "a layer with another digest": Case(
        lying(claims="sha256:" + "1" * 64), INVALID, "does not match its digest"
    ),
    "a layer longer than it should be": Case(
        lying(claims_size=10), INVALID, "longer than the 10 bytes"
    ),
    "a layer shorter than it should be": Case(lying(claims_size=10_000), INVALID, "of 10000 bytes"),
    "a manifest with another digest": Case(
        ODD,
        INVALID,
        "does not match its digest",
        manifest(Answer(headers={"Content-Type": OCI_MANIFEST}, body=ODD.data.replace(b"2", b"3"))),
    ),
    "a stream cut off before its length": Case(
        ODD,
        UNREACHABLE,
        "cannot be reached",
        layer(
            lambda _, blob: Answer(
                headers={"Content-Length": str(len(blob.data))}, body=blob.data[:50]
            )
        ),
    ),
    "a gzip stream cut off, with the right digest": Case(
        of_blob(ODD_LAYER.data[:-20], "gzip"), INVALID, "cannot be decompressed"
    ),
    "a zstd stream cut off, with the right digest": Case(
        of_blob(zstandard.compress(tarball({"app": APP}))[:-20], "zstd"), INVALID, "layer"
    ),
    "a tar cut off, with the right digest": Case(
        of(Blob(OCI_LAYER, tarball({"app": APP})[:600])), INVALID, "not a sound tar"
    ),
    "a layer that is no archive": Case(of(b"\xff" * 2048), INVALID, "not a sound tar"),
    "a gzip bomb": Case(
        of_blob(bomb(zlib.compressobj(1, wbits=31)), "gzip"), LIMIT, "200 times its packed size"
    ),
    "a zstd bomb": Case(
        of_blob(bomb(zstandard.ZstdCompressor().compressobj()), "zstd"),
        LIMIT,
        "200 times its packed size",
    ),
    # what the archive says
    "a layer of too many names": Case(
        of(tarball({f"d/{n}": "" for n in range(10_001)})), LIMIT, "more names"
    ),
    "a layer that is too deep": Case(
        of(tarball({"d/" * 300 + "x": "x"})), INVALID, "deeper than 256"
    ),
    "links that lead round": Case(
        of(tarball([("a", link("b")), ("b", link("a")), ("a/x", "x")])), INVALID, "symlinks"
    ),
    "links that grow for ever": Case(
        of(tarball([("a", link("a/x/..")), ("a/x", "x")])), INVALID, "symlinks"
    ),
    "a name through a file": Case(
        of(tarball([("a", "x"), ("a/../../a/passwd", "x")])), INVALID, "not a directory"
    ),
    "a hard link to a folder": Case(
        of(tarball({"etc/": directory(), "x": hardlink("../../etc")})), INVALID, "a directory"
    ),
    "a name that no file system takes": Case(
        of(tarball({"x" * 300: "x"})), INVALID, "no file system takes"
    ),
    # what the registry does
    "a manifest of 100 MB": Case(
        ODD, LIMIT, "larger than", tag(Answer(405), Answer(body=spaces(100)))
    ),
    "a redirect loop": Case(
        ODD,
        UNREACHABLE,
        "more than 10 times",
        manifest(Answer(307, {"Location": f"{PATH}/manifests/{ODD.digest}"})),
    ),
    "a redirect to a metadata service": Case(
        ODD, UNREACHABLE, "is not contacted", layer(lambda *_: Answer(307, {"Location": METADATA}))
    ),
    "a token service that is a metadata service": Case(
        ODD, UNREACHABLE, "is not contacted", token_service(METADATA)
    ),
    "a registry that hangs": Case(
        ODD,
        UNREACHABLE,
        "in time",
        lambda registry, bad: manifest(Answer(body=silence(registry)))(registry, bad),
    ),
    "a registry that drips": Case(
        ODD,
        UNREACHABLE,
        "in time",
        layer(lambda registry, blob: Answer(body=registry.drip(blob.data[:100], interval=0.2))),
    ),
    "a registry that answers 500": Case(ODD, UNREACHABLE, "answers 500", tag(Answer(500))),
    "a registry that answers 429": Case(
        ODD, UNREACHABLE, "429", tag(Answer(429, {"Retry-After": "0"}))
    ),
    "a registry that answers with a web page": Case(
        ODD,
        UNREACHABLE,
        "web page",
        tag(Answer(headers={"Content-Type": "text/html"}, body=b"<html>log in</html>")),
    ),
    "a web page for a layer": Case(
        ODD,
        INVALID,
        "layer",
        layer(lambda *_: Answer(headers={"Content-Type": "text/html"}, body=b"<html>")),
    ),
    "a manifest nested a hundred thousand deep": Case(
        Blob(OCI_MANIFEST, b'{"layers":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), INVALID, "JSON"
    ),
}


async def judged(registry: Registry, store: Path, *names: str) -> list[Linkage]:
    """What the scanner says of images of the registry, all asked for at once."""
    facts = SqliteStore(store)
    registries = Registries(
        options=RegistryOptions(read_seconds=0.5, document_seconds=2.0), limits=LIMITS
    )
    reader = Reader(store=facts, limits=LIMITS)

    def locate(image: str, asker: Asker = ANYBODY) -> Located:
        reference = Reference.parse(registry.reference(image))
        return Located(
            image, registries.repository(reference), reference.target, host=reference.registry
        )

    scanner = Scanner(locate=locate, reader=reader, predictor=LocalPredictor())
    try:
        return await asyncio.gather(*(scanner.linkage(name, AMD64) for name in names))
    finally:
        await scanner.close()
        registries.close()
        facts.close()


def kept_layers(path: Path) -> list[str]:
    store = SqliteStore(path)
    try:
        return [digest for digest, _ in store.facts(Kind.LAYER)]
    finally:
        store.close()


@pytest.mark.parametrize("what", CASES)
def test_it_ends_as_an_unknown_with_its_reason_and_touches_nothing_else(
    tmp_path: Path, what: str
) -> None:
    case = CASES[what]
    started = time.monotonic()
    with Registry({"example/bad": {"1.0": case.image}, "example/good": {"1.0": GOOD}}) as registry:
        case.trouble(registry, case.image)
        bad, good = asyncio.run(
            judged(registry, tmp_path / "facts.db", "example/bad:1.0", "example/good:1.0")
        )
    assert bad.outcome is Outcome.UNKNOWN
    [finding] = bad.prediction.findings
    assert finding.reason is case.reason
    assert case.words in finding.message
    assert "\n" not in finding.message
    assert good.outcome is Outcome.STARTS
    assert kept_layers(tmp_path / "facts.db") == [GOOD.children[1].digest]
    assert time.monotonic() - started < 20


# --- what only looks odd


def sparse(name: str) -> bytes:
    """A tar of a GNU sparse file (old format): eight bytes of a mebibyte are stored."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = tarfile.GNUTYPE_SPARSE, 512, 0o755
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0%011o\0" % (0, 512)
    block[483:495] = b"%011o\0" % (1 << 20)
    block[148:156] = b"%06o\0 " % (sum(block) - sum(block[148:156]) + 8 * 32)
    return bytes(block) + bytes(512)


def with_sparse(name: str) -> bytes:
    return sparse(name) + tarball({"app": APP} if name != "app" else {"other": APP})


LONG = "/".join(["a" * 200] * 4) + "/app"
LEGAL = {
    "device nodes and FIFOs": of(
        tarball({"dev/null": Item("device"), "dev/pipe": fifo(), "app": APP})
    ),
    "absolute names": of(tarball({"/app": APP})),
    "names with dots and slashes": of(tarball({".//./": directory(), "././/app": APP})),
    "a program behind forty links": of(
        tarball({"l0": APP, **{f"l{n}": link(f"l{n - 1}") for n in range(1, 40)}}), command="/l39"
    ),
    "links that loop, but not on the way": of(
        tarball({"app": APP, "a": link("b"), "b": link("a")})
    ),
    "long names of PAX": of(tarball({LONG: APP}, tarfile.PAX_FORMAT), command=f"/{LONG}"),
    "long names of GNU": of(tarball({LONG: APP}, tarfile.GNU_FORMAT), command=f"/{LONG}"),
    "a sparse file beside the program": of(with_sparse("hole")),
    "a hard link to the program": of(tarball({"bin/app": APP, "app": hardlink("bin/app")})),
}


@pytest.mark.parametrize("what", LEGAL)
def test_what_only_looks_odd_is_judged_right(tmp_path: Path, what: str) -> None:
    with Registry({"example/odd": {"1.0": LEGAL[what]}}) as registry:
        [odd] = asyncio.run(judged(registry, tmp_path / "facts.db", "example/odd:1.0"))
    assert odd.outcome is Outcome.STARTS


def test_a_program_that_is_a_sparse_file_is_an_unknown(tmp_path: Path) -> None:
    """Its bytes are not kept, so that nothing is said of it."""
    with Registry({"example/odd": {"1.0": of(with_sparse("app"))}}) as registry:
        [odd] = asyncio.run(judged(registry, tmp_path / "facts.db", "example/odd:1.0"))
    assert odd.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "links", [{"app": link("app")}, {f"l{n}": link(f"l{n + 1}") for n in range(41)} | {"l41": APP}]
)
def test_a_program_behind_links_that_the_kernel_gives_up_on_cannot_start(
    tmp_path: Path, links: dict[str, Item]
) -> None:
    bad = of(tarball(links), command=f"/{next(iter(links))}")
    with Registry({"example/odd": {"1.0": bad}}) as registry:
        [odd] = asyncio.run(judged(registry, tmp_path / "facts.db", "example/odd:1.0"))
    assert odd.outcome is Outcome.CANNOT_START


# --- with TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA) -> Registry:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return Registry({"example/bad": {"1.0": ODD}}, tls=context)


def trusting(authority: trustme.CA, registry: Registry, folder: Path) -> Registries:
    """Asks ``secure.example`` at the registry, as somebody who has a secret for it."""
    place = folder / "secure.example"
    place.mkdir()
    authority.cert_pem.write_to_path(str(place / "ca.pem"))
    (place / "hosts.toml").write_text(
        f'server = "https://localhost:{registry.port}"\nca = "ca.pem"\n'
    )
    credentials = DockerConfig({f"localhost:{registry.port}": Credential("user", "s3cret")})
    return Registries(credentials, options=RegistryOptions(config_path=(folder,)))


@pytest.mark.parametrize("how", ["manifest", "layer", "token"])
def test_a_registry_with_tls_may_not_send_its_clients_to_one_without(
    authority: trustme.CA, tmp_path: Path, how: str
) -> None:
    with secured(authority) as registry, Registry({"example/bad": {"1.0": ODD}}) as plain:
        bearer = f'Bearer realm="{plain.url}/token",service="x"'
        path, answer = {
            "manifest": (
                "manifests/1.0",
                Answer(307, {"Location": f"{plain.url}{PATH}/manifests/1.0"}),
            ),
            "layer": (f"blobs/{ODD_LAYER.digest}", Answer(307, {"Location": f"{plain.url}/"})),
            "token": ("manifests/1.0", Answer(401, {"WWW-Authenticate": bearer})),
        }[how]
        registry.answer(f"{PATH}/{path}", answer)
        registries = trusting(authority, registry, tmp_path)
        source = registries.repository(Reference.parse("secure.example/example/bad"))
        with refused(UNREACHABLE, "without TLS"):
            source.layer(descriptor(ODD_LAYER)) if how == "layer" else source.resolve("1.0")
        registries.close()
        assert registry.seen
        assert plain.seen == []


def test_over_tls_a_secret_goes_to_its_own_host_only(authority: trustme.CA, tmp_path: Path) -> None:
    with secured(authority) as registry, secured(authority) as store:
        path = f"{PATH}/blobs/{ODD_LAYER.digest}"
        challenge = Answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        registry.answer(
            path, challenge, Answer(307, {"Location": f"https://localhost:{store.port}{path}"})
        )
        registries = trusting(authority, registry, tmp_path)
        registries.repository(Reference.parse("secure.example/example/bad")).layer(
            descriptor(ODD_LAYER)
        )
        registries.close()
        assert registry.seen[-1].authorization.startswith("Basic ")
        assert [seen.authorization for seen in store.seen] == [""]
