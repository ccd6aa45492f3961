"""A small image whose answers are certain.

They tell whether confined processes can do their work here.
"""

import io
import tarfile

from elfgate.errors import UnreadableError
from elfgate.images.digests import digest_of
from elfgate.images.indexer import Indexer
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.inputs import ImageDefaults
from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.entry import Entry, Kind
from elfgate.scan.inquiry import BusyError, Inquiry, KilledError, Predictor
from elfgate.scan.located import Contents

_PLATFORM = Platform("linux", "amd64")
_TRIES = 3  # a machine may be busy where a service starts
_SCRIPT = b"#!/bin/missing\n"


async def predicts(predictor: Predictor) -> str:
    """Empty if a predictor gives the right answer; else what is wrong with it."""
    builder = LayerBuilder()
    builder.add("/start", Entry(Kind.FILE, mode=0o755, size=len(_SCRIPT)), _SCRIPT)
    defaults = ImageDefaults(entrypoint=("/start",))
    contents = Contents("", _PLATFORM, defaults, (("", builder.build()),))
    for left in reversed(range(_TRIES)):
        try:
            foreseen = await predictor.predict(contents, Inquiry(_PLATFORM))
            break
        except (BusyError, KilledError) as error:
            if not left:
                return error.message
    outcome = foreseen.prediction.outcome
    return "" if outcome is Outcome.CANNOT_START else f"a script without interpreter {outcome}"


def indexes(indexer: Indexer) -> str:
    """Empty if an indexer makes the right index; else what is wrong with it. Blocks."""
    packed = _archive()
    descriptor = Descriptor("", digest_of(packed), len(packed))
    try:
        layer = indexer.layer(io.BytesIO(packed), descriptor, Limits())
        names = set(layer.entries("/"))
    except UnreadableError as error:
        return error.message
    return "" if names == {"start"} else "a layer's index lacks a file"


def _archive() -> bytes:
    """A layer of one file, as gzip."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        member = tarfile.TarInfo("start")
        member.size, member.mode = len(_SCRIPT), 0o755
        archive.addfile(member, io.BytesIO(_SCRIPT))
    return written.getvalue()
