"""The built-in command ``getopts``, which takes a script's options one by one.

Source: POSIX.1-2017, ``getopts``.
"""

from dataclasses import replace

from elfgate.linkage.shell.assignments import set_to
from elfgate.linkage.shell.calls import Call, value_of
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.values import FAILURE, UNSURE
from elfgate.linkage.values import UNSET, Unknown

_OPTION = Unknown("the options of the script are not known")


def getopts(call: Call) -> list[State]:
    """``getopts LETTERS NAME``: one option of the script's arguments."""
    known, state = call.args.known, call.state
    index = value_of(call, "OPTIND")
    number = int(index) if isinstance(index, str) and index.isdecimal() else 1
    place = state.variables.values.get("\0OPTIND")
    within = int(place) if isinstance(place, str) else 1
    args = state.frame.args.known
    if known is None or len(known) != 2 or args is None or isinstance(index, Unknown):
        return _some_option(call)
    return [_next_option(state, known[0], known[1], args, (number, within))]


def _some_option(call: Call) -> list[State]:
    state = call.state
    for name in ("OPTARG", "OPTIND", *(call.args.known or ())[1:2]):
        state = set_to(call.world, state, name, replace(_OPTION, number=name == "OPTIND"))
    return [state.ended(UNSURE)]


def _next_option(
    state: State,
    letters: str,
    name: str,
    args: tuple[str, ...],
    place: tuple[int, int],
) -> State:
    number, within = place
    word = args[number - 1] if number <= len(args) else ""
    if within == 1 and (len(word) < 2 or word[0] != "-" or word == "--"):
        number += word == "--"
        return _option_state(state, name, "?", (number, 1)).ended(FAILURE)
    letter = word[within]
    following = (number, within + 1) if within + 1 < len(word) else (number + 1, 1)
    at = letters.find(letter) if letter != ":" else -1
    if at < 0:
        return _option_state(state, name, "?", following).setting("OPTARG", _OPTION).ended()
    if letters[at + 1 : at + 2] != ":":
        return _option_state(state, name, letter, following).setting("OPTARG", UNSET).ended()
    if within + 1 < len(word):
        value, following = word[within + 1 :], (number + 1, 1)
    elif number < len(args):
        value, following = args[number], (number + 2, 1)
    else:
        return _option_state(state, name, "?", (number + 1, 1)).setting("OPTARG", _OPTION).ended()
    return _option_state(state, name, letter, following).setting("OPTARG", value).ended()


def _option_state(state: State, name: str, value: str, place: tuple[int, int]) -> State:
    state = state.setting("OPTIND", str(place[0])).setting("\0OPTIND", str(place[1]))
    return state.setting(name, value)
