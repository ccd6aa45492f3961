"""What the tutorial shows is what happens. Its last part needs a cluster: tests/e2e/chart."""

import os
import platform
import sys
from pathlib import Path

import pytest

from support.tutorial import steps


@pytest.mark.skipif(platform.machine() != "x86_64", reason="it shows what happens on amd64")
def test_the_tutorials_commands_print_what_it_shows(tmp_path: Path) -> None:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    done = 0
    for step in [*steps("An image that cannot start"), *steps("What a cluster would be told")]:
        if not step.command.startswith("make setup"):
            step.run(tmp_path, environment)
            done += 1
    assert done == 8
