"""The command line that a runtime is asked to execute, and the environment that it passes on.

Sources: the Kubernetes container spec (``command`` replaces the Entrypoint and drops Cmd, ``args``
replaces Cmd), the OCI image spec (``config``), containerd's CRI and runc (the default PATH, "/" as
the default working directory).
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elfgate.linkage.environment import Environment
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.mounts import RUNTIME_MOUNTS
from elfgate.linkage.reads import ANY, Reads
from elfgate.linkage.values import Scalar, Unknown

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class FirstExec:
    """The first ``execve`` of a container.

    Attributes:
        argv: The command line; empty if there is nothing to start. The guess of a word that is not
            known is the word as it is written.
        env: The environment.
        cwd: The working directory, absolute.
        user: ``USER[:GROUP]``, each a number or a name of the image; empty for root.
        mounts: Absolute paths at which the image's files are hidden, each with a slash behind.
    """

    argv: tuple[Scalar, ...]
    env: Environment
    cwd: str
    user: str
    mounts: tuple[str, ...]


def first_exec(
    defaults: ImageDefaults, overrides: Overrides, reads: Reads | None = None
) -> FirstExec:
    """Put together what the image and the pod say.

    Args:
        defaults: The image's config.
        overrides: The pod's container.
        reads: Notes the variables that are asked for, if somebody wants to know.

    Returns:
        The first ``execve``; its ``argv`` may be empty.
    """
    texts = {"PATH": DEFAULT_PATH, **defaults.env, **overrides.env}
    settled = frozenset(overrides.env) - overrides.unknown_env
    return FirstExec(
        argv=_argv(defaults, overrides),
        env=Environment.of(texts, _unknown_names(overrides), settled, reads),
        cwd=posixpath.join("/", overrides.working_dir or defaults.working_dir or "/"),
        user=_user(defaults, overrides),
        mounts=(*RUNTIME_MOUNTS, *(_mount(path) for path in overrides.mounts)),
    )


def _argv(defaults: ImageDefaults, overrides: Overrides) -> tuple[Scalar, ...]:
    # An empty list in a manifest is no list (Kubernetes drops it), hence truth, not "is None".
    args = tuple(_words(overrides.args or (), overrides.unknown_args))
    if overrides.command:
        return (*_words(overrides.command, overrides.unknown_command), *args)
    return (*defaults.entrypoint, *(args or defaults.cmd))


def _words(words: Sequence[str], unknown: frozenset[int]) -> Iterator[Scalar]:
    """Give words as they are passed on, but for those whose values come from elsewhere."""
    for place, word in enumerate(words):
        because = f"the value of {word[:100]} comes from elsewhere"
        yield Unknown(because, guess=word) if place in unknown else word


def _unknown_names(overrides: Overrides) -> frozenset[str]:
    """``env`` outranks ``envFrom``: a wildcard leaves the names that the pod sets itself."""
    names = overrides.unknown_env
    if ANY in names:
        return names - frozenset(overrides.env)
    return names


def _user(defaults: ImageDefaults, overrides: Overrides) -> str:
    user, _, group = defaults.user.partition(":")
    if overrides.user is not None:
        user, group = str(overrides.user), ""
    if overrides.group is not None:
        group = str(overrides.group)
    if group:
        return f"{user}:{group}"
    return user


def _mount(path: str) -> str:
    inner = posixpath.normpath(path).strip("/")
    if inner not in {"", "."}:
        return f"/{inner}/"
    return "/"
