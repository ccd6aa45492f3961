"""Words whose values come from elsewhere, and volumes at paths that are links in the image."""

import pytest

from elfgate.linkage.report import Code, Outcome
from support.image import failures, start, static_program
from support.tarball import directory, link, program

FILES = {
    "bin/env": static_program(),
    "bin/sh": static_program(),
    "app": static_program(),
    "entry.sh": program('#!/bin/sh\nset -e\nexec "$@"\n'),
    "run": directory(),
    "var/run": link("/run"),
    "etc/dangling": link("../nowhere/x"),
}


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        (("$(X)",), 0),
        (("env", "$(X)"), 1),
        (("env", "A=1", "$(X)", "b"), 2),
        (("/entry.sh", "$(X)"), 1),
        (("/bin/sh", "-c", "exec $(X)"), 2),
    ],
)
def test_what_an_unknown_word_decides_is_unknown(command: tuple[str, ...], unknown: int) -> None:
    found = start(FILES, command=command, unknown_command=frozenset({unknown}))
    assert found.outcome is not Outcome.CANNOT_START


def test_an_unknown_word_of_the_arguments_counts_behind_the_entrypoint() -> None:
    found = start(FILES, "/entry.sh", args=("$(X)",), unknown_args=frozenset({0}))
    assert found.outcome is Outcome.UNKNOWN


def test_a_program_that_is_missing_is_missing_whatever_follows() -> None:
    found = start(FILES, command=("/nosuch", "$(X)"), unknown_command=frozenset({1}))
    assert failures(found) == [Code.COMMAND_MISSING]


def test_a_script_that_looks_at_an_unknown_word_may_go_another_way() -> None:
    text = '#!/bin/sh\ncase "$1" in server) exec /app;; esac\nexec /nosuch\n'
    files = {**FILES, "start.sh": program(text)}
    found = start(files, command=("/start.sh", "$(X)"), unknown_command=frozenset({1}))
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("mount", "path", "hidden"),
    [
        ("/var/run/tools", "/run/tools/prog", True),
        ("/var/run", "/run/prog", True),
        ("/var/lib", "/run/prog", False),
        ("/etc/dangling/y", "/nowhere/x/y/prog", True),
        ("/run", "/var/run/prog", True),
    ],
)
def test_a_volume_is_where_the_images_links_lead(mount: str, path: str, hidden: bool) -> None:
    found = start(FILES, path, mounts=(mount,))
    assert (found.outcome is Outcome.UNKNOWN) is hidden


@pytest.mark.parametrize("command", [("/entry.sh", "/nosuch"), ("env", "A=1", "/nosuch")])
def test_a_word_behind_the_program_that_is_started_leaves_it_certain(
    command: tuple[str, ...],
) -> None:
    found = start(FILES, command=(*command, "$(X)"), unknown_command=frozenset({len(command)}))
    assert failures(found) == [Code.COMMAND_MISSING]
