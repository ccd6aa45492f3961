"""A day of deployments: how many images are decided within two seconds of their first review, and by how many bytes.

    python benchmarks/firstsight.py [IMAGES]

500 images of a stated distribution: sizes log-normal about 150 MB, between 0.02 and 5 GB; seven in ten on one of twelve
bases that the store has already; a quarter are static programs, the others need a loader of their base. They come at
random over ten hours, each pushed two to six minutes before its first pod.

elfgate really reads each image from a registry on loopback, with layers a thousandth as long as they stand for, and
what it asks for is noted: that is what the rows differ by. The time comes from a link of 200 Mbit/s and 20 ms that all
readings share equally, on which the layers have their full length. elfgate's own work is not in it: it indexes some ten
times as fast as this link delivers (benchmarks/layers.py).
"""

import asyncio
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
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
    """What is fetched for one image: rounds of bytes, each asked for when the one before is there."""

    begins: float
    rounds: list[float]
    ends: float = math.inf


def layer(chance: random.Random, megabytes: float, content: dict[str, object]) -> bytes:
    padding = chance.randbytes(max(int(megabytes * 1e6 / SCALE), 1))
    return tarball({"data/": directory(), f"data/{chance.random()}": padding, **content})  # type: ignore[dict-item]


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
        own = size * 0.6
        rest = [] if is_static else [layer(chance, own * 0.8, {})]
        top = layer(chance, own if is_static else own * 0.2, app)
        at = chance.uniform(AHEAD[1], DAY)
        blob = image([below, *rest, top], entrypoint=["/app/server"], compression="plain")
        made.append(Case(f"day/app{number}", blob, at, at - chance.uniform(*AHEAD)))
    return sorted(made, key=lambda case: case.at)


async def fetched(day: Sequence[Case], known: Blob, *, by_upper: bool) -> list[list[float]]:
    """The rounds of bytes that elfgate fetches for each image, really."""
    served = {case.name: {"1": case.blob} for case in day} | {"day/bases": {"1": known}}
    rounds = []
    with Registry(served) as registry, TemporaryDirectory() as folder:
        said = {
            "registries": {"insecure": (registry.host,)},
            "store": {"path": f"{folder}/facts.db"},
        }
        reading = wiring.Reading.of_settings(Settings.model_validate(said))
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


def run(readings: list[Reading], at_once: int = 1_000) -> None:
    """Let all readings share the link equally, so many at a time."""
    waiting = sorted(readings, key=lambda one: one.begins)
    active: list[tuple[Reading, list[float]]] = []
    now = 0.0
    while waiting or active:
        while waiting and len(active) < at_once and waiting[0].begins <= now:
            one = waiting.pop(0)
            trips = TRIP * (DOCUMENTS + len(one.rounds))
            active.append((one, [*one.rounds, trips]))
        if not active:
            now = waiting[0].begins
            continue
        share = LINK / len(active)
        steps = [left[0] / share if len(left) > 1 else left[0] for _, left in active]
        until = waiting[0].begins - now if waiting and len(active) < at_once else math.inf
        step = min(*steps, until, math.inf)
        now += step
        for (one, left), whole in zip(list(active), steps, strict=True):
            left[0] -= step * share if len(left) > 1 else step
            if whole <= step:
                left.pop(0)
                if not left:
                    one.ends = now
                    active.remove((one, left))


def told(name: str, day: Sequence[Case], readings: Sequence[Reading]) -> None:
    seconds = [max(0.0, one.ends - case.at) for case, one in zip(day, readings, strict=True)]
    share = sum(wait <= PATIENCE for wait in seconds) / len(day)
    late = sorted(seconds)[int(0.9 * len(day))]
    gigabytes = sum(sum(one.rounds) for one in readings) / 1e9
    print(
        f"{name:22}{share:8.1%}{sorted(seconds)[len(day) // 2]:10.2f}{late:10.1f}{gigabytes:10.1f}"
    )


def main(count: int) -> None:
    scanned_layers._SMALL //= SCALE  # noqa: SLF001 - as all lengths here
    chance = random.Random(17)  # noqa: S311 - the same day each time
    bases = [base(chance, chance.uniform(5, 400)) for _ in range(12)]
    day = cases(chance, count, bases)
    known = image(bases, entrypoint=["/x"], compression="plain")
    total = sum(len(one.data) for case in day for one in case.blob.children[1:]) * SCALE / 1e9
    print(f"{count} images, {total:.1f} GB\n")
    print(f"{'':22}{'in 2 s':>8}{'median s':>10}{'p90 s':>10}{'GB':>10}")
    whole = asyncio.run(fetched(day, known, by_upper=False))
    upper = asyncio.run(fetched(day, known, by_upper=True))
    rows: dict[str, tuple[list[list[float]], Callable[[Case], float], int]] = {
        "all layers": (whole, lambda case: case.at, 1_000),
        "upper layers first": (upper, lambda case: case.at, 1_000),
        "with notifications": (whole, lambda case: case.pushed, 2),
    }
    for name, (rounds, begins, at_once) in rows.items():
        readings = [Reading(begins(case), list(one)) for case, one in zip(day, rounds, strict=True)]
        run(readings, at_once)
        told(name, day, readings)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
