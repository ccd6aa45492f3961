"""The page that explains every code, by what the rules say of themselves and a case of each."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from elfgate.policy.cases import example
from elfgate.policy.metadata import Rule
from elfgate.policy.rulebook import shipped

PAGE = Path(__file__).resolve().parent / "codes.md"
_HEAD = """# Codes

Every finding has a code, and every code is a rule. Reports link to this page; `elfgate explain \
CODE` prints the same.
"""


def page() -> str:
    """The page: a heading a code, so that links to it hold."""
    parts = [part for rule in shipped().rules.values() for part in _parts(rule)]
    return "\n".join((_HEAD, *parts))


def _parts(rule: Rule) -> Iterator[str]:
    yield f"## {rule.code}\n"
    yield f"{_wrapped(f'{rule.title}. {rule.description}')}\n"
    if shown := example(rule.code):
        yield f"```text\n{shown.rstrip()}\n```\n"
    if rule.remedy:
        yield f"{_wrapped(f'What to do: {rule.remedy}.')}\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 98, break_long_words=False, break_on_hyphens=False)
