"""A registry that misbehaves ends as an unknown with a reason, in time, and learns nothing it should not."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from email.utils import formatdate

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.hosts import Host, HostsFolders
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions, Repository
from elfgate.images.source import Descriptor, Limits
from support.asking import APP, CONFIG, LAYER, PATH, SECRET, asking, descriptor, refused, serving
from support.oci import DOCKER_MANIFEST, OCI_MANIFEST, index
from support.registry import Answer, Registry


def test_a_tag_is_resolved_by_head_alone(registry: Registry, repository: Repository) -> None:
    assert repository.resolve("1.0") == replace(descriptor(APP), size=0)  # HEAD may lie of it
    assert [(seen.method, seen.path) for seen in registry.seen] == [
        ("HEAD", f"{PATH}/manifests/1.0")
    ]
    accept = registry.seen[0].headers["Accept"]
    assert all(
        media_type in accept
        for media_type in (OCI_MANIFEST, DOCKER_MANIFEST, "index.v1+json", "list.v2+json")
    )


def test_blobs_are_asked_for_as_they_are(registry: Registry, repository: Repository) -> None:
    repository.layer(descriptor(LAYER))
    assert registry.seen[0].headers["Accept-Encoding"] == "identity"


def test_connections_are_kept(registry: Registry, repository: Repository) -> None:
    repository.resolve("1.0")
    repository.document(descriptor(APP))
    repository.layer(descriptor(LAYER))
    assert len({seen.client_port for seen in registry.seen}) == 1


def test_docker_hub_is_asked_where_its_api_is() -> None:
    assert HostsFolders().of("docker.io") == (Host("https", "registry-1.docker.io"),)


# --- registries that answer HEAD in part or not at all


@pytest.mark.parametrize("status", [405, 501, 400])
def test_a_registry_without_head_is_asked_by_get(
    registry: Registry, repository: Repository, status: int
) -> None:
    whole = Answer(headers={"Content-Type": OCI_MANIFEST}, body=APP.data)
    registry.answer(f"{PATH}/manifests/1.0", Answer(status), whole)
    assert repository.resolve("1.0") == descriptor(APP)


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain; charset=utf-8"])
def test_what_a_manifest_is_is_told_by_its_bytes_if_need_be(
    registry: Registry, repository: Repository, content_type: str
) -> None:
    registry.answer(
        f"{PATH}/manifests/1.0", Answer(headers={"Content-Type": content_type}, body=APP.data)
    )
    assert repository.resolve("1.0") == descriptor(APP)
    both = index([APP])
    registry.answer(
        f"{PATH}/manifests/1.0", Answer(headers={"Content-Type": content_type}, body=both.data)
    )
    assert repository.resolve("1.0") == descriptor(both)


def test_a_header_with_another_digest_than_the_bytes_is_invalid(
    registry: Registry, repository: Repository
) -> None:
    headers = {"Content-Type": "application/json", "Docker-Content-Digest": CONFIG.digest}
    registry.answer(f"{PATH}/manifests/1.0", Answer(headers=headers, body=APP.data))
    with refused(UnknownReason.IMAGE_INVALID, "does not match its digest"):
        repository.resolve("1.0")


def test_a_header_that_lies_to_head_is_found_out_by_the_document(
    registry: Registry, repository: Repository
) -> None:
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": CONFIG.digest}
    registry.answer(f"{PATH}/manifests/1.0", Answer(headers=headers, body=APP.data))
    registry.answer(f"{PATH}/manifests/{CONFIG.digest}", Answer(headers=headers, body=APP.data))
    found = repository.resolve("1.0")
    with refused(UnknownReason.IMAGE_INVALID):
        repository.document(found)


def test_asked_for_a_digest_it_must_answer_with_that_one(
    registry: Registry, repository: Repository
) -> None:
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": CONFIG.digest}
    registry.answer(f"{PATH}/manifests/{APP.digest}", Answer(headers=headers, body=APP.data))
    with refused(UnknownReason.IMAGE_INVALID, "does not match its digest"):
        repository.resolve(APP.digest)


# --- answers that are none


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, UnknownReason.NO_CREDENTIALS),
        (403, UnknownReason.NO_CREDENTIALS),
        (404, UnknownReason.IMAGE_NOT_FOUND),
        (408, UnknownReason.REGISTRY_UNREACHABLE),
        (418, UnknownReason.REGISTRY_UNREACHABLE),
        (500, UnknownReason.REGISTRY_UNREACHABLE),
        (503, UnknownReason.REGISTRY_UNREACHABLE),
        (302, UnknownReason.REGISTRY_UNREACHABLE),
    ],
)
def test_each_status_has_its_reason(
    registry: Registry, repository: Repository, status: int, reason: UnknownReason
) -> None:
    for path in (
        f"{PATH}/manifests/1.0",
        f"{PATH}/manifests/{APP.digest}",
        f"{PATH}/blobs/{LAYER.digest}",
    ):
        registry.answer(path, Answer(status))
    with refused(reason, f"answers {status}"):
        repository.resolve("1.0")
    with refused(reason, f"answers {status}"):
        repository.document(descriptor(APP))
    with refused(reason, f"answers {status}"):
        repository.layer(descriptor(LAYER))


def test_a_web_page_is_no_manifest(registry: Registry, repository: Repository) -> None:
    page = Answer(headers={"Content-Type": "text/html"}, body=b"<html>log in</html>")
    registry.answer(f"{PATH}/manifests/1.0", page)
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "web page"):
        repository.resolve("1.0")


def test_schema_1_is_unsupported(registry: Registry, repository: Repository) -> None:
    headers = {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}
    registry.answer(
        f"{PATH}/manifests/1.0",
        Answer(headers=headers, body=b'{"schemaVersion": 1, "fsLayers": []}'),
    )
    with refused(UnknownReason.IMAGE_UNSUPPORTED, "schema 1"):
        repository.resolve("1.0")


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    registries = Registries()
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "cannot be reached"):
        registries.repository(Reference.parse(f"{host}/example/app")).resolve("1.0")
    registries.close()


def test_a_name_without_an_address_is_unreachable() -> None:
    registries = Registries(options=RegistryOptions(plain_http=frozenset({"registry.invalid"})))
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "has no address"):
        registries.repository(Reference.parse("registry.invalid/example/app")).resolve("1.0")
    registries.close()


def test_a_registry_that_breaks_off_is_unreachable(
    registry: Registry, repository: Repository
) -> None:
    headers = {"Content-Length": str(len(LAYER.data))}
    registry.answer(f"{PATH}/blobs/{LAYER.digest}", Answer(headers=headers, body=LAYER.data[:50]))
    with refused(UnknownReason.REGISTRY_UNREACHABLE):
        repository.layer(descriptor(LAYER))


def test_what_is_no_http_is_unreachable(registry: Registry, repository: Repository) -> None:
    registry.answer(f"{PATH}/manifests/1.0", Answer(headers={"Bad\x00Header": "x"}))
    with refused(UnknownReason.REGISTRY_UNREACHABLE):
        repository.resolve("1.0")


# --- too much


def test_a_manifest_of_100_mb_is_not_read(registry: Registry, repository: Repository) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield b" " * (1 << 20)

    for method in ("document", "resolve"):
        sent.clear()
        registry.answer(f"{PATH}/manifests/{APP.digest}", Answer(405), Answer(body=endless()))
        with refused(UnknownReason.LIMIT_EXCEEDED, "larger than"):
            if method == "resolve":
                repository.resolve(APP.digest)
            else:
                registry.next_answer(f"{PATH}/manifests/{APP.digest}")
                repository.document(Descriptor(OCI_MANIFEST, APP.digest))
        assert len(sent) < 50


def test_a_manifest_whose_descriptor_is_too_large_is_not_asked_for_to_its_end(
    repository: Repository,
) -> None:
    with refused(UnknownReason.LIMIT_EXCEEDED):
        repository.document(Descriptor(OCI_MANIFEST, APP.digest, 100 << 20))


def test_a_blob_longer_than_its_size_is_invalid(registry: Registry, repository: Repository) -> None:
    registry.answer(f"{PATH}/blobs/{LAYER.digest}", Answer(body=LAYER.data + b"more"))
    with refused(UnknownReason.IMAGE_INVALID, "longer than"):
        repository.layer(descriptor(LAYER))


# --- too slow


def test_a_registry_that_hangs_is_given_up(registry: Registry) -> None:
    never = (part for _ in range(1) for part in [b""] if registry.stopping.wait(30))
    registry.answer(
        f"{PATH}/manifests/{APP.digest}", Answer(headers={"Content-Type": "text/plain"}, body=never)
    )
    with (
        asking(registry, options=RegistryOptions(read_seconds=0.1)) as repository,
        refused(UnknownReason.REGISTRY_UNREACHABLE, "in time"),
    ):
        repository.document(descriptor(APP))


def test_a_layer_that_drips_is_given_up(registry: Registry) -> None:
    registry.answer(f"{PATH}/blobs/{LAYER.digest}", Answer(body=registry.drip(LAYER.data[:100])))
    started = time.monotonic()
    with (
        asking(registry, limits=Limits(seconds=0.3)) as repository,
        pytest.raises(UnreadableError) as raised,
    ):
        repository.layer(Descriptor(LAYER.media_type, LAYER.digest))
    assert raised.value.reason in {UnknownReason.LIMIT_EXCEEDED, UnknownReason.REGISTRY_UNREACHABLE}
    assert time.monotonic() - started < 5


def test_a_document_that_drips_is_given_up(registry: Registry) -> None:
    registry.answer(f"{PATH}/manifests/{APP.digest}", Answer(body=registry.drip(filler=b" ")))
    started = time.monotonic()
    with (
        asking(registry, options=RegistryOptions(document_seconds=0.3)) as repository,
        pytest.raises(UnreadableError),
    ):
        repository.document(Descriptor(OCI_MANIFEST, APP.digest))
    assert time.monotonic() - started < 5


def test_headers_that_drip_are_given_up() -> None:
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        served = pool.submit(serve, listener)
        registries = Registries(options=RegistryOptions(document_seconds=0.3))
        source = registries.repository(
            Reference.parse(f"127.0.0.1:{listener.getsockname()[1]}/example/app")
        )
        started = time.monotonic()
        with refused(UnknownReason.REGISTRY_UNREACHABLE, "in time"):
            source.resolve("1.0")
        assert time.monotonic() - started < 5
        stop.set()
        registries.close()
        served.exception()


# --- limits of the registry's own


@pytest.mark.parametrize("retry_after", ["0", formatdate(0, usegmt=True)])
def test_a_registry_that_limits_its_clients_is_asked_five_times_more(
    registry: Registry, repository: Repository, retry_after: str
) -> None:
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": APP.digest}
    again = Answer(429, {"Retry-After": retry_after})
    registry.answer(f"{PATH}/manifests/1.0", again, Answer(headers=headers, body=APP.data))
    assert repository.resolve("1.0").digest == APP.digest
    asked = len(registry.seen)
    registry.answer(f"{PATH}/manifests/1.0", again)
    with refused(UnknownReason.REGISTRY_UNREACHABLE, r"429.*limits how often"):
        repository.resolve("1.0")
    assert (asked, len(registry.seen)) == (2, 2 + 6)


@pytest.mark.parametrize(
    "retry_after", ["3600", "99999999999999999999", formatdate(4e9, usegmt=True)]
)
def test_a_pause_that_is_too_long_is_not_waited_for(
    registry: Registry, repository: Repository, retry_after: str
) -> None:
    registry.answer(f"{PATH}/manifests/1.0", Answer(429, {"Retry-After": retry_after}))
    started = time.monotonic()
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "429"):
        repository.resolve("1.0")
    assert time.monotonic() - started < 5
    assert len(registry.seen) == 1


# --- redirects


def test_blobs_may_lie_with_another_host_which_is_not_told_who_asks() -> None:
    with ExitStack() as stack:
        store = stack.enter_context(serving())
        registry = stack.enter_context(serving(auth="basic", username="user", password=SECRET))
        elsewhere = Answer(307, {"Location": f"{store.url}{PATH}/blobs/{LAYER.digest}?signature=1"})
        source = stack.enter_context(asking(registry, password=SECRET))
        source.document(descriptor(APP))
        registry.answer(f"{PATH}/blobs/{LAYER.digest}", elsewhere)
        source.layer(descriptor(LAYER))
        assert registry.seen[-1].authorization.startswith("Basic ")
        assert [seen.authorization for seen in store.seen] == [""]


def test_a_host_that_is_redirected_to_cannot_ask_for_credentials() -> None:
    with ExitStack() as stack:
        thief = stack.enter_context(serving(auth="basic", username="user", password=SECRET))
        registry = stack.enter_context(serving(auth="basic", username="user", password=SECRET))
        source = stack.enter_context(asking(registry, password=SECRET))
        registry.answer(
            f"{PATH}/blobs/{LAYER.digest}", Answer(302, {"Location": f"{thief.url}{PATH}/blobs/x"})
        )
        with refused(UnknownReason.NO_CREDENTIALS):
            source.layer(descriptor(LAYER))
        assert [seen.authorization for seen in thief.seen] == [""]


def test_a_relative_redirect_stays_with_the_registry(
    registry: Registry, repository: Repository
) -> None:
    registry.answer(f"{PATH}/blobs/{LAYER.digest}", Answer(301, {"Location": "/elsewhere"}))
    registry.answer("/elsewhere", Answer(body=LAYER.data))
    repository.layer(descriptor(LAYER))


def test_a_redirect_loop_ends(registry: Registry, repository: Repository) -> None:
    registry.answer(f"{PATH}/manifests/1.0", Answer(307, {"Location": f"{PATH}/manifests/1.0"}))
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "more than 10 times"):
        repository.resolve("1.0")
    assert len(registry.seen) == 11


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/latest",
        "http://100.100.100.200/",
        "http://0.0.0.0:1/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",  # 169.254.169.254, as the C library's resolver reads it
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://:80",
        "http://[::1",
        "http://host:99999/",
        "http://exämple.invalid/",
    ],
)
def test_a_redirect_to_where_no_registry_is_is_refused(
    registry: Registry, repository: Repository, location: str
) -> None:
    registry.answer(f"{PATH}/blobs/{LAYER.digest}", Answer(307, {"Location": location}))
    with refused(UnknownReason.REGISTRY_UNREACHABLE, "is not contacted|not a usable URL"):
        repository.layer(descriptor(LAYER))
