"""The webhook put together.

Metrics, policies, cluster, images and certificate, around one judge.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from elfgate.cluster.events import Events, own_pod
from elfgate.cluster.exempt import Exemption
from elfgate.cluster.template import TEMPLATES
from elfgate.errors import InputError
from elfgate.gate.exemptions import NamespaceExemptions
from elfgate.gate.gate import Gate
from elfgate.isolation.figures import Figures
from elfgate.policy.layers import selects
from elfgate.policy.sight import EVERYTHING
from elfgate.server.bundles import BundleCollector
from elfgate.server.exemptions import ExemptionCollector
from elfgate.server.isolation import IsolationCollector
from elfgate.server.memories import MemoryCollector
from elfgate.server.metrics import Metrics
from elfgate.server.nodes import NodeCollector
from elfgate.server.run import serve as serve_judge
from elfgate.server.steer import Steerer
from elfgate.server.validate import Validator
from elfgate.wiring import bundles, images, policies
from elfgate.wiring.certificate import certificate
from elfgate.wiring.exempting import exempting
from elfgate.wiring.inventory import Cluster, cluster
from elfgate.wiring.notifications import notifications

if TYPE_CHECKING:
    from elfgate.policy.active import ActiveEngine, Result
    from elfgate.policy.memo import MemoisedEngine
    from elfgate.scan.scanner import Scanner
    from elfgate.settings import Settings

    Engine = MemoisedEngine[ActiveEngine]


async def serve(settings: "Settings") -> None:
    """Serve until told to stop.

    Raises:
        InputError: if settings, certificate or port cannot be used.
        EngineError: if the policies cannot.
    """
    _check_labels(settings)
    metrics, figures = Metrics(), Figures()
    news, state = _News(metrics), bundles.bundle_state(settings)
    judging = policies.Judging.of_settings(settings.policies)
    engine = await policies.engine(judging, told=news.rule_failed, bundle_told=news.bundle)
    reading = replace(
        images.Reading.of_settings(settings),
        on_store_failure=metrics.store_failed,
        on_unread=metrics.unread,
        by_upper=lambda: _hides_variants(engine.live),
        figures=figures,
    )
    try:
        async with (
            cluster(settings) as known,
            exempting(settings) as exemptions,
            images.scanner(reading) as scanner,
        ):
            for collector in (
                IsolationCollector(figures),
                BundleCollector(lambda: engine.revision, engine.live.granted, state),
                MemoryCollector(),
                NodeCollector(known.inventory, known.heard),
            ):
                metrics.registry.register(collector)
            if exemptions:
                metrics.registry.register(ExemptionCollector(exemptions))
            events = known.events if settings.admission.events else None
            news.follow(events)
            validator = _validator(
                settings, known, scanner, engine, events=events, exemptions=exemptions
            )
            following = bundles.following(
                settings,
                engine.live,
                told=news.bundle,
                rule_told=news.rule_failed,
                state=state,
            )

            async def not_ready() -> list[str]:
                return [*await validator.not_ready(), *(state.not_ready() if state else ())]

            async with (
                notifications(settings, scanner, known.inventory) as notify,
                validator.following_up(),
                following,
                certificate(settings) as served,
            ):
                await serve_judge(
                    settings=served,
                    judge=validator,
                    steer=Steerer(validator) if settings.admission.steer else None,
                    notify=notify,
                    ready=not_ready,
                    metrics=metrics,
                )
    finally:
        await engine.close()


def _check_labels(settings: "Settings") -> None:
    """Refuse settings by labels that nobody is asked for.

    Raises:
        InputError: if there are some.
    """
    if settings.admission.namespace_labels or not selects(settings.policies.namespaces):
        return
    raise InputError(
        "policies.namespaces goes by labels, and the webhook is not to read them",
        hint="set admission.namespace_labels: true, which needs the right to get namespaces",
    )


def _hides_variants(engine: "ActiveEngine") -> bool:
    """Tell whether no policy in force looks at images' natures."""
    return "variants" not in engine.sights.get(engine.revision, EVERYTHING)


def _validator(
    settings: "Settings",
    known: Cluster,
    scanner: "Scanner",
    engine: "Engine",
    *,
    events: Events | None,
    exemptions: NamespaceExemptions | None,
) -> Validator:
    admission = settings.admission
    return Validator(
        gate=Gate(
            inventory=known.inventory,
            scanner=scanner,
            engine=engine,
            outlook=settings.nodes.outlook,
            pull_secrets=known.pull_secrets(settings),
            looks=engine.looks,
            namespaces=known.namespaces if admission.namespace_labels else None,
            exemptions=exemptions,
        ),
        nodes_known=known.synced,
        bindings=known.bindings if admission.bindings else None,
        events=events,
        templates=(*TEMPLATES, *admission.kinds),
        live_engine=engine.live,
        sights=engine.live.sights,
        in_flight=admission.in_flight,
        exemption=Exemption(admission.exempt_namespaces),
    )


@dataclass
class _News:
    """News of rules and bundles, for the log, for metrics and for events.

    Events have them once they are written.
    """

    metrics: Metrics
    listeners: list[Callable[["Result", str], None]] = field(default_factory=list)

    def rule_failed(self, name: str, why: str) -> None:
        """A rule of the user's own failed."""
        policies.log_failed_rule(name, why)
        self.metrics.rule_failed(name)

    def bundle(self, result: "Result", what: str) -> None:
        """A bundle was looked for."""
        policies.log_bundle(result, what)
        self.metrics.bundle(result)
        for listener in self.listeners:
            listener(result, what)

    def follow(self, events: Events | None) -> None:
        """Tell of refused bundles by an event on the webhook's own pod, if the pod is known."""
        pod = own_pod(os.environ)
        if events is None or pod is None:
            return

        def tell(result: "Result", what: str) -> None:
            if result == "refused":
                message = f"policies refused, those before stay in force: {what}"
                events.tell(pod, message, "PoliciesRefused")

        self.listeners.append(tell)
