"""Lists: ``$@`` and arrays, and the operations of ``${…}`` upon each of their elements.

Source: POSIX.1-2017, Shell Command Language, 2.5.2; bash(1), "Arrays" and "Parameter Expansion".
"""

from typing import TYPE_CHECKING

from elfgate.linkage.shell.changes import changed
from elfgate.linkage.shell.ends import ScriptEndsError
from elfgate.linkage.shell.syntax.word_nodes import BadOperation, Parameter, Slice
from elfgate.linkage.shell.values import Value
from elfgate.linkage.values import Fields, Scalar, Unknown

if TYPE_CHECKING:
    from elfgate.linkage.shell.expand import Expansion

_ELEMENT = Unknown("an element of an array is not known")
_JOINED = Unknown("how a list is joined is not known")


def each(fields: Fields, part: Parameter, expansion: "Expansion") -> Fields:
    """Apply an operation to each of a list, or cut the list."""
    operation = part.operation
    if part.index is None and not expansion.world.dialect.counts_as_c:
        expansion.may_end()  # mksh has no such operation
        return Fields(more=_ELEMENT)
    if isinstance(operation, Slice):
        return _cut(fields, operation, expansion, arguments=part.name in {"@", "*"})
    if isinstance(operation, BadOperation):
        raise ScriptEndsError
    changes: list[Scalar] = []
    for value in fields.values:
        if isinstance(value, str) and operation is not None:
            changes.append(changed(value, operation, expansion))
        else:
            changes.append(value)
    return Fields(tuple(changes), fields.more)


def _cut(fields: Fields, operation: Slice, expansion: "Expansion", *, arguments: bool) -> Fields:
    """Cut ``${list:offset:length}``; of arguments, the script's name is the one before the first."""
    offset = expansion.number(operation.offset)
    length: int | Unknown | None = None
    if operation.length is not None:
        length = expansion.number(operation.length)
    if isinstance(offset, Unknown) or isinstance(length, Unknown):
        return Fields(more=_ELEMENT)
    values = fields.values
    if arguments:
        values = (expansion.state.frame.name, *values)
        offset = max(offset, 1) if offset > 0 else offset
    if offset < 0:
        if fields.more is not None:
            return fields if not values else Fields(more=fields.more)
        offset += len(values)
        if offset < 0:
            return Fields()
    if length is None:
        return Fields(values[offset:], fields.more)
    if length < 0:
        raise ScriptEndsError
    cut = values[offset : offset + length]
    return Fields(cut, fields.more if len(cut) < length else None)


def joined_text(fields: Fields, expansion: "Expansion", *, star: bool) -> Scalar:
    """Join a list to one text: ``$*`` by the first character of IFS, ``$@`` by a blank."""
    if fields.known is None:
        return fields.doubt or _JOINED
    separator: Scalar = expansion.separators
    if isinstance(separator, Unknown):
        return _JOINED
    if not star:
        if separator[:1] != " " and not expansion.world.dialect.is_bash:
            return _JOINED
        separator = " "
    return expansion.limited(separator[:1].join(fields.known))


def as_list(value: Value) -> Fields:
    """Give a value as an array: a text is its only element."""
    if isinstance(value, Fields):
        return value
    if isinstance(value, Unknown):
        return Fields(more=value)
    if isinstance(value, str):
        return Fields((value,))
    return Fields()


def is_list(part: Parameter) -> bool:
    """Tell whether a parameter stands for a list."""
    if part.prefix or (part.name in {"@", "*"} and not part.indirect):
        return True
    return part.index is not None and part.index.literal in ("@", "*")


def is_star(part: Parameter) -> bool:
    """Tell whether a list is joined within quotes: ``"$*"``, ``"${a[*]}"``."""
    if part.index is not None:
        return part.index.literal == "*"
    return part.name == "*"


def counts_as_set(fields: Fields, *, colon: bool) -> bool | None:
    """Tell whether a list counts as set: with a colon, only if its text is not empty."""
    if not colon:
        if fields.values:
            return True
        if fields.more is None:
            return False
        return None
    if any(isinstance(value, str) and value for value in fields.values):
        return True
    if fields.doubt is not None:
        return None
    return len(fields.values) > 1
