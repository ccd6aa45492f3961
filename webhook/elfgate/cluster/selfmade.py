"""The webhook's certificate, made and renewed by its own replicas.

No review is refused for it on the way.

The way of a new certificate, a step at a time; each is found in the cluster, so that any replica
may take the next:

1. *Staged*: it stands in the Secret beside the one that is served.
2. *Trusted*: its authority is added to the ``caBundle`` of each webhook; the old one stays.
3. *Served*: after a while, in which every API server hears of that, it takes the old one's place in
   the Secret, and the replicas follow.
4. *Alone*: after a longer while, in which every replica has followed, no other authority is
   trusted.

A Lease keeps replicas from doing the same at once. What makes it right is that configurations are
read before the Secret, and changed only if they are still as they were read: whoever wakes from a
long sleep cannot take away what was added meanwhile, for either the configuration has changed, or
the Secret was read after it and holds the same. Times are the API server's: it is the one that
finds a certificate expired.
"""

import base64
import binascii
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from elfgate.cluster import authority
from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.authority import Pair
from elfgate.cluster.lease import Lease
from elfgate.cluster.owned import Configuration, Owned
from elfgate.cluster.part import Part

log = logging.getLogger(__name__)

_CONFLICT = 409
_PARTS = ("tls.crt", "tls.key", "ca.crt")
_STAGED = "next-"
_SERVED_SINCE = "served-since"


@dataclass(frozen=True, slots=True)
class Plan:
    """How certificates are to be.

    Attributes:
        names: What they are for: the service's DNS names.
        days: How long they are valid; renewed when two thirds have passed.
        settle: Seconds from when a new authority is trusted until its certificate is served.
        overlap: Seconds from then until the old authority is no longer trusted.
    """

    names: Sequence[str]
    days: float
    settle: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Held:
    """The contents of the Secret.

    Attributes:
        served: What is to be served.
        staged: What will be.
        since: Since when ``served`` is, in seconds since the epoch.
    """

    served: Pair | None = None
    staged: Pair | None = None
    since: float = 0.0

    @classmethod
    def of(cls, secret: Mapping[str, Any]) -> Self:
        """Read the Secret."""
        data = {name: _decoded(text) for name, text in Part(secret).get("data").texts().items()}
        try:
            since = float(data.get(_SERVED_SINCE, b"0"))
        except ValueError:
            since = 0.0
        return cls(_pair(data, ""), _pair(data, _STAGED), since)

    def data(self) -> dict[str, str]:
        """The Secret's data."""
        parts = {_SERVED_SINCE: str(self.since).encode()}
        for prefix, pair in (("", self.served), (_STAGED, self.staged)):
            if pair:
                parts |= {
                    prefix + name: value for name, value in zip(_PARTS, _values(pair), strict=True)
                }
        return {name: base64.b64encode(value).decode() for name, value in parts.items()}

    @property
    def authorities(self) -> bytes:
        """The authorities that have to be trusted."""
        return authority.merged(*(pair.authority for pair in (self.served, self.staged) if pair))


class SelfMade:
    """Looks after the certificate, together with the other replicas.

    Not thread-safe: one look at a time.

    Args:
        owned: Where everything is.
        plan: How it is to be.
    """

    def __init__(self, owned: Owned, plan: Plan) -> None:
        self._owned = owned
        self._plan = plan
        self._lease = Lease(owned)
        self._trusted: tuple[Pair, float] | None = (
            None  # what is staged, and since when its authority is trusted
        )

    def look(self) -> tuple[Pair | None, bool]:
        """Look how things stand, and take the next step if there is one.

        No step is taken while another replica is at it.

        Returns:
            What is to be served, if anything can; and whether all is at rest.

        Raises:
            InputError: if the API server says no or nothing, or the settings name what no
                certificate can be for.
        """
        configurations = self._owned.configurations()  # before the Secret: see above
        secret = self._owned.secret()
        held = Held.of(secret)
        if not authority.available():  # another replica makes what this one serves
            return held.served, True
        now = self._owned.now()
        if not self._usable(held.staged, now):
            held = replace(held, staged=None)
        if (
            not self._due(held, now)
            and not held.staged
            and not self._changes(held, configurations, now)
        ):
            self._lease.release()
            return held.served, True
        try:
            if self._lease.acquire():
                held = self._step(held, secret, configurations, now)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            log.info("the certificate was changed by another replica meanwhile")
        return self._usable(held.served, now), False

    def _step(
        self,
        held: Held,
        secret: dict[str, Any],
        configurations: Sequence[Configuration],
        now: float,
    ) -> Held:
        if not held.staged and self._due(held, now):
            held = replace(
                held, staged=authority.make(self._plan.names, days=self._plan.days, now=now)
            )
            secret = self._owned.write_secret({**secret, "data": held.data()})
            log.info("a new certificate is made", extra={"days": self._plan.days})
        changes = self._changes(held, configurations, now)
        for configuration, bundle in changes:
            self._owned.trust(configuration, bundle)
            log.info(
                "the authorities of a webhook configuration are set",
                extra={"configuration": configuration.name},
            )
        if held.staged and self._settled(held.staged, configurations, changed=bool(changes)):
            held = Held(served=held.staged, since=now)
            self._owned.write_secret({**secret, "data": held.data()})
            log.info("the new certificate is served from now on")
        return held

    def _usable(self, pair: Pair | None, now: float) -> Pair | None:
        validity = pair.validity(self._plan.names) if pair else None
        return pair if validity and validity[0] <= now < validity[1] else None

    def _due(self, held: Held, now: float) -> bool:
        return self._usable(
            held.served, now + self._plan.days * 86400 / 3
        ) is None or not self._usable(held.served, now)

    def _changes(
        self, held: Held, configurations: Sequence[Configuration], now: float
    ) -> list[tuple[Configuration, bytes]]:
        """Which configurations are to trust what else.

        More while a certificate is on its way, later no other.
        """
        alone = not held.staged and now - held.since > self._plan.overlap
        changes = []
        for configuration in configurations:
            trusted = configuration.trusts.values()
            bundle = held.authorities if alone else authority.merged(held.authorities, *trusted)
            if any(authority.merged(each) != bundle for each in trusted):
                changes.append((configuration, bundle))
        return changes

    def _settled(
        self, staged: Pair, configurations: Sequence[Configuration], *, changed: bool
    ) -> bool:
        """Whether every API server knows by now that the staged certificate's authority is trusted.

        Where nothing was trusted before, there is nobody whose reviews could be lost.
        """
        if changed or not self._trusted or self._trusted[0] != staged:
            self._trusted = (staged, time.monotonic())
        unused = not any(
            authority.merged(*configuration.trusts.values()) for configuration in configurations
        )
        return unused or time.monotonic() - self._trusted[1] >= self._plan.settle


def _pair(data: Mapping[str, bytes], prefix: str) -> Pair | None:
    values = [data.get(prefix + name, b"") for name in _PARTS]
    return Pair(*values) if all(values) else None


def _values(pair: Pair) -> tuple[bytes, bytes, bytes]:
    return pair.certificate, pair.key, pair.authority


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""
