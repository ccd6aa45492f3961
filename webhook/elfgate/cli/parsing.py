"""The parser of a verb's words, and its help.

What only some words need is imported for them: `elfgate --help` is to come at once.
"""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

_NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}


class Help(argparse.RawDescriptionHelpFormatter):
    """Help that is the same on every terminal and Python.

    Argparse fits it to both, and docs quote it.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap paragraphs, and leave lists and examples as they are written."""
        import textwrap

        def wrapped(paragraph: str) -> str:
            if "\n " in paragraph or paragraph.startswith(" "):
                return paragraph
            lines = textwrap.wrap(paragraph, width - len(indent), break_on_hyphens=False)
            return "\n".join(indent + line for line in lines)

        return "\n\n".join(map(wrapped, text.strip("\n").split("\n\n")))

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Name the argument once, behind the last spelling (as Python 3.13 does)."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with what was probably meant, and where help is."""

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """Refuse an unknown option, before its value is taken for an argument."""
        from elfgate.likely import likely

        options = [name for name in self._option_string_actions if name.startswith("--")]
        for word in words:
            name = word.partition("=")[0]
            if name.startswith("--") and not any(each.startswith(name) for each in options):
                found = likely(name, options)
                self.error(f"unknown option {name}{f'; did you mean {found}?' if found else ''}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is no choice."""
        if action.choices is not None and value not in action.choices:
            from elfgate.likely import meant

            likely = meant(str(value), map(str, action.choices))
            if action.option_strings:
                raise argparse.ArgumentError(action, f"unknown value {value!r}: {likely}")
            raise argparse.ArgumentError(None, f"unknown {action.dest} {value!r}: {likely}")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Take an argument; say in words which one cannot be, and that no file has an empty name."""
        from pathlib import Path

        if action.type is Path and not arg_string:
            raise argparse.ArgumentError(action, "the name is empty")
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError:
            if action.type not in _NUMBERS:
                raise
            words = f"{arg_string!r} is not {_NUMBERS[action.type]}"
            raise argparse.ArgumentError(action, words) from None

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")
