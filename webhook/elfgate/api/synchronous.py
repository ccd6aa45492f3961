"""The calls for programs without an event loop."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from elfgate.api import asynchronous
from elfgate.api.options import Options
from elfgate.results.audit import AuditOutput
from elfgate.results.check import CheckOutput
from elfgate.results.image import ScanOutput

_T = TypeVar("_T")


def scan(
    image: str, *, platforms: Sequence[str] = (), options: Options | None = None
) -> ScanOutput:
    """``scan_async``, run to its end."""
    return _run(asynchronous.scan_async(image, platforms=platforms, options=options))


def check(
    objects: Iterable[Mapping[str, Any]],
    *,
    nodes: Sequence[str | Mapping[str, Any]],
    namespace: str = "default",
    options: Options | None = None,
) -> CheckOutput:
    """``check_async``, run to its end."""
    call = asynchronous.check_async(objects, nodes=nodes, namespace=namespace, options=options)
    return _run(call)


def audit(
    objects: Iterable[Mapping[str, Any]],
    *,
    nodes: Sequence[str | Mapping[str, Any]] = (),
    platforms: Sequence[str] = (),
    owner_label: str = "",
    options: Options | None = None,
) -> AuditOutput:
    """``audit_async``, run to its end."""
    call = asynchronous.audit_async(
        objects, nodes=nodes, platforms=platforms, owner_label=owner_label, options=options
    )
    return _run(call)


def _run(call: Coroutine[Any, Any, _T]) -> _T:
    """Run a call to its end, in an event loop of its own.

    Raises:
        RuntimeError: if one runs in this thread already.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(call)
    call.close()
    raise RuntimeError("an event loop runs in this thread: await the call that ends in _async")
