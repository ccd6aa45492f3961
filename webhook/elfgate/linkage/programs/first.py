"""The command line that a runtime is asked to execute, and the environment that it passes on.

Sources: the Kubernetes container spec (``command`` replaces the Entrypoint and drops Cmd, ``args``
replaces Cmd), the OCI image spec (``config``), containerd's CRI and runc (the default PATH, "/" as
the default working directory).
"""

import posixpath
from dataclasses import dataclass

from elfgate.linkage.environment import ANY, Environment
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.mounts import RUNTIME_MOUNTS

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class FirstExec:
    """The first ``execve`` of a container.

    Attributes:
        argv: The command line; empty if there is nothing to start.
        env: The environment.
        cwd: The working directory, absolute.
        user: ``USER[:GROUP]``, each a number or a name of the image; empty for root.
        mounts: Absolute paths at which the image's files are hidden, each with a slash behind.
    """

    argv: tuple[str, ...]
    env: Environment
    cwd: str
    user: str
    mounts: tuple[str, ...]


def first_exec(defaults: ImageDefaults, overrides: Overrides) -> FirstExec:
    """Put together what the image and the pod say.

    Args:
        defaults: The image's config.
        overrides: The pod's container.

    Returns:
        The first ``execve``; its ``argv`` may be empty.
    """
    texts = {"PATH": DEFAULT_PATH, **defaults.env, **overrides.env}
    settled = frozenset(overrides.env) - overrides.unknown_env
    return FirstExec(
        argv=_argv(defaults, overrides),
        env=Environment.of(texts, _unknown_names(overrides), settled),
        cwd=posixpath.join("/", overrides.working_dir or defaults.working_dir or "/"),
        user=_user(defaults, overrides),
        mounts=(*RUNTIME_MOUNTS, *(_mount(path) for path in overrides.mounts)),
    )


def _argv(defaults: ImageDefaults, overrides: Overrides) -> tuple[str, ...]:
    # An empty list in a manifest is no list (Kubernetes drops it), hence truth, not "is None".
    if overrides.command:
        return overrides.command + (overrides.args or ())
    return defaults.entrypoint + (overrides.args or defaults.cmd)


def _unknown_names(overrides: Overrides) -> frozenset[str]:
    """``env`` outranks ``envFrom``, so that a wildcard leaves the names that the pod sets itself."""
    names = overrides.unknown_env
    return names - frozenset(overrides.env) if ANY in names else names


def _user(defaults: ImageDefaults, overrides: Overrides) -> str:
    user, _, group = defaults.user.partition(":")
    if overrides.user is not None:
        user, group = str(overrides.user), ""
    if overrides.group is not None:
        group = str(overrides.group)
    return f"{user}:{group}" if group else user


def _mount(path: str) -> str:
    inner = posixpath.normpath(path).strip("/")
    return f"/{inner}/" if inner not in {"", "."} else "/"
