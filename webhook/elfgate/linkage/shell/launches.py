"""The programs that a script starts, and where it finds them."""

import posixpath

from elfgate.linkage.shell import files
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import Launch
from elfgate.linkage.shell.world import World
from elfgate.linkage.values import UNSET, Fields, Unknown

_WORDS = 12  # of a command line that may name a program
_NO_PATH = "the script unsets PATH before"
_CHANGED = Unknown("the script may have changed that file")


def launched(fields: Fields, state: State, world: World) -> Launch:
    """Give the program that a command becomes: its arguments as far as they are known."""
    argv = fields.prefix
    doubt = state.files.doubt
    if not doubt and state.files.touched:
        changed = (word for word in argv[:_WORDS] if _may_be_another(word, state, world))
        word = next(changed, None)
        doubt = f"the script may change {word} before" if word else ""
    if not doubt and _has_no_path(argv, state):
        doubt = _NO_PATH
    because = fields.doubt
    return Launch(
        argv,
        "" if because is None else because.because,
        state.variables.values,
        state.variables.exported,
        state.files.cwd,
        doubt,
        touched=state.files.touched,
        barred=state.files.barred,
        removed=state.files.removed,
    )


def _has_no_path(argv: tuple[str, ...], state: State) -> bool:
    """Tell whether the script has unset PATH: shells search in one place or another then."""
    named = bool(argv) and "/" not in argv[0]
    return named and state.variables.values.get("PATH") is UNSET


def _may_be_another(name: str, state: State, world: World) -> bool:
    """Tell whether the script may have changed a file that a word leads to, or may lead to."""
    if not name:
        return False
    if "/" in name:
        return files.may_have_changed(name, state)
    value = state.variables.values.get("PATH")
    path = world.variable("PATH") if value is None else value
    if not isinstance(path, str):
        return True
    directories = path.split(":")
    world.spend(2 * len(directories))
    return any(
        files.may_have_changed(posixpath.join(directory or ".", name), state)
        for directory in directories
    )


def find(name: str, state: State, world: World) -> str | Unknown | None:
    """Search a command along the script's PATH, if the script has not changed what is there."""
    launch = launched(Fields((name,)), state, world)
    if launch.doubt:
        return Unknown(launch.doubt)
    found = world.find(name, launch)
    if isinstance(found, str) and files.may_have_changed(found, state):
        return _CHANGED
    return found


def find_as_it_was(name: str, state: State, world: World) -> str | Unknown | None:
    """Search a command as if the script had changed no file."""
    launch = Launch(
        (name,),
        "",
        state.variables.values,
        state.variables.exported,
        state.files.cwd,
    )
    return world.find(name, launch)
