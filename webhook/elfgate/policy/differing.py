"""The word by which one finding differs from platform to platform, so that it is told of once.

A program lacks its loader on six platforms, each time under another name: the sentences are alike
but for one word. That word is put beside the sentence, and policies fill in all of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from elfgate.policy.document import FindingEntry, LinkageEntry

_Form = tuple[str, str, str, str, str, int]
_AROUND = ".,:;()'\""  # what may stand around a word in a sentence


def with_words(linkages: Sequence[LinkageEntry]) -> list[LinkageEntry]:
    """The linkages, their findings with the words by which they differ."""
    words = _words(linkages)
    if not words:
        return list(linkages)
    return [_with(linkage, words) for linkage in linkages]


def _with(linkage: LinkageEntry, words: dict[tuple[str, str], str]) -> LinkageEntry:
    findings = [
        finding.model_copy(update={"differs": words.get((linkage.container, finding.message), "")})
        for finding in linkage.findings
    ]
    return linkage.model_copy(update={"findings": findings})


def _words(linkages: Iterable[LinkageEntry]) -> dict[tuple[str, str], str]:
    """By container and message: the word in which it differs on other platforms."""
    alike: dict[_Form, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for linkage in linkages:
        for finding in linkage.findings:
            form = _form(linkage.container, finding)
            alike[form][linkage.platform].append(finding.message)
    return {
        (form[0], message): word
        for form, by_platform in alike.items()
        for message, word in _differing(list(by_platform.values())).items()
    }


def _form(container: str, finding: FindingEntry) -> _Form:
    """The form that findings share where they may be one."""
    words = len(finding.message.split(" "))
    return (container, finding.code, finding.path, finding.effect, finding.reason, words)


def _differing(told: Sequence[Sequence[str]]) -> dict[str, str]:
    """The one word in which platforms' messages differ, by message; empty if they differ in more.

    Args:
        told: By platform: the messages of one form.
    """
    if any(len(messages) > 1 for messages in told):
        return {}
    messages = sorted({message for [message] in told})
    split = [message.split(" ") for message in messages]
    columns = [set(column) for column in zip(*split, strict=True)]
    places = [place for place, words in enumerate(columns) if len(words) > 1]
    if len(places) != 1:
        return {}
    words = [parts[places[0]].strip(_AROUND) for parts in split]
    return dict(zip(messages, words, strict=True)) if _are_one(messages, words) else {}


def _are_one(messages: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the messages are the same once the word is left open."""
    stems = {message.replace(word, "\0") for message, word in zip(messages, words, strict=True)}
    return len(stems) == 1 and all(words)
