"""The tools of trials: a scanner, and the layers that it reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from elfgate.images.indexer import LocalIndexer
from elfgate.scan.inquiry import Predictor
from elfgate.scratch import Scratch
from elfgate.trial.kept import Kept
from elfgate.trial.sandbox import give
from elfgate.trial.trying import Bench
from elfgate.wiring.images import Reading, reader_by, scanner_by, work_of


@asynccontextmanager
async def opened(reading: Reading) -> AsyncIterator[tuple[Bench, Predictor]]:
    """A bench, with a folder that is gone at the end; and its predictor.

    Raises:
        InputError: as ``wiring.images.scanner`` does.
    """
    with Scratch() as scratch:
        folder = scratch.path
        give(folder)
        async with work_of(reading) as work:
            kept = Kept(work.indexer or LocalIndexer(), folder)
            async with (
                reader_by(reading, kept) as (read, locate),
                scanner_by(reading, work.predictor, read, locate) as scanner,
            ):
                bench = Bench(scanner, read, locate, kept, folder, reading.limits)
                yield bench, work.predictor
