"""What registries do, and containerd takes: each is a behaviour that was seen in the wild."""

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Iterator, Sequence

import pytest
import zstandard

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, Repository
from elfgate.images.source import Limits
from elfgate.rootfs.layer import Layer
from support.oci import OCI_MANIFEST, Blob, by_sha512, image
from support.registry import Answer, Registry
from support.tarball import program, tarball

NAME = "example/app"
APP = image([tarball({"bin/app": program("#!/x\n"), "data": "x" * 400_000})], compression="plain")
MANIFEST = f"/v2/{NAME}/manifests/1.0"
BY_DIGEST = f"/v2/{NAME}/manifests/{APP.digest}"
CONFIG, LAYER = APP.children
LAYER_PATH = f"/v2/{NAME}/blobs/{LAYER.digest}"


class Known:
    """Credentials by host."""

    def __init__(self, **secrets: str) -> None:
        self._secrets = secrets
        self.asked: list[str] = []

    def find(self, name: str) -> Sequence[Credential]:
        self.asked.append(name)
        return [Credential("user", each) for key, each in self._secrets.items() if key in name]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({NAME: {"1.0": APP}}, ranges=True) as running:
        yield running


_opened: list[Registries] = []


@pytest.fixture(autouse=True)
def close_connections() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def repository(registry: Registry, known: Known | None = None) -> Repository:
    _opened.append(Registries(known))
    return _opened[-1].repository(Reference.parse(registry.reference(f"{NAME}:1.0")))


def pulled(source: Repository, app: Blob = APP) -> Layer:
    """Pull all of the image."""
    descriptor = source.resolve("1.0")
    assert descriptor.digest == app.digest
    manifest = read_document(source.document(descriptor), descriptor, limits=Limits())
    assert isinstance(manifest, Manifest)
    source.document(manifest.config)
    return source.layer(manifest.layers[0])


def served(blob: Blob, **headers: str) -> Answer:
    return Answer(200, {"Content-Type": blob.media_type, **headers}, blob.data)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("path", [MANIFEST, BY_DIGEST, LAYER_PATH])
def test_one_hiccup_is_not_final(registry: Registry, path: str, status: int) -> None:
    blob = LAYER if path == LAYER_PATH else APP
    registry.answer(path, Answer(status, {"Retry-After": "0"}), served(blob))
    assert "app" in pulled(repository(registry)).entries("/bin")


def test_two_that_ask_for_a_pause_are_waited_for(registry: Registry) -> None:
    limited = Answer(429, {"Retry-After": "0"})
    registry.answer(MANIFEST, limited, limited, served(APP))
    pulled(repository(registry))


def test_an_error_that_stays_is_final(registry: Registry) -> None:
    registry.answer(BY_DIGEST, Answer(503))
    with pytest.raises(UnreadableError, match="answers 503"):
        pulled(repository(registry))
    assert registry.paths().count(BY_DIGEST) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_blob_that_is_cut_goes_on_from_there(ranges: bool) -> None:
    with Registry({NAME: {"1.0": APP}}, ranges=ranges) as registry:
        length = {"Content-Length": str(len(LAYER.data))}
        registry.answer(LAYER_PATH, Answer(200, length, LAYER.data[:100_000]), None)
        assert "app" in pulled(repository(registry)).entries("/bin")
        asked = [seen.headers.get("Range") for seen in registry.seen if seen.path == LAYER_PATH]
        assert asked == [None, "bytes=100000-"]


def test_a_blob_that_is_cut_again_and_again_is_given_up(registry: Registry) -> None:
    length = {"Content-Length": str(len(LAYER.data))}
    registry.answer(LAYER_PATH, Answer(200, length, LAYER.data[:100_000]))
    with pytest.raises(UnreadableError, match="cannot be reached"):
        pulled(repository(registry))
    assert len([path for path in registry.paths() if path == LAYER_PATH]) < 10


def test_a_part_without_its_place_is_the_one_that_was_asked_for(registry: Registry) -> None:
    length = {"Content-Length": str(len(LAYER.data))}
    cut, rest = LAYER.data[:100_000], LAYER.data[100_000:]
    registry.answer(LAYER_PATH, Answer(200, length, cut), Answer(206, {}, rest))
    assert "app" in pulled(repository(registry)).entries("/bin")


@pytest.mark.parametrize("blob", [LAYER, CONFIG])
@pytest.mark.parametrize("beyond", [-100, 100])
def test_a_length_that_is_wrong_is_made_up_for(registry: Registry, blob: Blob, beyond: int) -> None:
    """containerd goes by the descriptor's size: it asks for what is wanting, and for no more."""
    length = {"Content-Length": str(len(blob.data) + beyond)}
    wrong = Answer(200, length, [blob.data[: len(blob.data) + beyond]])
    registry.answer(f"/v2/{NAME}/blobs/{blob.digest}", wrong, None)
    assert "app" in pulled(repository(registry)).entries("/bin")


def test_a_blob_that_is_too_short_is_invalid(registry: Registry) -> None:
    registry.answer(LAYER_PATH, Answer(200, {}, LAYER.data[:-1]), Answer(416))
    with pytest.raises(UnreadableError, match="ends after") as caught:
        pulled(repository(registry))
    assert caught.value.reason is UnknownReason.IMAGE_INVALID


