"""The processes that a script's commands become."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile

from elfgate.errors import UnknownReason
from elfgate.linkage.environment import guess_of
from elfgate.linkage.programs.script_texts import outer
from elfgate.linkage.shell.state import SEARCH_CHANGED, SEARCHED
from elfgate.linkage.shell.values import Launch, Value
from elfgate.linkage.values import UNSET, Doubt, Fields, Scalar, Unknown, Unset
from elfgate.linkage.world import Process

# Busybox runs applets of these names without long options; Alpine's runs a file that is there.
_NARROWER = frozenset({"setpriv", "timeout", "nice", "ionice", "setsid", "xargs"})


def process_of(launch: Launch, shell: Process, *, standalone: bool) -> Process:
    """Give the process that a script's command becomes.

    Args:
        launch: The command.
        shell: The shell that starts it.
        standalone: That shell may run tools of its own instead.
    """
    env = shell.env
    changed: dict[str, Scalar | Unset] = {}
    for name, value in launch.variables.items():
        if name in launch.exported or env.names(name):
            changed[name] = _passed_on(value, env.get(name))
        elif not isinstance(env.get(name), Unset):
            changed[name] = _perhaps(name, value)
    more = Unknown(launch.more) if launch.more else None
    process = replace(
        shell,
        name=outer(launch.argv[0]),
        args=Fields(tuple(map(outer, launch.argv[1:])), more),
        env=env.having(changed),
        cwd=outer(launch.cwd),
        file=outer(launch.file),
        touched=frozenset(map(outer, launch.touched)),
        barred=frozenset(map(outer, launch.barred)),
        removed=frozenset(map(outer, launch.removed)),
    )
    doubt = launch.doubt or _search_changed(changed)
    if not doubt and standalone:
        doubt = _of_applet(launch)
    if doubt:
        process = process.doubted(Doubt(UnknownReason.SHAPE_UNKNOWN, doubt))
    return process


def _of_applet(launch: Launch) -> str:
    """Give the doubt about a tool that a shell may have within itself, with other options."""
    name = launch.argv[0]
    if name not in _NARROWER:
        return ""
    options = takewhile(lambda word: word.startswith("-"), launch.argv[1:])
    if any(option.startswith("--") and option != "--" for option in options):
        return f"the shell may run a {name} of its own"
    return ""


def _search_changed(changed: Mapping[str, Scalar | Unset]) -> str:
    """Give the doubt about a program where it is not known by what it is searched.

    Its libraries are searched by the same.
    """
    searched = (value for name, value in changed.items() if SEARCHED.fullmatch(name))
    if any(isinstance(value, Unknown) for value in searched):
        return SEARCH_CHANGED
    return ""


def _passed_on(value: Value, before: Scalar | Unset) -> Scalar | Unset:
    """Give the value that a program gets of a shell's variable; arrays are not passed on.

    One that is not known is probably the one that the shell was given.
    """
    if isinstance(value, str):
        return outer(value)
    if not isinstance(value, Unknown):
        return UNSET
    return Unknown(value.because, guess=outer(value.guess) or guess_of(before))


def _perhaps(name: str, value: Value) -> Unknown:
    """Give the value of a variable that is passed on only if the environment has it."""
    guess = value if isinstance(value, str) else ""
    return Unknown(f"{name} may be set by a ConfigMap or Secret", guess=outer(guess))
