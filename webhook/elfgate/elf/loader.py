"""The facts that a dynamic loader's file tells of itself, in the strings it was built with."""

import re

from elfgate.elf.facts import LoaderFacts
from elfgate.elf.window import Window

_SIZE_LIMIT = 16 << 20  # bytes; a loader is well under 2 MiB
_STUB_LIMIT = 256 << 10  # bytes; a static program that only executes another
_MUSL_LOADER = re.compile(rb"(?:/[\w.+-]{1,64}){1,16}/ld-musl-[\w-]{1,32}\.so\.1")
_GCOMPAT = re.compile(rb"(?:/[\w.+-]{1,64}){0,16}/?libgcompat\.so\.\d{1,3}")
_LIMIT = 16 << 10  # bytes kept
_DIRECTORIES = re.compile(rb"(?:(?:/[\w.+@=~-]{1,255}){1,32}/\0){1,32}")
_GLIBC_VERSION = re.compile(rb" release version (\d{1,4}(?:\.\d{1,6}){1,3})")
_MUSL_VERSION = re.compile(rb"(?<![\w.])(\d\.\d{1,3}\.\d{1,3})(?:-git[\w.-]*)?\0")
_CPU = re.compile(
    rb"Fatal glibc error: CPU (?:"
    rb"lacks [^\0\n]{1,80}\((POWER ?|z)(\d+) or|does not support x86-64-v(\d|%d))"
)


def cut(window: Window, soname: bytes) -> bytes:
    """Look for a loader's strings in a shared object that needs nothing.

    Args:
        window: The file.
        soname: Its DT_SONAME, or empty. glibc's loader has one; musl's need not.

    Returns:
        libc, version, CPU floor and default directories, with NULs between them; empty if it is not
        a loader.
    """
    if window.size > _SIZE_LIMIT:
        return b""
    if window.has(b"musl libc (", 0, window.size):
        fields = _musl(window.look(0, window.size))
    elif soname.startswith((b"ld-", b"ld.so", b"ld64.so")):
        fields = _glibc(window.look(0, window.size))
    else:
        return b""
    return b"\0".join(fields)[:_LIMIT]


def cut_stub(window: Window) -> bytes:
    """Look for gcompat's stub in a static program.

    It stands where glibc's loader would, and executes musl's.

    Source: gcompat ``loader/loader.c``: ``LINKER`` is musl's loader, ``LIBGCOMPAT`` what it has
    that one preload.

    Args:
        window: The file.

    Returns:
        As ``cut``, with the paths of both for directories.
    """
    texts = (b"libgcompat.so", b"--preload")
    if window.size > _STUB_LIMIT or not all(window.has(text, 0, window.size) for text in texts):
        return b""
    data = window.look(0, window.size)
    found = (_MUSL_LOADER.search(data), _GCOMPAT.search(data))
    paths = [match.group() for match in found if match]
    return b"\0".join((b"gcompat", b"", b"", *paths)) if len(paths) == len(found) else b""


def decode(blob: bytes, isa_needed: int) -> LoaderFacts | None:
    """Read what ``cut`` returned.

    Args:
        blob: The fields.
        isa_needed: The loader's own GNU_PROPERTY_X86_ISA_1_NEEDED: for x86-64 the message has no
            number, only a ``%d``.

    Raises:
        ValueError: if it is something else.
    """
    if not blob:
        return None
    libc, version, cpu_floor, *directories = blob.decode("utf-8", "surrogateescape").split("\0")
    if cpu_floor == "x86-64-v%d":
        cpu_floor = f"x86-64-v{max(2, isa_needed.bit_length())}"
    return LoaderFacts(libc, version, tuple(directories), cpu_floor)


def _glibc(data: bytes) -> list[bytes]:
    """glibc: what ``ld.so --version`` prints (since 2.33), and ``system_dirs`` of ``dl-load.c``."""
    version = _GLIBC_VERSION.search(data)
    runs = [
        match.group().split(b"\0")
        for match in _DIRECTORIES.finditer(data)
        if b"/lib" in match.group()
    ]
    directories = [part.rstrip(b"/") for part in max(runs, key=len, default=[]) if part]
    return [
        b"glibc",
        version.group(1) if version else b"",
        _cpu_floor(data),
        *dict.fromkeys(directories),
    ]


def _cpu_floor(data: bytes) -> bytes:
    """The highest level that a fatal message names.

    A build for one has the messages of those below too.

    Sources: ``dl-hwcap-check.h`` of powerpc64le and s390; ``dl-get-cpu-features.c`` of x86.
    """
    floor, best = b"", -1
    for family, number, level in _CPU.findall(data):
        if level == b"%d":
            return b"x86-64-v%d"
        name = b"x86-64-v" if level else family.strip().lower()
        if int(level or number) > best:
            floor, best = name + (level or number), int(level or number)
    return floor


def _musl(data: bytes) -> list[bytes]:
    version = _MUSL_VERSION.search(data)
    return [b"musl", version.group(1) if version else b"", b""]
