"""A key and a release of one small image, for what is tried in real registries."""

import os
import shutil
from pathlib import Path

import pytest

from support import release_key


@pytest.fixture(scope="session", autouse=True)
def _with_go() -> None:
    if "ELFGATE_E2E" not in os.environ or shutil.which("go") is None:
        pytest.skip("builds registries and their clients with Go: make e2e")


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release's key file."""
    return release_key.write(tmp_path_factory.mktemp("key"))
