"""Variables that stand for others (``declare -n``).

Source: bash(1), "PARAMETERS".
"""

from elfgate.linkage.shell.builtins.names import NAME
from elfgate.linkage.shell.calls import Call
from elfgate.linkage.shell.ends import LostError
from elfgate.linkage.shell.expand import Expansion
from elfgate.linkage.shell.frames import own
from elfgate.linkage.shell.state import State
from elfgate.linkage.shell.syntax.nodes import Assignment
from elfgate.linkage.shell.syntax.word_nodes import Word
from elfgate.linkage.values import Scalar, Unknown

_NO_NAME = Unknown("the name of a variable is not known")
_ATTRIBUTE = Unknown("a variable takes other values than it is given")


def standing_for(call: Call, names: list[Scalar], *, local: bool) -> list[State]:
    """``declare -n name=other``: a variable stands for another from here on."""
    if not local and call.state.frame.calls:
        raise LostError("a variable of the script stands for another")
    expansion = Expansion(call.walk, call.state)
    pairs = [_pair(name) for name in names]
    for word in call.words:
        if isinstance(word, Assignment):
            target = expansion.value(word.value) if isinstance(word.value, Word) else _NO_NAME
            pairs.append((word.name, target))
    state = call.state
    for name, target in pairs:
        state = _with_another(state, name, target, local=local)
    return [state.ended()]


def _pair(text: Scalar) -> tuple[str, Scalar]:
    if isinstance(text, Unknown):
        return "", text
    name, _, target = text.partition("=")
    return name, target


def _with_another(state: State, name: str, target: Scalar, *, local: bool) -> State:
    """Give the script, or the running function, a name that stands for a variable."""
    if isinstance(target, Unknown) or not NAME.fullmatch(target) or target == name:
        raise LostError("a variable stands for another that is not known")
    others = dict(state.variables.others)
    others.pop(name, None)
    plain = state._replace(variables=state.variables._replace(others=others))
    state = own(plain, name, _ATTRIBUTE) if local else plain
    others = {**others, name: others.get(target, target)}
    return state._replace(variables=state.variables._replace(others=others))
