"""Built-in commands that ask something, or print something: ``test``, ``command -v``, ``echo``.

Source: POSIX.1-2017, Shell Command Language, 2.14, and command(1), echo(1), printf(1), test(1).
"""

import re

from elfgate.linkage.shell import files
from elfgate.linkage.shell.assignments import set_to
from elfgate.linkage.shell.brackets import Brackets, TestError
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.launches import find
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.syntax.expressions import expression_of
from elfgate.linkage.shell.syntax.nodes import Assignment
from elfgate.linkage.shell.syntax.word_nodes import Parameter, Text, Word, word_of
from elfgate.linkage.shell.utilities import outputs
from elfgate.linkage.shell.utilities.table import may_be_applet
from elfgate.linkage.shell.values import (
    FAILURE,
    NOT_SO,
    SUCCESS,
    UNSURE,
    Status,
    Truth,
    either,
    status_of,
)
from elfgate.linkage.values import Scalar, Unknown

_OUTPUT = Unknown("the output of a command is not known")
_OCTAL = re.compile(r"0?[0-7]{1,3}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACING = ("-p", "-t", "-d", "-l")  # options of bash's hash: where it is told to look
_ERROR = Status(ok=False, code=2)
_KEYWORDS = frozenset(
    [
        "!",
        "{",
        "}",
        "case",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "fi",
        "for",
        "if",
        "in",
        "then",
        "until",
        "while",
    ]
)


def nothing(call: Call) -> list[State]:
    """``:`` and ``true``."""
    return call.ended(SUCCESS)


def failing(call: Call) -> list[State]:
    """``false``."""
    return call.ended(NOT_SO)


def unsure(call: Call) -> list[State]:
    """A command of whose outcome nothing is known."""
    return call.printed(_OUTPUT, UNSURE)


def beside(call: Call) -> list[State]:
    """``coproc``: a command that runs beside the script."""
    return [call.state.doubted("the script runs something beside itself").ended(UNSURE)]


def renaming(call: Call) -> list[State]:
    """``alias`` and its kin."""
    return [call.state.doubted("the script gives commands other names").ended(UNSURE)]


def echo(call: Call) -> list[State]:
    """``echo``."""
    known = call.args.known
    text: Scalar = _OUTPUT
    if known is not None:
        text = outputs.echo(known, call.state, call.world)
    return call.printed(text, SUCCESS)


def printf(call: Call) -> list[State]:
    """``printf``; with ``-v`` it sets a variable."""
    known = call.args.known
    if call.args.values[:1] == ("-v",) and call.world.dialect.arrays:
        return _printed_to(call)
    if known is None:
        return call.printed(_OUTPUT, UNSURE)
    text = outputs.printf(known, call.state, call.world)
    return call.printed(text, UNSURE if isinstance(text, Unknown) else SUCCESS)


def _printed_to(call: Call) -> list[State]:
    known, name = call.args.known, call.args.values[1:2]
    if not name or not isinstance(name[0], str) or not _NAME.fullmatch(name[0]):
        return [call.state.doubted("the script sets a variable").ended(UNSURE)]
    text: Scalar = _OUTPUT
    if known is not None:
        text = outputs.printf(known[2:], call.state, call.world)
    return [
        set_to(call.world, call.state, name[0], text).ended(UNSURE if known is None else SUCCESS)
    ]


def umask(call: Call) -> list[State]:
    """``umask [MODE]``."""
    known = call.args.known
    if known is None or (known and not all(_OCTAL.fullmatch(one) for one in known)):
        return call.unsure()
    return call.printed("" if known else _OUTPUT, SUCCESS)


def test(call: Call) -> list[State]:
    """``test`` and ``[``."""
    values = call.args.values
    if call.args.more is not None:
        return call.unsure()
    if call.name == "[":
        if values[-1:] != ("]",):
            unknown = bool(values) and isinstance(values[-1], Unknown)
            if unknown:
                return call.unsure()
            return call.ended(_ERROR)
        values = values[:-1]
    try:
        truth = Brackets(values, call.state, call.world).decide()
    except TestError:
        return call.ended(_ERROR)
    return call.ended(status_of(truth))


def let(call: Call) -> list[State]:
    """``let EXPRESSION…``."""
    known = call.args.known
    expansion = Expansion(call.walk, call.state)
    if known is None or not known:
        return [call.state.doubted("the script sets a variable").ended(UNSURE)]
    value: int | Unknown = 0
    for text in known:
        word = word_of((Text(text, quoted=True),))
        value = expansion.number(expression_of(word, call.world.dialect))
    truth = None if isinstance(value, Unknown) else value != 0
    return [expansion.state.ended(status_of(truth))]


def where(call: Call, names: tuple[str, ...]) -> list[State]:
    """``command -v NAME…``: where each is; one that is found is enough."""
    truth: Truth = False
    text: Scalar = ""
    if call.world.dialect.name == "dash":
        names = names[:1]
    for name in names:
        line = _line(call, name)
        if isinstance(line, Unknown):
            truth, text = either(truth, None), line
            continue
        truth = either(truth, bool(line))
        text = text if isinstance(text, Unknown) else text + line
    if len(names) > 1 and truth and not call.world.dialect.is_bash:
        truth = None  # others ask for all of them, or for the last
    return call.printed(text, FAILURE if truth is False else status_of(truth))


def _line(call: Call, name: str) -> Scalar:
    """The line that ``command -v`` prints for a name; empty if it is nothing."""
    if name in call.state.variables.functions or name in call.builtins or name in _KEYWORDS:
        return name + "\n"
    if not name:
        return ""
    if "/" in name:
        there = _is_command(name, call)
        if there is None:
            return _OUTPUT
        if there:
            return name + "\n"
        return ""
    return _found(call, name)


def _found(call: Call, name: str) -> Scalar:
    """The line for a command that is searched along PATH."""
    found = find(name, call.state, call.world)
    if isinstance(found, Unknown):
        return found
    if found is None:
        within = call.world.dialect.standalone and may_be_applet(name)
        if within:
            return _OUTPUT
        return ""
    return found + "\n"


def _is_command(path: str, call: Call) -> Truth:
    """Tell whether a path counts as a command.

    Releases of dash and busybox differ in whether they ask for more than that it is there.
    """
    if call.world.dialect.is_bash:
        return files.is_executable(path, call.state, call.world)
    there = files.test("e", path, call.state, call.world)
    if there and files.is_executable(path, call.state, call.world) is not True:
        return None
    return there


def kind(call: Call) -> list[State]:
    """``type NAME…`` and ``hash NAME…``."""
    known = call.args.known
    if known is None:
        return call.unsure()
    names = [name for name in known if not name.startswith("-")]
    # An option of bash is a name to others; mksh's hash does not tell what it has not found.
    is_other = len(names) < len(known) and not call.world.dialect.is_bash
    if is_other or (call.name == "hash" and not call.world.dialect.counts_as_c):
        return call.unsure()
    if len(names) != 1:
        return call.printed(_OUTPUT, SUCCESS if not known else UNSURE)
    line = _line(call, names[0])
    if isinstance(line, Unknown):
        return call.printed(_OUTPUT, UNSURE)
    if not line:
        quiet = call.world.dialect.is_bash
        return call.printed("" if quiet else _OUTPUT, FAILURE)
    return call.printed(_OUTPUT, SUCCESS)


def hash_(call: Call) -> list[State]:
    """``hash [NAME…]``; bash may be told where a command is."""
    if any(value in _PLACING for value in call.args.values):
        return renaming(call)
    return kind(call)


def kill(call: Call) -> list[State]:
    """``kill``: a signal may end the script at once, or have it do what a trap says."""
    if any(map(_is_itself, call.words)) and "-0" not in call.args.values:
        call.walk.end(call.state, UNSURE, aside=True)
        if call.state.flow.handlers:
            raise LostError("a signal may make the script do something else")
    if call.state.flow.handlers:
        return [call.state.doubted("the script sends a signal before").ended(UNSURE)]
    return call.printed(_OUTPUT, UNSURE)


def _is_itself(word: Word | Assignment) -> bool:
    """Tell whether a word is ``$$``, the script's own number."""
    part = word.parts[0] if isinstance(word, Word) and word.parts else None
    return isinstance(part, Parameter) and part.name == "$"
