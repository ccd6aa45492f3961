"""``elfgate doctor``: what is wrong with an installation."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import add_policies, judging
from elfgate.errors import InputError

if TYPE_CHECKING:
    from elfgate.results.doctor import DoctorOutput

USAGE = """elfgate doctor [--kubeconfig FILE] [--context NAME] [--service-account NAMESPACE/NAME]
                      [--config FILE] [-o FORMAT]
       elfgate doctor --breakglass [--configuration NAME ...] [--yes] [-o FORMAT]"""
DESCRIPTION = """Look at a cluster's installation of elfgate: how the API server is told to ask
it, whether it can lock itself out, its endpoints, certificate and CA bundle, its readiness,
whether it answers a review and by which policies, and its rights; and say how to repair what is
wrong. With --breakglass: tell what frees a cluster that elfgate locks (the API server asks no
webhook about webhook configurations, so this can always be done), and with --yes do it."""
EPILOG = """exit codes: 0 nothing is wrong; 1 something is; 2 bad usage, or the cluster does not \
answer; 3 something
could not be looked at from here, and the rest is right; with --breakglass: 0 nothing of elfgate's \
is in the way (any
more), 1 something is and was only told

With --config FILE, the settings that the webhook runs with, it must judge by these policies and \
may do what they take.

examples:
  kubectl elfgate doctor --service-account elfgate/elfgate
  kubectl elfgate doctor --breakglass --yes
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="reach the cluster by this kubeconfig (default: as kubectl does)",
    )
    parser.add_argument(
        "--context",
        default="",
        metavar="NAME",
        help="use this context of the kubeconfig (default: the current one)",
    )
    parser.add_argument(
        "--service-account",
        default="",
        metavar="NAMESPACE/NAME",
        help="check the rights of the account that the webhook runs as (default: your own rights)",
    )
    parser.add_argument(
        "--breakglass",
        action="store_true",
        help="print the commands that remove elfgate's webhooks from a locked cluster",
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="with --breakglass: delete the configurations that ask elfgate",
    )
    parser.add_argument(
        "--configuration",
        action="append",
        default=[],
        metavar="NAME",
        help="with --breakglass: only the configurations of this name; may be repeated "
        "(default: all of elfgate's)",
    )
    add_policies(parser)
    add_outputs(parser)


def run(options: argparse.Namespace) -> int:
    """Look, print, and return the exit code.

    Raises:
        InputError: if the cluster does not answer, or ``--yes`` or ``--configuration`` stands
            without ``--breakglass``.
    """
    if options.breakglass:
        from elfgate.cli import breakglass

        return breakglass.run(options)
    if options.yes or options.configuration:
        raise InputError("--yes and --configuration belong to --breakglass")

    output = _examined(options)
    tell_plainly(options, lambda: _text(output), output)
    states = {check.state for check in output.checks}
    if "wrong" in states:
        return 1
    return 3 if "unknown" in states else 0


def _examined(options: argparse.Namespace) -> "DoctorOutput":
    from elfgate.cluster.access import Access
    from elfgate.cluster.api import Api
    from elfgate.cluster.doctor import examine
    from elfgate.results.doctor import CheckedOutput, DoctorOutput

    with Api(Access(options.kubeconfig, options.context)) as api:
        found = examine(
            api,
            service_account=options.service_account,
            rights=_rights(options),
            revision=_revision(options),
        )
        checks = [
            CheckedOutput(
                subject=each.subject, state=each.state, message=each.message, remedy=each.remedy
            )
            for each in found
        ]
        return DoctorOutput(cluster=api.host, checks=checks)


def _revision(options: argparse.Namespace) -> str:
    """The revision of the policies at hand.

    Empty if none are named, or the webhook gets its own from elsewhere.
    """
    if not (options.policies or options.rules or options.config):
        return ""
    from elfgate.settings import Settings

    if options.config and Settings.read(options.config).policies.bundle:
        return ""
    return judging(options).bundle().revision


def _rights(options: argparse.Namespace) -> list[tuple[str, str]]:
    """The rights that the webhook needs.

    Those of its settings, if they are given, and else to follow nodes.
    """
    from elfgate.cluster.doctor import NODES
    from elfgate.settings import Settings

    if not options.config:
        return list(NODES)
    settings = Settings.read(options.config)
    return [
        *(NODES if settings.nodes.watch else ()),
        *([("get", "pods")] if settings.admission.bindings else ()),
        *([("create", "events"), ("patch", "events")] if settings.admission.events else ()),
        *(
            [("get", "secrets"), ("get", "serviceaccounts")]
            if settings.registries.pull_secrets
            else ()
        ),
    ]


def _text(output: "DoctorOutput") -> str:
    from elfgate.printable import printable

    lines = [f"cluster {output.cluster}"]
    for check in output.checks:
        lines.append(f"{check.state:8}{check.subject}: {printable(check.message)}")
        if check.remedy:
            lines.append(f"        → {check.remedy}")
    return "\n".join((*lines, ""))
