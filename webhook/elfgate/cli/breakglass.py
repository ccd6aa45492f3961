"""``elfgate doctor --breakglass``: what frees a cluster that the webhook locks, told or done."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.forms import tell_plainly

if TYPE_CHECKING:
    from elfgate.results.doctor import BreakglassOutput


def run(options: argparse.Namespace) -> int:
    """Tell what is in the way, or with ``--yes`` clear it; 1 if something still is."""
    output = _broken(options)
    tell_plainly(options, lambda: _text(output), output)
    return 1 if any(not found.done for found in output.configurations) else 0


def _broken(options: argparse.Namespace) -> "BreakglassOutput":
    from elfgate.cluster.access import Access
    from elfgate.cluster.api import Api
    from elfgate.cluster.breakglass import clear, obstacles
    from elfgate.results.doctor import BreakglassOutput, ObstacleOutput

    with Api(Access(options.kubeconfig, options.context)) as api:
        found = [
            ObstacleOutput(
                resource=obstacle.resource,
                name=obstacle.name,
                webhooks=[name for _, name, _ in obstacle.webhooks],
                refuses=obstacle.refuses,
                let_pass=obstacle.let_pass,
                remove=obstacle.remove,
                done=clear(api, obstacle) if options.yes else "",
            )
            for obstacle in list(obstacles(api, options.configuration))
        ]
        return BreakglassOutput(cluster=api.host, configurations=found)


def _text(output: "BreakglassOutput") -> str:
    lines = [f"cluster {output.cluster}"]
    for found in output.configurations:
        what = f"{found.resource} {found.name}"
        if found.done:
            lines.append(f"{what}: {found.done}")
            continue
        fails = (
            "refuses what it cannot be asked about"
            if found.refuses
            else "lets pass what it cannot be asked about"
        )
        lines.append(f"{what} ({', '.join(found.webhooks)}) {fails}")
        lines.append(f"  to let it pass:        {found.let_pass}")
        if found.remove:
            lines.append(f"  to ask nothing at all: {found.remove}")
    if not output.configurations:
        lines.append("no webhook configuration of elfgate's: it locks nothing here")
    elif all(found.done for found in output.configurations):
        lines.append(
            "to protect the cluster again, apply the installation's manifests (helm upgrade) "
            "once it is ready"
        )
    else:
        lines.append(
            "nothing was changed; --yes deletes these (where others' webhooks are in one: sets "
            "ours to Ignore)"
        )
    return "\n".join((*lines, ""))
