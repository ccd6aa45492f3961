"""Push notifications, from the settings to what reads the images that they name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from elfgate.cluster.inventory import Inventory
from elfgate.errors import InputError
from elfgate.scan.scanner import Scanner
from elfgate.server.ahead import Ahead
from elfgate.server.notify import Notify
from elfgate.settings import Settings

_SHORTEST = 16


@asynccontextmanager
async def notifications(
    settings: Settings, scanner: Scanner, inventory: Inventory
) -> AsyncIterator[Notify | None]:
    """The taker of notifications, which reads while the context lasts.

    None if the settings want none.

    Raises:
        InputError: if the file of tokens cannot be used.
    """
    if settings.notifications is None:
        yield None
        return

    async def read(image: str) -> None:
        for platform in sorted({kind.platform for kind in inventory.kinds()}):
            await scanner.read_ahead(image, platform)

    ahead = Ahead(read)
    notify = Notify(_tokens(settings.notifications.tokens), ahead)
    async with ahead.reading():
        yield notify


def _tokens(path: Path) -> list[str]:
    try:
        tokens = path.read_text("ascii").split()
    except (OSError, ValueError) as error:
        raise InputError(f"notifications.tokens: {path} cannot be read: {error}") from None
    if not tokens or any(len(token) < _SHORTEST for token in tokens):
        raise InputError(
            f"notifications.tokens: {path} has to hold tokens of {_SHORTEST} characters or more",
            hint="make a token with: openssl rand -hex 32",
        )
    return tokens
