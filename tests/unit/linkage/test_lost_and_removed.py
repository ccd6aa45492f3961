"""Scripts that cannot be followed, and those that take away what they start: neither is said to start."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Outcome
from support import tarball
from support.image import Files, debian, start, static_program
from support.tarball import link

FILES: Files = {
    **debian(),
    **{f"usr/bin/{name}": static_program() for name in ("ln", "mv", "rm", "rmdir", "unlink")},
    "bin/sh": static_program(),
    "bin/bash": static_program(),
    "app/jre/bin/java": static_program(),
    "app/java": link("/app/jre/bin/java"),
    "app/other/tool": static_program(),
    "app/bash.sh": tarball.program("#!/bin/bash\n:\n"),
    "app/run.sh": tarball.program('#!/bin/sh\nexec "$@"\n'),
}


def said(text: str, shell: str = "/bin/sh") -> tuple[Outcome, UnknownReason | None]:
    files = {**FILES, "entry.sh": tarball.program(f"#!{shell}\n{text}\n")}
    prediction = start(files, "/entry.sh")
    reasons = [finding.reason for finding in prediction.findings]
    return prediction.outcome, next(iter(reasons), None)


@pytest.mark.parametrize(
    "text",
    [
        "rm /app/jre/bin/java; exec /app/jre/bin/java",
        "rm -f /app/jre/bin/java; exec /app/java",
        "rm /app/java; exec /app/java",
        "rm -rf /app/jre; exec /app/jre/bin/java",
        "cd /app/jre; rm -r bin; exec /app/java",
        "mv /app/jre /opt/jre; exec /app/jre/bin/java",
        "unlink /app/java; exec /app/java",
        "[ -n $HOSTNAME ] && rm /app/java; exec /app/java",
        "rm /app/java; other-tool; exec /app/java",
        "rm /app/java; exec sh -c 'exec /app/java'",
        "rm /app/java; exec /app/run.sh /app/java",
        "rm /bin/bash; exec /app/bash.sh",
    ],
)
def test_a_program_that_its_script_may_remove_is_not_said_to_start(text: str) -> None:
    assert said(text) == (Outcome.UNKNOWN, UnknownReason.SHAPE_UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "rm -rf /app/other; exec /app/java",
        "rm /app/java; exec /app/jre/bin/java",
        "rm -f /app/java; ln -s /app/jre/bin/java /app/java; exec /app/java",
        "mv /app/other/tool /app/jre/tool; exec /app/java",
        'rm -rf "$HOSTNAME"; exec /app/java',
    ],
)
def test_a_program_beside_what_its_script_removes_starts(text: str) -> None:
    assert said(text)[0] is Outcome.STARTS


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        ("/bin/bash", "select x in a b; do break; done; exec /app/java"),
        ("/bin/bash", "coproc cat; exec /app/java"),
        ("/bin/bash", "set -o posix; exec /app/java"),
        ("/bin/bash", "shopt -s lastpipe; echo x | read r; exec /app/java"),
        ("/bin/bash", "exec -c /app/java"),
        ("/bin/sh", "if true; then exec /app/java"),
        ("/bin/sh", "exec 'broken"),
        ("/bin/sh", "exec $(/app/java)"),
        ("/bin/sh", 'while read -r line; do eval "$line"; done; exec $PROGRAM$HOSTNAME'),
    ],
)
def test_a_script_that_is_not_followed_to_its_end_is_unknown(shell: str, text: str) -> None:
    assert said(text, shell) == (Outcome.UNKNOWN, UnknownReason.SHAPE_UNKNOWN)


@pytest.mark.parametrize("text", ["set +o posix; exec /app/java", "exec /app/java; select x; then"])
def test_what_a_script_does_not_come_to_does_not_matter(text: str) -> None:
    assert said(text, "/bin/bash")[0] is Outcome.STARTS
