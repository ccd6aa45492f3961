"""Policy bundles from where images are, followed as they change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from elfgate.images.reference import Reference
from elfgate.policy.active import ActiveEngine
from elfgate.settings import Settings
from elfgate.wiring.follow import follow, follow_rules
from elfgate.wiring.locator import Locator, docker_config
from elfgate.wiring.reading import Reading

if TYPE_CHECKING:
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.guard import Told
    from elfgate.policy.signed import BundleState


def bundle_state(settings: Settings) -> "BundleState | None":
    """The state of the bundle that the settings name, before the first look.

    None if they name none.
    """
    from elfgate.policy.signed import BundleState

    chosen = settings.policies.bundle
    return BundleState(chosen.location, chosen.required) if chosen else None


def pulled(locator: Locator, location: str) -> bytes:
    """The bytes of a policy bundle that is kept as an image's only layer.

    In a registry, a layout or an archive.

    Raises:
        InputError: if ``location`` is no place, or holds no bundle.
        UnreadableError: if it cannot be read.
    """
    from elfgate.policy.artefact import fetch

    located = locator(location)
    return fetch(located.source, located.name, location)


async def pushed(packed: bytes, reference: Reference, *, insecure: Sequence[str]) -> str:
    """Push a policy bundle, with the user's own credentials; return its digest.

    Raises:
        InputError: if the registry does not take it.
        UnreadableError: if the credentials cannot be found out.
    """
    from elfgate.images.addresses import is_loopback_host
    from elfgate.images.docker_config import DockerConfig
    from elfgate.policy.push import push

    credentials = DockerConfig.read(docker_config()).find(reference.name)
    host = urlsplit(f"//{reference.registry}").hostname or ""
    plain_http = reference.registry in insecure or is_loopback_host(host)
    return await push(
        packed, reference, credentials[0] if credentials else None, plain_http=plain_http
    )


@asynccontextmanager
async def following(
    settings: Settings,
    active: ActiveEngine,
    *,
    told: "BundleTold",
    rule_told: "Told",
    state: "BundleState | None" = None,
) -> AsyncIterator[None]:
    """Follow what the settings name for as long as the block lasts.

    That is a bundle, or rules of the user's own.

    OPA follows its bundles itself.

    Args:
        settings: Where the bundle or the rules are, and whose signature it must have.
        active: Whose bundle is replaced.
        told: Who is told what came of each bundle.
        rule_told: Who is told of rules in it that fail.
        state: Of the bundle, if the settings name one; kept up to date.

    Raises:
        InputError: if the key cannot be read, or the location is none.
    """
    chosen = settings.policies.bundle
    if chosen is None or state is None:
        rules = settings.policies.own_rules if settings.policies.engine == "embedded" else None
        if rules is None:
            yield
            return
        async with follow_rules(settings.policies, rules, active, told=told, rule_told=rule_told):
            yield
        return
    registries = settings.registries.model_copy(
        update={"loopback": True}
    )  # whoever runs this names the place
    locator = Locator(replace(Reading.of_settings(settings), registries=registries))
    try:
        fetch = _fetcher(locator, chosen.location)
        async with follow(
            settings.policies, state, active, fetch=fetch, told=told, rule_told=rule_told
        ):
            yield
    finally:
        locator.close()


def _fetcher(locator: Locator, location: str) -> Callable[[], Awaitable[bytes]]:
    if location.startswith(("https://", "http://")):
        from elfgate.policy.artefact import download

        return lambda: download(location)
    return lambda: asyncio.to_thread(pulled, locator, location)
