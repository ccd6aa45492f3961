"""``elfgate serve``: the webhook."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

USAGE = "elfgate serve [--config FILE]"
DESCRIPTION = """Run the webhook: POST /validate answers AdmissionReviews over TLS, and POST
/mutate, where admission.steer is set, keeps pods off the architectures on which they cannot
start; GET /healthz, /readyz and /metrics are for the kubelet and Prometheus. SIGTERM drains and
stops; SIGHUP reads the certificate anew."""
EPILOG = """exit codes: 0 stopped when told to; 2 settings, certificate or port are not usable; 4 \
policies are not;
70 an unexpected error. One within a review is logged with its uid, counted, and ends nothing.

example:
  elfgate serve --config elfgate.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings, in YAML (default: all defaults)"
    )


def run(options: argparse.Namespace) -> NoReturn:
    """Serve until told to stop."""
    from elfgate.isolation.sandbox import keep_memory_private
    from elfgate.server import run as server
    from elfgate.server.logs import log_json
    from elfgate.settings import Settings
    from elfgate.traces import tracing
    from elfgate.wiring.serve import serve

    settings = Settings.read(options.config) if options.config else Settings()
    log_json(settings.log.level)
    keep_memory_private()
    with tracing(settings.traces):
        server.run(serve(settings))
    _end()


def _end() -> NoReturn:
    """End at once, as all is done and written.

    The interpreter would wait for threads that read from registries, for half a minute if one is
    silent.
    """
    import logging

    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
