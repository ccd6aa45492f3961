"""The real webhook on loopback over TLS, with certificates made on the spot and a judge made by the test."""

import asyncio
import json
import logging
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import trustme

from elfgate.server.answers import Refusal
from elfgate.server.app import Ready
from elfgate.server.judge import Judge
from elfgate.server.metrics import Metrics
from elfgate.server.run import run, serve
from elfgate.settings import Settings

UID = "bd5d27d1-4b36-4fd9-abfb-4323fe6621e7"
REVIEW: dict[str, Any] = {
    "kind": "AdmissionReview",
    "apiVersion": "admission.k8s.io/v1",
    "request": {"uid": UID, "operation": "CREATE", "object": {"kind": "Pod", "apiVersion": "v1"}},
}


@dataclass(frozen=True)
class Answer:
    """What a judge of these tests says."""

    body: bytes
    allowed: bool = True
    point: str = "pod"
    codes: tuple[str, ...] = ()
    outcome: str = "judged"
    seconds: Mapping[str, float] = field(default_factory=dict)
    dryrun: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def answer(body: bytes, *, allowed: bool = True, codes: tuple[str, ...] = ()) -> Answer:
    """A well-formed answer to the review in ``body``."""
    uid = json.loads(body)["request"]["uid"]
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    response = json.dumps(review | {"response": {"uid": uid, "allowed": allowed}})
    return Answer(response.encode(), allowed=allowed, codes=codes)


@dataclass(frozen=True)
class Body:
    """A review that a judge of these tests has read."""

    body: bytes

    @property
    def uid(self) -> str:
        """The review's, or a stand-in for what is no review: such a judge reads anything."""
        try:
            return str(json.loads(self.body)["request"]["uid"])
        except (ValueError, TypeError, KeyError):
            return "none"

    @property
    def namespace(self) -> str:
        """The review's, or none."""
        try:
            return str(json.loads(self.body)["request"]["namespace"])
        except (ValueError, TypeError, KeyError):
            return ""


@dataclass(frozen=True)
class Judging:
    """A judge that has nothing at hand, and judges by a function."""

    function: Callable[[bytes, float], Awaitable[Answer]]

    def read(self, body: bytes) -> Body:
        """Read anything."""
        return Body(body)

    def at_hand(self, _question: Body) -> Answer | None:
        """Nothing is."""
        return None

    async def judge(self, question: Body, deadline: float) -> Answer:
        """Ask the function."""
        return await self.function(question.body, deadline)


@Judging
async def admit(body: bytes, _deadline: float) -> Answer:
    """A judge that admits every review."""
    return answer(body)


async def all_ready() -> list[str]:
    """A probe that finds nothing missing."""
    return []


@dataclass(frozen=True)
class Pki:
    """A throw-away authority, and the files that a webhook serves from."""

    folder: Path
    ca: trustme.CA

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        return self.folder / "tls.key"

    def issue(self, **options: Any) -> None:
        """Write a new certificate and key into the files."""
        leaf = self.ca.issue_cert("127.0.0.1", **options)
        leaf.private_key_pem.write_to_path(str(self.key))
        leaf.cert_chain_pems[0].write_to_path(str(self.certificate))

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context

    def settings(
        self,
        *,
        client_ca: Path | None = None,
        client_names: Sequence[str] = (),
        listen: Mapping[str, Any] | None = None,
        **admission: Any,
    ) -> Settings:
        """Settings to serve from these files, on any port that is free."""
        tls: dict[str, Any] = {
            "certificate": self.certificate,
            "key": self.key,
            "reload_seconds": 60,
        }
        tls |= {"client_ca": client_ca, "client_names": client_names}
        admission = {"drain_seconds": 0, **admission}
        listening = {"port": 0, **(listen or {})}
        return Settings.model_validate({"listen": listening, "tls": tls, "admission": admission})


class _Listening(logging.Handler):
    """Waits for the log to say where the server listens."""

    def __init__(self) -> None:
        super().__init__()
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def emit(self, record: logging.LogRecord) -> None:
        """Take the URL of the one record that has it."""
        if hasattr(record, "url"):
            self.url.set_result(record.url)


@dataclass(frozen=True)
class Server:
    """A webhook that serves, and a client that trusts it."""

    client: httpx.AsyncClient
    metrics: Metrics

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self.client.base_url.port or 0

    async def review(self, body: Any = REVIEW, query: str = "?timeout=10s") -> httpx.Response:
        """Post an AdmissionReview as the API server does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return await self.client.post(f"/validate{query}", content=content, headers=headers)


@asynccontextmanager
async def served(
    settings: Settings, pki: Pki, judge: Judge[Any], ready: Ready, steer: Judge[Any] | None = None
) -> AsyncIterator[Server]:
    """Serve while the context lasts, and stop as by Ctrl-C."""
    metrics, listening = Metrics(), _Listening()
    logger = logging.getLogger("elfgate.server.run")
    logger.setLevel(logging.INFO)
    logger.addHandler(listening)
    serving = asyncio.create_task(
        serve(settings=settings, judge=judge, steer=steer, ready=ready, metrics=metrics)
    )
    try:
        either: tuple[asyncio.Future[Any], ...] = (serving, listening.url)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving  # it raises why it does not serve
        base = listening.url.result()
        async with httpx.AsyncClient(
            base_url=base, verify=pki.trusting(), trust_env=False, timeout=20
        ) as client:
            yield Server(client, metrics)
    finally:
        logger.removeHandler(listening)
        if not serving.done():
            os.kill(os.getpid(), signal.SIGINT)
            await serving


def against(
    pki: Pki,
    check: Callable[[Server], Awaitable[None]],
    *,
    judge: Judge[Any] = admit,
    ready: Ready = all_ready,
    steer: Judge[Any] | None = None,
    **admission: Any,
) -> None:
    """Serve, and run ``check`` against it."""

    async def main() -> None:
        async with served(pki.settings(**admission), pki, judge, ready, steer) as server:
            await check(server)

    run(main())


async def until_metric(server: Server, line: str) -> None:
    """Wait until the server counts so."""
    async with asyncio.timeout(5):
        while line not in (await server.client.get("/metrics")).text:
            pass
