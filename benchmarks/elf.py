"""Facts of this machine's shared libraries: whether peers read the same, and what each costs.

    python benchmarks/elf.py [FILES]

Compared are DT_NEEDED, DT_SONAME, DT_RPATH and DT_RUNPATH as elfgate, LIEF, binutils' ``readelf
-d`` and pyelftools give them; any difference ends the run with an error. Timed, round by round, are
elfgate (excerpt and facts: symbols, versions and exports too), a bare reading of the same segments
with pyelftools (program headers, interpreter, dynamic section with its strings, notes, versions;
once without the section headers that it would read first), and LIEF. ``readelf`` is one process for
all files. All files are in memory before.
"""

import io
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lief
from elftools.common.utils import struct_parse
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment, NoteSegment

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.elf.sparse import Excerpt

PLACES = ("/usr/lib", "/usr/local/lib")
ROUNDS = 5
LARGE = 32 << 20  # bytes: what counts as a large file

Names = tuple[tuple[str, ...], str | None, str | None, str | None]
"""DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH."""


def libraries() -> list[Path]:
    """Shared libraries of this machine, each file once."""
    real = {
        path.resolve() for place in PLACES for path in Path(place).rglob("*.so*") if path.is_file()
    }
    return sorted(path for path in real if path.open("rb").read(4) == b"\x7fELF")


def ours(data: bytes) -> Names:
    facts = read(excerpt(data))
    return facts.needed, facts.soname, facts.rpath, facts.runpath


def without_sections(data: bytes) -> bytes:
    """The file with no section headers in its header.

    Pyelftools would read them before any segment.
    """
    wide, changed = data[4] == 2, bytearray(data)
    for start, size in (
        ((40, 8), (58, 6)) if wide else ((32, 4), (46, 6))
    ):  # e_shoff; e_shentsize, e_shnum, e_shstrndx
        changed[start : start + size] = bytes(size)
    return bytes(changed)


def bare(data: bytes) -> Names:
    """With pyelftools, by segments."""
    elf = ELFFile(io.BytesIO(data))
    tags: list[Any] = []
    for segment in elf.iter_segments():
        if isinstance(segment, InterpSegment):
            segment.get_interp_name()
        elif isinstance(segment, NoteSegment):
            list(segment.iter_notes())
        elif isinstance(segment, DynamicSegment):
            tags = list(segment.iter_tags())
    _versions(elf, {tag.entry.d_tag: tag.entry.d_val for tag in tags})

    def texts(name: str, attribute: str) -> tuple[str, ...]:
        return tuple(getattr(tag, attribute) for tag in tags if tag.entry.d_tag == name)

    soname, rpath, runpath = (
        texts("DT_SONAME", "soname"),
        texts("DT_RPATH", "rpath"),
        texts("DT_RUNPATH", "runpath"),
    )
    return texts("DT_NEEDED", "needed"), _last(soname), _last(rpath), _last(runpath)


def _versions(elf: Any, values: dict[str, int]) -> None:
    """Both tables of versions, as pyelftools has nothing that reads them without sections."""
    structs = elf.structs
    strings = _offset(elf, values.get("DT_STRTAB"))
    for tag, entry, auxiliary, first, link, texts in (
        ("DT_VERNEED", structs.Elf_Verneed, structs.Elf_Vernaux, "vn_aux", "vn_next", "vna_name"),
        ("DT_VERDEF", structs.Elf_Verdef, structs.Elf_Verdaux, "vd_aux", "vd_next", "vda_name"),
    ):
        offset = _offset(elf, values.get(tag))
        while offset is not None and strings is not None:
            found = struct_parse(entry, elf.stream, offset)
            at = offset + found[first]
            while True:
                item = struct_parse(auxiliary, elf.stream, at)
                elf.stream.seek(strings + item[texts])
                elf.stream.read(64).partition(b"\0")
                step = item["vna_next" if tag == "DT_VERNEED" else "vda_next"]
                if not step:
                    break
                at += step
            offset = offset + found[link] if found[link] else None


