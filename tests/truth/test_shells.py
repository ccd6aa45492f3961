"""Random scripts, run by the real dash, bash and busybox, and followed: the words that they end in must be the same.

The seed is printed where something differs, and repeats a run (``TRUTH_SEED``); ``SCRIPTS`` says how many are made
for each shell (1,000). What a shell says of itself decides, in whatever release this machine has.
"""

import os
import random
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from elfgate.linkage.shell.ends import Followed
from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.state import Frame
from elfgate.linkage.shell.syntax.dialect import BASH, BASH_AS_SH, BUSYBOX, DASH, Dialect
from elfgate.linkage.shell.values import Launch
from elfgate.linkage.values import Fields
from lab import roots
from support.script_world import FakeWorld, first_state
from truth.scripts import arguments, script

pytestmark = pytest.mark.truth

_ENV = {"PATH": "/usr/bin:/bin"}
_PRINTED = '\nprintf "%s\\0" "$@" end\n'
_UNKNOWN = (
    0.06  # share of scripts whose words are not known, with what releases of a shell differ in
)
_DIALECTS: Mapping[str, Dialect] = {
    "dash": DASH,
    "bash": BASH,
    "bash as sh": BASH_AS_SH,
    "busybox": BUSYBOX,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One script, and what it came to."""

    text: str
    args: tuple[str, ...]
    really: tuple[str, ...] | None
    followed: Followed

    @property
    def known(self) -> tuple[str, ...] | None:
        """The words that are predicted; None if they are not known."""
        launches = [ending.launch for ending in self.followed.endings]
        if self.followed.lost or len(launches) != 1 or not _is_known(launches[0]):
            return None
        return () if launches[0] is None else launches[0].argv

    @property
    def is_wrong(self) -> bool:
        """The words are others than those that are predicted for sure."""
        return self.known is not None and self.known != (self.really or ())


def _is_known(launch: Launch | None) -> bool:
    return launch is None or not (launch.more or launch.doubt)


@pytest.fixture(scope="module")
def seed() -> str:
    return os.environ.get("TRUTH_SEED", str(secrets.randbelow(1 << 32)))


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """How each shell is started."""
    called = tmp_path_factory.mktemp("called") / "sh"
    bash, dash = shutil.which("bash"), shutil.which("dash")
    assert bash, "bash is not installed"
    assert dash, "dash is not installed"
    called.symlink_to(bash)
    busybox = roots.build("alpine", "amd64") / "bin" / "busybox"  # a static one
    return {
        "dash": [dash],
        "bash": [bash],
        "bash as sh": [str(called)],
        "busybox": [str(busybox), "sh"],
    }


def _run(shell: str, command: list[str], seed: str, folder: Path) -> Run | None:
    """Run a script and follow it; None if bash has broken off a command, and gone on with the next."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    text, args = script(chance, bash="bash" in shell), arguments(chance)
    done = subprocess.run(
        [*command, "-c", text + _PRINTED, "sh", *args],
        env=_ENV,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if b"substring expression" in done.stderr:
        return None
    words = done.stdout.decode("latin-1").split("\0")[:-2]
    state = first_state()._replace(frame=Frame("sh", Fields(args)))
    world = FakeWorld(dialect=_DIALECTS[shell], variables=_ENV)
    followed = follow(f'{text}\nexec /x "$@"\n', state, world)
    return Run(text, args, ("/x", *words) if done.stdout else None, followed)


@pytest.mark.parametrize("shell", _DIALECTS)
def test_a_shell_comes_to_the_words_that_are_predicted(
    shell: str, seed: str, commands: Mapping[str, list[str]], tmp_path: Path
) -> None:
    count = int(os.environ.get("SCRIPTS", "1000"))
    runs = [
        run
        for number in range(count)
        if (run := _run(shell, commands[shell], f"{seed}/{shell}/{number}", tmp_path)) is not None
    ]
    wrong = [f"{run.args}\n{run.text}\n{run.known} {run.really}" for run in runs if run.is_wrong]
    assert not wrong, "\n\n".join([f"seed {seed}: {len(wrong)} of {count}", *wrong[:5]])
    unknown = sum(run.known is None for run in runs)
    assert unknown <= _UNKNOWN * count, f"seed {seed}: {unknown} of {count} are not known"