def test_of_a_header_that_comes_twice_the_first_counts() -> None:
    with Registry({NAME: {"1.0": APP}}) as storage, Registry({NAME: {"1.0": APP}}) as registry:
        places = f"{storage.url}{LAYER_PATH}\nhttp://nowhere.invalid/"
        registry.answer(LAYER_PATH, Answer(307, {"Location": places}))
        types = f"{APP.media_type}\ntext/html"
        registry.answer(MANIFEST, Answer(200, {"Content-Type": types}, APP.data))
        assert "app" in pulled(repository(registry)).entries("/bin")


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_a_head_that_is_refused_is_asked_by_get(registry: Registry, status: int) -> None:
    tries = 2 if status == 500 else 1
    registry.answer(MANIFEST, *[Answer(status)] * tries, served(APP))
    pulled(repository(registry))


@pytest.mark.parametrize("label", ["gzip", "x-gzip", "GZIP"])
def test_a_document_that_is_encoded_on_its_way_is_decoded(registry: Registry, label: str) -> None:
    config = f"/v2/{NAME}/blobs/{CONFIG.digest}"
    for path, blob in ((MANIFEST, APP), (BY_DIGEST, APP), (config, CONFIG)):
        headers = {"Content-Type": blob.media_type, "Content-Encoding": label}
        registry.answer(path, Answer(200, headers, gzip.compress(blob.data)))
    pulled(repository(registry))


@pytest.mark.parametrize("label", ["zstd", "deflate"])
def test_whatever_encoding_containerd_knows_is_decoded(registry: Registry, label: str) -> None:
    encode = {"zstd": zstandard.compress, "deflate": _deflated}[label]
    for blob in (CONFIG, LAYER):
        encoded = Answer(200, {"Content-Encoding": label}, encode(blob.data))
        registry.answer(f"/v2/{NAME}/blobs/{blob.digest}", encoded)
    assert "app" in pulled(repository(registry)).entries("/bin")


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("compression", ["plain", "gzip", "zstd"])
def test_a_layer_that_is_encoded_on_its_way_is_decoded(compression: str) -> None:
    app = image([tarball({"bin/app": program("#!/x\n")})], compression=compression)
    layer = app.children[-1]
    with Registry({NAME: {"1.0": app}}) as registry:
        headers = {"Content-Type": layer.media_type, "Content-Encoding": "gzip"}
        encoded = Answer(200, headers, gzip.compress(layer.data))
        registry.answer(f"/v2/{NAME}/blobs/{layer.digest}", encoded, encoded)
        assert "app" in pulled(repository(registry), app).entries("/bin")