def _offset(elf: Any, address: int | None) -> int | None:
    return None if address is None else next(iter(elf.address_offsets(address)), None)


def _last(values: tuple[str, ...]) -> str | None:
    return values[-1] if values else None


def with_lief(data: bytes) -> Names:
    found = lief.ELF.parse(io.BytesIO(data))
    assert found is not None
    needed, texts = [], {}
    for entry in found.dynamic_entries:
        if isinstance(entry, lief.ELF.DynamicEntryLibrary):
            needed.append(str(entry.name))
        elif isinstance(entry, lief.ELF.DynamicSharedObject):
            texts["soname"] = str(entry.name)
        elif isinstance(entry, lief.ELF.DynamicEntryRpath):
            texts["rpath"] = str(entry.rpath)
        elif isinstance(entry, lief.ELF.DynamicEntryRunPath):
            texts["runpath"] = str(entry.runpath)
    return tuple(needed), texts.get("soname"), texts.get("rpath"), texts.get("runpath")


def with_readelf(paths: list[Path]) -> list[Names]:
    """One process for all files."""
    command = ["readelf", "-dW", *map(str, paths)]
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"LC_ALL": "C"}
    ).stdout
    parts = re.split(r"^File: .*\n", output, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        rows = re.findall(
            r"\((NEEDED|SONAME|RPATH|RUNPATH)\)\s+[^\[]*\[(.*)\]$", part, re.MULTILINE
        )
        last = dict(rows)
        needed = tuple(value for tag, value in rows if tag == "NEEDED")
        found.append((needed, last.get("SONAME"), last.get("RPATH"), last.get("RUNPATH")))
    return found


def seconds(work: Callable[[bytes], object], files: list[bytes]) -> float:
    began = time.process_time()
    for data in files:
        work(data)
    return time.process_time() - began


def main(count: int) -> None:
    every = libraries()
    step = max(1.0, len(every) / count)
    paths = [every[int(index * step)] for index in range(min(count, len(every)))]
    files = [path.read_bytes() for path in paths]
    print(f"{len(paths)} shared libraries, {sum(map(len, files)) >> 20} MiB")
    expected = [ours(data) for data in files]
    headless = [without_sections(data) for data in files]
    peers = {
        "pyelftools": [bare(data) for data in headless],
        "LIEF": [with_lief(data) for data in files],
    }
    peers["readelf -d"] = with_readelf(paths)
    for name, found in peers.items():
        rows = zip(paths, expected, found, strict=True)
        different = [
            f"{path}: elfgate {our}, {name} {their}" for path, our, their in rows if our != their
        ]
        print(
            f"{name:12} says the same of {len(paths) - len(different)} of {len(paths)}",
            *different[:5],
            sep="\n  ",
        )
        assert not different, f"{len(different)} differences to {name}"

    timed = {
        "elfgate": (ours, files),
        "pyelftools, the same segments": (bare, headless),
        "pyelftools, sections present": (bare, files),
        "LIEF": (with_lief, files),
    }
    times: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(ROUNDS):
        for name, (work, inputs) in timed.items():
            times[name].append(seconds(work, inputs))
    began = time.perf_counter()
    with_readelf(paths)
    print(
        f"{'readelf -d':30} {(time.perf_counter() - began) / len(paths) * 1e3:6.3f} ms a file "
        "(wall)"
    )
    for name, taken in times.items():
        ratio = statistics.median(
            our / their for our, their in zip(times["elfgate"], taken, strict=True)
        )
        print(
            f"{name:30} {statistics.median(taken) / len(paths) * 1e3:6.3f} ms a file; elfgate "
            f"takes {ratio:.2f} of it"
        )
    print("limit: elfgate 1.5 times pyelftools")
    large = [(path, path.read_bytes()) for path in every if path.stat().st_size >= LARGE]
    for path, data in large:
        kept = Excerpt.unpack(excerpt(data))
        decoded = sum(len(piece) for _, piece in kept.ranges)
        print(
            f"{path.name}: {len(data) >> 20} MiB, of which {decoded / 1024:.1f} KiB are decoded "
            "(limit 64)"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
