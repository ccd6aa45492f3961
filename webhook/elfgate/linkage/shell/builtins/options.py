"""Built-in commands that change a shell's options and its arguments: ``set`` and ``shopt``.

Source: POSIX.1-2017, "Special Built-In Utilities"; bash(1), ``shopt``.
"""

from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError, ScriptEndsError
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, SUCCESS, UNSURE, Status
from elfgate.linkage.values import Fields, Scalar, Unknown

_LETTERS = {
    "errexit": "e",
    "nounset": "u",
    "noglob": "f",
    "allexport": "a",
    "noclobber": "C",
    "xtrace": "x",
    "verbose": "v",
    "monitor": "m",
    "notify": "b",
    "hashall": "h",
    "braceexpand": "B",
}
_SETTABLE = frozenset("abefhmuvxCEBHIV")
_NAMED = frozenset({"pipefail", "errtrace", "functrace", "history", "ignoreeof", "emacs", "vi"})
_NAMED_ALIKE = frozenset({"errexit", "nounset", "noglob", "allexport", "noclobber", "xtrace"})
_OTHERWISE = frozenset({"posix", "noexec", "keyword", "onecmd", "restricted", "n", "t", "k", "r"})
_SHOPT = frozenset({"nullglob", "inherit_errexit", "extglob", "checkwinsize", "cmdhist"})
_SHOPT |= {
    "huponexit",
    "dotglob",
    "globstar",
    "failglob",
    "nocaseglob",
    "nocasematch",
}
_SHOPT |= {
    "lastpipe",
    "expand_aliases",
    "globasciiranges",
    "sourcepath",
    "login_shell",
}


def set_(call: Call) -> list[State]:
    """``set [OPTION…] [--] [ARG…]``."""
    options, values = set(call.state.flow.options), list(call.args.values)
    status = SUCCESS
    while values and isinstance(values[0], str) and values[0][:1] in {"-", "+"}:
        option = values[0]
        if option in {"--", "-"} or not option[1:]:
            break
        values.pop(0)
        named = ""
        if option[1:].endswith("o"):
            named = _named_option(call, values)
        letters = set(option[1:]) - {"o"}
        if not letters <= _SETTABLE | _OTHERWISE:
            return _bad_option(call)
        if named and not _is_option(named, call):
            status = _bad_name(call, named)
        letters |= {_LETTERS.get(named, named)} - {""}
        if option[0] == "+" and call.world.dialect.name == "bash":
            letters -= {"posix"}  # it does not follow POSIX unless it is told to
        if _OTHERWISE & letters or (option[0] == "+" and "B" in letters):
            raise LostError("the shell takes its script in another way")
        options = options | letters if option[0] == "-" else options - letters
    return [_with_arguments(call, frozenset(options), values).ended(status)]


def _named_option(call: Call, values: list[Scalar]) -> str:
    name = values.pop(0) if values else ""
    if isinstance(name, Unknown):
        raise LostError("the options of the shell are not known")
    if name == "pipefail" and call.world.dialect.name == "dash":
        call.walk.end(call.state, UNSURE, aside=True)  # releases before 0.5.13 end here
    return name


def _is_option(name: str, call: Call) -> bool:
    if name in _NAMED_ALIKE | {"pipefail", "posix", "noexec"}:
        return True
    if name in _LETTERS or name in _NAMED or name in _OTHERWISE:
        return call.world.dialect.name != "dash" or name in {
            "verbose",
            "monitor",
            "notify",
            "ignoreeof",
            "emacs",
            "vi",
        }
    return False


def _bad_name(call: Call, name: str) -> Status:
    del name
    dialect = call.world.dialect
    goes_on = dialect.is_bash or dialect.name == "busybox"
    if not goes_on and dialect.special_errors_end:
        raise ScriptEndsError
    if dialect.special_errors_end:
        call.walk.end(call.state, Status(ok=False), aside=True)  # some releases end
    if dialect.is_bash:
        return FAILURE
    return UNSURE


def _bad_option(call: Call) -> list[State]:
    dialect = call.world.dialect
    if dialect.special_errors_end and not dialect.is_bash:
        raise ScriptEndsError
    if dialect.special_errors_end:
        call.walk.end(call.state, Status(ok=False), aside=True)  # some releases end
    return call.ended(FAILURE)


def _with_arguments(call: Call, options: frozenset[str], values: list[Scalar]) -> State:
    state = call.state._replace(flow=call.state.flow._replace(options=options))
    rest = Fields(tuple(values), call.args.more)
    if values[:1] == ["--"]:
        rest = rest.without_first()
    elif values[:1] == ["-"]:
        rest = rest.without_first()
        if not rest.values:
            return state
    elif not values and call.args.more is None:
        return state
    if values[:1] != ["--"] and rest.doubt is not None:
        raise LostError("the arguments may be options")
    return state._replace(frame=state.frame._replace(args=rest))


def shopt(call: Call) -> list[State]:
    """``shopt [-su] NAME…``."""
    known = call.args.known
    if known is None:
        raise LostError("the options of the shell are not known")
    names = [name for name in known if not name.startswith("-")]
    options = call.state.flow.options
    if not names or "-q" in known or "-p" in known or not {"-s", "-u"} & set(known):
        return call.unsure()
    if "-o" in known:
        raise LostError("the options of the shell are not known")
    if set(names) - _SHOPT:
        return [call.state.doubted("the shell takes its script in another way").ended(UNSURE)]
    if "lastpipe" in names and "-s" in known:
        raise LostError("the end of a pipe runs in the shell itself")
    options = options | set(names) if "-s" in known else options - set(names)
    return [call.state._replace(flow=call.state.flow._replace(options=options)).ended()]
