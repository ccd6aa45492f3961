"""Kinds that the webhook is asked about and that no row says the pod templates of.

Each is named once, in the log.
"""

import logging
from collections.abc import Iterable

from elfgate.cluster.part import Part
from elfgate.cluster.review import Review
from elfgate.cluster.template import Template

log = logging.getLogger(__name__)

_MOST = 100  # kinds that are named: nobody registers more


class Unlisted:
    """Names the kinds that are passed over.

    Args:
        templates: The kinds that hold a pod template.
    """

    def __init__(self, templates: Iterable[Template]) -> None:
        self._known = {(row.group, row.kind) for row in templates}
        self._most = len(self._known) + _MOST

    def notice(self, review: Review) -> None:
        """Take note of a review that is let pass, as nothing in it is judged."""
        if review.operation not in {"CREATE", "UPDATE"} or review.subresource:
            return
        root = Part(review.obj)
        group, slash, _version = root.get("apiVersion").text().partition("/")
        key = (group if slash else "", root.get("kind").text())
        if key in self._known or len(self._known) >= self._most:
            return
        self._known.add(key)
        log.warning(
            "objects of a kind are passed over: admission.kinds does not say where they hold pods",
            extra={"kind": key[1], "group": key[0]},
        )
