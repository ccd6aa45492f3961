"""Two replicas for all attacks, and the table of what each cost."""

import os
from collections.abc import Iterator

import pytest

from support.hostile.site import Site, site
from support.hostile.trial import Cost, warm, write_table


@pytest.fixture(scope="session")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if "ELFGATE_HOSTILE" not in os.environ:
        pytest.skip("attacks a webhook for minutes: make hostile")
    with site(tmp_path_factory.mktemp("hostile")) as made:
        warm(made)
        yield made


@pytest.fixture(scope="session")
def costs() -> Iterator[list[Cost]]:
    """What the attacks have cost so far; written down at the end."""
    found: list[Cost] = []
    yield found
    if found:
        write_table(found)
