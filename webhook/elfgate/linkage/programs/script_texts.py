"""Texts as scripts see them, a character for each byte, and as everybody else does."""


def inner(text: str) -> str:
    """Give a text a character for each of its bytes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def outer(text: str) -> str:
    """Give a text of bytes the characters that they are meant for."""
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "surrogateescape")
