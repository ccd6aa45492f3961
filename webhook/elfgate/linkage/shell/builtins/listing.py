"""The built-in commands that print what a shell holds, as ``set +o``, ``export -p`` and ``cd -``.

Nothing is known of those lists, but that they are there: whoever reads them is in doubt.

Source: POSIX.1-2017, Shell Command Language, 2.14; bash(1), "SHELL BUILTIN COMMANDS".
"""

from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.values import UNSET, Scalar

_ALWAYS = frozenset({"times", "pushd", "popd", "hash", "type", "alias", "kill"})
_DECLARING = frozenset({"export", "readonly", "declare", "typeset", "local", "umask", "trap"})
_LISTING = frozenset("pfFS")  # letters of options by which those print
_SETTING = frozenset({"-s", "-u", "-q"})
_OPTIONS = ("-o", "+o")


def lists(call: Call) -> bool:
    """Tell whether a command prints what its shell holds, or may do so."""
    values = call.args.values
    if call.name in _ALWAYS:
        return True
    if call.name == "set":
        return not values or values[-1] in _OPTIONS
    if call.name == "shopt":
        return not _SETTING & set(values) or len(values) == 1
    if call.name in {"cd", "chdir"}:
        return values[-1:] == ("-",) or value_of(call, "CDPATH") not in ("", UNSET)
    if call.name in _DECLARING:
        return all(map(_is_option, values)) or any(map(_may_list, values))
    return False


def _is_option(value: Scalar) -> bool:
    return isinstance(value, str) and value.startswith(("-", "+"))


def _may_list(value: Scalar) -> bool:
    if isinstance(value, str):
        return value.startswith("-") and bool(_LISTING & set(value))
    return True
