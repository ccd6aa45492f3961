"""Random cases: graphs of small libraries, and real roots of which something is changed.

A case is a row as those of ``cases/*.yaml``, so that what is found can be kept there as it is. A seed
repeats a run.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import roots
from truth.made import Row, row_of

GLIBC, MUSL = ("distroless", "debian11", "debian12", "debian13"), ("alpine", "alpine-1.2.5")
_FOREIGN = ("arm64", "s390x", "ppc64le")
_PLACES = ("/app", "/a", "/b", "/app/lib", "/usr/lib", "/usr/lib/{multiarch}", "/opt/x y")
_PATHS = (
    "/a",
    "/b:/a",
    "$ORIGIN",
    "$ORIGIN/lib",
    "${ORIGIN}/../a",
    "/a:/b",
    "/none:/a",
    "a",
    "/a/",
)
_SPOILED: tuple[dict[str, Any], ...] = (
    {"text": "no library\n" * 20},
    {"text": ""},
    {"directory": True},
    {"link": "/none/lib.so"},
    {"elf": "library", "for": "{other}", "defines": ["foreign"]},
    {"elf": "library", "for": "{narrow}", "defines": ["narrow"]},
)
_WHOLE = ("debian11", "debian12", "debian13")
_SEARCHED = ("/bin", "/usr/bin", "/usr/sbin")


def rows(seed: int, count: int) -> Iterator[Row]:
    """Make random cases.

    Args:
        seed: Repeats them.
        count: How many.
    """
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
        architecture = chance.choice(_FOREIGN) if chance.random() < 0.1 else "amd64"
        make = _graph if chance.random() < 0.6 else _changed
        fields = make(chance, architecture)
        yield row_of("generated", {"case": f"{seed}-{number}", **fields}, architecture)


def _graph(chance: random.Random, architecture: str) -> dict[str, Any]:
    """Two to six libraries that need one another, and a program; laid out at random."""
    libc = chance.choice(("glibc", "musl"))
    names = [f"libq{letter}.so" for letter in "abcdef"[: chance.randint(2, 6)]]
    versions = {name: "@V1" if chance.random() < 0.3 else "" for name in names}
    files: dict[str, Any] = {}
    for place, name in enumerate(names):
        needed = [later for later in names[place + 1 :] if chance.random() < 0.4]
        made = _library(chance, name, needed, versions)
        where = chance.choice(_PLACES)
        files[f"{where}/{name}"] = made
        if chance.random() < 0.3:  # another of that name, spoiled or without the symbol
            other = f"{chance.choice(_PLACES)}/{name}"
            files.setdefault(other, _other(chance, name))
    wanted = [name for name in names if chance.random() < 0.6] or names[:1]
    program = _linked(chance, wanted, versions) | {"elf": "program", "libc": libc}
    files["/app/x"] = program
    known = [root for root in (GLIBC if libc == "glibc" else MUSL) if _exists(root, architecture)]
    fields: dict[str, Any] = {"roots": [chance.choice(known)], "files": files}
    if env := _environment(chance, names):
        fields["env"] = env
    root = fields["roots"][0]
    has_ldconfig = root in _WHOLE and architecture in roots.ROOTS[root].native
    if chance.random() < 0.3 and has_ldconfig:
        fields["ldconfig"] = True
    return fields


def _library(
    chance: random.Random, name: str, needed: list[str], versions: dict[str, str]
) -> dict[str, Any]:
    symbol = f"{_symbol(name)}{versions[name]}"
    made = _linked(chance, needed, versions) | {"elf": "library", "defines": [symbol]}
    if chance.random() < 0.15:
        made["soname"] = chance.choice(("", f"{name}.1"))
    return made


def _linked(chance: random.Random, needed: list[str], versions: dict[str, str]) -> dict[str, Any]:
    """What a program and a library have in common: needs, a path, a way to bind."""
    made: dict[str, Any] = {
        "needs": {name: [f"{_symbol(name)}{versions[name]}"] for name in needed},
        "called": False,
        "flags": [chance.choice(("-Wl,-z,lazy", "-Wl,-z,now"))],
    }
    if chance.random() < 0.5:
        made[chance.choice(("rpath", "runpath"))] = chance.choice(_PATHS)
    if chance.random() < 0.1:
        made["data"] = True
    return made


def _other(chance: random.Random, name: str) -> dict[str, Any]:
    if chance.random() < 0.5:
        return dict(chance.choice(_SPOILED))
    return {"elf": "library", "defines": ["unlike"], "soname": name}


def _environment(chance: random.Random, names: list[str]) -> dict[str, str]:
    env = {}
    if chance.random() < 0.5:
        env["LD_LIBRARY_PATH"] = chance.choice(
            ("/a", "/b:/a", "/none::/a", "/app;/b", "/a:/app/lib")
        )
    if chance.random() < 0.15:
        env["LD_PRELOAD"] = f"{chance.choice(_PLACES[:4])}/{chance.choice(names)}"
    if chance.random() < 0.1:
        env["LD_BIND_NOW"] = "1"
    return env


def _symbol(name: str) -> str:
    return f"of_{name[4]}"


def _exists(root: str, architecture: str) -> bool:
    return architecture in roots.ROOTS[root].architectures


def _changed(chance: random.Random, architecture: str) -> dict[str, Any]:
    """A program of a real root, of which one library, link or directory is spoiled."""
    whole = [root for root in _WHOLE if architecture in roots.ROOTS[root].native]
    root = chance.choice(whole)
    base = roots.build(root, architecture)
    program = chance.choice(_programs(base))
    libraries = _libraries(base)
    victim = chance.choice(libraries)
    spoiled: dict[str, Any] = dict(chance.choice((*_SPOILED, {"copy": chance.choice(libraries)})))
    return {"roots": [root], "argv": [program, "--version"], "files": {victim: spoiled}}


def _programs(base: Path) -> list[str]:
    return [
        f"{directory}/{path.name}"
        for directory in _SEARCHED
        for path in sorted((base / directory[1:]).glob("*"))
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"
    ]


def _libraries(base: Path) -> list[str]:
    found = (base / "usr" / "lib").rglob("*.so*")
    return [f"/{path.relative_to(base)}" for path in sorted(found) if path.is_file()]
