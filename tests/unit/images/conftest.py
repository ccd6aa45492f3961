"""A loopback registry with one image, and its source."""

from collections.abc import Iterator

import pytest

from elfgate.images.registry import Repository
from support.asking import asking, serving
from support.registry import Registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as running:
        yield running


@pytest.fixture
def repository(registry: Registry) -> Iterator[Repository]:
    with asking(registry) as source:
        yield source
