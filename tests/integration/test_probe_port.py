"""The probes' own port tells the truth about the event loop, whatever reviews do meanwhile."""

import asyncio
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import pytest

from elfgate.server import heart
from elfgate.server.heart import Heart
from elfgate.server.probe_port import CONNECTIONS
from support.serving import Pki, Server, against


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310  # http, as above
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def probes(caplog: pytest.LogCaptureFixture) -> str:
    """Where the log says that probes are answered."""
    return next(
        str(vars(record)["probes"]) for record in caplog.records if "probes" in vars(record)
    )


async def until(asked: Callable[[], tuple[int, str]], status: int) -> str:
    async with asyncio.timeout(10):
        while True:
            found, text = await asyncio.to_thread(asked)
            if found == status:
                return text


def test_probes_are_answered_over_plain_http(
    pki: Pki, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "LOOK_SECONDS", 0.05)
    missing = ["nodes: they are not known yet"]

    async def ready() -> list[str]:
        return missing

    async def check(server: Server) -> None:
        url = probes(caplog)
        assert await asyncio.to_thread(get, f"{url}/livez") == (200, "ok\n")
        text = await until(lambda: get(f"{url}/readyz"), 503)
        assert text in {"it has not looked yet\n", "nodes: they are not known yet\n"}
        missing.clear()
        assert await until(lambda: get(f"{url}/readyz"), 200) == "ok\n"
        assert (await asyncio.to_thread(get, f"{url}/validate"))[0] == 404

    against(pki, check, ready=ready, listen={"probe_port": 0})


def test_a_loop_that_is_held_up_does_not_live(
    pki: Pki, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "STUCK_SECONDS", 0.3)
    told: list[tuple[int, str]] = []

    def ask(url: str) -> None:
        told.append(get(url))
        time.sleep(0.6)
        told.append(get(url))

    async def check(server: Server) -> None:
        thread = threading.Thread(target=ask, args=(f"{probes(caplog)}/livez",))
        thread.start()
        thread.join()  # on the event loop, which is thus held up
        lag = (await server.client.get("/metrics")).text
        assert 'elfgate_loop_lag_seconds_bucket{le="0.1"}' in lag

    against(pki, check, listen={"probe_port": 0})
    assert told[0] == (200, "ok\n")
    assert told[1][0] == 503
    assert told[1][1].startswith("the event loop has not run for ")


def test_nobody_keeps_the_kubelet_out_by_holding_connections(
    pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(server: Server) -> None:
        url = probes(caplog)
        port = int(url.rpartition(":")[2])
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3 * CONNECTIONS)]
        assert await asyncio.to_thread(get, f"{url}/livez") == (200, "ok\n")
        for _, writer in held:
            writer.transport.abort()

    against(pki, check, listen={"probe_port": 0})


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"x" * 10_000, b"\r\n\r\n"]
)
def test_noise_is_no_probe(pki: Pki, caplog: pytest.LogCaptureFixture, noise: bytes) -> None:
    async def check(server: Server) -> None:
        url = probes(caplog)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(noise)
        writer.write_eof()
        with suppress(OSError):
            assert b" 200 " not in await reader.read()
        writer.transport.abort()
        assert await asyncio.to_thread(get, f"{url}/livez") == (200, "ok\n")

    against(pki, check, listen={"probe_port": 0})


def test_a_look_that_is_old_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> list[str]:
        return []

    async def main() -> Heart:
        beating = Heart(look, lambda _seconds: None)
        assert beating.missing() == ["it has not looked yet"]
        async with beating.beating(looks=True):
            await asyncio.sleep(0.01)
            assert beating.missing() == []
        return beating

    stopped = asyncio.run(main())
    monkeypatch.setattr(heart, "STUCK_SECONDS", 0.0)
    monkeypatch.setattr(heart, "LOOK_SECONDS", 0.0)
    assert "it has not looked for 0 s" in stopped.missing()
    stopped.drain()
    assert stopped.missing() == ["it is shutting down"]
