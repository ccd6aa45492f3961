"""The values of parameters, and what the operations of ``${…}`` make of them.

Source: POSIX.1-2017, Shell Command Language, 2.5 and 2.6.2; bash(1),
"Parameter Expansion" and "Arrays".
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from elfgate.linkage.shell.arithmetic import number_of
from elfgate.linkage.shell.changes import changed, length_of
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.joining import MAY_BE_UNSET, joined
from elfgate.linkage.shell.lists import as_list, counts_as_set, each, is_list, is_star, joined_text
from elfgate.linkage.shell.syntax.word_nodes import (
    BadOperation,
    Default,
    Parameter,
    Text,
    Word,
    word_of,
)
from elfgate.linkage.shell.values import Status, Value
from elfgate.linkage.values import UNSET, Fields, Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.expand import Expansion

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_A_LIST = re.compile(
    r"(?P<of>[A-Za-z_][A-Za-z0-9_]*)\[(?P<sign>[@*])\]|(?P<all>[@*])",
)
_NUMBER = Unknown("a number is not known", number=True)
_OPTIONS = Unknown("the options of the shell are not known")
_NO_NAME = Unknown("the name of a variable is not known")
_ELEMENT = Unknown("an element of an array is not known")


class Parameters:
    """The parameters of one expansion."""

    __slots__ = ("_expansion",)

    def __init__(self, expansion: "Expansion") -> None:
        self._expansion = expansion

    def value(self, name: str) -> Value:
        """Give the value of ``$name``."""
        variables = self._expansion.state.variables
        name = variables.others.get(name, name)
        value = variables.values.get(name)
        if value is not None:
            return value
        if _IDENTIFIER.fullmatch(name):
            return self._expansion.world.variable(name)
        if name.isdecimal():
            return self._argument(int(name))
        return self._special(name)

    def _special(self, name: str) -> Value:
        state = self._expansion.state
        if name in {"@", "*"}:
            return state.frame.args
        if name == "#":
            args = state.frame.args
            return str(len(args.values)) if args.more is None else _NUMBER
        if name == "?":
            return state.flow.status.value
        if name == "!":
            return UNSET
        if name == "-":
            return _OPTIONS
        return _NUMBER

    def several(self, part: Parameter) -> Fields | None:
        """Give what stands for a list: ``$@``, ``${a[@]}``, ``${!prefix@}``; None for another."""
        if part.indirect and part.index is None and not part.length:
            part = self._standing_for(part)
        if not is_list(part) or part.length:
            return None
        fields = self._list(part)
        if isinstance(part.operation, Default):
            present = self._is_present(fields, colon=part.operation.colon)
            if present is None:
                return Fields(more=fields.doubt)
            if present is (part.operation.operator == "+"):
                return None
        elif part.operation is not None:
            fields = each(fields, part, self._expansion)
        if part.quoted and is_star(part):
            return Fields((joined_text(fields, self._expansion, star=True),))
        return fields

    def _standing_for(self, part: Parameter) -> Parameter:
        """Give the list that ``${!name}`` stands for, where the name holds ``a[@]`` or ``@``."""
        value = self.value(part.name)
        match = _OF_A_LIST.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return part
        if match["of"] is None:
            return replace(part, name=match["all"], indirect=False)
        index = word_of((Text(match["sign"], quoted=False),))
        return replace(part, name=match["of"], index=index, indirect=False)

    def replacing(self, part: Parameter) -> Word | None:
        """Give the word of ``${name-word}``, if it certainly counts; else None."""
        operation = part.operation
        if not isinstance(operation, Default) or operation.operator not in "-+":
            return None
        present = self._present(part, operation)
        wants = operation.operator == "+"
        if present is wants:
            return operation.word
        return None

    def plain(self, part: Parameter) -> Scalar:
        """Give the value of a parameter to which nothing is done.

        Raises:
            ScriptEndsError: if the script ends there.
        """
        value = self.value(part.name)
        if isinstance(value, str):
            return value
        return self._unless_unset(_first(value), part)

    def text(self, part: Parameter) -> Scalar:
        """Give a parameter's value as one text.

        Raises:
            ScriptEndsError: if the script ends there.
        """
        if is_list(part) and part.length:
            if part.index is None and self._expansion.world.dialect.name in {"dash", "busybox"}:
                return _NUMBER  # the length of them all, in releases that were tried
            fields = self._list(part)
            if "u" in self._expansion.state.has and part.index is not None and not fields.values:
                self._expansion.may_end()  # old releases of bash end, of an array never set
            if fields.more is not None:
                return _NUMBER
            return str(len(fields.values))
        fields_or_none = self.several(part)
        if fields_or_none is not None:
            return joined_text(fields_or_none, self._expansion, star=is_star(part))
        if isinstance(part.operation, Default):
            return self._default(part, part.operation)
        return self._of_one(part)

    def _of_one(self, part: Parameter) -> Scalar:
        """Give the text of one value, changed by an operation.

        Of none, there is nothing to change.
        """
        if isinstance(part.operation, BadOperation):
            raise ScriptEndsError
        single = self._single(part)
        value = self._unless_unset(single, part)
        if part.length:
            return length_of(value, self._expansion)
        if isinstance(value, Unknown) or single is UNSET or part.operation is None:
            return value
        return changed(value, part.operation, self._expansion)

    def _argument(self, number: int) -> Value:
        frame = self._expansion.state.frame
        if number == 0:
            return frame.name
        if number <= len(frame.args.values):
            return frame.args.values[number - 1]
        if frame.args.more is None:
            return UNSET
        return frame.args.more

    def _list(self, part: Parameter) -> Fields:
        if part.prefix:
            return self._names(part)
        if part.indirect:
            return Fields(more=_NO_NAME)
        if part.name in {"@", "*"}:
            return self._expansion.state.frame.args
        return as_list(self.value(part.name))

    def _names(self, part: Parameter) -> Fields:
        """The names that begin so, or an array's keys."""
        if part.index is not None:
            keys = as_list(self.value(part.name))
            if part.name in self._expansion.state.variables.maps or keys.more is not None:
                return Fields(more=_ELEMENT)
            return Fields(tuple(str(number) for number in range(len(keys.values))))
        outside = self._expansion.world.names(part.name)
        if isinstance(outside, Unknown):
            return Fields(more=outside)
        values = self._expansion.state.variables.values
        names = {name for name in outside if values.get(name) is not UNSET}
        names |= {name for name, value in values.items() if value is not UNSET}
        return Fields(tuple(sorted(name for name in names if name.startswith(part.name))))

    def _single(self, part: Parameter) -> Value:
        """The value of one variable or element."""
        if part.indirect:
            return self._indirect(part)
        value = self.value(part.name)
        if part.index is not None:
            return self._element(part, value)
        return _first(value)

    def _indirect(self, part: Parameter) -> Value:
        dialect = self._expansion.world.dialect
        if not dialect.is_bash or (part.name == "#" and dialect.special_errors_end):
            # mksh gives the name itself; bash as sh takes ``${!#}`` for ``$!``.
            self._expansion.may_end()
            return _NO_NAME
        name = self._single(Parameter(part.name, index=part.index))
        if not isinstance(name, str):
            self._expansion.may_end()
            if isinstance(name, Unknown):
                return name
            return _NO_NAME
        if not (_IDENTIFIER.fullmatch(name) or name.isdecimal()):
            self._expansion.may_end()
            return _NO_NAME
        return self._single(Parameter(name))

    def _element(self, part: Parameter, value: Value) -> Value:
        if part.name in self._expansion.state.variables.maps or part.index is None:
            return _ELEMENT
        index = self._index(part.index)
        items = as_list(value)
        if index is None:
            self._expansion.may_end()
            return _ELEMENT
        if index < 0 and items.more is None:
            index += len(items.values)
        if 0 <= index < len(items.values):
            return items.values[index]
        if items.more is None and index >= 0:
            return UNSET
        self._expansion.may_end()  # there may be no such element
        return _ELEMENT

    def _index(self, word: Word) -> int | None:
        text = self._expansion.value(word)
        if not isinstance(text, str):
            return None
        number = number_of(text)
        if number is None and _IDENTIFIER.fullmatch(text):
            value = self.value(text)
            number = number_of(value) if isinstance(value, str) else None
            if value is UNSET:
                return 0
            return number
        return number

    def _present(self, part: Parameter, operation: Default) -> bool | None:
        """Tell whether a parameter counts as set."""
        if is_list(part):
            return self._is_present(self._list(part), colon=operation.colon)
        value = self._single(part)
        if value is UNSET:
            return False
        if isinstance(value, Unknown):
            if value.number:
                return True
            return None
        return bool(value) or not operation.colon

    def _is_present(self, fields: Fields, *, colon: bool) -> bool | None:
        """Tell whether a list counts as set.

        Dash and busybox take ``$@`` for set without arguments.
        """
        if colon or fields.values or self._expansion.world.dialect.is_bash:
            return counts_as_set(fields, colon=colon)
        if self._expansion.world.dialect.name in {"dash", "busybox"}:
            return True
        return None

    def _default(self, part: Parameter, operation: Default) -> Scalar:
        present = self._present(part, operation)
        if present is None:
            return self._perhaps(part, operation)
        if operation.operator == "+":
            if present:
                return self._expansion.value(operation.word)
            return ""
        if present:
            value = self._single(part)
            if isinstance(value, (str, Unknown)):
                return value
            return _ELEMENT
        if operation.operator == "?":
            raise ScriptEndsError
        value = self._expansion.value(operation.word)
        if operation.operator == "=":
            self._set(part, value)
        return value

    def _perhaps(self, part: Parameter, operation: Default) -> Scalar:
        """Expand a parameter that may be set: its word may be expanded, or may not."""
        value = self._single(part)
        because = value if isinstance(value, Unknown) else _ELEMENT
        if operation.operator == "?":
            self._expansion.may_end()
            return because
        before = self._expansion.state
        self._expansion.value(operation.word)
        self._expansion.state = joined(before, self._expansion.state)
        if operation.operator == "=":
            self._set(part, Unknown(because.because))
        return Unknown(because.because)

    def _set(self, part: Parameter, value: Scalar) -> None:
        if not _IDENTIFIER.fullmatch(part.name) or part.index is not None or part.indirect:
            raise ScriptEndsError
        if part.name in self._expansion.state.variables.fixed:
            raise ScriptEndsError
        self._expansion.assign(part.name, value)

    def _unless_unset(self, value: Value, part: Parameter) -> Scalar:
        """End the script under ``set -u`` where a parameter is not set."""
        if isinstance(value, str):
            return value
        strict = "u" in self._expansion.state.has
        if value is UNSET:
            if strict:
                raise ScriptEndsError
            return ""
        if not isinstance(value, Unknown):
            return _ELEMENT
        if strict and not self._is_surely_set(part):
            self._expansion.shell.end(self._expansion.state, Status(ok=False), aside=True)
        return value

    def _is_surely_set(self, part: Parameter) -> bool:
        if part.index is not None or part.indirect:
            return False
        if not _IDENTIFIER.fullmatch(part.name):
            return not part.name.isdecimal()
        value = self._expansion.state.variables.values.get(part.name)
        if value is not None:
            return not (isinstance(value, Unknown) and value.because == MAY_BE_UNSET)
        return self._expansion.world.is_surely_set(part.name)


def _first(value: Value) -> Value:
    """Give what an array's name alone stands for: its first element."""
    if isinstance(value, Fields):
        if value.values:
            return value.values[0]
        return value.more or UNSET
    return value
