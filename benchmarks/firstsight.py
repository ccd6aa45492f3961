"""A day of deployments.

How many images are decided within two seconds of their first review, and by how many bytes.

    python benchmarks/firstsight.py [IMAGES]

500 images of a stated distribution: sizes log-normal about 150 MB, between 0.02 and 5 GB; seven in
ten on one of twelve bases that the store has already; a quarter are static programs of 10 to 80 MB,
the others need a loader of their base. They come at random over ten hours, each pushed two to six
minutes before its first pod.

elfgate really reads each image from a registry on loopback, with layers a thousandth as long as
they stand for, and what it asks for is noted: that is what the rows differ by. The time comes from
a link of 200 Mbit/s and 20 ms that all readings share equally, on which the layers have their full
length. What is not decided within two seconds by its upper layers is then fetched whole, as elfgate
does. Where facts are attested, their share of a layer is the one that was measured. elfgate's own
work is not in the time: it indexes some ten times as fast as this link delivers
(benchmarks/layers.py).
"""

import asyncio
import math
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from elfgate.linkage.report import Outcome
from elfgate.platforms import Platform
from elfgate.scan import layers as scanned_layers
from elfgate.settings import Settings
from elfgate.wiring import images as wiring
from support.elf_file import elf_file, glibc_loader
from support.oci import Blob, image
from support.registry import Registry
from support.tarball import directory, program, tarball

SCALE = 1_000  # a layer stands for one so many times as long
TRIP, LINK = 0.020, 25_000_000  # seconds; bytes a second
PATIENCE, DAY = 2.0, 36_000.0  # seconds
AT_ONCE = 1.0  # seconds, within which attested facts are to decide
STATEMENT, INDEXES = 4_000, 0.0066  # bytes; of a layer's packed bytes (benchmarks/attested.py)
DOCUMENTS = 4  # trips: a connection, the tag, the manifest, the config
AHEAD = (120.0, 360.0)  # seconds from a push to the first pod
AMD64 = Platform("linux", "amd64")
LOADER = "lib64/ld-linux-x86-64.so.2"


@dataclass(frozen=True)
class Case:
    """An image, when its first pod comes, and when it was pushed."""

    name: str
    blob: Blob
    at: float
    pushed: float


@dataclass
class Reading:
    """The fetches of one image: rounds of bytes, each asked for when the one before is there.

    Attributes:
        begins: When.
        rounds: Bytes of each.
        needed: How many of them decide the start.
        spared: Bytes of layers that are not fetched, unless that takes too long.
        ends: When it is decided.
    """

    begins: float
    rounds: list[float]
    needed: int
    spared: float = 0.0
    ends: float = math.inf


def layer(chance: random.Random, megabytes: float, content: dict[str, object]) -> bytes:
    padding = chance.randbytes(max(int(megabytes * 1e6 / SCALE), 1))
    files = {"data/": directory(), f"data/{chance.random()}": padding, **content}
    return tarball(files)  # type: ignore[arg-type]


def base(chance: random.Random, megabytes: float) -> bytes:
    content: dict[str, object] = {"lib64/": directory(), LOADER: program(glibc_loader())}
    return layer(
        chance, megabytes, content | {"etc/": directory(), "etc/os-release": "ID=debian\n"}
    )


def cases(chance: random.Random, count: int, bases: Sequence[bytes]) -> list[Case]:
    made = []
    for number in range(count):
        size = min(max(chance.lognormvariate(math.log(150), 1.2), 20), 5_000)
        is_static, is_known = chance.random() < 0.25, chance.random() < 0.7
        elf = elf_file(type=2) if is_static else elf_file(interp=f"/{LOADER}")
        app: dict[str, object] = {"app/": directory(), "app/server": program(elf)}
        below = chance.choice(bases) if is_known else base(chance, size * 0.4)
        own = min(chance.uniform(10, 80), size * 0.6) if is_static else size * 0.12
        rest = layer(chance, size * 0.6 - own, {})
        top = layer(chance, own, app)
        at = chance.uniform(AHEAD[1], DAY)
        blob = image([below, rest, top], entrypoint=["/app/server"], compression="plain")
        made.append(Case(f"day/app{number}", blob, at, at - chance.uniform(*AHEAD)))
    return sorted(made, key=lambda case: case.at)


async def fetched(day: Sequence[Case], known: Blob, *, by_upper: bool) -> list[list[float]]:
    """The rounds of bytes that elfgate fetches for each image, really."""
    served = {case.name: {"1": case.blob} for case in day} | {"day/bases": {"1": known}}
    rounds = []
    with Registry(served) as registry, TemporaryDirectory() as folder:
        registries, store = {"insecure": (registry.host,)}, {"path": f"{folder}/facts.db"}
        settings = Settings.model_validate({"registries": registries, "store": store})
        reading = wiring.Reading.of_settings(settings)
        reading = replace(reading, wait=None, by_upper=lambda: by_upper)
        async with wiring.scanner(reading) as scanner:
            await scanner.read_ahead(registry.reference("day/bases:1"), AMD64)
            for case in day:
                seen = len(registry.seen)
                told = await scanner.linkage(registry.reference(f"{case.name}:1"), AMD64)
                assert told.outcome is Outcome.STARTS, told.prediction.findings
                asked = [one.path.rpartition("/")[2] for one in registry.seen[seen:]]
                rounds.append(_rounds(case.blob, asked, by_upper=by_upper))
    return rounds


