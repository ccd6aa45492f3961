"""A parer's own program: it leaves of one heavy document what is read of it, and ends."""

from collections.abc import Sequence

from elfgate.errors import UnreadableError
from elfgate.images.pared import pare
from elfgate.isolation.frames import read_frame, write_frame
from elfgate.isolation.messages import FAILED, MOST_DOCUMENT_BYTES, PARED, Failed
from elfgate.isolation.typed import dumps


def work(descriptors: Sequence[int], what: object) -> None:
    """Pare a document.

    Args:
        descriptors: The channel, from which the document is read.
        what: What messages call the document.
    """
    (channel,) = descriptors
    try:
        write_frame(channel, PARED + pare(read_frame(channel, MOST_DOCUMENT_BYTES), str(what)))
    except (MemoryError, RecursionError):
        write_frame(channel, FAILED + dumps(Failed(memory=True)))
    except UnreadableError as error:
        write_frame(channel, FAILED + dumps(Failed.of(error)))
