"""The scanner of images, and the reader that it reads them by."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from elfgate.scan.attested import Trusted
from elfgate.scan.inquiry import Predictor
from elfgate.scan.reader import Reader
from elfgate.scan.scanner import Scanner
from elfgate.settings.images import AttestedRepositories
from elfgate.store.near import near_store
from elfgate.wiring.isolation import Work, untrusted_work
from elfgate.wiring.locator import Locator
from elfgate.wiring.reading import Reading
from elfgate.wiring.stores import shared_store

if TYPE_CHECKING:
    from elfgate.images.indexer import Indexer

__all__ = ["Reading", "reader", "reader_by", "scanner", "scanner_by", "trusted", "work_of"]


@asynccontextmanager
async def scanner(reading: Reading) -> AsyncIterator[Scanner]:
    """A scanner with its store and threads, closed at the end.

    Raises:
        InputError: if one of the references or locations is none, or the store's file cannot be
            used.
    """
    async with (
        work_of(reading) as work,
        reader_by(reading, work.indexer) as (read, locate),
        scanner_by(reading, work.predictor, read, locate) as scanning,
    ):
        yield scanning


@asynccontextmanager
async def scanner_by(
    reading: Reading, predictor: Predictor, read: Reader, locate: "Locator"
) -> AsyncIterator[Scanner]:
    """A scanner of these parts, closed at the end."""
    scanning = Scanner(
        locate=locate,
        reader=read,
        predictor=predictor,
        wait=reading.wait,
        snapshotter=reading.snapshotter,
        on_unread=reading.on_unread,
        by_upper=reading.by_upper,
    )
    try:
        await scanning.load()
        yield scanning
    finally:
        await scanning.close()


def work_of(reading: Reading) -> AbstractAsyncContextManager[Work]:
    """The processes that do untrusted work, ended at the end."""
    return untrusted_work(
        reading.isolation, reading.injected, reading.figures, self_test=reading.self_test
    )


@asynccontextmanager
async def reader(
    reading: Reading, *, at_once: int | None = None
) -> AsyncIterator[tuple[Reader, "Locator"]]:
    """A reader and what it finds images by, closed at the end.

    Args:
        reading: How images are read.
        at_once: How many things of one registry are read at a time, if not as many as the settings
            say.

    Raises:
        InputError: as ``scanner`` does.
    """
    async with (
        work_of(reading) as work,
        reader_by(reading, work.indexer, at_once=at_once) as opened,
    ):
        yield opened


@asynccontextmanager
async def reader_by(
    reading: Reading, indexer: "Indexer | None", *, at_once: int | None = None
) -> AsyncIterator[tuple[Reader, "Locator"]]:
    """A reader with this indexer, and what it finds images by, closed at the end (``reader``)."""
    async with AsyncExitStack() as closing:
        told = reading.on_store_failure
        file, size = reading.store, reading.store_bytes
        near = near_store(file, max_bytes=size, on_failure=told)
        closing.callback(near.close)
        shared = shared_store(reading.store_url, told) if reading.store_url else None
        if shared is not None:
            closing.callback(shared.close)
        locator = Locator(reading, indexer)
        closing.callback(locator.close)
        said = reading.registries
        places = at_once or said.concurrency
        read = Reader(
            store=near,
            shared=shared,
            limits=reading.limits,
            concurrency=places,
            by_table=said.by_table,
            attested=trusted(said.attested),
            tenants=reading.tenants,
            on_damage=partial(told, "near"),
        )
        closing.push_async_callback(read.close)
        yield read, locator


def trusted(said: Sequence[AttestedRepositories]) -> tuple[Trusted, ...]:
    """The keys whose statements of facts are believed, each with its repositories.

    Raises:
        InputError: if a key is none.
    """
    if not said:
        return ()
    from elfgate.keys import Verifier

    return tuple(Trusted(each.repositories, Verifier(each.key.encode())) for each in said)
