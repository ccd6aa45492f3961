"""Metrics for Prometheus. Labels are bounded: no client can make new series without end."""

from collections.abc import Iterable, Mapping
from platform import python_version

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from elfgate import __version__
from elfgate.server.line import Line
from elfgate.server.shares import Shares

# Seconds. A remembered verdict takes well under a millisecond; the API server waits 10 s by
# default.
LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
DISTINCT = 64
NAMESPACES = 256
OTHER = "other"


class Labels:
    """Lets the first values of a label through, and counts the rest as ``other``.

    Args:
        distinct: How many values are let through.
    """

    def __init__(self, distinct: int = DISTINCT) -> None:
        self._distinct = distinct
        self._seen: set[str] = {OTHER}

    def bound(self, value: str) -> str:
        """The value, or ``other``."""
        if value in self._seen:
            return value
        if len(self._seen) > self._distinct:
            return OTHER
        self._seen.add(value)
        return value


class Metrics:
    """The webhook's metrics, in a registry of their own.

    Attributes:
        registry: Where further collectors may be added.
        in_flight: Reviews being answered now.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._labels = {name: Labels() for name in ("point", "outcome", "code", "rule")}
        self._labels["namespace"] = Labels(NAMESPACES)
        self._failed: dict[str, Counter] = {}
        self._known_series: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._known_steps: dict[str, Histogram] = {}
        self._count_reviews()
        self._count_failures()
        self._watch_settings()
        self._watch_door()

    def _count_reviews(self) -> None:
        """Make the metrics of reviews and what they cost."""
        self._reviews = Counter(
            "elfgate_reviews",
            "Reviews answered",
            ["point", "decision", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "elfgate_review_seconds",
            "Seconds from a review's headers to its answer",
            ["point", "decision"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._steps = Histogram(
            "elfgate_step_seconds",
            "Seconds that a step of judging took: parse, targets, scan, engine; of reviews not "
            "answered from memory",
            ["step"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._findings = Counter(
            "elfgate_findings",
            "Answers that name a rule",
            ["point", "decision", "code"],
            registry=self.registry,
        )
        self._would_deny = Counter(
            "elfgate_would_deny",
            "Reviews that would be denied if all that warns or runs dry denied",
            ["point", "namespace"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "elfgate_reviews_in_flight", "Reviews being answered", registry=self.registry
        )

    def _count_failures(self) -> None:
        """Make the metrics of what got no verdict, and why."""
        self._failures = Counter(
            "elfgate_failures",
            "Reviews answered without a verdict, and requests refused, by cause",
            ["cause"],
            registry=self.registry,
        )
        self._rules = Counter(
            "elfgate_rule_failures",
            "Reviews for which a rule of the user's own failed and was left out",
            ["rule"],
            registry=self.registry,
        )
        self._stores = Counter(
            "elfgate_store_failures",
            "Reads and writes of a store that failed, by store: near, or shared by replicas",
            ["store"],
            registry=self.registry,
        )
        self._unread = Counter(
            "elfgate_unread_images",
            "Images that could not be read for a review, by the unknown's reason: a registry's "
            "failures are among them",
            ["reason"],
            registry=self.registry,
        )
        self._unexpected = Counter(
            "elfgate_unexpected_errors",
            "Errors of elfgate's own, by where they came up; each is a bug",
            ["where"],
            registry=self.registry,
        )
        self._notifications = Counter(
            "elfgate_notifications",
            "Push notifications of registries, by result",
            ["result"],
            registry=self.registry,
        )

    def _watch_settings(self) -> None:
        """Make the metrics of what is in force."""
        build = Gauge(
            "elfgate_build_info",
            "1, by the versions of what runs",
            ["version", "python"],
            registry=self.registry,
        )
        build.labels(__version__, python_version()).set(1)
        self._bundles = Counter(
            "elfgate_policy_bundles",
            "New policy bundles, by result; one that is refused leaves the old one in force",
            ["result"],
            registry=self.registry,
        )
        self._expires = Gauge(
            "elfgate_certificate_expiry_timestamp_seconds",
            "When the certificate that is served expires",
            registry=self.registry,
        )
        self._reloads = Counter(
            "elfgate_certificate_reloads",
            "Changed certificates, by result",
            ["result"],
            registry=self.registry,
        )
        self._ready = Gauge(
            "elfgate_ready",
            "1 if the last readiness probe was answered with yes",
            registry=self.registry,
        )

    def _watch_door(self) -> None:
        """Make the metrics of the door and the event loop."""
        self._lag = Histogram(
            "elfgate_loop_lag_seconds",
            "By how many seconds the event loop was late, looked at four times a second",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.connections = Gauge(
            "elfgate_connections", "Connections that are open", registry=self.registry
        )
        self._turned_away = Counter(
            "elfgate_connections_refused",
            "Connections that were refused or given up, by cause",
            ["cause"],
            registry=self.registry,
        )

    def judged(
        self,
        *,
        point: str,
        allowed: bool,
        outcome: str,
        codes: Iterable[str],
        seconds: float,
        dryrun: Iterable[str] = (),
    ) -> None:
        """Count an answer that the judge gave."""
        point, outcome = self._labels["point"].bound(point), self._labels["outcome"].bound(outcome)
        decision = "allowed" if allowed else "denied"
        answered, took = self._series(point, decision, outcome)
        answered.inc()
        took.observe(seconds)
        for effect, named in ((decision, codes), ("dryrun", dryrun)):
            for code in named:
                self._findings.labels(point, effect, self._labels["code"].bound(code)).inc()

    def would_deny(self, *, point: str, namespace: str, codes: Iterable[str]) -> None:
        """Count a review whose denial is held back."""
        point = self._labels["point"].bound(point)
        self._would_deny.labels(point, self._labels["namespace"].bound(namespace)).inc()
        for code in codes:
            self._findings.labels(point, "would_deny", self._labels["code"].bound(code)).inc()

    def _series(self, point: str, decision: str, outcome: str) -> tuple[Counter, Histogram]:
        """The series that count such an answer, looked up once.

        The library looks a series up anew each time, under a lock.
        """
        key = (point, decision, outcome)
        if key not in self._known_series:
            series = self._reviews.labels(*key), self._seconds.labels(point, decision)
            self._known_series[key] = series
        return self._known_series[key]

    def steps(self, seconds: Mapping[str, float]) -> None:
        """Count what the steps of judging took."""
        for step, took in seconds.items():
            series = self._known_steps.get(step)
            if series is None:
                series = self._known_steps[step] = self._steps.labels(step)
            series.observe(took)

    def failed(self, cause: str) -> None:
        """Count what got no verdict.

        Args:
            cause: For a review ``timeout``, ``policies``, ``error`` or ``overload``; ``invalid``
                for what is none, ``room`` for what there was no room to read, and ``client`` for a
                stranger's.
        """
        counted = self._failed.get(cause)
        if counted is None:
            counted = self._failed[cause] = self._failures.labels(cause)
        counted.inc()

    def lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._lag.observe(seconds)

    def turned_away(self, cause: str) -> None:
        """Count a connection that was refused or given up.

        Args:
            cause: ``room``, ``descriptors``, ``handshake``, ``head``, ``idle`` or ``http``.
        """
        self._turned_away.labels(cause).inc()

    def unexpected(self, where: str) -> None:
        """Count an unexpected error in a ``review``, ``request``, ``task`` or ``thread``."""
        self._unexpected.labels(where).inc()

    def line(self, line: Line, bodies: Shares) -> None:
        """Watch who waits to be judged, and the bytes of reviews that are held."""
        for name, text, figure in (
            ("line_reviews", "Reviews that wait to be judged", lambda: len(line)),
            ("line_bytes", "Bytes of reviews that wait to be judged", lambda: line.bytes),
            (
                "line_pace_seconds",
                "Seconds from one judging to the next, if others wait",
                lambda: line.pace,
            ),
            ("review_bytes", "Bytes of reviews being read or answered", lambda: bodies.used),
        ):
            Gauge(f"elfgate_{name}", text, registry=self.registry).set_function(figure)

    def rule_failed(self, name: str) -> None:
        """Count a rule of the user's own that failed."""
        self._rules.labels(self._labels["rule"].bound(name)).inc()

    def bundle(self, result: str) -> None:
        """Count a policy bundle: ``activated``, ``refused``, or ``unreachable`` at a look."""
        self._bundles.labels(result).inc()

    def store_failed(self, store: str) -> None:
        """Count a failure of the ``near`` or the ``shared`` store. Any thread may call it."""
        self._stores.labels(store).inc()

    def notified(self, result: str) -> None:
        """Count a push notification.

        ``taken``, or refused for its ``token``, for want of ``room``, as ``invalid``.
        """
        self._notifications.labels(result).inc()

    def unread(self, reason: str) -> None:
        """Count an image that could not be read, by ``UnknownReason``."""
        self._unread.labels(reason).inc()

    def certificate(self, *, expires: float) -> None:
        """Note when the served certificate expires, in seconds since the epoch."""
        self._expires.set(expires)

    def reloaded(self, *, accepted: bool) -> None:
        """Count a changed certificate: served, or refused while the old one stays."""
        self._reloads.labels("accepted" if accepted else "refused").inc()

    def ready(self, *, ready: bool) -> None:
        """Note the answer to a readiness probe."""
        self._ready.set(ready)

    def exposition(self) -> tuple[bytes, str]:
        """The text format, and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
