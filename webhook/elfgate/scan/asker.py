"""The asker of an image: its share of reading counts, and so do its credentials."""

from dataclasses import dataclass

from elfgate.images.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Asker:
    """Someone who asks for images.

    Attributes:
        namespace: Whose share of reading counts; empty for a person at a command line.
        keyring: Credentials of its own, besides those that all share. None where one access to
            images is everybody's: then facts are told to all who ask.
    """

    namespace: str = ""
    keyring: Keyring | None = None


ANYBODY = Asker()
