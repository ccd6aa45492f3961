"""What happens to a site: each fault begins when its context is entered, and is over when it is left."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from elfgate.policy import archive, bundle
from support.chaos.registry import Mode
from support.chaos.site import Site, another_bundle
from support.control_plane import until

DAY = 86_400


@dataclass(frozen=True)
class Fault:
    """Something that happens.

    Attributes:
        name: What, as the table has it.
        planned: Whoever runs the cluster does it on purpose: no review may be lost to it.
        happens: The context in which it does.
    """

    name: str
    happens: Callable[[Site], AbstractContextManager[None]]
    planned: bool = False


@contextmanager
def rolling_restart(site: Site) -> Iterator[None]:
    """As a Deployment with ``maxUnavailable: 0``: each replica goes when another is ready."""
    for old, new in (("a", "c"), ("b", "d"), ("c", "a"), ("d", "b")):
        site.start(new)
        site.terminate(old)
    yield


@contextmanager
def terminated(site: Site) -> Iterator[None]:
    """As when a node is drained."""
    site.terminate("a")
    yield
    site.start("a")


@contextmanager
def killed(site: Site) -> Iterator[None]:
    site.kill("a")
    yield
    site.start("a")


@contextmanager
def certificate_rotated(site: Site) -> Iterator[None]:
    _reloaded(site, "accepted", lambda name: site.replicas[name].issue())
    yield


@contextmanager
def certificate_broken(site: Site) -> Iterator[None]:
    """The key of one pair with the certificate of another, as a file that is written half-way."""
    _reloaded(
        site,
        "refused",
        lambda name: (site.folder / name / "tls.key").write_text("-----BEGIN PRIVATE KEY-----"),
    )
    yield
    _reloaded(site, "accepted", lambda name: site.replicas[name].issue())


def _reloaded(site: Site, result: str, change: Callable[[str], object]) -> None:
    series = f'elfgate_certificate_reloads_total{{result="{result}"}}'
    for name in site.replicas:
        before = site.metric(name, series)
        change(name)
        looks = f"{name} does not look at its certificate"
        until(lambda: site.metric(name, series) > before, looks)  # noqa: B023


@contextmanager
def good_bundle(site: Site) -> Iterator[None]:
    _followed(site, "activated", lambda: site.publish(another_bundle()))
    yield
    _followed(site, "activated", lambda: site.publish(archive.files(bundle.load())))


@contextmanager
def unsigned_bundle(site: Site) -> Iterator[None]:
    _followed(site, "refused", lambda: site.publish(another_bundle(), signed=False))
    yield
    site.publish(archive.files(bundle.load()))


@contextmanager
def bundle_that_denies_everything(site: Site) -> Iterator[None]:
    """Signed, and wrong: it fails the documents whose verdict is known."""
    contents = archive.files(bundle.load())
    main = next(path for path in contents if path.endswith("main.rego"))
    contents[main] = contents[main].replace(b"package elfgate.main", b"package elfgate.mine")
    _followed(site, "refused", lambda: site.publish(contents))
    yield
    site.publish(archive.files(bundle.load()))


def _followed(site: Site, result: str, publish: Callable[[], None]) -> None:
    series = f'elfgate_policy_bundles_total{{result="{result}"}}'
    before = {name: site.metric(name, series) for name in site.replicas}
    publish()
    for name, count in before.items():
        until(lambda: site.metric(name, series) > count, f"{name} has not seen the bundle")  # noqa: B023


@contextmanager
def store_locked(site: Site) -> Iterator[None]:
    """By another process that holds a transaction open in each replica's file."""
    with ExitStack() as open_:
        for name in site.replicas:
            connection = sqlite3.connect(site.folder / name / "facts.db", isolation_level=None)
            open_.callback(connection.close)
            connection.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def store_deleted(site: Site) -> Iterator[None]:
    for name in site.replicas:
        for path in (site.folder / name).glob("facts.db*"):
            path.unlink()
    yield


@contextmanager
def store_full(site: Site) -> Iterator[None]:
    """Its files may not grow any more: ``EFBIG`` where a full disk gives ``ENOSPC``, and SQLite takes both alike."""
    size = max(
        path.stat().st_size
        for name in site.replicas
        for path in (site.folder / name).glob("facts.db*")
    )
    with _limited(site, list(site.replicas), resource.RLIMIT_FSIZE, size):
        yield


def registry(mode: Mode) -> Callable[[Site], AbstractContextManager[None]]:
    """The registry does like that."""

    @contextmanager
    def happens(site: Site) -> Iterator[None]:
        site.registry.mode = mode
        try:
            yield
        finally:
            site.registry.mode = "well"

    return happens


@contextmanager
def shared_store_gone(site: Site) -> Iterator[None]:
    assert site.shared
    site.shared.stop()
    yield
    site.shared.start()


@contextmanager
def api_server_out_of_reach(site: Site) -> Iterator[None]:
    """For the replicas: it still asks them."""
    site.api.cut()
    try:
        yield
    finally:
        site.api.mend()


def clock_jumps(seconds: int) -> Callable[[Site], AbstractContextManager[None]]:
    """The clock of one replica."""

    @contextmanager
    def happens(site: Site) -> Iterator[None]:
        site.shift_clock("a", seconds)
        try:
            yield
        finally:
            site.shift_clock("a", 0)

    return happens


@contextmanager
def no_descriptors_left(site: Site) -> Iterator[None]:
    """One replica may open none beyond those that it has."""
    pid = site.replicas["a"].process.pid
    highest = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
    with _limited(site, ["a"], resource.RLIMIT_NOFILE, highest + 1):
        yield


@contextmanager
def no_memory_left(site: Site) -> Iterator[None]:
    """One replica may map none beyond what it has."""
    pid = site.replicas["a"].process.pid
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    with _limited(site, ["a"], resource.RLIMIT_AS, pages * resource.getpagesize()):
        yield


@contextmanager
def _limited(site: Site, names: list[str], kind: int, limit: int) -> Iterator[None]:
    pids = [site.replicas[name].process.pid for name in names]
    before = [resource.prlimit(pid, kind, (limit, resource.prlimit(pid, kind)[1])) for pid in pids]
    try:
        yield
    finally:
        for pid, limits in zip(pids, before, strict=True):
            resource.prlimit(pid, kind, limits)


VALKEY_GONE = Fault("Valkey gone", shared_store_gone)
FAULTS = (
    Fault("rolling restart", rolling_restart, planned=True),
    Fault("SIGTERM to one of two", terminated, planned=True),
    Fault("SIGKILL to one of two", killed),
    Fault("certificate rotated", certificate_rotated, planned=True),
    Fault("certificate replaced by a broken one", certificate_broken, planned=True),
    Fault("policy bundle replaced by a good one", good_bundle, planned=True),
    Fault("policy bundle replaced by an unsigned one", unsigned_bundle, planned=True),
    Fault(
        "policy bundle replaced by one that judges wrongly",
        bundle_that_denies_everything,
        planned=True,
    ),
    Fault("stores locked", store_locked),
    Fault("stores deleted", store_deleted),
    Fault("stores full", store_full),
    Fault("registry answers 429", registry("busy")),
    Fault("registry slow (3 s an answer)", registry("slow")),
    Fault("registry silent", registry("silent")),
    Fault("API server out of the replicas' reach", api_server_out_of_reach),
    Fault("clock of one a day ahead", clock_jumps(DAY)),
    Fault("clock of one a day back", clock_jumps(-DAY)),
    Fault("no descriptors left for one of two", no_descriptors_left),
    Fault("no memory left for one of two", no_memory_left),
)
