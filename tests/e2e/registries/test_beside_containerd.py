"""containerd's own resolver and fetcher beside elfgate's, against one registry and each of its behaviours.

``pull/`` is a small Go program around containerd's ``core/remotes/docker``. docs/registries.md has the table of what
both make of each behaviour; it is held against what they do here.
"""

import gzip
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import zstandard

from elfgate.errors import UnreadableError
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Limits
from support.oci import Blob, by_sha512, image
from support.registry import Answer, Registry
from support.tarball import program, tarball

_PROGRAM = Path(__file__).parent / "pull"
_DOCUMENT = Path(__file__).parents[3] / "docs" / "registries.md"
_LAYER = tarball({"bin/app": program("#!/x\n"), "data": "x" * 400_000})
APP = image([_LAYER], compression="plain")
CONFIG, LAYER = APP.children
NAME = "example/app"
TAG = f"/v2/{NAME}/manifests/1.0"
MANIFEST = f"/v2/{NAME}/manifests/{APP.digest}"
BLOB = f"/v2/{NAME}/blobs/{LAYER.digest}"

Behaviour = Callable[[Registry], None]


def _whole(blob: Blob, status: int = 200, digests: str = "") -> Answer:
    claims = {"Docker-Content-Digest": digests} if digests else {}
    return Answer(status, {"Content-Type": blob.media_type, **claims}, blob.data)


def _once(status: int, path: str) -> Behaviour:
    blob = LAYER if path == BLOB else APP
    later = {"Retry-After": "0"}
    return lambda registry: registry.answer(path, Answer(status, later), _whole(blob))


def _head(status: int) -> Behaviour:
    return lambda registry: registry.answer(TAG, Answer(status), _whole(APP))


def _encoded(registry: Registry) -> None:
    headers = {"Content-Type": APP.media_type, "Content-Encoding": "gzip"}
    registry.answer(MANIFEST, Answer(200, headers, gzip.compress(APP.data)))


def _encoded_layer(registry: Registry) -> None:
    headers = {"Content-Type": LAYER.media_type, "Content-Encoding": "gzip"}
    encoded = Answer(200, headers, gzip.compress(LAYER.data))
    registry.answer(BLOB, encoded, encoded)


def _encoded_as(label: str, path: str, data: bytes) -> Behaviour:
    answer = Answer(200, {"Content-Type": APP.media_type, "Content-Encoding": label}, data)
    return lambda registry: registry.answer(path, answer)


def _too_long(registry: Registry) -> None:
    length = {"Content-Length": str(len(LAYER.data) + 100)}
    registry.answer(BLOB, Answer(200, length, [LAYER.data]), None)


def _resumed_without_place(registry: Registry) -> None:
    length = {"Content-Length": str(len(LAYER.data))}
    cut, rest = LAYER.data[:100_000], LAYER.data[100_000:]
    registry.answer(BLOB, Answer(200, length, cut), Answer(206, {}, rest))


def _limited(times: int) -> Behaviour:
    limits = [Answer(429, {"Retry-After": "0"})] * times
    return lambda registry: registry.answer(BLOB, *limits, None)


def _typed(media_type: str) -> Behaviour:
    headers = {"Content-Type": media_type, "Docker-Content-Digest": APP.digest}
    return lambda registry: registry.answer(TAG, Answer(200, headers, APP.data))


def _named_by_sha512(registry: Registry) -> None:
    registry.images = {NAME: {"1.0": by_sha512(APP)}}


def _cut(registry: Registry) -> None:
    length = {"Content-Length": str(len(LAYER.data))}
    registry.answer(BLOB, Answer(200, length, LAYER.data[:100_000]), None)


