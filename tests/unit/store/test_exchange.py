"""A file of facts: whole, or refused in one line."""

import hashlib
import io
from contextlib import closing

import pytest
import zstandard

from elfgate.errors import InputError
from elfgate.rootfs.build import LayerBuilder
from elfgate.store import exchange
from elfgate.store.exchange import Carried
from elfgate.store.memory import MemoryStore
from elfgate.store.protocol import Kind

LAYER = "sha256:" + "a" * 64
DOCUMENT = b'{"schemaVersion": 2}'
DIGEST = "sha256:" + hashlib.sha256(DOCUMENT).hexdigest()


def filled() -> MemoryStore:
    store = MemoryStore()
    store.put(Kind.LAYER, LAYER, LayerBuilder().build().encode())
    store.put(Kind.DOCUMENT, DIGEST, DOCUMENT)
    for number in range(300):
        store.tag("docker.io/example/app", f"1.{number}", DIGEST)
    return store


def written(store: MemoryStore) -> bytes:
    file = io.BytesIO()
    exchange.write(store, file)
    return file.getvalue()


def packed(text: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text)


def read(data: bytes, store: MemoryStore | None = None) -> Carried:
    return exchange.read(io.BytesIO(data), store or MemoryStore(), name="facts.zst")


def test_what_is_exported_is_imported() -> None:
    with closing(filled()) as store, closing(MemoryStore()) as other:
        assert read(written(store), other) == Carried(facts=2, tags=256)
        assert dict(other.facts(Kind.LAYER)) == dict(store.facts(Kind.LAYER))
        assert other.get(Kind.DOCUMENT, DIGEST) == DOCUMENT
        assert other.tags("docker.io/example/app", 300) == store.tags("docker.io/example/app", 300)


def test_importing_twice_changes_nothing() -> None:
    with closing(filled()) as store:
        file = written(store)
        read(file, store)
        assert written(store) == file


def test_a_layer_index_of_another_version_is_passed_over() -> None:
    fact = b'{"record":"fact","kind":"layer/0.9","digest":"%s","bytes":3}\nabc' % LAYER.encode()
    assert read(
        packed(b'{"record":"facts","version":1}\n' + fact + b'{"record":"end","records":1}\n')
    ) == Carried(passed_over=1)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.98])
def test_a_file_that_is_cut_short_is_refused(share: float) -> None:
    with closing(filled()) as store:
        file = written(store)
    with pytest.raises(InputError, match=r"facts\.zst.*(cut short|damaged)"):
        read(file[: int(len(file) * share)])


def test_a_file_that_is_spoilt_is_refused() -> None:
    with closing(filled()) as store:
        file = bytearray(written(store))
    for position in range(0, len(file), max(1, len(file) // 50)):
        file[position] ^= 0x55
        with pytest.raises(InputError):
            read(bytes(file))
        file[position] ^= 0x55


HEAD = b'{"record":"facts","version":1}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "cut short"),
        (b"hello\n", "none that elfgate writes"),
        (b'{"record":"facts","version":2}\n', "version 1"),
        (b'{"record":"end","records":0}\n', "version 1"),
        (HEAD + b'{"record":"end","records":1}\n', "after 0 of 1"),
        (HEAD + HEAD, "no record of"),
        (HEAD + b"x" * 5000, "too long"),
        (HEAD + b'{"record":"fact","kind":"document","digest":"md5:0","bytes":1}\n', "none that"),
        (
            HEAD
            + b'{"record":"fact","kind":"document","digest":"%s","bytes":-1}\n' % LAYER.encode(),
            "none that",
        ),
        (
            HEAD
            + b'{"record":"fact","kind":"document","digest":"%s","bytes":99999999999}\n'
            % LAYER.encode(),
            "none",
        ),
        (
            HEAD
            + b'{"record":"fact","kind":"document","digest":"%s","bytes":9}\nabc' % LAYER.encode(),
            "cut short",
        ),
        (
            HEAD
            + b'{"record":"fact","kind":"document","digest":"%s","bytes":3}\nabc' % LAYER.encode(),
            "digest",
        ),
        (
            HEAD
            + b'{"record":"fact","kind":"%s","digest":"%s","bytes":3}\nabc'
            % (Kind.LAYER.encode(), LAYER.encode()),
            "digest",
        ),
        (
            HEAD
            + b'{"record":"tag","repository":"a","tag":"../x","digest":"%s"}\n' % LAYER.encode(),
            "none that",
        ),
        (HEAD + b"[" * 4000 + b"\n", "none that"),
    ],
)
def test_what_elfgate_did_not_write_is_refused_in_one_line(text: bytes, said: str) -> None:
    store = MemoryStore()
    with pytest.raises(InputError, match=said) as caught:
        read(packed(text), store)
    assert "\n" not in str(caught.value)
    assert store.statistics()["layers"] == store.statistics()["documents"] == 0


def test_a_file_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_ALL_BYTES", 10 << 20)
    fact = (
        b'{"record":"fact","kind":"other","digest":"%s","bytes":1048576}\n' % LAYER.encode()
        + bytes(1 << 20)
    )
    with pytest.raises(InputError, match="unpacks to more than"):
        read(packed(HEAD + fact * 20))


def test_a_frame_that_asks_for_much_memory_is_refused() -> None:
    huge = zstandard.ZstdCompressionParameters(window_log=31)
    compressor = zstandard.ZstdCompressor(compression_params=huge).compressobj()
    file = compressor.compress(HEAD) + compressor.flush()
    with pytest.raises(InputError, match="memory"):
        read(file)
