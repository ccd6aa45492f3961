"""Root file systems from Debian packages, of any suite and architecture.

The host needs no more than an apt that knows a Debian mirror.

apt runs with a configuration of its own (``apt.conf(5)``, ``APT_CONFIG``): its own lists, archives
and an empty dpkg status, so that the host's packages neither matter nor change. Packages are laid
out by ``dpkg-deb --fsys-tarfile`` and not configured: no maintainer script runs.
"""

import hashlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab.alone import alone
from lab.fetched import LabError, cache, missing, put, run

ARCHITECTURES = {
    "amd64": "amd64",
    "386": "i386",
    "arm64": "arm64",
    "arm/v7": "armhf",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "mips64le": "mips64el",
    "ppc64": "ppc64",
    "loong64": "loong64",
}
"""Debian's name of each OCI architecture (with its variant)."""

MULTIARCH = {
    "amd64": "x86_64-linux-gnu",
    "386": "i386-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "arm/v7": "arm-linux-gnueabihf",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "mips64le": "mips64el-linux-gnuabi64",
    "ppc64": "powerpc64-linux-gnu",
    "loong64": "loongarch64-linux-gnu",
}
"""Debian's multi-arch directory of each OCI architecture (with its variant)."""

_SUITES = frozenset(
    {"bullseye", "bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable"}
)
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_INDEX_AGE = 86_400  # seconds for which a suite's index is not asked for again
_MERGED = ("bin", "sbin", "lib", "lib64")  # names that a merged-/usr root links into /usr


def unavailable() -> str:
    """Why Debian packages cannot be fetched on this machine, in one line; empty if they can."""
    try:
        return missing("apt-get", "apt-cache", "apt-config", "dpkg-deb", "tar") or (
            _mirror() and ""
        )
    except LabError as error:
        return str(error)


def fetch(
    packages: Iterable[str],
    *,
    suite: str,
    architecture: str,
    dependencies: bool = False,
    security: bool = False,
) -> list[Path]:
    """Download packages, unless the cache has them in the suite's present version.

    Args:
        packages: Names.
        suite: ``bookworm``, ``trixie``, …
        architecture: An OCI name of ``ARCHITECTURES``.
        dependencies: Also what they depend on (without recommendations).
        security: With the suite's security updates, for what is to be run and not only looked at.

    Returns:
        The ``.deb`` files, in apt's order.

    Raises:
        LabError: if the mirror does not serve one of them.
    """
    home = _home(suite, architecture, security=security)
    names = list(packages)
    if dependencies:
        plan = _apt(home, "install", "--simulate", "--no-install-recommends", *names)
        names = [
            f"{name}={version}"
            for name, version in re.findall(r"^Inst (\S+) \((\S+)", plan, re.MULTILINE)
        ]
    listing = _apt(home, "download", "--print-uris", *names)
    archives = home / "archives"
    paths = [
        archives / name for name in re.findall(r"^'\S+' (\S+\.deb) \d+", listing, re.MULTILINE)
    ]
    with alone(home):
        lacking = [specification(path.name) for path in paths if not path.exists()]
        if lacking:
            _apt(home, "download", *lacking, cwd=archives)
    return paths


def digests(packages: Iterable[str], *, suite: str, architecture: str) -> dict[str, str]:
    """The SHA-256 of packages' files by their names, as the mirror's index has them.

    With the suite's security updates.

    Raises:
        LabError: if the mirror does not serve one of them.
    """
    home = _home(suite, architecture, security=True)
    listing = _apt(home, "download", "--print-uris", *packages)
    return dict(re.findall(r"^'\S+' (\S+\.deb) \d+ SHA256:(\w+)", listing, re.MULTILINE))


def downloaded(suite: str, architecture: str) -> Path:
    """The folder of what was fetched already, of a suite with its security updates."""
    return _folder(suite, architecture, security=True) / "archives"


def depends(package: str, *, suite: str, architecture: str) -> list[str]:
    """The names of the packages that a package depends on, itself only.

    Raises:
        LabError: if there is no such package.
    """
    home = _home(suite, architecture)
    listing = run("apt-cache", "depends", package, env={"APT_CONFIG": str(home / "apt.conf")})
    return re.findall(r"^\s*Depends: (\S+)", listing, re.MULTILINE)


def root(
    packages: Sequence[str],
    *,
    suite: str,
    architecture: str,
    destination: Path,
    dependencies: bool = False,
) -> list[str]:
    """Lay packages out as a root file system with a merged ``/usr``.

    Args:
        packages: Names; nothing else is laid out, unless ``dependencies``.
        suite: ``bookworm``, ``trixie``, …
        architecture: An OCI name of ``ARCHITECTURES``.
        destination: A directory that does not exist yet; it appears when it is complete.
        dependencies: Also what they depend on (without recommendations).

    Returns:
        ``package_version_architecture`` of each package laid out.

    Raises:
        LabError: if a package cannot be had or unpacked.
    """
    archives = fetch(packages, suite=suite, architecture=architecture, dependencies=dependencies)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=destination.parent, prefix=f".{destination.name}-"
    ) as temporary:
        partial = Path(temporary, "root")
        lay_out(archives, partial)
        partial.rename(destination)
    return [archive.stem for archive in archives]


def laid_out(archives: Sequence[Path], kind: str) -> Path:
    """A root of packages in the cache, laid out once for each version of them.

    Args:
        archives: Their ``.deb`` files.
        kind: The cache's name for it.
    """
    key = hashlib.sha256(repr([path.name for path in archives]).encode()).hexdigest()[:12]
    destination = cache(kind) / key
    if not destination.is_dir():
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".root-") as temporary:
            lay_out(archives, Path(temporary, "root"))
            put(Path(temporary, "root"), destination)
    return destination


