"""Real compilers for every architecture, in a root of their own.

GNU's, with the headers of glibc and of musl.

They run inside the sandbox, so that nothing has to be installed. What is compiled is small:
programs and libraries that call one another, with the needs, names, search paths and symbol
versions that a case asks for.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from elfgate.trial.start import Start
from lab import debian
from lab.fetched import LabError, cache
from lab.sandbox import Sandbox

_SUITE = "bookworm"
# Of what is compiled from a Binary, by how it is linked; changes the cache's keys.
_REVISIONS = {"dynamic": "2", "static": "2", "static-pie": "3"}
_COMPILERS = {
    "amd64": "x86_64-linux-gnu-gcc",
    "386": "i686-linux-gnu-gcc",
    "arm64": "aarch64-linux-gnu-gcc",
    "arm/v7": "arm-linux-gnueabihf-gcc",
    "ppc64le": "powerpc64le-linux-gnu-gcc",
    "s390x": "s390x-linux-gnu-gcc",
    "riscv64": "riscv64-linux-gnu-gcc",
}
_START = ("__libc_start_main", "abort")  # what start files take from the C library
_MUSL = {  # musl's directory, and the name in its loader's
    "amd64": ("x86_64-linux-musl", "x86_64"),
    "386": ("i386-linux-musl", "i386"),
    "arm64": ("aarch64-linux-musl", "aarch64"),
    "arm/v7": ("arm-linux-musleabihf", "armhf"),
    "ppc64le": ("powerpc64le-linux-musl", "powerpc64le"),
    "s390x": ("s390x-linux-musl", "s390x"),
}


@dataclass(frozen=True, slots=True)
class Binary:
    """A program or a library to be compiled.

    Attributes:
        architecture: An OCI name of ``lab.debian.ARCHITECTURES``.
        defines: A library's symbols, with their versions if they have any (``a@V1``). A program has
            none.
        library: It is a library.
        libc: ``glibc``, ``musl``, or ``none`` for a file that needs no C library.
        link: ``dynamic``, ``static`` or ``static-pie``.
        needs: DT_NEEDED in their order, each with the symbols taken from it.
        undefined: Further symbols that it calls and expects of the C library, which is thus needed.
        soname: DT_SONAME; empty for none.
        rpath: DT_RPATH; None for none.
        runpath: DT_RUNPATH; None for none.
        data: Symbols are taken through data relocations, which are resolved at start, not through
            calls.
        called: The program really calls what it takes; else only under a condition that does not
            arise.
        flags: Further flags of the compiler.
        source: The program's C source, instead of one made from the above.
    """

    architecture: str
    defines: tuple[str, ...] = ()
    library: bool = False
    libc: str = "glibc"
    link: str = "dynamic"
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    undefined: tuple[str, ...] = ()
    soname: str = ""
    rpath: str | None = None
    runpath: str | None = None
    data: bool = False
    called: bool = True
    flags: tuple[str, ...] = ()
    source: str = ""

    @property
    def key(self) -> str:
        """A name for exactly this binary."""
        return hashlib.sha256(
            json.dumps([_REVISIONS[self.link], asdict(self)], sort_keys=True).encode()
        ).hexdigest()[:20]


def build(binaries: Iterable[Binary]) -> dict[Binary, Path]:
    """Compile what the cache does not have.

    Raises:
        LabError: if one of them does not compile; with the compiler's words.
    """
    home = cache("made")
    wanted = {binary: home / binary.key for binary in binaries}
    lacking = {binary for binary, path in wanted.items() if not path.exists()}
    if lacking:
        with tempfile.TemporaryDirectory(dir=home, prefix=".build-") as temporary:
            _compile(sorted(lacking, key=lambda binary: binary.key), Path(temporary))
    return wanted


def _compile(binaries: list[Binary], temporary: Path) -> None:
    work = temporary / "upper" / "build"
    for binary in binaries:
        _write_sources(binary, work / binary.key)
    script = "cd /build; ls | xargs -P 2 -I{} sh -c 'cd {} && sh make.sh >log 2>&1'; true"
    with Sandbox("amd64") as sandbox:
        outcome = sandbox.start(
            Start(
                layers=(str(_root()),),
                argv=("/bin/sh", "-c", script),
                kept=str(temporary),
                timeout=900,
            )
        )
    for binary in binaries:
        made = work / binary.key / "out"
        if made.exists():
            made.rename(cache("made") / binary.key)
    failed = [binary for binary in binaries if not (cache("made") / binary.key).exists()]
    if failed:
        log = work / failed[0].key / "log"
        words = log.read_text() if log.exists() else str(outcome)
        raise LabError(
            f"{len(failed)} of {len(binaries)} do not compile; the first, {failed[0]}: {words}"
        )


def _write_sources(binary: Binary, directory: Path) -> None:
    directory.mkdir(parents=True)
    libraries = []
    commands = []
    needs = [*binary.needs, *([(_libc_name(binary), binary.undefined)] if binary.undefined else [])]
    for number, (name, symbols) in enumerate(needs):
        start = list(_START) if name.startswith("libc.") else []  # it stands in for the C library
        stub = f"lib{number}"
        (directory / f"{stub}.c").write_text(_source([*_names(symbols), *start], [], binary))
        (directory / f"{stub}.map").write_text(_version_script(symbols))
        options = [
            "-shared",
            "-fPIC",
            "-nostdlib",
            f"-Wl,-soname,{name}",
            f"-Wl,--version-script={stub}.map",
        ]
        commands.append([*_compiler(binary), *options, "-o", f"{stub}.so", f"{stub}.c"])
        libraries.append(f"{stub}.so")
    taken = [name for _, symbols in needs for name in _names(symbols)]
    made = _source(_names(binary.defines), taken, binary, program=not binary.library)
    (directory / "main.c").write_text(binary.source or made)
    (directory / "main.map").write_text(_version_script(binary.defines))
    commands.append(_link(binary, libraries))
    lines = [" ".join(map(_quoted, command)) for command in commands]
    (directory / "make.sh").write_text(
        "\n".join(["set -e", *lines, "test -s linked", "mv linked out"]) + "\n"
    )


def _libc_name(binary: Binary) -> str:
    return "libc.so" if binary.libc == "musl" else "libc.so.6"


def _names(symbols: Iterable[str]) -> list[str]:
    return [symbol.split("@")[0] for symbol in symbols]


def _version_script(symbols: Iterable[str]) -> str:
    """GNU ld's version script: a node a version, in the order given.

    What has none stays unversioned.
    """
    versions: dict[str, list[str]] = {}
    for symbol in symbols:
        name, _, version = symbol.partition("@")
        versions.setdefault(version, []).append(name)
    versions.pop("", None)
    if not versions:
        return "{ global: *; };\n"
    return "".join(
        f"{version} {{ global: {'; '.join(names)}; }};\n" for version, names in versions.items()
    )


def _source(defines: list[str], taken: list[str], binary: Binary, *, program: bool = False) -> str:
    lines = [f"extern int {name}(void);" for name in taken]
    if binary.data:
        lines += [
            f"int (*volatile pointer_{number})(void) = {name};" for number, name in enumerate(taken)
        ]
        calls = ""
    else:
        guard = "" if binary.called else "if (condition) "
        calls = " ".join(f"{guard}{name}();" for name in taken)
    lines.append("volatile int condition;")
    lines += [f"int {name}(void) {{ {calls} return 0; }}" for name in defines]
    if program:
        lines.append(f"int main(void) {{ {calls} return 0; }}")
    return "\n".join(lines) + "\n"


def _compiler(binary: Binary) -> list[str]:
    return [
        _COMPILERS[binary.architecture],
        "-O1",
        "-fno-stack-protector",
        "-U_FORTIFY_SOURCE",
        "-w",
    ]


def _link(binary: Binary, libraries: list[str]) -> list[str]:
    options = [*_compiler(binary), "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"]
    if binary.library:
        options += ["-shared", "-fPIC"]
        if any("@" in symbol for symbol in binary.defines):
            options.append("-Wl,--version-script=main.map")
        if binary.soname:
            options.append(f"-Wl,-soname,{binary.soname}")
    elif binary.link != "dynamic":
        options.append(f"-{binary.link}")
    if binary.rpath is not None:
        options.append(f"-Wl,--disable-new-dtags,-rpath,{binary.rpath}")
    if binary.runpath is not None:
        options.append(f"-Wl,--enable-new-dtags,-rpath,{binary.runpath}")
    before, after = _C_LIBRARY[binary.libc](binary)
    return [*options, *before, "-o", "linked", "main.c", *libraries, *binary.flags, *after]


def _with_glibc(_binary: Binary) -> tuple[list[str], list[str]]:
    return [], []


def _with_musl(binary: Binary) -> tuple[list[str], list[str]]:
    """The options that musl's own ``musl-gcc`` specs would add."""
    directory, name = _MUSL[binary.architecture]
    path = f"/usr/lib/{directory}"
    start = {"static": "crt1.o", "static-pie": "rcrt1.o"}.get(binary.link, "Scrt1.o")
    before = ["-nostdinc", f"-isystem/usr/include/{directory}", "-nostdlib", f"-L{path}"]
    loader = (
        "--no-dynamic-linker"
        if binary.link == "static-pie"
        else f"-dynamic-linker,/lib/ld-musl-{name}.so.1"
    )
    before += (
        ["-Wl,-Bstatic"] if binary.link == "static-pie" else []
    )  # not every compiler takes -static-pie so
    before += [] if binary.library else [f"-Wl,{loader}", f"{path}/{start}"]
    own = binary.undefined or [need for need, _ in binary.needs if need.startswith("libc.")]
    library = [] if own and binary.link == "dynamic" else ["-lc"]
    return [*before, f"{path}/crti.o"], [*library, "-lgcc", f"{path}/crtn.o"]


def _with_none(_binary: Binary) -> tuple[list[str], list[str]]:
    return ["-nostdlib"], []


_C_LIBRARY = {"glibc": _with_glibc, "musl": _with_musl, "none": _with_none}


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _root() -> Path:
    """The compilers' root."""
    compilers = [
        f"gcc-{compiler.removesuffix('-gcc').replace('_', '-')}" for compiler in _COMPILERS.values()
    ]
    headers = [
        f"libc6-dev-{debian.ARCHITECTURES[name]}-cross" for name in _COMPILERS if name != "amd64"
    ]
    packages = [
        "base-files",
        "coreutils",
        "dash",
        "findutils",
        "gcc",
        "libc6-dev",
        *compilers,
        *headers,
    ]
    archives = debian.fetch(packages, suite=_SUITE, architecture="amd64", dependencies=True)
    for architecture in _MUSL:
        archives += debian.fetch(["musl", "musl-dev"], suite=_SUITE, architecture=architecture)
    return debian.laid_out(archives, "toolchain")
