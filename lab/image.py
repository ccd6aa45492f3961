"""elfgate's own image, put together without an engine.

What ``webhook/Dockerfile`` runs, and ``make image``.

Three layers for each platform, the one that changes most on top: Debian's packages, Python's
packages, elfgate. Nothing of the platform is executed: packages are unpacked, wheels too, and
bytecode is the same everywhere. What has no wheel for a platform is Debian's own package of it, or
left out where elfgate does without it (see pyproject.toml).
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab import debian, dockerfile, locked, pypi, sbom
from lab.fetched import LabError, cache, put, run
from lab.layout import File, Layout
from lab.platforms import ARCHITECTURES, MACHINES, ROOT, SUITES, Platform

_FORM = 1  # counts up when what is made of the same parts changes
_USELESS = (  # in a container that runs one program
    *(
        "usr/share/bash-completion",
        "usr/share/lintian",
        "usr/share/locale",
        "usr/share/man",
        "usr/share/bug",
    ),
    *(
        "usr/share/menu",
        "usr/share/applications",
        "usr/share/pixmaps",
        "usr/share/binfmts",
        "usr/share/base-files",
    ),
    *(
        "etc/profile.d",
        "etc/update-motd.d",
        "etc/skel",
        "etc/motd",
        "usr/bin/ld.so",
        "usr/share/python3",
        "usr/sbin/update-ca-certificates",
    ),
)
_NEVER_RUN = (  # of Python's own library: some of it needs libraries that are not here
    *(
        "idlelib",
        "ensurepip",
        "lib2to3",
        "pydoc_data",
        "turtledemo",
        "tkinter",
        "lib-dynload/_curses*",
        "test",
    ),
    *("lib-dynload/_dbm.*", "lib-dynload/readline.*", "config-*"),
)
_NEVER_IMPORTED = (
    "bin",
    "kubernetes/aio",
    "zstandard/_cffi*",
)  # of the packages; programs are for the Python that ran pip
_LAYERS = ("debian", "python", "elfgate")


def assemble(platform: Platform, own: Path) -> list[Path]:
    """The folder of each layer, the lowest first.

    Args:
        platform: Which.
        own: Where to write the last one, which does not exist yet: it is new each time. Others are
            kept in the cache.

    Raises:
        LabError: if something cannot be had.
    """
    archives = locked.fetch(
        platform.packages, suite=platform.suite, architecture=platform.architecture
    )
    site = f"usr/local/lib/python{platform.python}/dist-packages"

    def system(layer: Path) -> None:
        _lay_out(archives, layer, platform.architecture)
        _compile(platform, layer)

    def packages(layer: Path) -> None:
        _install(platform, layer / site)
        _compile(platform, layer)

    below = [
        _kept(platform, [path.name for path in archives], system),
        _kept(platform, platform.requirements, packages),
    ]
    wheel = _own_wheel(own / site)
    program = own / "usr" / "bin" / "elfgate"
    program.parent.mkdir(parents=True)
    shebang = f"#!/usr/bin/python{platform.python} -I\n"
    start = f"{shebang}import sys\n\nfrom elfgate.cli.main import main\n\nsys.exit(main())\n"
    program.write_text(start)
    program.chmod(0o755)
    _compile(platform, own)
    words = own / "usr" / "share" / "doc" / "elfgate"
    words.mkdir(parents=True)
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, words / name)
    bill = own / "usr" / "share" / "sbom" / "elfgate.cdx.json"
    bill.parent.mkdir(parents=True)
    bill.write_bytes(sbom.bill(wheel, archives, below[1] / site, suite=platform.suite))
    return [*below, own]


def write(platforms: Sequence[Platform], destination: Path) -> None:
    """Write an OCI layout of one image for these platforms, named ``elfgate``.

    Always the same bytes of the same parts.

    Raises:
        LabError: if something cannot be had.
    """
    shutil.rmtree(destination, ignore_errors=True)
    layout, manifests = Layout(destination), []
    config = dockerfile.config(ROOT / "webhook" / "Dockerfile")
    for platform in platforms:
        with tempfile.TemporaryDirectory(prefix="elfgate-image-") as folder:
            layers = [
                layout.layer(_files(layer)) for layer in assemble(platform, Path(folder, "own"))
            ]
        size = sum(layer.descriptor["size"] for layer in layers)
        packed = f"{size / 1e6:.1f} MB packed"
        print(f"{platform.architecture}: {packed}, from Debian {platform.suite}")  # noqa: T201
        manifests.append(layout.image(platform.architecture, layers, config))
    layout.tag("elfgate", manifests)
    layout.finish()


def _kept(platform: Platform, parts: Sequence[str], make: Callable[[Path], None]) -> Path:
    """A folder that is made once of its parts."""
    text = "\n".join([str(_FORM), platform.architecture, platform.suite, *parts])
    home = cache("image")
    kept = home / hashlib.sha256(text.encode()).hexdigest()[:20]
    if not kept.is_dir():
        with tempfile.TemporaryDirectory(dir=home, prefix=".") as folder:
            partial = Path(folder, "layer")
            make(partial)
            put(partial, kept)
    return kept


def _lay_out(archives: Sequence[Path], root: Path, architecture: str) -> None:
    debian.lay_out(archives, root)
    for name in (*_USELESS, f"usr/lib/{debian.MULTIARCH[architecture]}/gconv"):
        _remove(root / name)
    for name in _NEVER_RUN:
        for path in root.glob(f"usr/lib/python3.*/{name}"):
            _remove(path)
    for folder in [path for path in root.glob("usr/share/doc/*") if not path.is_symlink()]:
        for path in [path for path in folder.iterdir() if path.name != "copyright"]:
            _remove(path)  # the licences stay
    _describe(archives, root)
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in certificates))
    (root / "etc" / "passwd").write_text(
        "root:x:0:0::/:/nonexistent\nelfgate:x:65532:65532::/tmp:/nonexistent\n"
    )
    (root / "etc" / "group").write_text("root:x:0:\nelfgate:x:65532:\n")
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _describe(archives: Sequence[Path], root: Path) -> None:
    """Leave what scanners of images look for in one without dpkg: a stanza a package."""
    folder = root / "var" / "lib" / "dpkg" / "status.d"
    folder.mkdir(parents=True)
    for archive in archives:
        control = run("dpkg-deb", "--field", archive)
        (folder / archive.name.partition("_")[0]).write_text(
            f"{control.rstrip()}\nStatus: install ok installed\n"
        )


def _install(platform: Platform, site: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(platform.requirements))
        listed.flush()
        options = [
            option
            for tag in pypi.tags(platform.architecture, "glibc")
            for option in ("--platform", tag)
        ]
        command = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-compile",
            "--require-hashes",
        ]
        command += [
            "--only-binary=:all:",
            "--implementation=cp",
            f"--python-version={platform.python}",
            *options,
        ]
        run(
            sys.executable,
            "-m",
            "pip",
            "install",
            *command,
            f"--target={site}",
            "--requirement",
            listed.name,
        )
    for name in _NEVER_IMPORTED:
        for path in site.glob(name):
            _remove(path)


def _own_wheel(site: Path) -> Path:
    """Build elfgate's wheel and unpack it; where its metadata are."""
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-build-isolation",
            f"--wheel-dir={folder}",
        ]
        run(sys.executable, "-m", "pip", "wheel", *options, ROOT)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    (metadata,) = site.glob("*.dist-info")
    return metadata