def lay_out(archives: Iterable[Path], destination: Path) -> None:
    """Unpack ``.deb`` files into a root file system with a merged ``/usr``, made if missing.

    Raises:
        LabError: if one cannot be unpacked.
    """
    for name in _MERGED:
        (destination / "usr" / name).mkdir(parents=True, exist_ok=True)
        (destination / name).symlink_to(f"usr/{name}")
    for archive in archives:
        unpack(archive, destination)


def unpack(archive: Path, destination: Path) -> None:
    """Lay out the files of one ``.deb``, owned by the current user.

    Raises:
        LabError: if it is no package or its files cannot be written.
    """
    # A merged /usr's links stay, though packages may hold directories in their place.
    tar = [
        "tar",
        "--extract",
        "--file=-",
        "--keep-directory-symlink",
        "--no-same-owner",
        f"--directory={destination}",
    ]
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE
        ) as source,
        subprocess.Popen(tar, stdin=source.stdout, stderr=subprocess.PIPE, text=True) as sink,
    ):
        if source.stdout is not None:
            source.stdout.close()
        _, words = sink.communicate()
    if source.returncode or sink.returncode:
        raise LabError(
            f"{archive.name} cannot be unpacked: "
            f"{words.strip().splitlines()[-1:] or 'dpkg-deb failed'}"
        )


def specification(name: str) -> str:
    """``libc6_2.36-9_ppc64el.deb`` as apt takes it: ``libc6=2.36-9``.

    Apt writes an epoch's colon as %3a.
    """
    package, version, _ = name.split("_")
    return f"{package}={version.replace('%3a', ':')}"


def _folder(suite: str, architecture: str, *, security: bool) -> Path:
    if architecture not in ARCHITECTURES:
        raise LabError(f"Debian has no architecture {architecture}")
    return cache("debian", f"{suite}{'-security' * security}-{ARCHITECTURES[architecture]}")


def _home(suite: str, architecture: str, *, security: bool = False) -> Path:
    """The private apt of one suite and architecture.

    Its index is no older than a day if the mirror answers.
    """
    home = _folder(suite, architecture, security=security)
    with alone(home):  # an update takes the index away from whoever reads it meanwhile
        if not _is_recent(home / "updated"):
            _configure(home, suite, ARCHITECTURES[architecture], security=security)
            _update(home)
    return home


def _is_recent(stamp: Path) -> bool:
    """Tell whether the index was asked for within a day."""
    return stamp.exists() and time.time() - stamp.stat().st_mtime < _INDEX_AGE


def _update(home: Path) -> None:
    """Ask the mirror for its index.

    Raises:
        LabError: if the mirror does not answer, and there is no older index.
    """
    stamp = home / "updated"
    try:
        _apt(home, "update", "--error-on=any")
    except LabError as error:
        if not stamp.exists():
            raise LabError(f"Debian's {home.name} is not served: {error}") from error
    stamp.touch()


def _configure(home: Path, suite: str, architecture: str, *, security: bool) -> None:
    for name in ("lists/partial", "archives/partial", "etc/parts"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "status").touch()
    signed_by = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    sources = [
        f"{_mirror()} {suite}",
        *([f"{_security_mirror()} {suite}-security"] if security else []),
    ]
    (home / "etc" / "sources.list").write_text(
        "".join(f"deb {signed_by}{source} main\n" for source in sources)
    )
    settings = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",  # apt's own user could not write to a home directory
        "APT::Get::Assume-Yes": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::Check-Valid-Until": "false",  # a suite out of support stays as it is
        "Debug::NoLocking": "true",
        "Dir::State": home,
        "Dir::State::lists": home / "lists",
        "Dir::State::status": home / "status",
        "Dir::Cache": home,
        "Dir::Cache::archives": home / "archives",
        "Dir::Etc": home / "etc",
        "Dir::Etc::sourcelist": home / "etc" / "sources.list",
        "Dir::Etc::sourceparts": home / "etc" / "parts",
        "Dir::Etc::parts": home / "etc" / "parts",
        "Dir::Etc::preferencesparts": home / "etc" / "parts",
    }
    lines = [f'{name} "{value}";' for name, value in settings.items()]
    (home / "apt.conf").write_text("\n".join([*lines, *_proxies()]) + "\n")


def _proxies() -> list[str]:
    """The host's way to the mirror: its own proxy, certificate and account settings of apt."""
    dump = run("apt-config", "dump", "--empty=0", "Acquire::http", "Acquire::https")
    return [line for line in dump.splitlines() if line.startswith("Acquire::http")]


def _mirror() -> str:
    """The Debian mirror that the host's apt is configured with."""
    for uri, suite in re.findall(
        r"'(\S+)/dists/([^/']+)/InRelease'", run("apt-get", "update", "--print-uris")
    ):
        if suite in _SUITES:
            return str(uri)
    raise LabError("the host's apt sources name no Debian mirror")


def _security_mirror() -> str:
    """The place that the host's apt has Debian's security updates from."""
    for uri, suite in re.findall(
        r"'(\S+)/dists/([^/']+)/InRelease'", run("apt-get", "update", "--print-uris")
    ):
        if suite.endswith("-security") and suite.removesuffix("-security") in _SUITES:
            return str(uri)
    raise LabError("the host's apt sources name no mirror of Debian's security updates")


def _apt(home: Path, *arguments: str, cwd: Path | None = None) -> str:
    return run(
        "apt-get", "--quiet=2", *arguments, cwd=cwd, env={"APT_CONFIG": str(home / "apt.conf")}
    )
