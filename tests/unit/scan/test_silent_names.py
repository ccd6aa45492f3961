"""A name server that never answers: look-ups keep their deadline, and cost others nothing."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support.silent_names import BESIDE

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What was seen beside such a server, and how long the whole took."""
    if subprocess.run([*BESIDE[:-2], "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs namespaces of its own, with a network and mounts")
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT / 'tests'}:{_ROOT}"}
    began = time.monotonic()
    ran = subprocess.run(
        [*BESIDE, "support.silent_names"], env=environment, capture_output=True, check=False
    )
    assert not ran.returncode, ran.stderr.decode()
    found: dict[str, Any] = json.loads(ran.stdout)
    return {**found, "whole": time.monotonic() - began}


def test_a_name_is_looked_up_within_the_time_of_the_exchange(seen: dict[str, Any]) -> None:
    """glibc alone takes ten seconds: five for each of two attempts."""
    assert seen["alone"]["seconds"] < 5
    assert "the name of silent.example is not looked up in time" in seen["alone"]["message"]


def test_names_that_nobody_answers_for_hold_no_place_of_others(seen: dict[str, Any]) -> None:
    assert seen["beside"] == {"read": 20, "left": 240}


def test_a_process_does_not_wait_for_look_ups_that_it_has_given_up(seen: dict[str, Any]) -> None:
    assert seen["whole"] < 20
