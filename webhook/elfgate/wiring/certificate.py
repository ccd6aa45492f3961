"""A self-made certificate, as files that the webhook serves from."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.authority import Pair, available
from elfgate.cluster.owned import Owned
from elfgate.cluster.plan import SelfMade as SelfMadeSettings
from elfgate.cluster.selfmade import Plan, SelfMade
from elfgate.errors import InputError
from elfgate.settings import Settings

log = logging.getLogger(__name__)

_AT_WORK = 1.0  # seconds from one look to the next while something is to be done
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@asynccontextmanager
async def certificate(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with files to serve from, if they ask for a self-made certificate.

    Else as they are.

    The files follow the certificate while the context lasts.

    Raises:
        InputError: if there is no certificate within the time that the settings allow.
    """
    tls = settings.tls
    if tls is None or tls.self_made is None:
        yield settings
        return
    with (
        Api(Access(settings.cluster.kubeconfig, settings.cluster.context)) as api,
        _Files() as files,
    ):
        self_made = SelfMade(_owned(api, tls.self_made), _plan(tls.self_made))
        files.put(await _first(self_made, tls.self_made))
        task = asyncio.create_task(_follow(self_made, files, tls.reload_seconds))
        try:
            paths = {"certificate": files.certificate, "key": files.key}
            yield settings.model_copy(update={"tls": tls.model_copy(update=paths)})
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class _Files:
    """A certificate and its key as files of memory (memfd_create(2)).

    A pod's disk may be read-only, and need not know.

    A context manager.
    """

    def __init__(self) -> None:
        self._descriptors = [os.memfd_create(name) for name in ("tls.crt", "tls.key")]
        self.certificate, self.key = (
            Path(f"/proc/self/fd/{descriptor}") for descriptor in self._descriptors
        )
        self._holds: Pair | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)

    def put(self, pair: Pair) -> None:
        """Replace what they hold. Both at once, to whoever reads them on the same event loop."""
        if pair == self._holds:
            return
        self._holds = pair
        for descriptor, content in zip(
            self._descriptors, (pair.certificate, pair.key), strict=True
        ):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, content, 0)


async def _first(self_made: SelfMade, settings: SelfMadeSettings) -> Pair:
    """Wait for a certificate."""
    end = time.monotonic() + settings.wait_seconds
    why = (
        "nobody has made one"
        if available()
        else "without the package cryptography none can be made here"
    )
    while time.monotonic() < end:
        try:
            pair, _ = await asyncio.to_thread(self_made.look)
            if pair:
                return pair
        except InputError as error:
            why = str(error)
            log.warning("there is no certificate yet: %s", error)
        await asyncio.sleep(_AT_WORK)
    raise InputError(f"there is no certificate after {settings.wait_seconds:g} s: {why}")


async def _follow(self_made: SelfMade, files: _Files, seconds: float) -> None:
    rest = True
    while True:
        await asyncio.sleep(seconds if rest else min(seconds, _AT_WORK))
        try:
            pair, rest = await asyncio.to_thread(self_made.look)
            if pair:
                files.put(pair)
        except InputError as error:
            rest = True
            log.warning("the certificate is not looked after, the one in use stays: %s", error)


def _owned(api: Api, settings: SelfMadeSettings) -> Owned:
    return Owned(
        api,
        namespace=settings.namespace or _own_namespace(),
        secret=settings.secret,
        lease=settings.lease,
        configurations=settings.webhooks,
    )


def _plan(settings: SelfMadeSettings) -> Plan:
    return Plan(settings.names, settings.days, settings.settle_seconds, settings.overlap_seconds)


def _own_namespace() -> str:
    try:
        return _OWN_NAMESPACE.read_text().strip()
    except OSError:
        raise InputError(
            "tls.self_made.namespace is not set", hint="only a pod knows its own"
        ) from None
