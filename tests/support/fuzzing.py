"""What is fuzzed: each target takes any bytes, and may end in no error but those that its docstrings name.

Bytes that once broke a promise are kept in ``tests/data/fuzz/TARGET/`` and run with every test.
"""

import io
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import ElfFacts
from elfgate.elf.read import read
from elfgate.errors import UnreadableError
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.syntax.dialect import BASH, BUSYBOX, DASH, KSH
from elfgate.linkage.work import Work, WorkExhaustedError
from elfgate.platforms import Platform
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.ldconf import parse_cache
from elfgate.rootfs.tar import index
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.walk import Found
from support import fuzzing_door, fuzzing_start, tarball
from support.elf_file import elf_file, glibc_libc, glibc_loader, musl_loader
from support.image import alpine, debian
from support.ldcache import ld_so_cache
from support.script_world import FakeWorld, first_state

SECONDS = 0.1  # of CPU: what one input may take
BYTES = 64 << 20  # what one input may make the process grow by
LARGEST = 64 << 10  # bytes of an input
KEPT = Path(__file__).parents[1] / "data/fuzz"

_AMD64 = Platform("linux", "amd64")
_TOOLS = frozenset({"cat", "mkdir", "rm", "id"})
_ELF = {
    "interp": "/lib64/ld-linux-x86-64.so.2",
    "needed": ("liba.so", "libc.so.6"),
    "runpath": "$ORIGIN/../lib",
    "soname": "libx.so",
    "version_needs": {"libc.so.6": ["GLIBC_2.34"]},
    "version_definitions": ("X_1",),
    "undefined": ("puts", ("two", "lazy")),
    "defined": ("three", "four"),
    "hash_style": "both",
    "abi_tag": (3, 2, 0),
    "isa_needed": 1,
    "text": b"\x90" * 8,
}


def elf(data: bytes) -> None:
    """Facts of an ELF file."""
    kept = excerpt(memoryview(data))
    assert len(kept) <= 1 << 20
    found = read(kept)
    assert isinstance(found, ElfFacts)
    assert found.exports("three") in {True, False}


def stored_excerpt(data: bytes) -> None:
    """Facts of an excerpt that something has changed where it was stored."""
    try:
        read(data)
    except UnreadableError:
        return


def ld_cache(data: bytes) -> None:
    """ld.so.cache, and every look-up in it."""
    cache = parse_cache(data)
    if cache is not None:
        for name in cache.entries:
            assert len(cache.entries[name]) >= 0


def program(data: bytes) -> None:
    """The start of a file of these bytes: an ELF file, a script, or neither."""
    _start("bin/fuzzed", data)


def script(data: bytes) -> None:
    """A script, for each kind of shell: whatever it is, its work is bounded."""
    text = data.decode("latin-1")
    for dialect in (DASH, BUSYBOX, BASH, KSH):
        world = FakeWorld(dialect, files={"/d/x": "y=1\n"}, programs=_TOOLS, work=Work(3_000))
        try:
            follow(text, first_state("x", "y"), world)
        except WorkExhaustedError:
            continue


def loader(data: bytes) -> None:
    """The start of a program whose loader, library and cache are these bytes."""
    for path in ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6", "etc/ld.so.cache"):
        _start(path, data)


def layer_tar(data: bytes) -> None:
    """A layer's tar, and all that its index has."""
    try:
        layer = index(io.BytesIO(data), max_bytes=8 << 20, max_entries=10_000)
    except (ValueError, UnreadableError):
        return
    _visit(Layer.decode(layer.encode()))


def stored_layer(data: bytes) -> None:
    """A layer's index that something has changed where it was stored."""
    try:
        _visit(Layer.decode(data))
    except ValueError:
        return


def tree(data: bytes) -> None:
    """Names laid over one another in up to four layers, and looked up: a line is a name, a colon a link's target."""
    layers, paths = [], []
    for part in data.split(b"\n\n", 4)[:4]:
        builder = LayerBuilder(max_entries=2_000, max_characters=1 << 20)
        for line in part.split(b"\n")[:500]:
            kind = Kind(line[0] % 6) if line else Kind.FILE
            path, _, target = line[1:].decode("utf-8", "surrogateescape").partition(":")
            parts = [name for name in path.split("/") if name not in {"", ".", ".."}]
            where = "/" + "/".join(parts)
            paths.append(path)
            try:
                link = "/" + target.strip("/") if kind is Kind.HARDLINK else target
                builder.add(where, Entry(kind, mode=0o755, link=link, size=10), b"#!/bin/sh\n")
            except (ValueError, UnreadableError):
                continue
        layers.append(builder.build())
    laid = Tree(layers)
    for path in paths[:200]:
        found = laid.lookup(path if path.startswith("/") else f"/{path}")
        if isinstance(found, Found):
            laid.facts(found)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        elf, stored_excerpt, ld_cache, program, script, loader, layer_tar, stored_layer, tree,
        fuzzing_door.head, fuzzing_door.review, fuzzing_start.prediction,
    )
}  # fmt: skip


