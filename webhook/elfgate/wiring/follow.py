"""The bundle or the rules that are followed, and put into force as they change."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.errors import ElfgateError
from elfgate.given_file import KEY_BYTES, contents
from elfgate.policy.active import ActiveEngine
from elfgate.policy.engine import Engine
from elfgate.policy.settings import Policies
from elfgate.wiring.policies import Judging, note, proved

if TYPE_CHECKING:
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.guard import Told
    from elfgate.policy.signed import BundleState, SignedBundles

RULES_SECONDS = 10.0  # the kubelet renews a ConfigMap's volume every minute or so


@asynccontextmanager
async def follow(
    policies: Policies,
    state: "BundleState",
    active: ActiveEngine,
    *,
    fetch: Callable[[], Awaitable[bytes]],
    told: "BundleTold",
    rule_told: "Told",
) -> AsyncIterator[None]:
    """Follow a signed bundle for as long as the block lasts.

    The last good one that was kept comes first.

    Args:
        policies: Laid over the bundle's settings; ``policies.bundle`` says whose signature counts.
        state: Of the bundle; kept up to date.
        active: Whose bundle is replaced.
        fetch: Gets the bundle's file.
        told: Receives each result.
        rule_told: Receives each rule that fails.

    Raises:
        InputError: if a key cannot be read.
    """
    from elfgate.policy.following import Follower
    from elfgate.policy.signed import SignedBundles

    chosen = policies.bundle
    if chosen is None:
        raise AssertionError
    judging = Judging.of_settings(policies)
    bundles = SignedBundles(
        state,
        keys={key.key_id: _key(key.key) for key in chosen.keys},
        config=policies,
        folder=chosen.keep,
        allow_rollback=chosen.allow_rollback,
        warn=logging.getLogger("elfgate.policy").warning,
    )

    async def prepare(packed: bytes) -> Engine:
        bundle = await asyncio.to_thread(bundles.read, packed)
        note(active, bundle)
        return await proved(judging, bundle, rule_told)

    def activated(packed: bytes) -> None:
        bundles.in_force(packed, active.revision)

    def reached() -> None:
        state.reached = time.monotonic()

    await _restore(bundles, active, prepare, told)
    async with Follower(
        active,
        fetch=fetch,
        prepare=prepare,
        told=told,
        seconds=chosen.poll_seconds,
        activated=activated,
        reached=reached,
    ).looking():
        yield


async def _restore(
    bundles: "SignedBundles",
    active: ActiveEngine,
    prepare: Callable[[bytes], Awaitable[Engine]],
    told: "BundleTold",
) -> None:
    """Put the kept bundle into force, so that a restart while its location is away judges by it."""
    packed = bundles.kept()
    if packed is None:
        return
    try:
        engine = await prepare(packed)
    except ElfgateError as error:
        told("refused", f"the kept bundle: {error}")
        return
    await active.replace(engine)
    bundles.in_force(packed, engine.revision, restored=True)
    told("restored", engine.revision)


@asynccontextmanager
async def follow_rules(
    policies: Policies,
    folder: Path,
    active: ActiveEngine,
    *,
    told: "BundleTold",
    rule_told: "Told",
    seconds: float = RULES_SECONDS,
) -> AsyncIterator[None]:
    """Look for changed rules of the user's own for as long as the block lasts.

    They are looked for at once and then now and then.

    A ConfigMap's volume changes as a whole: its ``..data`` link comes to point at another folder.

    Args:
        policies: By what is judged.
        folder: Where the rules are.
        active: Whose bundle is replaced.
        told: Who is told what came of changed rules.
        rule_told: Who is told of rules that fail.
        seconds: From one look to the next.
    """
    from elfgate.policy.files import sources
    from elfgate.policy.following import Follower

    judging = Judging.of_settings(policies)

    async def prepare(_sources: bytes) -> Engine:
        changed = await asyncio.to_thread(judging.bundle)
        note(active, changed)
        return await proved(judging, changed, rule_told)

    fetch = partial(asyncio.to_thread, sources, folder)
    async with Follower(active, fetch=fetch, prepare=prepare, told=told, seconds=seconds).looking():
        yield


def _key(path: Path) -> bytes:
    return contents(path, KEY_BYTES)
