"""Reads redirections, and the texts of here-documents.

Source: POSIX.1-2017, Shell Command Language, 2.7.
"""

import re

from elfgate.linkage.shell.syntax.nodes import HereDocument, Redirect
from elfgate.linkage.shell.syntax.places import delimiter
from elfgate.linkage.shell.syntax.source import Document, ScriptSyntaxError
from elfgate.linkage.shell.syntax.word_nodes import Text, Word, word_of
from elfgate.linkage.shell.syntax.words import WordReader

_DIGITS = re.compile(r"[0-9]+(?=[<>])")
_DESCRIPTOR_NAME = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}(?=[<>])")
_BEGINNINGS = frozenset("0123456789{<>&")
_OPERATORS = frozenset(["<", ">", ">>", "<&", ">&", "<>", ">|", "&>", "&>>", "<<", "<<-", "<<<"])


def word_ahead(words: WordReader) -> Word:
    """Read a word that is due.

    Raises:
        ScriptSyntaxError: if there is none.
    """
    words.source.skip_blanks()
    word = words.word()
    if not word.parts:
        raise ScriptSyntaxError("a word is missing")
    return word


def redirection(words: WordReader, redirects: list[Redirect]) -> bool:
    """Read a redirection, if there is one: the descriptor, the operator, the word."""
    source = words.source
    source.skip_blanks()
    if source.here not in _BEGINNINGS:
        return False
    start = source.at
    descriptor = source.take(_DIGITS) or ""
    if not descriptor and source.dialect.arrays:
        descriptor = source.take(_DESCRIPTOR_NAME) or ""
    operator = source.operator()
    if operator not in _OPERATORS:
        source.at = start
        return False
    source.advance(source.at + len(operator))
    target = word_ahead(words)
    document = HereDocument() if operator in {"<<", "<<-"} else None
    redirects.append(Redirect(operator, target, descriptor, document))
    if document is not None:
        quoted = any(isinstance(part, Text) and part.quoted for part in target.parts)
        pending = Document(delimiter(target), operator == "<<-", quoted, document)
        source.documents.append(pending)
    return True


def read_document(document: Document, words: WordReader) -> None:
    """Read a here-document's text, which begins here, into its place."""
    source, lines = words.source, list[str]()
    while source.at < len(source.text):
        end = source.text.find("\n", source.at)
        end = len(source.text) if end < 0 else end
        line = source.text[source.at : end]
        source.advance(min(end + 1, len(source.text)))
        line = line.lstrip("\t") if document.tabs else line
        if line == document.end:
            break
        lines.append(line + "\n")
    text = "".join(lines)
    if document.quoted:
        document.place.word = word_of((Text(text, quoted=True),))
    else:
        document.place.word = words.document(text)
