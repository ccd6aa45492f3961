"""Completion: the shell's own answers to half a command line."""

import subprocess
import sys

import pytest

ASK = """source /dev/stdin
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_shtab_elfgate
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell: str) -> str:
    command = [sys.executable, "-m", "elfgate", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["aud"], ["audit"]),
        (["audit", "--owner"], ["--owner-label"]),
        (["check", "--fail-on", "un"], ["unknown"]),
        (["scan", "--color", "al"], ["always"]),
    ],
)
def test_bash_completes_verbs_options_and_choices(words: list[str], answers: list[str]) -> None:
    command = ["bash", "--norc", "-c", ASK, "bash", "elfgate", *words]
    ran = subprocess.run(
        command, input=script("bash"), capture_output=True, text=True, timeout=60, check=False
    )
    assert [line.strip() for line in ran.stdout.split()] == answers, ran.stderr


@pytest.mark.parametrize(
    ("shell", "line"), [("zsh", "#compdef elfgate"), ("fish", "complete -c elfgate")]
)
def test_other_shells_have_a_script(shell: str, line: str) -> None:
    told = script(shell)
    assert line in told
    assert "owner-label" in told


def test_another_shell_is_refused_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "elfgate", "completion", "bsh"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert 'did you mean "bash"?' in ran.stderr
