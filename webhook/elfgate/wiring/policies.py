"""The policies and the engine that verdicts are given by, and the bundles that follow."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.errors import ElfgateError, InputError
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.golden import one_pod, prove
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.settings import Policies

if TYPE_CHECKING:
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.bundle import Bundle
    from elfgate.policy.guard import Told
    from elfgate.policy.signed import BundleState, SignedBundles


RULES_SECONDS = 10.0  # the kubelet renews a ConfigMap's volume every minute or so


@dataclass(frozen=True, slots=True)
class Judging:
    """By which policies, and with which engine, verdicts are given.

    Attributes:
        folder: A bundle's folder; None for the one that comes with elfgate.
        rules: A folder of further rules.
        config: Laid over the bundle's own settings.
        opa: The socket of an OPA server; None to evaluate here.
        seconds: How long an evaluation may take, where it can be ended.
        followed: A bundle from elsewhere follows, which may have further rules.
        served: Others wait while a document is evaluated.
    """

    folder: Path | None = None
    rules: Path | None = None
    config: PolicyConfig | None = None
    opa: Path | None = None
    seconds: float = 1.0
    followed: bool = False
    served: bool = False

    @classmethod
    def of_settings(cls, policies: Policies, *, served: bool = True) -> Self:
        """The policies that the webhook's settings name.

        A command line has no OPA beside it, which judges alike.
        """
        return cls(
            folder=policies.folder,
            rules=policies.own_rules,
            config=policies,
            opa=policies.opa_socket if served and policies.engine == "opa" else None,
            seconds=policies.seconds,
            followed=policies.bundle is not None,
            served=served,
        )

    def beside(self, folder: Path | None, rules: Path | None) -> Self:
        """These, with another bundle's folder and other rules where they are given."""
        return replace(self, folder=folder or self.folder, rules=rules or self.rules)

    def bundle(self) -> "Bundle":
        """The bundle that is to judge.

        Raises:
            InputError: if one of the folders does not hold what it should, or a rule would do
                nothing.
        """
        from elfgate.policy.bundle import load

        loaded = load(self.folder, config=self.config, rules=self.rules, followed=self.followed)
        if self.rules is not None:
            from elfgate.policy.written import hold

            hold(self.rules)
        return loaded


def log_failed_rule(name: str, why: str) -> None:
    """Tell the log of a rule of the user's own that failed."""
    logging.getLogger("elfgate.policy").warning("rule left out", extra={"rule": name, "why": why})


def log_bundle(result: str, what: str) -> None:
    """Tell the log what came of a bundle that was looked for."""
    level = logging.INFO if result == "activated" else logging.WARNING
    logging.getLogger("elfgate.policy").log(
        level, "policy bundle %s", result, extra={"bundle": what}
    )


async def engine(
    judging: Judging | None = None,
    *,
    told: "Told" = log_failed_rule,
    bundle_told: "BundleTold" = log_bundle,
) -> MemoisedEngine[ActiveEngine]:
    """An engine, proved on the golden documents.

    Args:
        judging: By what; the shipped bundle and the embedded engine if None.
        told: Who is told of rules of the user's own that fail.
        bundle_told: Who is told of other bundles that OPA comes to have.

    Raises:
        InputError: if there is no such bundle, or no such rules.
        EngineError: if the bundle does not load, OPA has another one, or golden documents are
            judged wrongly.
    """
    judging = judging or Judging()
    bundle = judging.bundle()
    active = ActiveEngine(await _proved(judging, bundle, told, bundle_told))
    _note(active, bundle)
    return MemoisedEngine(active, sights=active.sights)


async def prove_bundle(bundle: "Bundle") -> None:
    """Load a bundle and let it prove itself, before it is signed or pushed.

    Raises:
        InputError: if a rule of its own fails on the golden documents.
        EngineError: if it does not load, or judges a golden document wrongly.
    """
    failures: list[str] = []
    live = await _proved(Judging(), bundle, lambda name, why: failures.append(f"{name}: {why}"))
    try:
        await live.evaluate(one_pod())
    finally:
        await live.close()
    if failures:
        raise InputError(f"a rule of the bundle fails: {failures[0]}")


def _note(active: ActiveEngine, bundle: "Bundle") -> None:
    from elfgate.policy.cautions import cautions
    from elfgate.policy.sight import sight

    active.sights[bundle.revision] = sight(bundle)
    settings = bundle.data["elfgate"]["config"]
    active.granted.add(bundle.revision, settings.get("exemptions", ()))
    for line in cautions(settings, datetime.now(UTC).date()):
        logging.getLogger("elfgate.policy").warning("policies: %s", line)


async def _proved(
    judging: Judging, bundle: "Bundle", told: "Told", bundle_told: "BundleTold" = log_bundle
) -> Engine:
    """The engine of a bundle, once it has proved itself on the golden documents."""
    live = _live(judging, bundle, bundle_told)
    if bundle.own or judging.opa is not None:
        from elfgate.policy.guard import GuardedEngine

        live = GuardedEngine(live, bundle.own, told=told)
    try:
        await prove(live)
    except EngineError:
        await live.close()
        raise
    if live.revision != bundle.revision:
        logging.getLogger("elfgate.policy").warning(
            "OPA has another bundle than the settings make",
            extra={"bundle": live.revision, "made": bundle.revision},
        )
    return live


def _live(judging: Judging, bundle: "Bundle", bundle_told: "BundleTold") -> Engine:
    if judging.opa is not None:
        from elfgate.policy.opa import OpaEngine

        return OpaEngine(
            judging.opa, revision=bundle.revision, seconds=judging.seconds, told=bundle_told
        )
    if bundle.own or judging.served:
        from elfgate.isolation.rules import BoundedEngine

        return BoundedEngine(bundle, seconds=judging.seconds)
    from elfgate.policy.embedded import EmbeddedEngine

    return EmbeddedEngine(bundle)


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
        _note(active, bundle)
        return await _proved(judging, bundle, rule_told)

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
        _note(active, changed)
        return await _proved(judging, changed, rule_told)

    fetch = partial(asyncio.to_thread, sources, folder)
    async with Follower(active, fetch=fetch, prepare=prepare, told=told, seconds=seconds).looking():
        yield


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
