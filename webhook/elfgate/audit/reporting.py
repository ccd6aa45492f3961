"""An audit as reports in the cluster, one for each namespace, of its own findings.

Sources: the OpenReports API (``openreports.io/v1alpha1``, Report) and the Policy Report API that it
came from (``wgpolicyk8s.io/v1alpha2``, PolicyReport). Both name results by the same fields.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from elfgate.audit.entry import Entry, Problem, State
from elfgate.policy.rulebook import Rulebook

MOST_RESULTS = 500  # of one report: etcd takes objects of 1.5 MiB
_MOST_SIGNS = 800  # of one text

_SOURCE = "elfgate"
_ORDER = ("fail", "error", "skip", "warn")


def reports(entries: Iterable[Entry], book: Rulebook) -> dict[str, dict[str, Any]]:
    """The content of the report of each namespace that has workloads.

    Args:
        entries: Each workload.
        book: The rules, for their titles and links.
    """
    by_namespace: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.namespace:
            by_namespace[entry.namespace].append(entry)
    return {name: _report(name, found, book) for name, found in sorted(by_namespace.items())}


def _report(namespace: str, entries: Iterable[Entry], book: Rulebook) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    results = []
    for entry in entries:
        told = [_result(entry, problem, book) for problem in _distinct(entry)]
        words = [each["result"] for each in told]
        counts.update(words or ["pass"])
        results += told
    results.sort(key=lambda each: _ORDER.index(each["result"]))
    return {
        "scope": {"apiVersion": "v1", "kind": "Namespace", "name": namespace},
        "configuration": {"limits": {"maxResults": MOST_RESULTS}},
        "summary": {word: counts[word] for word in ("pass", *_ORDER)},
        "results": results[:MOST_RESULTS],
    }


def _distinct(entry: Entry) -> list[Problem]:
    """A workload's problems, those of several platforms that are told in the same words once."""
    found: dict[tuple[str, str, str], Problem] = {}
    for problem in entry.problems:
        found.setdefault(_words(problem), problem)
    return list(found.values())


def _words(problem: Problem) -> tuple[str, str, str]:
    """The words of a problem, which may be the same on several platforms."""
    return problem.container, problem.code, problem.message


def _result(entry: Entry, problem: Problem, book: Rulebook) -> dict[str, Any]:
    return {
        "source": _SOURCE,
        "policy": _SOURCE,
        "rule": problem.code,
        "category": "Start",
        "severity": _severity(problem),
        "result": _word(entry, problem),
        "scored": True,
        "message": _cut(problem.message),
        "resources": [_object(entry)],
        "properties": _said(_properties(entry, problem, book)),
    }


def _severity(problem: Problem) -> str:
    if problem.state is State.FAILS:
        return "high"
    return "info"


def _properties(entry: Entry, problem: Problem, book: Rulebook) -> dict[str, str]:
    words = _words(problem)
    platforms = [
        each.platform for each in entry.problems if each.platform and _words(each) == words
    ]
    return {
        "image": problem.image,
        "container": problem.container,
        "platforms": ", ".join(platforms),
        "decision": _decision(entry),
        "reason": problem.reason,
        "remedy": problem.remedy,
        "owner": entry.subject.owner,
        "help": book.link(problem.code),
    }


def _decision(entry: Entry) -> str:
    if entry.would_deny:
        return "would be denied"
    return entry.decision


def _word(entry: Entry, problem: Problem) -> str:
    """The outcome in the API's words; ``error`` is for what could not be evaluated."""
    if entry.decision == "exempt":
        return "skip"
    if problem.state is not State.FAILS:
        return "error"
    if entry.would_deny or entry.decision == "denied":
        return "fail"
    return "warn"


def _object(entry: Entry) -> dict[str, str]:
    return {"kind": entry.kind, "namespace": entry.namespace, "name": entry.name}


def _said(properties: Mapping[str, str]) -> dict[str, str]:
    return {name: _cut(text) for name, text in properties.items() if text}


def _cut(text: str) -> str:
    if len(text) <= _MOST_SIGNS:
        return text
    return f"{text[: _MOST_SIGNS - 1]}…"
