"""The order of what is found, and of what ``--explain`` shows, is pinned by a file.

A change that is meant is written into it by ``PYTHONPATH=tests python tests/unit/linkage/test_order.py``;
its diff shows what users will see.
"""

from collections.abc import Iterator
from pathlib import Path

from elfgate.linkage.report import Finding, Prediction
from support.image import Files
from support.starts import KNOWN, STARTING, Case, start

GOLDEN = Path(__file__).parent / "order.txt"


def _broken(case: Case) -> Iterator[tuple[str, Files]]:
    """An image without each of its files but those that say who it is."""
    for path in sorted(case.files):
        if path != "etc/os-release":
            yield path, {name: item for name, item in case.files.items() if name != path}


def _shown(prediction: Prediction, *, walk: bool) -> Iterator[str]:
    yield f"  {prediction.outcome}"
    yield from (f"  {_line(finding)}" for finding in prediction.findings)
    if walk:
        yield from (f"    {step.actor}: {step.text} -> {step.result}" for step in prediction.walk)


def _line(finding: Finding) -> str:
    return f"{finding.code} {finding.effect} {finding.path}: {finding.message} [{finding.remedy}]"


def _rendered() -> str:
    lines: list[str] = []
    for name, case in STARTING.items():
        whole = start(case, case.files, KNOWN, case.overrides, explain=True)
        lines += [name, *_shown(whole, walk=True)]
        for path, files in _broken(case):
            prediction = start(case, files, KNOWN, case.overrides, explain=True)
            lines += [f"{name} without {path}", *_shown(prediction, walk=bool(prediction.findings))]
    return "".join(f"{line}\n" for line in lines)


def test_findings_and_walks_are_in_their_order() -> None:
    assert _rendered().splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text(_rendered(), encoding="utf-8")
