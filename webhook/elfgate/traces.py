"""OpenTelemetry's traces: one span for each step of a review and of a scan, off unless asked for.

Nothing of OpenTelemetry is imported while they are off; a step then costs a look at one variable.
They take the extra ``elfgate[otel]``.

Source: the OpenTelemetry specification (Trace API; OTLP over HTTP, whose path is ``/v1/traces``).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from elfgate.errors import InputError

_OFF: AbstractContextManager[None] = nullcontext()
_SECONDS = 5.0  # to hand spans to the collector
_tracer: Any = None


def step(name: str, **attributes: object) -> AbstractContextManager[Any]:
    """A span around a step, within that of the step that it is a part of.

    Args:
        name: The step, such as ``scan``.
        attributes: What the step is about, such as ``image``.
    """
    if _tracer is None:
        return _OFF
    told = {f"elfgate.{key}": str(value) for key, value in attributes.items()}
    span: AbstractContextManager[Any] = _tracer.start_as_current_span(name, attributes=told)
    return span


@contextmanager
def tracing(endpoint: str, *, at_end: bool = False) -> Iterator[None]:
    """Send spans while the context lasts; none if no collector is named.

    Args:
        endpoint: The URL of a collector that takes OTLP over HTTP (``http://collector:4318``);
            empty for none.
        at_end: Send them when the context ends, and start no thread: a program that forks has none.

    Raises:
        InputError: if the extra is not installed, or the collector has no such URL.
    """
    global _tracer  # noqa: PLW0603 - one for the process: spans find each other by context
    if not endpoint:
        yield
        return
    if not endpoint.startswith(("http://", "https://")):
        raise InputError(
            f"{endpoint!r} is no collector of traces", hint="write http://collector:4318"
        )
    provider = _provider(f"{endpoint.removesuffix('/')}/v1/traces", at_end=at_end)
    _tracer = provider.get_tracer("elfgate")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def _provider(url: str, *, at_end: bool) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        hint = "install the extra: pip install 'elfgate[otel]'"
        raise InputError("traces need OpenTelemetry, which is not installed", hint=hint) from error
    exporter = trace_exporter.OTLPSpanExporter(endpoint=url, timeout=_SECONDS)
    provider = TracerProvider(resource=Resource.create({"service.name": "elfgate"}))
    provider.add_span_processor(_AtEnd(exporter) if at_end else BatchSpanProcessor(exporter))
    return provider


class _AtEnd:
    """Keeps spans, and sends them when all is done (``opentelemetry.sdk.trace.SpanProcessor``).

    Args:
        exporter: Sends them.
    """

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter
        self._spans: list[Any] = []

    def on_start(self, span: object, parent_context: object = None) -> None:
        """Nothing: a span is sent when it has ended."""

    def on_end(self, span: object) -> None:
        """Keep a span."""
        self._spans.append(span)

    def shutdown(self) -> None:
        """Send what was kept."""
        self._exporter.export(self._spans)
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether all is sent: nothing is before the end."""
        del timeout_millis
        return not self._spans

    def _on_ending(self, span: object) -> None:
        """Nothing (the SDK calls it before ``on_end``)."""
