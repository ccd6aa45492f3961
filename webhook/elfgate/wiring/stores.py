"""The stores that keep facts: a file, memory, a server."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.settings.images import default_store
from elfgate.store.address import is_url
from elfgate.store.address import parse as parse_store_url
from elfgate.store.near import file_store
from elfgate.store.protocol import Store, StoreError

if TYPE_CHECKING:
    from elfgate.store.shared import ValkeyStore


STORE_PASSWORD = "ELFGATE_STORE_PASSWORD"  # noqa: S105 - the variable's name
STORE_KEYS = "ELFGATE_STORE_KEYS"


def store_at(place: str | None) -> tuple[Path | None, str]:
    """The file or the URL that a person names as the store: one of the two."""
    if place is None:
        return default_store(), ""
    return (None, place) if is_url(place) else (Path(place), "")


def store(place: str | None, *, writable: bool = True) -> Store:
    """The store that a person names, for those who have no use for one that does not answer.

    Args:
        place: As it is named.
        writable: One that can only be read is of no use.

    Raises:
        InputError: if it is no URL of a store.
        StoreError: if it cannot be opened, or does not answer.
    """
    file, url = store_at(place)
    if file is not None:
        return file_store(file, writable=writable)
    if not url:
        raise StoreError("there is no home to keep facts in", hint="name a file with --store")
    shared = shared_store(url)
    try:
        shared.check()
    except StoreError:
        shared.close()
        raise
    return shared


def shown(place: str | None) -> str:
    """The address as people may see it: without a password."""
    file, url = store_at(place)
    if file is None and not url:
        return "memory"
    return str(file) if file is not None else str(parse_store_url(url))


def shared_store(url: str, on_failure: Callable[[str], None] = lambda _: None) -> "ValkeyStore":
    """The store at a URL, of which nothing is asked yet.

    Its password and keys may be in the environment.

    Raises:
        InputError: if it is no URL of a store, or a key is none.
    """
    from elfgate.store.seal import Seal, read_keys
    from elfgate.store.shared import ValkeyStore

    address = parse_store_url(url, password=os.environ.get(STORE_PASSWORD, ""))
    seal = Seal(read_keys(os.environ.get(STORE_KEYS, "")))
    return ValkeyStore(address, on_failure=on_failure, seal=seal)