def _rounds(blob: Blob, asked: Iterable[str], *, by_upper: bool) -> list[float]:
    """The bytes of each round: all layers at once, or the topmost first."""
    lengths = {one.digest: len(one.data) * SCALE for one in blob.children[1:]}
    got = [lengths[digest] for digest in asked if digest in lengths]
    if by_upper and len(got) > 1:
        top = lengths[blob.children[-1].digest]
        return [float(top), float(sum(got) - top)]
    return [float(sum(got))]


def stated(rounds: Sequence[float]) -> list[float]:
    """The rounds of an image whose facts are attested: a statement, and its layers' indexes."""
    return [STATEMENT, INDEXES * sum(rounds)] if sum(rounds) else []


def run(readings: Sequence[Reading], at_once: int) -> None:
    """Let all readings share the link equally, so many at a time."""
    waiting = sorted(readings, key=lambda one: one.begins)
    active: list[tuple[Reading, list[float]]] = []  # what is left: seconds of trips, then bytes
    now = 0.0
    while waiting or active:
        while waiting and len(active) < at_once and waiting[0].begins <= now:
            one = waiting.pop(0)
            active.append((one, [TRIP * (DOCUMENTS + len(one.rounds)), *one.rounds]))
        if not active:
            now = waiting[0].begins
            continue
        share = LINK / len(active)
        rates = [1.0 if len(left) > len(one.rounds) else share for one, left in active]
        steps = [left[0] / rate for (_, left), rate in zip(active, rates, strict=True)]
        until = waiting[0].begins - now if waiting and len(active) < at_once else math.inf
        step = min(*steps, until, math.inf)
        now += step
        for (one, left), rate, whole in zip(list(active), rates, steps, strict=True):
            left[0] -= step * rate
            if whole <= step:
                left.pop(0)
                if len(left) == len(one.rounds) - one.needed:
                    one.ends = now
                if not left:
                    active.remove((one, left))


def day_of(rows: Sequence[tuple[float, list[float], float]], at_once: int) -> list[Reading]:
    """Readings as they come about: by when each begins, its rounds, and what it spares."""
    readings = [Reading(begins, rounds, len(rounds), spared) for begins, rounds, spared in rows]
    run(readings, at_once)
    for one in readings:
        if one.spared and one.ends - one.begins > PATIENCE:
            one.rounds.append(one.spared)
    run(readings, at_once)
    return readings


def told(name: str, day: Sequence[Case], readings: Sequence[Reading]) -> None:
    seconds = [max(0.0, one.ends - case.at) for case, one in zip(day, readings, strict=True)]
    share, at_once = (
        sum(wait <= most for wait in seconds) / len(day) for most in (PATIENCE, AT_ONCE)
    )
    late = sorted(seconds)[int(0.9 * len(day))]
    gigabytes = sum(sum(one.rounds) for one in readings) / 1e9
    print(
        f"{name:22}{at_once:8.1%}{share:8.1%}{sorted(seconds)[len(day) // 2]:10.2f}{late:10.1f}{gigabytes:10.1f}"
    )


def main(count: int) -> None:
    scanned_layers._SMALL //= SCALE  # noqa: SLF001 - as all lengths here
    chance = random.Random(17)  # noqa: S311 - the same day each time
    bases = [base(chance, chance.uniform(5, 400)) for _ in range(12)]
    day = cases(chance, count, bases)
    known = image(bases, entrypoint=["/x"], compression="plain")
    total = sum(len(one.data) for case in day for one in case.blob.children[1:]) * SCALE / 1e9
    print(f"{count} images, {total:.1f} GB\n")
    print(f"{'':22}{'in 1 s':>8}{'in 2 s':>8}{'median s':>10}{'p90 s':>10}{'GB':>10}")
    whole = asyncio.run(fetched(day, known, by_upper=False))
    upper = asyncio.run(fetched(day, known, by_upper=True))
    spared = [sum(all_) - sum(some) for all_, some in zip(whole, upper, strict=True)]
    nothing = [0.0] * len(day)
    pods, pushes = [case.at for case in day], [case.pushed for case in day]
    rows = {
        "all layers": (pods, whole, nothing, 1_000),
        "upper layers first": (pods, upper, spared, 1_000),
        "with attested facts": (pods, list(map(stated, whole)), nothing, 1_000),
        "with notifications": (pushes, whole, nothing, 2),
    }
    for name, (begins, rounds, left_out, at_once) in rows.items():
        copied = [list(one) for one in rounds]
        told(name, day, day_of(list(zip(begins, copied, left_out, strict=True)), at_once))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
