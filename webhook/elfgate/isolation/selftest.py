"""A small image whose answer is certain: it tells whether processes behind the sandbox can do their work here."""

from elfgate.linkage.report import Outcome
from elfgate.linkage.start import ImageDefaults
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
