"""More that registries do, and containerd takes: redirects, challenges, headers, lengths and pauses."""

import gzip
import json
from collections.abc import Callable, Iterator

import pytest

from elfgate.errors import UnreadableError
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Limits
from support.oci import OCI_MANIFEST, image
from support.registry import Answer, Registry
from support.tarball import program, tarball

NAME = "example/app"
APP = image([tarball({"bin/app": program("#!/x\n"), "data": "x" * 90_000})], compression="plain")
CONFIG, LAYER = APP.children
TAG = f"/v2/{NAME}/manifests/1.0"
BY_DIGEST = f"/v2/{NAME}/manifests/{APP.digest}"
CONFIG_PATH, LAYER_PATH = (f"/v2/{NAME}/blobs/{blob.digest}" for blob in APP.children)
DIGEST = {"Docker-Content-Digest": APP.digest}
TYPED = {"Content-Type": OCI_MANIFEST}
Behave = Callable[[Registry], None]


def pull(registry: Registry) -> None:
    """Pull all of the image."""
    registries = Registries()
    try:
        source = registries.repository(Reference.parse(registry.reference(f"{NAME}:1.0")))
        descriptor = source.resolve("1.0")
        assert descriptor.digest == APP.digest
        manifest = read_document(source.document(descriptor), descriptor, limits=Limits())
        assert isinstance(manifest, Manifest)
        source.document(manifest.config)
        assert len(source.layer(manifest.layers[0])) == 3
    finally:
        registries.close()


def answers(path: str, *told: Answer | None) -> Behave:
    return lambda registry: registry.answer(path, *told)


def elsewhere(path: str, status: int, location: str, content: bytes, **headers: str) -> Behave:
    """Have a path lead to another one of the same registry."""

    def behave(registry: Registry) -> None:
        registry.answer(path, Answer(status, {"Location": location.format(url=registry.url)}))
        registry.answer("/storage/x", Answer(200, headers, content))

    return behave


def challenged(challenge: str) -> Behave:
    """Have everything ask for a token in these words, and take one."""

    def behave(registry: Registry) -> None:
        registry.tokens.add("Bearer t")
        registry.answer("/token", Answer(200, {}, b'{"token": "t"}'))
        words = challenge.replace("{url}", registry.url)
        asking = Answer(401, {"WWW-Authenticate": words}, b"{}")
        for path in (TAG, BY_DIGEST, CONFIG_PATH, LAYER_PATH):
            registry.answer(path, asking, None)

    return behave


def encoded(path: str, label: str, data: bytes) -> Behave:
    return answers(path, Answer(200, {"Content-Encoding": label}, data))


def twice(data: bytes) -> bytes:
    return gzip.compress(gzip.compress(data))


def resumed(status: int, unit: str) -> Behave:
    """Have the layer be cut, and the rest come in this form."""
    size, at = len(LAYER.data), 50_000
    place = {"Content-Range": f"{unit} {at}-{size - 1}/{size}"}
    cut = Answer(200, {"Content-Length": str(size)}, LAYER.data[:at])
    return answers(LAYER_PATH, cut, Answer(status, place, LAYER.data[at:]))


def paused(path: str, status: int, seconds: str) -> Behave:
    return answers(path, Answer(status, {"Retry-After": seconds}), None)


def granted(content: bytes, **headers: str) -> Behave:
    """Have the token service answer so."""

    def behave(registry: Registry) -> None:
        registry.auth = "bearer"
        registry.tokens.add("Bearer t")
        registry.answer("/token", Answer(200, headers, content))

    return behave


def manifest(**headers: str) -> Answer:
    return Answer(200, {**TYPED, **DIGEST, **headers}, APP.data)


def chunked(data: bytes) -> Iterator[bytes]:
    """Bytes in pieces, without a length: the connection's end is theirs."""
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


def without_length(path: str, data: bytes, **headers: str) -> Behave:
    return lambda registry: registry.answer(path, *(Answer(200, headers, chunked(data)),) * 1)


