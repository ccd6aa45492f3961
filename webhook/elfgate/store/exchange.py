"""A file of facts: what CI has read is carried to where registries cannot be reached.

One zstd stream of records, each a line of JSON and, for a fact, its bytes after it::

    {"record": "facts", "version": 1}
    {"record": "fact", "kind": "document", "digest": "sha256:…", "bytes": 528}   and 528 bytes
    {"record": "tag", "repository": "docker.io/library/busybox", "tag": "1.36", "digest":
    "sha256:…"} {"record": "end", "records": 2}

The end tells a whole file from one that was cut short. Whoever imports a file trusts its layer
indexes, as they stand for layers that are not at hand; documents are held against their digests.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Literal

import zstandard
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from elfgate.errors import InputError
from elfgate.store.content import is_intact
from elfgate.store.protocol import Kind, Store

VERSION = 1

_LINE_BYTES = 4096
_FACT_BYTES = 64 << 20
_ALL_BYTES = 64 << 30  # of a whole file, unpacked
_MOST_RECORDS = 20_000_000
_WINDOW_BYTES = 1 << 27  # what zstd's own command takes without being told to
_TAGS_OF_ONE = 256
_KINDS = {kind.value: kind for kind in Kind}
_CARRIED = [kind for kind in Kind if kind is not Kind.OVERRUN]  # which is of one service's machines
_Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Facts(_Record):
    record: Literal["facts"] = "facts"
    version: int


class _Fact(_Record):
    record: Literal["fact"] = "fact"
    kind: Annotated[str, Field(max_length=64)]
    digest: _Digest
    bytes: Annotated[int, Field(ge=0, le=_FACT_BYTES)]


class _Tag(_Record):
    record: Literal["tag"] = "tag"
    repository: Annotated[str, Field(min_length=1, max_length=512)]
    tag: Annotated[str, Field(pattern=r"^\w[\w.-]{0,127}$")]
    digest: _Digest


class _End(_Record):
    record: Literal["end"] = "end"
    records: int


_ANY: TypeAdapter[_Facts | _Fact | _Tag | _End] = TypeAdapter(
    Annotated[_Facts | _Fact | _Tag | _End, Field(discriminator="record")]
)


@dataclass(frozen=True, slots=True)
class Carried:
    """How much went from or into a store.

    Attributes:
        facts: Layers and documents.
        tags: Sights of tags.
        passed_over: Layers' indexes of another version of elfgate.
    """

    facts: int = 0
    tags: int = 0
    passed_over: int = 0


def write(store: Store, file: BinaryIO) -> Carried:
    """Write all that a store has.

    Raises:
        OSError: as the file does.
    """
    facts = tags = 0
    with zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False) as out:
        out.write(_line(_Facts(version=VERSION)))
        for kind in _CARRIED:
            for digest, value in store.facts(kind):
                if not is_intact(kind, digest, value):
                    continue  # whoever has the file reads it anew
                out.write(_line(_Fact(kind=kind.value, digest=digest, bytes=len(value))) + value)
                facts += 1
        for repository in store.repositories():
            for tag, digest in reversed(
                store.tags(repository, limit=_TAGS_OF_ONE)
            ):  # the latest comes last again
                out.write(_line(_Tag(repository=repository, tag=tag, digest=digest)))
                tags += 1
        out.write(_line(_End(records=facts + tags)))
    return Carried(facts, tags)


def read(file: BinaryIO, store: Store, *, name: str) -> Carried:
    """Put all that a file has into a store; each fact is looked at before.

    Args:
        file: The file.
        store: Where its facts go.
        name: What to call it in errors.

    Raises:
        InputError: if it is no such file, damaged, cut short or beyond all bounds. What came before
            that was sound, and is kept.
    """
    try:
        # The window bounds what the decompressor needs, whatever the file says.
        unpacked = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(file)
        return _read(_Input(io.BufferedReader(unpacked, 1 << 17), name), store)
    except zstandard.ZstdError as error:
        raise InputError(f"{name} is not a file of facts, or is damaged: {error}") from error


def _read(source: "_Input", store: Store) -> Carried:
    facts = tags = passed_over = 0
    for record in source.records():
        if isinstance(record, _Tag):
            store.tag(record.repository, record.tag, record.digest)
            tags += 1
        else:
            kind, value = _KINDS.get(record.kind), source.take(record.bytes)
            if kind is None:
                passed_over += 1
                continue
            if not is_intact(kind, record.digest, value):
                raise source.wrong(
                    f"the {kind.name.lower()} {record.digest[:19]} is not what its digest says"
                )
            store.put(kind, record.digest, value)
            facts += 1
    return Carried(facts, tags, passed_over)


class _Input:
    """The unpacked bytes of a file, counted."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self._stream = stream
        self._name = name
        self._bytes = 0
        self._records = 0

    def records(self) -> Iterator[_Fact | _Tag]:
        """All records between the first, which must be of our version, and the last."""
        first = self._next()
        if not isinstance(first, _Facts) or first.version != VERSION:
            raise self.wrong(f"is not a file of facts of version {VERSION}")
        while not isinstance(record := self._next(), _End):
            if isinstance(record, _Facts) or self._records > _MOST_RECORDS:
                raise self.wrong("is no record of a fact or tag")
            self._records += 1
            yield record
        if record.records != self._records:
            raise self.wrong(f"the file ends after {self._records} of {record.records} records")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self._count(len(data))
        if len(data) != size:
            raise self.wrong("the file is cut short")
        return data

    def wrong(self, what: str) -> InputError:
        """The fault of the record that was read last."""
        return InputError(f"{self._name}: record {self._records}: {what}")

    def _next(self) -> _Facts | _Fact | _Tag | _End:
        line = self._stream.readline(_LINE_BYTES)
        self._count(len(line))
        if not line.endswith(b"\n"):
            raise self.wrong(
                "the file is cut short" if len(line) < _LINE_BYTES else "is too long a line"
            )
        try:
            return _ANY.validate_json(line)
        except ValidationError:
            raise self.wrong("is none that elfgate writes") from None

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > _ALL_BYTES:
            raise self.wrong(f"the file unpacks to more than {_ALL_BYTES >> 30} GiB")


def _line(record: _Record) -> bytes:
    return record.model_dump_json().encode() + b"\n"
