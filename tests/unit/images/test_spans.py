"""Large layers: fetched by several ranges at a time where the registry serves them, and as ever where it does not."""

import random
import threading
from collections.abc import Iterator, Sequence

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import body, spans
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from elfgate.images.source import Descriptor
from elfgate.rootfs.layer import Layer
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball

NAME = "example/app"
SPAN = 64 << 10
NOISE = random.Random(1).randbytes(700_000)  # noqa: S311 - no secret
APP = image([tarball({"data": NOISE, "bin/app": program("#!/x\n")})], compression="plain")
LAYER = APP.children[-1]
PATH = f"/v2/{NAME}/blobs/{LAYER.digest}"
SIZE = len(LAYER.data)


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (spans, body):
        monkeypatch.setattr(module, "SPAN", SPAN)
        monkeypatch.setattr(module, "LARGE", 4 * SPAN)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({NAME: {"1.0": APP}}, ranges=True) as running:
        yield running


def pulled(registry: Registry) -> Layer:
    registries = Registries()
    try:
        source = registries.repository(Reference.parse(registry.reference(f"{NAME}:1.0")))
        return source.layer(Descriptor(LAYER.media_type, LAYER.digest, SIZE))
    finally:
        registries.close()


def asked(registry: Registry) -> Sequence[str | None]:
    return [seen.headers.get("Range") for seen in registry.seen if seen.path == PATH]


def part(start: int, end: int, size: int = SIZE, data: bytes = LAYER.data) -> Answer:
    told = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return Answer(206, told, data[start:end])


def test_each_byte_is_asked_for_once(registry: Registry) -> None:
    assert "app" in pulled(registry).entries("/bin")
    starts = range(0, SIZE, SPAN)
    expected = {f"bytes={start}-{min(start + SPAN, SIZE) - 1}" for start in starts}
    assert sorted(map(str, asked(registry))) == sorted(expected)


def test_several_are_under_way_at_a_time(registry: Registry) -> None:
    """Each of the first spans is answered only once all of them are asked for."""
    all_asked = threading.Barrier(spans.AHEAD, timeout=20)

    def waiting(start: int) -> Iterator[bytes]:
        all_asked.wait()
        yield LAYER.data[start : start + SPAN]

    for start in range(SPAN, (spans.AHEAD + 1) * SPAN, SPAN):
        headers = {**part(start, start + SPAN).headers, "Content-Length": str(SPAN)}
        registry.by_range.setdefault(PATH, {})[start] = Answer(206, headers, waiting(start))
    assert "app" in pulled(registry).entries("/bin")


def test_a_registry_without_ranges_is_asked_once() -> None:
    with Registry({NAME: {"1.0": APP}}) as registry:
        assert "app" in pulled(registry).entries("/bin")
        assert len(asked(registry)) == 1


@pytest.mark.parametrize(
    "first",
    [Answer(416), Answer(400), Answer(501), part(0, SPAN, size=SIZE + 1), part(1, SPAN + 1)],
)
def test_a_registry_that_minds_ranges_is_asked_as_ever(registry: Registry, first: Answer) -> None:
    registry.answer(PATH, first, Answer(200, {}, LAYER.data))
    assert "app" in pulled(registry).entries("/bin")
    assert asked(registry) == [f"bytes=0-{SPAN - 1}", None]


def test_a_first_span_that_breaks_off_is_taken_up(registry: Registry) -> None:
    cut = part(0, SPAN)
    length = {**cut.headers, "Content-Length": str(SPAN)}
    registry.by_range[PATH] = {0: Answer(206, length, LAYER.data[:1000])}
    assert "app" in pulled(registry).entries("/bin")
    assert f"bytes=1000-{SPAN - 1}" in asked(registry)


def test_spans_that_are_not_the_layers_own_are_not_believed(registry: Registry) -> None:
    registry.by_range[PATH] = {2 * SPAN: part(2 * SPAN, 3 * SPAN, data=bytes(SIZE))}
    with pytest.raises(UnreadableError) as caught:
        pulled(registry)
    assert caught.value.reason is UnknownReason.IMAGE_INVALID


def test_a_span_that_is_not_to_be_had_is_an_error_of_the_registry(registry: Registry) -> None:
    registry.by_range[PATH] = {3 * SPAN: Answer(200, {}, LAYER.data)}
    with pytest.raises(UnreadableError) as caught:
        pulled(registry)
    assert caught.value.reason is UnknownReason.REGISTRY_UNREACHABLE