def test_a_layer_that_is_damaged_in_an_encoding_is_not_believed(registry: Registry) -> None:
    headers = {"Content-Type": LAYER.media_type, "Content-Encoding": "gzip"}
    data = bytearray(gzip.compress(LAYER.data))
    data[len(data) // 2] ^= 1
    registry.answer(LAYER_PATH, *[Answer(200, headers, bytes(data))] * 2)
    with pytest.raises(UnreadableError) as caught:
        pulled(repository(registry))
    assert caught.value.reason is UnknownReason.IMAGE_INVALID


def test_digests_by_sha512_are_read_and_verified() -> None:
    app = by_sha512(APP)
    with Registry({NAME: {"1.0": app}}) as registry:
        assert "app" in pulled(repository(registry), app).entries("/bin")
        layer = app.children[-1]
        registry.answer(f"/v2/{NAME}/blobs/{layer.digest}", Answer(200, {}, layer.data + b" "))
        with pytest.raises(UnreadableError, match="longer than"):
            pulled(repository(registry), app)


def test_a_label_that_lies_of_an_encoding_changes_nothing(registry: Registry) -> None:
    for path, blob in ((MANIFEST, APP), (BY_DIGEST, APP), (LAYER_PATH, LAYER)):
        registry.answer(path, served(blob, **{"Content-Encoding": "gzip"}))
    pulled(repository(registry))


def test_a_bomb_in_an_encoding_is_not_unpacked(registry: Registry) -> None:
    bomb = gzip.compress(bytes(64 << 20))
    headers = {"Content-Type": OCI_MANIFEST, "Content-Encoding": "gzip"}
    registry.answer(BY_DIGEST, Answer(200, headers, bomb))
    with pytest.raises(UnreadableError):
        pulled(repository(registry))


def test_a_length_that_is_wrong_for_head_does_not_count(registry: Registry) -> None:
    head = Answer(200, {"Content-Type": OCI_MANIFEST, "Content-Length": "7",
                        "Docker-Content-Digest": APP.digest})  # fmt: skip
    registry.answer(MANIFEST, head)
    pulled(repository(registry))


def test_a_digest_that_comes_twice_is_one(registry: Registry) -> None:
    twice = f"{APP.digest}\n{APP.digest}"
    registry.answer(MANIFEST, served(APP, **{"Docker-Content-Digest": twice}))
    pulled(repository(registry))


@pytest.mark.parametrize("status", [203, 206])
def test_another_status_for_the_whole_is_as_good(registry: Registry, status: int) -> None:
    for path, blob in ((BY_DIGEST, APP), (LAYER_PATH, LAYER)):
        registry.answer(path, Answer(status, {"Content-Type": blob.media_type}, blob.data))
    pulled(repository(registry))


def test_ten_redirects_are_followed_and_no_more(registry: Registry) -> None:
    for number in range(10):
        after = f"/hop/{number + 1}" if number < 9 else BY_DIGEST
        registry.answer(f"/hop/{number}", Answer(307, {"Location": after}))
    registry.answer(MANIFEST, Answer(307, {"Location": "/hop/1"}))
    pulled(repository(registry))
    registry.answer(MANIFEST, Answer(307, {"Location": MANIFEST}))
    with pytest.raises(UnreadableError, match="redirects more than 10 times"):
        pulled(repository(registry))


def test_a_location_beyond_ascii_is_escaped(registry: Registry) -> None:
    registry.answer(LAYER_PATH, Answer(307, {"Location": "/bl\u00f6b"}))
    registry.answer("/bl%F6b", served(LAYER))
    pulled(repository(registry))


# A registry behind a registry


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_second_registry_is_told_only_what_is_known_for_its_own_name(auth: str) -> None:
    with (
        Registry({NAME: {"1.0": APP}}, auth=auth, username="user", password="second") as second,
        Registry({}) as first,
    ):
        known = Known(**{second.host: "second", first.host: "first"})
        for path in (MANIFEST, BY_DIGEST, LAYER_PATH, f"/v2/{NAME}/blobs/{CONFIG.digest}"):
            first.answer(path, Answer(307, {"Location": second.url + path}))
        pulled(repository(first, known))
        assert f"{second.host}/{NAME}" in known.asked
        assert not any(seen.authorization for seen in first.seen)


def test_a_second_registry_may_give_its_token_to_nobody() -> None:
    with Registry({NAME: {"1.0": APP}}, auth="bearer") as second, Registry({}) as first:
        for path in (MANIFEST, BY_DIGEST, LAYER_PATH, f"/v2/{NAME}/blobs/{CONFIG.digest}"):
            first.answer(path, Answer(307, {"Location": second.url + path}))
        pulled(repository(first, Known(**{first.host: "first"})))
        tokens = [seen for seen in second.seen if seen.path.startswith("/token")]
        assert tokens
        assert not any(seen.authorization for seen in tokens)


# Tokens


@pytest.mark.parametrize(
    "grant",
    [
        {"token": "t", "expires_in": None},
        {"token": "t", "access_token": None},
        {"token": None, "access_token": "t"},
        {"token": "t", "expires_in": -5},
        {"token": "t", "expires_in": "300"},
        {"token": "t", "expires_in": 1e300},
        {"token": "t", "expires_in": [1]},
        {"Token": "t", "Expires_In": 60},
        {"ACCESS_TOKEN": "t"},
    ],
)
def test_a_token_is_taken_in_every_form(grant: dict[str, object]) -> None:
    with Registry({NAME: {"1.0": APP}}, auth="bearer") as registry:
        registry.tokens.add("Bearer t")
        registry.answer("/token", Answer(201, {}, json.dumps(grant).encode()))
        pulled(repository(registry))


def test_a_token_service_may_stumble_and_lead_elsewhere() -> None:
    with Registry({NAME: {"1.0": APP}}, auth="bearer") as registry:
        registry.tokens.add("Bearer t")
        again = Answer(429, {"Retry-After": "0"})
        registry.answer("/token", again, Answer(503), Answer(307, {"Location": "/other"}))
        registry.answer("/other", Answer(200, {}, b'{"token": "t"}'))
        pulled(repository(registry))


def test_a_token_service_that_leads_to_another_host_takes_no_secret_along() -> None:
    with Registry({NAME: {"1.0": APP}}, auth="bearer") as registry, Registry({}) as other:
        registry.tokens.add("Bearer t")
        registry.answer("/token", Answer(307, {"Location": f"{other.url}/token"}))
        other.answer("/token", Answer(200, {}, b'{"token": "t"}'))
        pulled(repository(registry, Known(**{registry.host: "secret"})))
        assert [seen.authorization for seen in other.seen] == [""]


# A proxy that speaks SOCKS5


def test_a_registry_is_reached_through_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy gets the name, as with Go: it looks it up itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked: list[bytes] = []
        thread = threading.Thread(target=_refuse_by_socks, args=(server, asked))
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"socks5://127.0.0.1:{server.getsockname()[1]}")
        _opened.append(Registries())
        source = _opened[-1].repository(Reference.parse("registry.example/app:1"))
        with pytest.raises(UnreadableError) as raised:
            source.resolve("1")
        thread.join()
    assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE
    assert b"registry.example" in asked[0]


def _refuse_by_socks(server: socket.socket, asked: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(100)
        connection.sendall(b"\x05\x00")
        asked.append(connection.recv(300))
        connection.sendall(b"\x05\x04\x00\x01\0\0\0\0\0\0")
