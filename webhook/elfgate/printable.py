"""Text from images, manifests and nodes.

It is written so that it can forge no line and move no terminal's cursor.
"""


def printable(text: str) -> str:
    r"""Write what does not print as ``\xNN`` or ``\uNNNN``.

    That is controls, newlines and bidirectional overrides.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
