"""``elfgate serve``: the webhook."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elfgate.cluster.events import Events
    from elfgate.policy.active import Result
    from elfgate.policy.active import Told as BundleTold
    from elfgate.settings import Settings

USAGE = "elfgate serve [--config FILE]"
DESCRIPTION = """Run the webhook: POST /validate answers AdmissionReviews over TLS, and POST /mutate, where
admission.steer is set, keeps pods off the architectures on which they cannot start; GET /healthz, /readyz and /metrics
are for the kubelet and Prometheus. SIGTERM drains and stops; SIGHUP reads the certificate anew."""
EPILOG = """exit codes: 0 stopped when told to; 2 settings, certificate or port are not usable; 4 policies are not;
70 an unexpected error. One within a review is logged with its uid, counted, and ends nothing.

example:
  elfgate serve --config elfgate.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings, in YAML (default: all defaults)"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from elfgate.isolation.sandbox import keep_memory_private
    from elfgate.server import run as server
    from elfgate.server.logs import log_json
    from elfgate.settings import Settings

    settings = Settings.read(options.config) if options.config else Settings()
    log_json(settings.log.level)
    keep_memory_private()
    server.run(_serve(settings))
    return 0


async def _serve(settings: "Settings") -> None:
    from elfgate import judging, wiring
    from elfgate.cluster.exempt import Exemption
    from elfgate.cluster.template import TEMPLATES
    from elfgate.isolation.figures import Figures
    from elfgate.server.bundles import BundleCollector
    from elfgate.server.isolation import IsolationCollector
    from elfgate.server.memories import MemoryCollector
    from elfgate.server.metrics import Metrics
    from elfgate.server.nodes import NodeCollector
    from elfgate.server.run import serve
    from elfgate.server.steer import Steerer
    from elfgate.server.validate import Validator
    from elfgate.wiring import inventory
    from elfgate.wiring.certificate import certificate

    metrics, figures = Metrics(), Figures()
    metrics.registry.register(IsolationCollector(figures))

    def told(name: str, why: str) -> None:
        judging.log_failed_rule(name, why)
        metrics.rule_failed(name)

    state = wiring.bundle_state(settings)
    metrics.registry.register(BundleCollector(lambda: engine.revision, state))
    tells: list[BundleTold] = [judging.log_bundle, lambda result, _what: metrics.bundle(result)]

    def bundle_told(result: "Result", what: str) -> None:
        for tell in tells:
            tell(result, what)

    reading = replace(
        wiring.Reading.of_settings(settings),
        on_store_failure=metrics.store_failed,
        on_unread=metrics.unread,
        figures=figures,
    )
    engine = await judging.engine(
        judging.Judging.of_settings(settings.policies), told=told, bundle_told=bundle_told
    )
    try:
        async with (
            inventory.cluster(settings) as cluster,
            wiring.scanner(reading) as scanner,
        ):
            events = cluster.events if settings.admission.events else None
            if events is not None:
                tells.append(_event_of(events))
            metrics.registry.register(MemoryCollector())
            metrics.registry.register(NodeCollector(cluster.inventory, cluster.heard))
            validator = Validator(
                inventory=cluster.inventory,
                nodes_known=cluster.synced,
                bindings=cluster.bindings if settings.admission.bindings else None,
                pull_secrets=cluster.pull_secrets(settings),
                events=events,
                templates=(*TEMPLATES, *settings.admission.kinds),
                scanner=scanner,
                engine=engine,
                live_engine=engine.live,
                sights=engine.live.sights,
                outlook=settings.nodes.outlook,
                in_flight=settings.admission.in_flight,
                exemption=Exemption(settings.admission.exempt_namespaces),
            )
            steer = Steerer(validator) if settings.admission.steer else None

            async def not_ready() -> list[str]:
                return [*await validator.not_ready(), *(state.not_ready() if state else ())]

            async with (
                validator.following_up(),
                wiring.following(
                    settings, engine.live, told=bundle_told, rule_told=told, state=state
                ),
                certificate(settings) as served,
            ):
                await serve(
                    settings=served,
                    judge=validator,
                    steer=steer,
                    ready=not_ready,
                    metrics=metrics,
                )
    finally:
        await engine.close()


def _event_of(events: "Events") -> "BundleTold":
    """Tells of a bundle that was refused by an event on the webhook's own pod, if the pod is known."""
    from elfgate.cluster.events import own_pod

    pod = own_pod(os.environ)

    def tell(result: "Result", what: str) -> None:
        if pod is not None and result == "refused":
            events.tell(
                pod, f"policies refused, those before stay in force: {what}", "PoliciesRefused"
            )

    return tell
