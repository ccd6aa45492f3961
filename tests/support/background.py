"""Work on a thread of its own, as long as a context lasts."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Background(ABC):
    """A context manager; what is to be done is for whoever derives from it."""

    @abstractmethod
    def work(self) -> None:
        """What the thread does, until it is stopped."""

    @abstractmethod
    def stop(self) -> None:
        """Have the work end; called from another thread."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.work, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()
