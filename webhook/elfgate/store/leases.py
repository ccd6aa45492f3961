"""The leases that a process holds: renewed for as long as it lives and has not given them back."""

import threading
from collections.abc import Callable


class Held:
    """Leases by name, each with the token that proves it ours. Thread-safe.

    A thread renews them while there are any; it dies with the process, and then they expire.

    Args:
        renew: Makes a lease last longer; called with name and token, must not raise.
        seconds: How long a lease lasts; it is renewed three times in that time.
    """

    def __init__(self, renew: Callable[[str, bytes], None], seconds: float) -> None:
        self._renew = renew
        self._interval = seconds / 3
        self._tokens: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def add(self, name: str, token: bytes) -> None:
        """Hold a lease."""
        with self._lock:
            self._tokens[name] = token
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def take(self, name: str) -> bytes | None:
        """Hold it no longer; its token, or None if it was not held."""
        with self._lock:
            return self._tokens.pop(name, None)

    def close(self) -> list[tuple[str, bytes]]:
        """Hold nothing any longer, and renew nothing.

        Whoever renews may close its connections then.

        Returns:
            What was held until now.
        """
        self._closed.set()
        with self._lock:
            held, thread = list(self._tokens.items()), self._thread
            self._tokens.clear()
        if thread is not None:
            thread.join()
        return held

    def _run(self) -> None:
        while not self._closed.wait(self._interval):
            with self._lock:
                held = list(self._tokens.items())
                if not held:
                    self._thread = None
                    return
            for name, token in held:
                if not self._closed.is_set():
                    self._renew(name, token)