_SCRIPTS = (
    b"f() { local a=${1:-x}; case $a in [a-z]*) return 3;; esac; }; f $# || exec ${a##*/}\n",
    b'a=(x "$@"); for i in "${a[@]:1}"; do [[ $i =~ ^(a|b)+$ ]] && x+=${i/a/b}; done\n',
    b'n=0; while [ $n -lt 3 ]; do n=$((n+1)); done; cat <<E | { read l; echo "$l"; }\n$n\nE\n',
)


def seeds(name: str) -> list[bytes]:
    """Sound inputs of a target, to start from, and those found before."""
    files = [elf_file(on, **_ELF) for on in ("amd64", "arm", "s390x")]
    go = (
        b"\xff Go buildinf:\x08\x02"
        + bytes(16)
        + b"\x02go\x28"
        + b"0" * 16
        + b"\nbuild\tGOAMD64=v3\n"
        + b"1" * 16
    )
    scripts = [
        b'#!/bin/sh -e\nset -- a\nexec "$@"\n',
        b"#! /usr/bin/env bash\n[ $1 ] && exec /bin/x ${2:-y}\n",
        b"x",
    ]
    cache = ld_so_cache(
        "amd64", [("libc.so.6", "/lib/libc.so.6"), ("liba.so", "/lib/liba.so", "x86-64-v3")]
    )
    tar = tarball.tarball(
        {
            "bin/": tarball.directory(),
            "bin/x": tarball.program(files[0]),
            "bin/sh": tarball.link("x"),
            "a": "text",
            "bin/y": tarball.hardlink("bin/x"),
            tarball.whiteout("z"): "",
            "n" * 120: "long",
            "etc/ld.so.cache": "x",
        }
    )
    names = b"\x01/usr/lib\n\x02/lib:usr/lib\n\x00/lib/x\n\n\x02/a:b\n\x02/b:a\n\x03/c:lib/x\n\x05/lib\n\n\x01/lib"
    made = {
        "elf": [
            *files,
            elf_file("amd64", type=2, text=b"\x90" * 8, data=go),
            glibc_loader("amd64"),
            musl_loader("arm64"),
            glibc_libc("ppc64le"),
        ],
        "stored_excerpt": [excerpt(file) for file in files],
        "ld_cache": [cache, b"ld.so-1.7.0\0" + cache],
        "program": [*files, *scripts],
        "script": [*scripts, *_SCRIPTS],
        "loader": [glibc_loader("amd64"), glibc_libc("amd64"), cache],
        "layer_tar": [tar],
        "stored_layer": [index(io.BytesIO(tar), max_bytes=1 << 20, max_entries=99).encode()],
        "tree": [names],
        "prediction": fuzzing_start.seeds(),
        **fuzzing_door.SEEDS,
    }
    return [*made[name], *found_before(name)]


def found_before(name: str) -> list[bytes]:
    """Inputs that once broke a promise."""
    return [path.read_bytes() for path in sorted((KEPT / name).glob("*"))]


class Watched:
    """A target that fails when a call takes too long or makes the process grow too much.

    A time over the limit counts if the same input takes as long three times: the machine may be busy, and the
    collector of garbage at work. A fuzzer keeps inputs of its own in the same process, so growth is that of a call.
    """

    def __init__(self, name: str) -> None:
        self._target = TARGETS[name]
        for seed in seeds(name):
            self._target(seed)

    def __call__(self, data: bytes) -> None:
        """Run it once."""
        before, highest = _resident(), _peak()
        if self._seconds(data) > SECONDS:
            taken = min(self._seconds(data) for _ in range(3))
            assert taken <= SECONDS, f"it took {taken * 1e3:.0f} ms"
        grown = _peak() - before if _peak() > highest else 0
        assert grown <= BYTES, f"the process has grown by {grown >> 20} MiB"

    def _seconds(self, data: bytes) -> float:
        began = time.thread_time()
        self._target(data)
        return time.thread_time() - began


def _resident() -> int:
    """Bytes that the process takes now; where the kernel does not tell, at most."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else _peak()


def _peak() -> int:
    """Bytes that the process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def _visit(layer: Layer) -> None:
    for directory in _directories(layer):
        for entry in layer.entries(directory).values():
            if entry.elf:
                layer.excerpt(entry.elf)


def _directories(layer: Layer) -> Iterator[str]:
    waiting = ["/"]
    while waiting:
        directory = waiting.pop()
        yield directory
        names = layer.entries(directory)
        waiting += [
            f"{directory.rstrip('/')}/{name}"
            for name, entry in names.items()
            if entry.kind is Kind.DIRECTORY
        ]


_BASES = {**alpine("amd64"), **debian("amd64")}
_LAYER = tarball.layer(
    {
        **_BASES,
        "bin/fuzzed": tarball.program(
            elf_file("amd64", interp=_ELF["interp"], needed=["libc.so.6"])
        ),
    }
)


def _start(path: str, data: bytes) -> None:
    builder = LayerBuilder()
    builder.add(f"/{path}", Entry(Kind.FILE, mode=0o755, size=len(data)), data)
    image = Tree([_LAYER, builder.build()])
    predict(
        image, ImageDefaults(entrypoint=("/bin/fuzzed", "x")), Overrides(), _AMD64, explain=True
    )
