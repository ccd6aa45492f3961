"""The built-in command ``getopts``, which takes a script's options one by one.

Source: POSIX.1-2017, ``getopts``.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from elfgate.linkage.shell.assignments import set_to
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import NOT_SO, UNSURE, Value
from elfgate.linkage.values import UNSET, Unknown

_OPTION = Unknown("the options of the script are not known")
_PLACE = replace(_OPTION, number=True)
WITHIN = "\0OPTIND"  # ``OPTIND``, the word and the letter in it, which shells keep to themselves
BEGINNING = ""  # the place in a function of dash or busybox, which has one of its own


class _Place(NamedTuple):
    """A place among the script's arguments.

    Attributes:
        number: The word's, from 1.
        letter: The letter's within it: 1 for the first after the dash.
    """

    number: int
    letter: int

    def after(self, word: str) -> "_Place":
        """The place after a letter of this word."""
        if self.letter + 1 < len(word):
            return _Place(self.number, self.letter + 1)
        return self.skip(1)

    def skip(self, words: int) -> "_Place":
        """The beginning of the word that is so many further on."""
        return _Place(self.number + words, 1)


def getopts(call: Call) -> list[State]:
    """``getopts LETTERS NAME``: one option of the script's arguments."""
    known = call.args.known
    args = call.state.frame.args.known
    place = _place(call)
    if known is None or args is None or place is None:
        return _some_option(call)
    if len(known) != 2:
        return _some_option(call)
    letters, name = known
    option = _Option(call.state, name, args, ahead=not call.world.dialect.is_bash)
    return [option.next(letters, place)]


def _place(call: Call) -> _Place | None:
    """The place of the next option; None if it is not known."""
    index = value_of(call, "OPTIND")
    if isinstance(index, Unknown):
        return None
    number = 1
    if isinstance(index, str) and index.isdecimal():
        number = int(index)
    within = call.state.variables.values.get(WITHIN)
    if within == BEGINNING:
        return _Place(1, 1)
    if isinstance(within, str):
        shown, word, letter = within.split(".")
        if int(shown) == number and index is not UNSET:
            return _Place(int(word), int(letter))
    is_known = call.world.dialect.is_bash or (within is None and number == 1)
    return _Place(number, 1) if is_known else None  # other shells keep the place to themselves


def _some_option(call: Call) -> list[State]:
    """Take an option that is not known."""
    values = {"OPTARG": _OPTION, "OPTIND": _PLACE}
    known = call.args.known or ()
    for name in known[1:2]:
        values.setdefault(name, _OPTION)
    state = call.state
    for name, value in values.items():
        state = set_to(call.world, state, name, value)
    return [state.ended(UNSURE)]


@dataclass(frozen=True, slots=True)
class _Option:
    """One option that is taken.

    Attributes:
        state: Where the script stands.
        name: The variable that the option's letter is put into.
        args: The script's arguments.
        ahead: Within a word, ``OPTIND`` tells the next one (not in bash).
    """

    state: State
    name: str
    args: tuple[str, ...]
    ahead: bool

    def next(self, letters: str, place: _Place) -> State:
        """Take the option at a place; its letter may be one of these, a colon after some."""
        word = self._word(place)
        if place.letter == 1 and not _has_options(word):
            return self._no_more(word, place)
        letter = word[place.letter]
        following = place.after(word)
        is_quiet = letters.startswith(":")
        _, known, behind = letters.removeprefix(":").partition(letter)
        if letter == ":" or not known:
            return self._set("?", following, letter if is_quiet else _OPTION)
        if behind.startswith(":"):
            return self._with_value(letter, place, is_quiet=is_quiet)
        return self._set(letter, following, UNSET)

    def _with_value(self, letter: str, place: _Place, *, is_quiet: bool) -> State:
        """Take an option that wants a value: the rest of its word, or the next word.

        Where letters begin with a colon, the script itself is told that there is no value.
        """
        word = self._word(place)
        rest = word[place.letter + 1 :]
        following = place.skip(1)
        if rest:
            return self._set(letter, following, rest)
        value = self._word(following)
        if following.number <= len(self.args):
            return self._set(letter, place.skip(2), value)
        if is_quiet:
            return self._set(":", following, letter)
        return self._set("?", following, _OPTION)

    def _no_more(self, word: str, place: _Place) -> State:
        """End at the first word that is no option; ``--`` itself is passed over."""
        passed = 1 if word == "--" else 0
        state = self._at("?", place.skip(passed))
        return state.ended(NOT_SO)

    def _word(self, place: _Place) -> str:
        """The word of a place; empty behind the last."""
        if place.number > len(self.args):
            return ""
        return self.args[place.number - 1]

    def _set(self, letter: str, following: _Place, value: Value) -> State:
        """Tell of an option and its value, and go on behind it."""
        state = self._at(letter, following)
        return state.setting("OPTARG", value).ended()

    def _at(self, letter: str, place: _Place) -> State:
        """Put the letter into the variable, and the place into the shell's own."""
        is_ahead = self.ahead and place.letter > 1
        shown = place.number + int(is_ahead)
        values = {
            "OPTIND": str(shown),
            WITHIN: f"{shown}.{place.number}.{place.letter}",
            self.name: letter,
        }
        state = self.state
        for name, value in values.items():
            state = state.setting(name, value)
        return state


def _has_options(word: str) -> bool:
    """Whether a word is a dash with letters."""
    if word in {"-", "--"}:
        return False
    return word.startswith("-")
