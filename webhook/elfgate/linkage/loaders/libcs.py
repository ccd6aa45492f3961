"""The loaders that are followed, by the libc that a loader's file says it is of."""

from collections.abc import Callable, Mapping

from elfgate.elf.facts import LoaderFacts
from elfgate.linkage.kernel.program import Mapped, Program
from elfgate.linkage.loaders.glibc.load import load as load_by_glibc
from elfgate.linkage.loaders.musl.gcompat import load as load_by_gcompat
from elfgate.linkage.loaders.musl.load import load as load_by_musl
from elfgate.linkage.record import Record
from elfgate.linkage.world import World

LOADERS: Mapping[str, Callable[[World, Record, Program, Mapped, LoaderFacts], None]] = {
    "glibc": load_by_glibc,
    "musl": load_by_musl,
    "gcompat": load_by_gcompat,
}
