"""Tests of the user's own rules.

Each sees its own rule's findings, and no other rule's of its folder.

Rules in one folder are written by different people. A test that says what its rule denies would
fail, or pass, by what another one denies of the same document.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from elfgate.policy.aggregator import AGGREGATOR, aggregated
from elfgate.policy.bundle import Bundle
from elfgate.policy.packages import RULES


@dataclass(frozen=True, slots=True)
class Trial:
    """Tests that are run together.

    Attributes:
        bundle: By which they judge.
        tests: Their names, as ``data.PACKAGE.NAME``.
    """

    bundle: Bundle
    tests: tuple[str, ...]


def trials(whole: Bundle, tests: Sequence[str]) -> Iterator[Trial]:
    """Divide tests by the rule that they stand beside; what stands beside none sees all rules.

    Args:
        whole: The bundle with all rules of the user's own.
        tests: The names of their tests.
    """
    left = dict.fromkeys(tests)
    for rule in whole.own:
        beside = [test for test in left if test.startswith(f"data.{RULES}.{rule}_test.")]
        if beside:
            yield Trial(_only(whole, rule), tuple(beside))
        for test in beside:
            del left[test]
    if left:
        yield Trial(whole, tuple(left))


def _only(whole: Bundle, rule: str) -> Bundle:
    """The bundle, asking no rule of the user's own but one.

    Others' modules can still be imported.
    """
    others = {f"{RULES}.{name}" for name in whole.own if name != rule}
    asked = {
        path: text
        for path, text in whole.modules.items()
        if not any(f"package {package}\n" in text for package in others)
    }
    aggregator = aggregated(asked, None, (rule,))
    return replace(whole, modules={**whole.modules, AGGREGATOR: aggregator}, own=(rule,))
