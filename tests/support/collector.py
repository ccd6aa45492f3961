"""A collector of OpenTelemetry's traces on loopback: it takes OTLP over HTTP, and keeps the spans."""

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.loopback import Loopback


@dataclass(frozen=True)
class Span:
    """A span as it was sent."""

    name: str
    parent: str
    attributes: dict[str, str]


class Collector(Loopback):
    """A context manager."""

    def __init__(self) -> None:
        self._sent: list[Any] = []
        collector = self

        class Handler(_Handler):
            sent = collector._sent

        super().__init__(Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def spans(self) -> list[Span]:
        """The spans so far, each with the name of the one that it is a part of."""
        names = {span.span_id: span.name for span in self._sent}
        return [
            Span(
                span.name,
                names.get(span.parent_span_id, ""),
                {each.key: each.value.string_value for each in span.attributes},
            )
            for span in list(self._sent)
        ]


class _Handler(BaseHTTPRequestHandler):
    sent: list[Any]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_POST(self) -> None:
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.sent.extend(scope.spans)
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
