"""Programs that tell credentials.

Run for a short while, with a question on standard input and an answer on output.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from elfgate.errors import UnknownReason, UnreadableError

_MOST_BYTES = 1 << 20


def ask(
    command: Sequence[str],
    question: bytes,
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Run a program and return its exit code and what it wrote.

    Args:
        command: The program and its arguments.
        question: Its standard input.
        seconds: How long it may take; after that it is killed, with what it has started.
        environment: Added to this process's own.

    Raises:
        UnreadableError: NO_CREDENTIALS if it cannot be run, takes too long or talks too much. What
            it wrote is in no message: it may be a secret.
    """
    name = os.path.basename(command[0])  # noqa: PTH119 - a name looked up on PATH is no path
    try:
        # A session of its own, so that what it starts can be killed with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name or arguments are not usable"
        raise _failed(f"{name} cannot be run: {reason}") from error
    with process:
        try:
            answer, _ = process.communicate(question, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise _failed(f"{name} gave no credentials within {seconds:g} s") from error
    if len(answer) > _MOST_BYTES:
        raise _failed(f"{name} wrote more than {_MOST_BYTES} bytes")
    return process.returncode, answer


def _failed(message: str) -> UnreadableError:
    return UnreadableError(message, reason=UnknownReason.NO_CREDENTIALS)
