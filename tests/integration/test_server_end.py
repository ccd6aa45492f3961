"""How the webhook ends, as a process: what was begun is answered, and nothing new comes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from elfgate.settings.doors import Listen
from support.serving import REVIEW, UID, Pki

DRAINED = """
import asyncio, json, sys
from pathlib import Path
from support.serving import Judging, all_ready, answer
from elfgate.server.logs import log_json
from elfgate.server.metrics import Metrics
from elfgate.server.run import run, serve
from elfgate.settings import Settings

@Judging
async def judge(body, deadline):
    if b"wait" in body:
        print("judging", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    return answer(body)

settings = Settings.read(Path(sys.argv[1]))
log_json(settings.log.level)
run(serve(settings=settings, judge=judge, ready=all_ready, metrics=Metrics()))
"""


@contextlib.contextmanager
def process(pki: Pki, **admission: Any) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    file = pki.folder / "settings.json"
    file.write_text(
        pki.settings(**admission).model_copy(update={"listen": Listen(port=0)}).model_dump_json()
    )
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", DRAINED, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tests)},
    ) as running:
        assert running.stderr is not None
        started = json.loads(running.stderr.readline())
        assert started["message"] == "listening"
        try:
            with httpx.Client(
                base_url=started["url"], verify=pki.trusting(), trust_env=False, timeout=20
            ) as client:
                yield running, client
        finally:
            running.kill()


def test_sigterm_lets_the_endpoints_drain_and_finishes_what_was_begun(pki: Pki) -> None:
    with process(pki, drain_seconds=0.5) as (running, client):
        stdin, stdout = running.stdin, running.stdout
        assert stdin is not None
        assert stdout is not None
        assert client.get("/readyz").status_code == 200
        pending: list[httpx.Response] = []
        waiting = {**REVIEW, "wait": True}
        slow = asyncio.new_event_loop()

        async def post() -> None:
            async with httpx.AsyncClient(
                base_url=client.base_url, verify=pki.trusting(), trust_env=False
            ) as other:
                pending.append(await other.post("/validate", json=waiting, timeout=20))

        async def drain() -> None:
            begun = asyncio.create_task(post())
            await asyncio.to_thread(stdout.readline)
            running.send_signal(signal.SIGTERM)
            while (probe := await asyncio.to_thread(client.get, "/readyz")).status_code == 200:
                pass
            assert probe.text == "not ready: it is shutting down\n"
            assert probe.headers["connection"] == "close"
            late = await asyncio.to_thread(client.post, "/validate", json=REVIEW)
            assert late.json()["response"]["allowed"]
            stdin.write("\n")
            stdin.flush()
            await begun

        slow.run_until_complete(drain())
        slow.close()
        assert pending[0].json()["response"] == {"uid": UID, "allowed": True}
        assert running.wait(timeout=10) == 0


def test_a_connection_made_just_before_the_end_still_gets_its_answer(pki: Pki) -> None:
    with process(pki, drain_seconds=1) as (running, client):
        address = (client.base_url.host, client.base_url.port)
        with (
            socket.create_connection(address) as plain,
            pki.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as young,
        ):
            running.send_signal(signal.SIGTERM)
            while not refuses(*address):  # it listens no more: the drain is over
                pass
            body = json.dumps(REVIEW).encode()
            head = f"POST /validate?timeout=5s HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            young.sendall(head.encode() + body)
            answered = young.recv(1 << 16)
        assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
        assert running.wait(timeout=10) == 0


def refuses(host: str, port: int | None) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) != 0
