"""The word by which one finding differs from platform to platform, so that it is told of once.

A program lacks its loader on six platforms, each time under another name: the sentences are alike
but for one word. That word is put beside the sentence, and policies fill in all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from elfgate.policy.document import FindingEntry, LinkageEntry

_Words = dict[tuple[str, str], str]  # by container and message
_AROUND = ".,:;()'\""  # what may stand around a word in a sentence


class _Form(NamedTuple):
    """The form that findings share where they may be one."""

    container: str
    code: str
    path: str
    effect: str
    reason: str
    words: int

    @classmethod
    def of(cls, container: str, finding: FindingEntry) -> "_Form":
        """The form of a container's finding."""
        words = finding.message.split(" ")
        return cls(
            container=container,
            code=finding.code,
            path=finding.path,
            effect=finding.effect,
            reason=finding.reason,
            words=len(words),
        )


def with_words(linkages: Sequence[LinkageEntry]) -> list[LinkageEntry]:
    """The linkages, their findings with the words by which they differ."""
    words = _words(linkages)
    if not words:
        return list(linkages)
    return [_with(linkage, words) for linkage in linkages]


def _with(linkage: LinkageEntry, words: _Words) -> LinkageEntry:
    """A linkage, its findings with the words by which they differ."""
    findings = []
    for finding in linkage.findings:
        key = (linkage.container, finding.message)
        word = words.get(key, "")
        worded = finding.model_copy(update={"differs": word})
        findings.append(worded)
    return linkage.model_copy(update={"findings": findings})


def _words(linkages: Iterable[LinkageEntry]) -> _Words:
    """The word in which a message differs on other platforms."""
    words: _Words = {}
    for form, by_platform in _alike(linkages).items():
        told = list(by_platform.values())
        for message, word in _differing(told).items():
            words[form.container, message] = word
    return words


def _alike(linkages: Iterable[LinkageEntry]) -> dict[_Form, dict[str, list[str]]]:
    """The messages of each form, by platform."""
    alike: dict[_Form, dict[str, list[str]]] = {}
    for linkage in linkages:
        for finding in linkage.findings:
            form = _Form.of(linkage.container, finding)
            by_platform = alike.setdefault(form, {})
            messages = by_platform.setdefault(linkage.platform, [])
            messages.append(finding.message)
    return alike


def _differing(told: Sequence[Sequence[str]]) -> dict[str, str]:
    """The one word in which platforms' messages differ, by message; empty if they differ in more.

    Args:
        told: By platform: the messages of one form.
    """
    if any(len(messages) > 1 for messages in told):
        return {}
    split = {message: message.split(" ") for [message] in told}
    columns = zip(*split.values(), strict=True)
    counts = [len(set(column)) for column in columns]
    places = [place for place, count in enumerate(counts) if count > 1]
    if len(places) != 1:
        return {}
    [place] = places
    words = {}
    for message in sorted(split):
        word = split[message][place]
        words[message] = word.strip(_AROUND)
    return words if _are_one(words) else {}


def _are_one(words: Mapping[str, str]) -> bool:
    """Whether the messages are the same once each one's word is left open."""
    if not all(words.values()):
        return False
    stems = set()
    for message, word in words.items():
        stem = message.replace(word, "\0")
        stems.add(stem)
    return len(stems) == 1
