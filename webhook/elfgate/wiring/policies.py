"""The policies and the engine that verdicts are given by."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from elfgate.errors import ElfgateError
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.policy.engine import Engine
from elfgate.policy.golden import prove
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.settings import Policies
from elfgate.policy.tried import try_each

if TYPE_CHECKING:
    from elfgate.policy.active import Told as BundleTold
    from elfgate.policy.bundle import Bundle
    from elfgate.policy.guard import Told


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
    active = ActiveEngine(await proved(judging, bundle, told, bundle_told))
    note(active, bundle)
    return MemoisedEngine(active, sights=active.sights)


async def prove_bundle(bundle: "Bundle") -> None:
    """Load a bundle and let it prove itself, before it is signed or pushed.

    Raises:
        InputError: if a rule of its own fails on a pod that starts, or the engines disagree on one.
        EngineError: if it does not load, or judges a golden document wrongly.
    """
    from elfgate.policy.compared import agree

    live = await proved(Judging(), bundle, log_failed_rule)
    await live.close()
    agree(bundle)


def note(active: ActiveEngine, bundle: "Bundle") -> None:
    """Note what a bundle looks at and exempts, and tell the log what its owner should know."""
    from elfgate.policy.days import told_of
    from elfgate.policy.sight import sight

    active.sights[bundle.revision] = sight(bundle)
    settings = bundle.data["elfgate"]["config"]
    active.granted.add(bundle.revision, settings.get("exemptions", ()))
    for line in told_of(bundle, datetime.now(UTC).date()):
        logging.getLogger("elfgate.policy").warning("policies: %s", line)


async def proved(
    judging: Judging, bundle: "Bundle", told: "Told", bundle_told: "BundleTold" = log_bundle
) -> Engine:
    """The engine of a bundle, once it has proved itself on the golden documents.

    Raises:
        InputError: if one of the user's own rules fails on a pod that starts.
        EngineError: if the bundle does not load, or judges a golden document wrongly.
    """
    live = _live(judging, bundle, bundle_told)
    try:
        await prove(live)
        await try_each(live, bundle.own)
    except ElfgateError as error:
        await live.close()
        raise _of_user(error, judging.rules) from None
    if bundle.own or judging.opa is not None:
        from elfgate.policy.guard import GuardedEngine

        live = GuardedEngine(live, bundle.own, told=told)
    if live.revision != bundle.revision:
        logging.getLogger("elfgate.policy").warning(
            "OPA has another bundle than the settings make",
            extra={"bundle": live.revision, "made": bundle.revision},
        )
    return live


def _of_user(error: ElfgateError, rules: Path | None) -> ElfgateError:
    """The error, naming the user's own files as the user does."""
    if rules is not None:
        error.message = error.message.replace(" own/", f" {rules}/")
    return error


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
