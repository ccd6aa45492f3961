"""Exec probes and lifecycle hooks.

Commands that are executed in a container beside its own program.

Source: the Kubernetes API reference (Probe, Lifecycle). Their commands are executed as they are
written, without a shell and without ``$(VAR)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from elfgate.cluster.part import Part
from elfgate.linkage.inputs import Overrides

_PLACES = (
    ("liveness probe", ("livenessProbe",)),
    ("readiness probe", ("readinessProbe",)),
    ("startup probe", ("startupProbe",)),
    ("postStart hook", ("lifecycle", "postStart")),
    ("preStop hook", ("lifecycle", "preStop")),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """One command.

    Attributes:
        name: What people call it.
        overrides: How it is started.
    """

    name: str
    overrides: Overrides


def hooks(container: Part, overrides: Overrides) -> Iterator[Hook]:
    """Read a container's exec probes and hooks.

    Args:
        container: The container.
        overrides: How its own program is started.

    Raises:
        InputError: if a part that is read has a wrong type.
    """
    for name, way in _PLACES:
        command = container.get(*way, "exec", "command").strings()
        if command:
            started = replace(
                overrides,
                command=command,
                args=None,
                run_as_non_root=False,
                unknown_command=frozenset(),
                unknown_args=frozenset(),
            )
            yield Hook(name, started)