BEARER = 'Bearer realm="{url}/token",service="test",scope="repository:example/app:pull"'
BEHAVIOURS: dict[str, Behave] = {
    "301 for a layer": elsewhere(LAYER_PATH, 301, "/storage/x", LAYER.data),
    "302 for a layer": elsewhere(LAYER_PATH, 302, "{url}/storage/x?sig=a%2Fb", LAYER.data),
    "303 for a layer": elsewhere(LAYER_PATH, 303, "/storage/x", LAYER.data),
    "308 for a layer": elsewhere(LAYER_PATH, 308, "../../../../storage/x", LAYER.data),
    "307 for a config": elsewhere(CONFIG_PATH, 307, "/storage/x#part", CONFIG.data),
    "307 for a manifest": elsewhere(BY_DIGEST, 307, "/storage/x", APP.data, **TYPED, **DIGEST),
    "307 for a tag": elsewhere(TAG, 307, "/storage/x", APP.data, **TYPED, **DIGEST),
    "a scheme in lower case": challenged(BEARER.replace("Bearer", "bearer")),
    "a scheme in upper case": challenged(BEARER.replace("Bearer", "BEARER")),
    "parameters apart": challenged(BEARER.replace(",", " ,  ")),
    "parameters in upper case": challenged(
        BEARER.replace("realm", "Realm").replace("scope", "SCOPE")
    ),
    "a service that is not quoted": challenged(BEARER.replace('"test"', "test")),
    "no service": challenged(BEARER.replace('service="test",', "")),
    "no scope": challenged('Bearer realm="{url}/token",service="test"'),
    "an error in the challenge": challenged(f'{BEARER},error="insufficient_scope"'),
    "a realm with a query": challenged(BEARER.replace("/token", "/token?account=x")),
    "two actions": challenged(BEARER.replace(":pull", ":pull,push")),
    "several scopes": challenged(BEARER.replace(":pull", ":pull repository:other:pull")),
    "basic and bearer in one line": challenged(f'Basic realm="x", {BEARER}'),
    "negotiate before bearer": challenged(f"Negotiate\n{BEARER}"),
    "a token that is long": granted(b'{"token": "t", "x": "' + b"y" * 9000 + b'"}'),
    "a token as text": granted(b'{"token": "t"}', **{"Content-Type": "text/plain"}),
    "a token among others": granted(
        b'{"token":"t","access_token":"t","refresh_token":"","issued_at":""}'
    ),
    "a token issued at no time": granted(b'{"token": "t", "issued_at": "0001-01-01T00:00:00Z"}'),
    "a token with a line behind": granted(b'\n{"token": "t"}\n\n'),
    "a type with a charset": answers(
        TAG, manifest(**{"Content-Type": f"{OCI_MANIFEST}; charset=utf-8"})
    ),
    "a type in upper case": answers(TAG, manifest(**{"Content-Type": OCI_MANIFEST.upper()})),
    "a type of bytes": answers(TAG, manifest(**{"Content-Type": "application/octet-stream"})),
    "a type of text": answers(TAG, manifest(**{"Content-Type": "text/plain"})),
    "a type of JSON": answers(TAG, manifest(**{"Content-Type": "application/json"})),
    "a type of web pages": answers(TAG, manifest(**{"Content-Type": "text/html; charset=utf-8"})),
    "a manifest encoded twice": encoded(BY_DIGEST, "gzip, gzip", twice(APP.data)),
    "a config encoded, it says, and not": encoded(
        CONFIG_PATH, "gzip, identity", gzip.compress(CONFIG.data)
    ),
    "a layer encoded twice": encoded(LAYER_PATH, "gzip, gzip", twice(LAYER.data)),
    "a token behind which more comes": granted(b'{"token": "t"} {"token": "other"} x'),
    "a token among bytes of Latin": granted(b'{"token": "t", "issued_by": "B\xe4r"}'),
    "a token among much else": granted(b'{"token": "t", "x": "' + b"y" * 90_000 + b'"}'),
    "a token that is encoded": granted(
        gzip.compress(b'{"token": "t"}'), **{"Content-Encoding": "gzip"}
    ),
    "a realm with a blank": challenged(BEARER.replace("/token", "/token ")),
    "429 four times": answers(LAYER_PATH, *[Answer(429, {"Retry-After": "0"})] * 4, None),
    "a part in other letters": resumed(206, "Bytes"),
    "a part by status 200": resumed(200, "bytes"),
    "no type": answers(TAG, Answer(200, DIGEST, APP.data)),
    "no digest": answers(TAG, Answer(200, TYPED, APP.data)),
    "neither": answers(TAG, Answer(200, {}, APP.data)),
    "a digest with blanks": answers(TAG, manifest(**{"Docker-Content-Digest": f" {APP.digest} "})),
    "another type by digest": answers(BY_DIGEST, manifest(**{"Content-Type": "text/html"})),
    "no digest by digest": answers(BY_DIGEST, Answer(200, TYPED, APP.data)),
    "an etag and a warning": answers(TAG, manifest(ETag=f'"{APP.digest}"', Warning='299 - "old"')),
    "HEAD 400": answers(TAG, Answer(400), None),
    "HEAD 501": answers(TAG, Answer(501), None),
    "HEAD 406": answers(TAG, Answer(406), None),
    "HEAD 204": answers(TAG, Answer(204), None),
    "a manifest without a length": without_length(BY_DIGEST, APP.data, **TYPED, **DIGEST),
    "a config without a length": without_length(CONFIG_PATH, CONFIG.data),
    "a layer without a length": without_length(LAYER_PATH, LAYER.data),
    "a layer of another type": answers(
        LAYER_PATH, Answer(200, {"Content-Type": "text/html"}, LAYER.data)
    ),
    "a layer with a digest": answers(
        LAYER_PATH, Answer(200, {"Docker-Content-Digest": LAYER.digest}, LAYER.data)
    ),
    "a layer said to be as it is": answers(
        LAYER_PATH, Answer(200, {"Content-Encoding": "identity"}, LAYER.data)
    ),
    "a layer of an encoding of no name": answers(
        LAYER_PATH, Answer(200, {"Content-Encoding": "aws-chunked"}, LAYER.data)
    ),
    "a config of an encoding of no name": answers(
        CONFIG_PATH, Answer(200, {"Content-Encoding": "utf-8"}, CONFIG.data)
    ),
    "a pause in the form of a date": answers(
        BY_DIGEST, Answer(429, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}), None
    ),
    "a pause that is none": paused(BY_DIGEST, 429, "soon"),
    "a pause of no length": paused(LAYER_PATH, 503, "0"),
    "a pause of part of a second": paused(LAYER_PATH, 429, "0.5"),
    "425": answers(LAYER_PATH, Answer(425), None),
    "520 of a proxy": answers(LAYER_PATH, Answer(520), None),
    "forty headers": answers(
        TAG, manifest(**{f"X-Header-{number}": "y" * 200 for number in range(40)})
    ),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_containerd_pulls_is_read(name: str) -> None:
    with Registry({NAME: {"1.0": APP}}) as registry:
        BEHAVIOURS[name](registry)
        pull(registry)


@pytest.mark.parametrize(
    "spoilt",
    [
        answers(BY_DIGEST, Answer(200, TYPED, APP.data + b"\n")),
        answers(LAYER_PATH, Answer(200, {}, LAYER.data[:-1])),
        answers(LAYER_PATH, Answer(206, {"Content-Range": "bytes 0-9/90"}, LAYER.data[:10])),
        answers(CONFIG_PATH, Answer(200, {}, json.dumps({}).encode())),
        answers(TAG, manifest(**{"Docker-Content-Digest": f"sha256:{'0' * 64}"})),
        answers(LAYER_PATH, Answer(302, {})),
        answers(LAYER_PATH, Answer(302, {"Location": ""})),
    ],
)
def test_what_is_something_else_is_not(spoilt: Behave) -> None:
    with Registry({NAME: {"1.0": APP}}) as registry:
        spoilt(registry)
        with pytest.raises((UnreadableError, AssertionError)):
            pull(registry)
