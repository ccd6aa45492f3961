"""Heavy documents pared in processes of their own, one for each (``images.pared``).

JSON of a few megabytes may become a hundred, and takes a core for as long as a hundred reviews.
"""

from collections.abc import Callable

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.pared import MOST_BYTES
from elfgate.isolation.children import NoChildError, Zygote
from elfgate.isolation.conversation import Conversation, EndedError, StalledError
from elfgate.isolation.messages import FAILED, MOST_HELLO_BYTES, PARED, Failed
from elfgate.isolation.slots import Slots
from elfgate.isolation.typed import loads

PARERS = 2
MEMORY = 160 << 20
_CPU_SECONDS = 2
_SECONDS = 20.0  # for all of it, the wait for a place included
_WHAT_CHARACTERS = 1_000


class Paring:
    """Pares documents in processes that hold nothing and can be killed.

    Args:
        zygote: Forks them.
        on_kill: Told of each process that was killed, with the reason: ``memory``, ``ended``.
    """

    def __init__(self, zygote: Zygote, on_kill: Callable[[str], None]) -> None:
        self._zygote = zygote
        self._slots = Slots(PARERS)
        self._on_kill = on_kill

    def document(self, data: bytes, what: str) -> bytes:
        """Leave of a document what is read of it. Blocks; thread-safe.

        Raises:
            UnreadableError: as ``pare`` does; LIMIT_EXCEEDED if that takes too much; NOT_SCANNED if
                no process comes to it.
        """
        try:
            with self._slots.taken(_SECONDS):
                return _opened(self._answer(data, what))
        except (NoChildError, StalledError, TimeoutError) as error:
            message = f"{what} cannot be read now: {str(error) or 'no process came to it in time'}"
            raise UnreadableError(message, reason=UnknownReason.NOT_SCANNED) from error
        except MemoryError as error:
            self._on_kill("memory")
            raise _too_much(what) from error
        except (EndedError, ValueError) as error:
            self._on_kill("ended")
            raise _too_much(what) from error

    def _answer(self, data: bytes, what: str) -> bytes:
        child = self._zygote.fork(
            "parer", memory=MEMORY, seconds=_CPU_SECONDS, settings=what[:_WHAT_CHARACTERS]
        )
        try:
            talk = Conversation(child, _SECONDS)
            talk.receive(MOST_HELLO_BYTES)
            talk.send(data)
            return talk.receive(MOST_BYTES + len(PARED))
        finally:
            child.end()


def _opened(frame: bytes) -> bytes:
    """The document that an answer holds.

    Raises:
        MemoryError: if the process had too little.
        UnreadableError: if there is none.
        ValueError: if it is no answer.
    """
    if frame.startswith(PARED):
        return frame[len(PARED) :]
    if not frame.startswith(FAILED):
        raise ValueError("it answers what is no answer")
    failed = loads(Failed, frame[len(FAILED) :])
    if failed.memory:
        raise MemoryError
    raise UnreadableError(failed.message, reason=failed.reason or UnknownReason.IMAGE_INVALID)


def _too_much(what: str) -> UnreadableError:
    message = f"{what} takes more time or memory to read than it may"
    return UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