def _compile(platform: Platform, layer: Path) -> None:
    """Write the bytecode of every module beside it, as the platform's Python would.

    It is the same on all of them.

    Its validity is not checked when it is loaded (PEP 552), as nothing in an image changes.
    """
    host = {machine: name for name, machine in MACHINES.items()}[run("uname", "-m").strip()]
    own = Platform(host, platform.suite)
    archives = locked.fetch(own.interpreter, suite=own.suite, architecture=host)
    here = _kept(own, [path.name for path in archives], lambda root: debian.lay_out(archives, root))
    loader = next(
        path
        for folder in ("lib64", "lib")
        for path in sorted((here / "usr" / folder).glob("ld*.so.*"))
    )
    program = here / "usr" / "bin" / f"python{platform.python}"
    python = (loader, "--library-path", here / "usr" / "lib" / debian.MULTIARCH[host], program)
    options: list[str | Path] = [
        "-q",
        "-j1",
        "--invalidation-mode=unchecked-hash",
        "-s",
        layer,
        "-p",
        "/",
    ]
    environment = {
        "PYTHONHOME": str(here / "usr"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    run(*python, "-m", "compileall", *options, layer / "usr", env=environment)


def _files(root: Path) -> Iterator[File]:
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            yield File(name, link=str(path.readlink()))
        elif path.is_dir():
            yield File(
                name, mode=path.stat().st_mode & 0o7777 if name == "tmp" else 0o755, directory=True
            )
        else:
            yield File(name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)


def _copy(platform: Platform, destination: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="elfgate-image-") as folder:
        for name, layer in zip(_LAYERS, assemble(platform, Path(folder, "own")), strict=True):
            shutil.copytree(layer, destination / name, symlinks=True)


def main() -> None:
    """Either the layers of one platform, for a Dockerfile, or a whole image."""
    parser = argparse.ArgumentParser(prog="python -m lab.image", description=main.__doc__)
    parser.add_argument(
        "--layers", choices=ARCHITECTURES, help="write one platform's layers only, each as a folder"
    )
    parser.add_argument("--suite", choices=SUITES, help="of this suite of Debian and no other")
    parser.add_argument(
        "--architecture", action="append", choices=ARCHITECTURES, help="default: all"
    )
    parser.add_argument("destination", type=Path)
    options = parser.parse_args()
    try:
        if options.layers:
            _copy(
                Platform(options.layers, options.suite or next(iter(SUITES))), options.destination
            )
            return
        names = options.architecture or ARCHITECTURES
        platforms = [
            Platform(name, options.suite) if options.suite else locked.platform(name)
            for name in names
        ]
        write(platforms, options.destination)
    except LabError as error:
        sys.exit(f"image: {error}")


if __name__ == "__main__":
    main()
