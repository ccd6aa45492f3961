"""Random stacks of layers, unpacked by containerd's own code, and what really starts in them.

``unpack/`` is a small Go program around containerd's ``archive.Apply``: with overlay's whiteouts and
parents, then merged by the kernel's overlayfs, and into one folder, as its native and devmapper
snapshotters have it. It needs root, for overlayfs's trusted attributes, and Go.
"""

import json
import os
import platform
import random
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from support.tarball import Item, tarball

USERS = (0, 1000)
_HERE = Path(__file__).parent / "unpack"
_DIRECTORIES = ("a", "b", "c", "a/c", "b/c", "a/b", "a/c/b")
_NAMES = ("h", "k", "a", "b", "c")
_MODES = (0o755, 0o644, 0o700, 0o711, 0o750, 0o600)
_EXIT = {  # exit(0), in the machine code of e_machine
    "x86_64": (62, b"\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05"),
    "aarch64": (183, b"\x00\x00\x80\xd2\xa8\x0b\x80\xd2\x01\x00\x00\xd4"),
}


def program() -> bytes:
    """The smallest static program of this machine: it exits with 0."""
    machine, code = _EXIT[platform.machine()]
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,
        machine,
        1,
        0x400078,
        64,
        0,
        0,
        64,
        56,
        1,
        0,
        0,
        0,
    )
    size = 120 + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return header + segment + code


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers' tars, bottom first, and what they hold for a person who reads of them."""

    tars: tuple[bytes, ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """What came of a stack.

    Attributes:
        refused: Why it cannot be unpacked; empty if it can.
        starts: By path and user: whether the program starts.
    """

    refused: str
    starts: dict[tuple[str, int], bool]


def random_stack(chance: random.Random) -> Stack:
    """One to four layers of links, whiteouts, opaque marks, modes and owners, in any order.

    Every other one is on a base whose directories are reached by several names, as ``/bin`` is.
    """
    layers = [list(_layer(chance)) for _ in range(chance.randint(1, 4))]
    if chance.random() < 1 / 2:
        layers[0] = [*_base(chance), *layers[0]]
    tars = tuple(tarball([*layer]) for layer in layers)
    told = tuple("; ".join(f"{name} {_words(item)}" for name, item in layer) for layer in layers)
    return Stack(tars, told)


def paths() -> list[str]:
    """Every path that is asked for."""
    return [f"/{name}" for name in ("h", "k")] + [
        f"/{directory}/{name}" for directory in _DIRECTORIES for name in ("h", "k")
    ]


def _base(chance: random.Random) -> Iterator[tuple[str, Item]]:
    """Directories, and symlinks that lead to some of them."""
    names = ["a", "b", "c"]
    chance.shuffle(names)
    directory, *links = names
    yield f"{directory}/", Item("directory", b"", 0o755)
    yield f"{directory}/{chance.choice(names)}/", Item("directory", b"", 0o755)
    for link in links:
        target = chance.choice([directory, f"/{directory}", f"{directory}/{chance.choice(names)}"])
        yield link, Item("symlink", mode=0o777, target=target)


def _layer(chance: random.Random) -> Iterator[tuple[str, Item]]:
    """Entries in any order; most hard links and whiteouts are such that a node can unpack them."""
    programs: list[str] = []
    for _ in range(chance.randint(1, 6)):
        directory = chance.choice(("", "", *_DIRECTORIES))
        name, item = _entry(chance, f"{directory}/" if directory else "", programs)
        if item.kind == "file" and item.data:
            programs.append(name)
        yield name, item


def _entry(chance: random.Random, place: str, programs: Sequence[str]) -> tuple[str, Item]:
    mode, owner = chance.choice(_MODES), chance.choice((0, 0, 0, 1000))
    names = [name for name in _NAMES if f"{place}{name}" not in programs]
    hidden = f"{place}.wh.{chance.choice(names)}"
    kinds = ("program", "directory", "symlink", "hardlink", "whiteout", "opaque")
    match chance.choices(kinds, (8, 4, 3, 4 if programs else 0.2, 2, 1))[0]:
        case "program":
            return f"{place}{chance.choice('hk')}", Item("file", program(), mode, owner, owner)
        case "directory":
            return f"{chance.choice(_DIRECTORIES)}/", Item("directory", b"", mode, owner, owner)
        case "symlink":
            target = chance.choice(("a", "b", "/a", "/b", "c", "../b", "h", "/k", "a/c"))
            return f"{place}{chance.choice(names)}", Item("symlink", mode=0o777, target=target)
        case "hardlink":
            item = Item("hardlink", mode=mode, uid=owner, gid=owner)
            target = chance.choice(programs or ("h", "a/k", "b/h"))
            return f"{place}{chance.choice('hk')}", replace(item, target=target)
        case "whiteout":
            return hidden, Item("file")
        case _:
            return f"{place}.wh..wh..opq", Item("file")


def _words(item: Item) -> str:
    target = f" to {item.target}" if item.target else ""
    return f"({item.kind}{target} {item.mode:o} of {item.uid})"


def built(folder: Path) -> Path:
    """The program that unpacks, built."""
    binary = folder / "unpack"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    subprocess.run(["go", "build", "-o", binary, "."], cwd=_HERE, env=environment, check=True)
    return binary


def unpack(binary: Path, stacks: Sequence[Stack], scratch: Path, *, folder: bool) -> list[Started]:
    """Unpack every stack and start what is asked for in it."""
    asked = [(path, user) for path in paths() for user in USERS]
    starts = [{"path": path, "uid": user} for path, user in asked]
    jobs = []
    for number, stack in enumerate(stacks):
        files = []
        for layer, data in enumerate(stack.tars):
            file = scratch / f"{number}-{layer}.tar"
            file.write_bytes(data)
            files.append(str(file))
        jobs.append(json.dumps({"layers": files, "folder": folder, "starts": starts}))
    place = scratch / ("folder" if folder else "overlay")
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", binary, place],
        input="\n".join(jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    return [_started(json.loads(line), asked) for line in result.stdout.splitlines()]


def _started(answer: dict[str, object], asked: Sequence[tuple[str, int]]) -> Started:
    errors = answer["starts"]
    assert isinstance(errors, list)
    starts = {key: not error for key, error in zip(asked, errors, strict=False)}
    return Started(str(answer["refused"]), starts)
