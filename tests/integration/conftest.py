"""What tests of the running webhook share."""

from pathlib import Path

import pytest
import trustme

from support.serving import Pki


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    pki = Pki(tmp_path, trustme.CA())
    pki.issue()
    return pki
