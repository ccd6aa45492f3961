"""The leases that a process holds."""

import threading

from elfgate.store.leases import Held


def test_nothing_is_renewed_any_longer_once_it_is_closed() -> None:
    begun, go_on, ended = (threading.Event() for _ in range(3))

    def renew(_name: str, _token: bytes) -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    held = Held(renew, seconds=0.03)
    held.add("one", b"1")
    held.add("another", b"2")
    assert begun.wait(10)
    threading.Timer(0.05, go_on.set).start()
    assert held.close() == [("one", b"1"), ("another", b"2")]
    assert ended.is_set()
