"""Facts on a Valkey or Redis server, shared by replicas.

A server that is gone, full or slow is a store that keeps nothing: reads miss, writes are dropped,
leases are granted to whoever asks (work done twice is only work). After a failed connection the
server is left alone for a while, so that nobody waits for it again and again. Facts expire a month
after they were written, layers a month after the last image that was made of them, so that each of
the server's eviction policies (``allkeys-*`` and ``volatile-*``) may drop them when it is full.

Keys: ``elfgate:<kind>:<digest>`` for facts; ``elfgate:tags:<repository>`` (sorted by sight) and
``elfgate:digests:<repository>`` (tag → digest) for tags; ``elfgate:lease:<name>`` for leases. Facts
and digests of tags are sealed, if there are keys (``seal``).
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as SlowError
from redis.retry import Retry

from elfgate.store.address import Address
from elfgate.store.leases import Held
from elfgate.store.protocol import Kind, StoreError
from elfgate.store.seal import UNSEALED, Seal

_LOG = logging.getLogger(__name__)

_SECONDS = (
    1.0  # for a connection, and between two bytes: a server that is slower than that counts as gone
)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds for which a server that is gone is left alone
_LEASE_SECONDS = 10.0  # how long others wait for one who died
_KEPT_SECONDS = 30 * 24 * 3600
_VALUE_BYTES = 64 << 20  # of one fact
_MOST_TAGS = 256  # kept of one repository
_AT_ONCE = 500  # keys in one answer
_VALUES_AT_ONCE = 16
_IF_OURS = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call({}) end return 0"
_RELEASE = _IF_OURS.format("'del', KEYS[1]")
_RENEW = _IF_OURS.format("'pexpire', KEYS[1], ARGV[2]")


class ValkeyStore:
    """A ``SharedStore`` on a server that speaks Valkey's and Redis' protocol.

    Such a server is no cluster of them.

    Nothing is asked of the server before the first call.

    Args:
        address: Where the server is.
        clock: Seconds that only go forward.
        lease_seconds: How long a lease lasts if its holder dies.
        seal: Tells what was written by somebody who has a key.
        on_failure: Told of each question that fails, from any thread, with ``shared``.
    """

    def __init__(
        self,
        address: Address,
        *,
        clock: Callable[[], float] = time.monotonic,
        lease_seconds: float = _LEASE_SECONDS,
        seal: Seal = UNSEALED,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._address = address
        self._clock = clock
        self._lease_ms = int(lease_seconds * 1000)
        self._held = Held(self._renew, lease_seconds)
        self._seal = seal
        self._failures = 0
        self._trouble = ""
        self._on_failure = on_failure
        self._pause = _FIRST_PAUSE
        self._alone_until = 0.0
        self._closed = False
        # One retry for a connection that the server has closed since it was used last; none for one
        # that hangs. Any: the client's annotations cover blocking and async use at once.
        self._server: Any = Redis(
            **dict[str, Any](address.options),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(GoneError,)),
        )

    def get(self, kind: Kind, digest: str) -> bytes | None:
        """The fact, or None.

        Others may write to the server: whether to believe it is for the caller to see.
        """
        place = _key(kind, digest)
        stored = self._ask(lambda: self._server.getrange(place, 0, _VALUE_BYTES), b"")
        return self._opened(place, stored)

    def put(self, kind: Kind, digest: str, value: bytes) -> None:
        """Keep a fact, unless it is very large."""
        place = _key(kind, digest)
        stored = self._seal.close(place, value)
        if len(stored) <= _VALUE_BYTES:
            self._ask(lambda: self._server.set(place, stored, ex=_KEPT_SECONDS))

    def share(self, layer: str, image: str) -> None:  # noqa: ARG002 - the server counts by itself
        """Keep a layer of an image for another month."""
        key = _key(Kind.LAYER, layer)
        self._ask(lambda: self._server.expire(key, _KEPT_SECONDS))

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Note where a tag points."""
        self._ask(lambda: self._note(repository, tag, digest))

    def tags(self, repository: str, limit: int = 16) -> Sequence[tuple[str, str]]:
        """The tags seen of a repository as (tag, digest), the latest first."""

        def read() -> list[tuple[str, str]]:
            tags = self._server.zrevrange(_sights(repository), 0, limit - 1)
            found = self._server.hmget(_digests(repository), tags) if tags else []
            seen = zip(map(bytes.decode, tags), found, strict=True)
            return [
                (tag, digest.decode())
                for tag, stored in seen
                if (digest := self._seal.open(_tag(repository, tag), stored or b"")) is not None
            ]

        return self._ask(read) or []

    def repositories(self) -> Iterator[str]:
        """Every repository of which a tag was seen; one may come twice while others write."""
        yield from self._keys("tags")

    def facts(self, kind: Kind) -> Iterator[tuple[str, bytes]]:
        """Every fact of a kind; one may come twice while others write."""
        for digests in _batches(self._keys(kind.value), _VALUES_AT_ONCE):
            stored = self._each(
                ("getrange", _key(kind, digest), 0, _VALUE_BYTES) for digest in digests
            )
            for digest, value in zip(
                digests, stored, strict=False
            ):  # none at all, if the server went away
                fact = self._opened(_key(kind, digest), value)
                if fact is not None:
                    yield digest, fact

    def statistics(self) -> Mapping[str, int]:
        """Counts, bytes of all facts, and ``failures``.

        Walks through all keys: for people, not for every scrape.
        """
        counts = {"layers": 0, "documents": 0, "tags": 0, "bytes": 0}
        for name, kind in (("layers", Kind.LAYER), ("documents", Kind.DOCUMENT)):
            for digests in _batches(self._keys(kind.value), _AT_ONCE):
                counts[name] += len(digests)
                counts["bytes"] += sum(
                    self._each(("strlen", _key(kind, digest)) for digest in digests)
                )
        for repositories in _batches(self._keys("tags"), _AT_ONCE):
            counts["tags"] += sum(
                self._each(("zcard", _sights(repository)) for repository in repositories)
            )
        return counts | {"failures": self._failures}

    def claim(self, name: str) -> bool:
        """Ask for a lease. Without an answer, everyone does the work."""
        token = secrets.token_bytes(16)
        # The server's answer to a lease that another has is nil, which the client turns into None.
        answer = self._ask(
            lambda: bool(self._server.set(_lease(name), token, nx=True, px=self._lease_ms))
        )
        if answer:
            self._held.add(name, token)
        return answer is not False

    def release(self, name: str) -> None:
        """Give a lease back, if it is still ours."""
        token = self._held.take(name)
        if token is not None:
            self._ask(lambda: self._server.eval(_RELEASE, 1, _lease(name), token))

    def close(self) -> None:
        """Give all leases back, and close all connections."""
        for name, token in self._held.close():
            release = partial(self._server.eval, _RELEASE, 1, _lease(name), token)
            self._ask(release)
        self._closed = True
        self._server.close()

    def check(self) -> None:
        """See that the server answers, for those who would rather not go on without it.

        Raises:
            StoreError: if it does not.
        """
        try:
            self._server.ping()
        except (RedisError, OSError) as error:
            raise StoreError(
                f"the store {self._address} cannot be used: {_words(error)}"
            ) from error

    def _note(self, repository: str, tag: str, digest: str) -> None:
        batch = self._server.pipeline()
        batch.zadd(
            _sights(repository), {tag: time.time_ns() // 1000}
        )  # a score is a double: exact up to 2**53
        sealed = self._seal.close(_tag(repository, tag), digest.encode())
        batch.hset(_digests(repository), tag, sealed)
        batch.expire(_sights(repository), _KEPT_SECONDS)
        batch.expire(_digests(repository), _KEPT_SECONDS)
        batch.zrange(_sights(repository), 0, -_MOST_TAGS - 1)
        oldest = batch.execute()[-1]
        if oldest:
            batch.zrem(_sights(repository), *oldest)
            batch.hdel(_digests(repository), *oldest)
            batch.execute()

    def _opened(self, place: str, stored: bytes) -> bytes | None:
        """A fact as it was put; None if there is none, or it is not to be believed."""
        return self._seal.open(place, stored) if len(stored) <= _VALUE_BYTES else None

    def _renew(self, name: str, token: bytes) -> None:
        self._ask(lambda: self._server.eval(_RENEW, 1, _lease(name), token, self._lease_ms))

    def _keys(self, what: str) -> Iterator[str]:
        """The parts behind ``elfgate:<what>:`` in the keys there are."""
        prefix = f"elfgate:{what}:"
        position = 0
        while True:
            page = partial(self._server.scan, position, f"{prefix}*", _AT_ONCE)
            position, found = self._ask(page, (0, []))
            yield from (key.decode("utf-8", "replace").removeprefix(prefix) for key in found)
            if position == 0:
                return

    def _each(self, commands: Iterator[tuple[Any, ...]]) -> list[Any]:
        """Several questions at once; no answers at all if the server has gone."""

        def ask() -> list[Any]:
            batch = self._server.pipeline(transaction=False)
            for command in commands:
                batch.execute_command(*command)
            return list(batch.execute())

        return self._ask(ask) or []

    def _ask(self, question: Callable[[], Any], nothing: Any = None) -> Any:
        """The server's answer, or ``nothing`` if it has none or is being left alone."""
        if self._closed or self._clock() < self._alone_until:
            return nothing
        try:
            answer = question()
        except RedisError as error:
            # A server that refuses (out of memory, read-only, no rights) may yet answer the next
            # question.
            if isinstance(error, GoneError | SlowError):
                self._leave_alone()
            self._failures += 1
            self._on_failure("shared")
            self._warn(_words(error))
            return nothing
        self._pause = _FIRST_PAUSE
        self._trouble = ""
        return answer

    def _warn(self, trouble: str) -> None:
        """Tell of a trouble once, until the server answers again: each failure is counted."""
        if trouble != self._trouble:
            self._trouble = trouble
            _LOG.warning("store %s: %s", self._address, trouble)

    def _leave_alone(self) -> None:
        self._alone_until = self._clock() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _key(kind: Kind, digest: str) -> str:
    return f"elfgate:{kind.value}:{digest}"


def _sights(repository: str) -> str:
    return f"elfgate:tags:{repository}"


def _digests(repository: str) -> str:
    return f"elfgate:digests:{repository}"


def _lease(name: str) -> str:
    return f"elfgate:lease:{name}"


def _tag(repository: str, tag: str) -> str:
    return f"{_digests(repository)}:{tag}"


def _batches(items: Iterator[str], size: int) -> Iterator[list[str]]:
    while batch := list(islice(items, size)):
        yield batch


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
