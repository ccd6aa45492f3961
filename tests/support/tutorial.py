"""The commands of docs/tutorial.md, and what they print."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


@dataclass(frozen=True)
class Step:
    """A command, and the lines that it prints; ``…`` as the last of them is for whatever follows."""

    command: str
    prints: tuple[str, ...]

    def run(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Run it in a shell.

        Raises:
            AssertionError: if it prints something else, where the tutorial shows what it prints.
        """
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1; {self.command}"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=folder,
            env=dict(environment),
            timeout=300,
        )
        printed = tuple(line.rstrip() for line in done.stdout.splitlines())
        if not self.prints:
            assert done.returncode == 0, f"$ {self.command}\n{done.stdout}"
        elif self.prints[-1] == "…":
            assert printed[: len(self.prints) - 1] == self.prints[:-1], (
                f"$ {self.command}\n{done.stdout}"
            )
        else:
            assert printed == self.prints, f"$ {self.command}\n{done.stdout}"


def steps(heading: str) -> Iterator[Step]:
    """The steps below a heading."""
    (part,) = re.findall(rf"(?ms)^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", TUTORIAL.read_text())
    for block in re.findall(r"(?ms)^```console\n(.*?)^```", part):
        for text in re.split(r"(?m)^\$ ", block)[1:]:
            yield _step(text)


def _step(text: str) -> Step:
    lines = text.rstrip("\n").split("\n")
    size = lines.index("END") + 1 if "<<'END'" in lines[0] else 1
    return Step("\n".join(lines[:size]), tuple(line.rstrip() for line in lines[size:]))