def _token(
    body: bytes, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> Behaviour:
    def grant(registry: Registry) -> None:
        registry.auth = "bearer"
        registry.tokens.add("Bearer t")
        registry.answer("/token", Answer(status, headers, body), Answer(200, {}, b'{"token": "t"}'))

    return grant


def _hops(count: int) -> Behaviour:
    def lead(registry: Registry) -> None:
        for number in range(1, count):
            registry.answer(f"/hop/{number}", Answer(307, {"Location": f"/hop/{number + 1}"}))
        registry.answer(f"/hop/{count}", _whole(LAYER))
        registry.answer(BLOB, Answer(307, {"Location": "/hop/1"}))

    return lead


BEHAVIOURS: dict[str, Behaviour] = {
    "plain": lambda _: None,
    "one 500 for a manifest": _once(500, MANIFEST),
    "one 503 for a layer": _once(503, BLOB),
    "one 429 with Retry-After": _once(429, MANIFEST),
    "a layer cut in the middle": _cut,
    "HEAD answers 405": _head(405),
    "HEAD answers 403": _head(403),
    "HEAD answers 404": _head(404),
    "a manifest with an unasked Content-Encoding": _encoded,
    "a layer with an unasked Content-Encoding": _encoded_layer,
    "a manifest in zstd, unasked": _encoded_as("zstd", MANIFEST, zstandard.compress(APP.data)),
    "a layer in deflate, unasked": _encoded_as("deflate", BLOB, zlib.compress(LAYER.data)[2:-4]),
    "a layer encoded twice, unasked": _encoded_as(
        "gzip, gzip", BLOB, gzip.compress(gzip.compress(LAYER.data))
    ),
    "a Content-Length that is too long": _too_long,
    "a part without its place": _resumed_without_place,
    "a Content-Type that comes twice": _typed(f"{APP.media_type}\n{APP.media_type}"),
    "four 429 with Retry-After": _limited(4),
    "a manifest as text/html": _typed("text/html"),
    "config and layers named by sha512": _named_by_sha512,
    "Docker-Content-Digest twice": lambda registry: registry.answer(
        TAG, _whole(APP, digests=f"{APP.digest}\n{APP.digest}")
    ),
    "status 203 for a layer": lambda registry: registry.answer(BLOB, _whole(LAYER, 203)),
    "a token with expires_in null": _token(b'{"token": "t", "expires_in": null}'),
    "a token by status 201": _token(b'{"token": "t"}', 201),
    "a token in gzip, unasked": _token(
        gzip.compress(b'{"token": "t"}'), headers={"Content-Encoding": "gzip"}
    ),
    "a token with more behind it": _token(b'{"token": "t"} {"token": "u"}'),
    "a token service that redirects": _token(b"", 307, {"Location": "/token"}),
    "one 503 of the token service": _token(b"", 503),
    "six redirects": _hops(6),
    "eleven redirects": _hops(11),
}


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "ELFGATE_E2E" not in os.environ:
        pytest.skip("builds containerd's resolver: make e2e, with Go")
    binary = tmp_path_factory.mktemp("pull") / "pull"
    subprocess.run(["go", "build", "-o", binary, "."], cwd=_PROGRAM, check=True)
    return binary


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({NAME: {"1.0": APP}}, ranges=True) as running:
        yield running


def by_containerd(binary: Path, reference: str) -> bool:
    ran = subprocess.run([binary], input=reference, capture_output=True, text=True, check=True)
    return not ran.stdout.strip()


def by_elfgate(reference: str) -> bool:
    registries = Registries()
    try:
        source = registries.repository(Reference.parse(reference))
        descriptor = source.resolve("1.0")
        manifest = read_document(source.document(descriptor), descriptor, limits=Limits())
        assert isinstance(manifest, Manifest)
        source.document(manifest.config)
        source.layer(manifest.layers[0])
    except UnreadableError:
        return False
    finally:
        registries.close()
    return True


def rows() -> dict[str, tuple[str, str]]:
    """The document's table: what containerd and elfgate make of a behaviour."""
    lines = _DOCUMENT.read_text("utf-8").partition("## Behaviours of registries")[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: (row[1], row[-1]) for row in cells if len(row) == 4 and row[0] in BEHAVIOURS}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_the_table_says_what_both_do(behaviour: str, registry: Registry, containerd: Path) -> None:
    reference = registry.reference(f"{NAME}:1.0")
    BEHAVIOURS[behaviour](registry)
    pulls = by_containerd(containerd, reference)
    BEHAVIOURS[behaviour](registry)
    reads = by_elfgate(reference)
    assert rows()[behaviour] == ("pulls" if pulls else "fails", "reads" if reads else "unknown")
