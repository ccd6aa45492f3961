"""Predictions within this process: nothing bounds them but the work that they count themselves."""

from collections import OrderedDict
from collections.abc import Sequence

from elfgate.linkage.injected import INJECTED
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Surveyed
from elfgate.linkage.survey import survey
from elfgate.needs.facts import Needs
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.unread import Unread
from elfgate.scan.foresee import foresee, needed
from elfgate.scan.inquiry import Foreseen, Inquiry
from elfgate.scan.located import Contents

_NO_FACTS = NodeFacts()
_UNREAD = Unread()
_TREES = 4  # each keeps its layers in memory


class LocalPredictor:
    """Predicts within this process (a ``Predictor``): for images that the user trusts.

    Args:
        injected: Patterns of libraries that nodes add to containers, besides those that elfgate
            knows.
    """

    def __init__(self, injected: Sequence[str] = ()) -> None:
        self._injected = (*INJECTED, *injected)
        self._trees = Trees(_TREES)

    async def predict(
        self,
        contents: Contents,
        inquiry: Inquiry,
        *,
        namespace: str = "",  # noqa: ARG002 - nobody waits here
        patient: bool = False,  # noqa: ARG002
    ) -> Foreseen:
        """Predict a start."""
        return foresee(
            self._tree(contents),
            contents.defaults,
            contents.declared,
            inquiry,
            injected=self._injected,
        )

    async def survey(
        self, contents: Contents, platform: Platform, node: NodeFacts = _NO_FACTS
    ) -> tuple[Surveyed, ...]:
        """Tell what else of the image would fail."""
        found = survey(
            self._tree(contents), contents.defaults, platform, node, injected=self._injected
        )
        return tuple(found)

    async def needs(self, contents: Contents, inquiry: Inquiry) -> Needs:
        """Tell what the program needs from its surroundings."""
        tree = self._tree(contents)
        return needed(tree, contents.defaults, inquiry, injected=self._injected)

    async def close(self) -> None:
        """Nothing is to be ended."""

    def _tree(self, contents: Contents) -> Tree:
        return self._trees.of([layer for _, layer in contents.layers], unread=contents.unread)


class Trees:
    """Trees of the images that were asked for last: each knows what was looked up in it before.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._trees: OrderedDict[tuple[int, ...], Tree] = OrderedDict()

    def of(self, layers: Sequence[Layer], *, unread: bool = False) -> Tree:
        """The tree of these layers, bottom first.

        Of those below them, if they are not read, nothing is known.
        """
        below = (_UNREAD,) if unread else ()
        key = tuple(map(id, (*below, *layers)))
        if key not in self._trees:
            # The layers live as long as their identities are keys.
            self._trees[key] = Tree((*below, *layers))
        self._trees.move_to_end(key)
        while len(self._trees) > self._most:
            self._trees.popitem(last=False)
        return self._trees[key]
