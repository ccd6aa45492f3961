"""Words that mean more by the place where they stand.

Source: POSIX.1-2017, Shell Command Language, 2.7.4; bash(1), "Assignment Statements".
"""

from elfgate.linkage.shell.syntax.nodes import Assignment
from elfgate.linkage.shell.syntax.source import ScriptSyntaxError
from elfgate.linkage.shell.syntax.word_nodes import Word

_DECLARING = frozenset({"export", "readonly", "local", "declare", "typeset"})


def declares(words: list[Word | Assignment]) -> bool:
    """Tell whether a command's further words may be assignments: ``export``, ``command local``."""
    names = [word.literal for word in words[:2] if isinstance(word, Word)]
    if names[:1] in (["command"], ["builtin"]):
        names = names[1:]
    return bool(names) and names[0] in _DECLARING


def delimiter(target: Word) -> str:
    """The line that ends a here-document: its word, quotes removed, nothing expanded."""
    if target.literal is None:
        raise ScriptSyntaxError("a here-document ends at an expansion")
    return target.literal
