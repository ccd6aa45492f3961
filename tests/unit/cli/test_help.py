"""Help comes at once: it loads nothing that only a verb's work needs."""

import subprocess
import sys

HEAVY = {"asyncio", "logging", "pydantic", "yaml", "shutil", "ssl", "orjson", "difflib"}
LOADED = f"""
import sys
from elfgate.cli.main import VERBS, parser, verb_parser
for each in (parser(), *map(verb_parser, VERBS)):
    each.format_help()
print(*{HEAVY}.intersection(sys.modules))
"""


def test_the_help_of_no_verb_loads_what_only_its_work_needs() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == []


def test_a_verb_that_is_asked_for_help_reads_no_options_that_stand() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "elfgate", "scan", "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={"ELFGATE_PLATFORM": "", "ELFGATE_ALL": "perhaps"},
    )
    assert told.stdout.startswith("usage: elfgate scan")
