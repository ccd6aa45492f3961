"""Writes the shipped table of bases from what others have measured and published.

``python -m lab.bases --measured DIR --lifecycles DIR --images DIR`` writes
``webhook/elfgate/bases/measured.toml``. Each folder is a checkout of a public repository:
``mayeut/pep600_compliance`` has the symbol versions that the libraries of each release define,
found in its images; ``endoflife-date/endoflife.date`` has until when releases are supported;
``docker-library/official-images`` has the architectures of official images. Each row names the
files that it is from, at their commits. The rows of Debian are held against the packages that the
lab lays out (``tests/truth/test_bases.py``).
"""

import argparse
import datetime as dt
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.fetched import LabError

OUTPUT = Path(__file__).parents[1] / "webhook" / "elfgate" / "bases" / "measured.toml"
_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "386",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_OFFICIAL = {
    "amd64": "amd64",
    "arm64v8": "arm64",
    "i386": "386",
    "arm32v7": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One distribution's names.

    Attributes:
        title: As people write it.
        family: os-release's ``ID``.
        measured: In the measurements.
        cycle: In the lifecycles.
        official: In the official images; empty if it has none.
        image: Its image, with ``{}`` for the release.
        releases: Which.
        free: Its extended support costs nothing.
        built: Architectures of the images that it builds itself, by release, with their source.
            Without them, and without official images, those that are measured count.
    """

    title: str
    family: str
    measured: str
    cycle: str
    official: str
    image: str
    releases: tuple[str, ...]
    free: bool = False
    built: Mapping[str, tuple[Sequence[str], str]] = field(default_factory=dict)


_OBS = "https://build.opensuse.org/repositories"
_LEAP = {
    "15.6": (
        ("amd64", "arm64", "arm", "ppc64le", "s390x"),
        f"{_OBS}/openSUSE:Containers:Leap:15.6/opensuse-leap-image.20240430131349",
    ),
    "16.0": (
        ("amd64", "arm64", "ppc64le", "s390x"),
        f"{_OBS}/openSUSE:Leap:16.0:Images:ToTest/Leap-release-appliance-docker",
    ),
}
_UBI = "registry.access.redhat.com"
_KINDS = (
    _Kind(
        "Debian", "debian", "debian", "debian", "debian", "debian:{}", ("11", "12", "13"), free=True
    ),
    _Kind(
        "Ubuntu", "ubuntu", "ubuntu", "ubuntu", "ubuntu", "ubuntu:{}", ("22.04", "24.04", "26.04")
    ),
    _Kind("UBI", "rhel", "rhubi", "rhel", "", f"{_UBI}/ubi{{}}/ubi", ("8", "9", "10")),
    _Kind("Fedora", "fedora", "fedora", "fedora", "fedora", "fedora:{}", ("43", "44")),
    _Kind(
        "Amazon Linux",
        "amzn",
        "amazonlinux",
        "amazon-linux",
        "amazonlinux",
        "amazonlinux:{}",
        ("2", "2023"),
    ),
    _Kind(
        "openSUSE Leap",
        "opensuse-leap",
        "opensuse",
        "opensuse",
        "",
        "opensuse/leap:{}",
        ("15.6", "16.0"),
        built=_LEAP,
    ),
)


class Checkout:
    """A checkout of a public repository.

    Args:
        folder: Where.
        name: ``owner/name``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._commit = self._git("rev-parse", "HEAD").strip()

    def read(self, path: str) -> str:
        """A file at the newest commit; empty if there is none."""
        try:
            return self._git("show", f"HEAD:{path}")
        except subprocess.CalledProcessError:
            return ""

    def source(self, path: str) -> str:
        """The address of a file, for anybody."""
        return f"https://github.com/{self._name}/blob/{self._commit}/{path}"

    def _git(self, *words: str) -> str:
        command = ("git", "-C", str(self._folder), *words)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout


@dataclass(frozen=True, slots=True)
class Sources:
    """The three checkouts."""

    measured: Checkout
    lifecycles: Checkout
    images: Checkout


def rows(sources: Sources) -> Iterator[dict[str, Any]]:
    """The row of each release.

    Raises:
        LabError: if one is not measured, or has no lifecycle.
    """
    for kind in _KINDS:
        for release in kind.releases:
            yield _row(sources, kind, release)


def _row(sources: Sources, kind: _Kind, release: str) -> dict[str, Any]:
    found = dict(_measured(sources.measured, f"{kind.measured}-{release}"))
    if not found:
        raise LabError(f"{kind.title} {release} is not measured")
    page = f"products/{kind.cycle}.md"
    cycle = _cycle(sources.lifecycles.read(page), release)
    official = f"library/{kind.official}"
    listed = _listed(sources.images.read(official), release) if kind.official else None
    measured = [name for name in found if listed is None or name in listed]
    built, place = kind.built.get(release, (measured, ""))
    cited = [sources.measured.source(f"cache/x86_64/{kind.measured}-{release}.json")]
    cited.append(sources.lifecycles.source(page))
    cited += [sources.images.source(official)] if listed else []
    cited += [place] if place else []
    return {
        "name": f"{kind.title} {release}",
        "family": kind.family,
        "release": release,
        "image": kind.image.format(release),
        "released": cycle["releaseDate"],
        "until": cycle["eoes"] if kind.free else cycle["eol"],
        "architectures": list(built),
        "libc": "glibc",
        "libc_version": _least([found[name]["glibc_version"] for name in measured]),
        "glibcxx": _least([_newest(found[name], "GLIBCXX") for name in measured]),
        "cxxabi": _least([_newest(found[name], "CXXABI") for name in measured]),
        "libgcc": {name: _newest(found[name], "GCC") for name in measured},
        "sources": cited,
    }


def _measured(checkout: Checkout, name: str) -> Iterator[tuple[str, Any]]:
    for machine, architecture in _MACHINES.items():
        text = checkout.read(f"cache/{machine}/{name}.json")
        if text:
            yield architecture, json.loads(text)


def _cycle(page: str, release: str) -> Any:
    front = yaml.safe_load(page.split("---\n")[1])
    for cycle in front["releases"]:
        if str(cycle["releaseCycle"]) == release:
            return cycle
    raise LabError(f"{front['title']} {release} has no lifecycle")


def _listed(text: str, release: str) -> set[str] | None:
    """The architectures of an official image; None where the release is not built any more."""
    for block in text.split("\n\n"):
        fields = dict(re.findall(r"^(\w+): (.*)$", block, re.MULTILINE))
        if release in fields.get("Tags", "").split(", "):
            names = fields["Architectures"].split(", ")
            return {_OFFICIAL[name] for name in names if name in _OFFICIAL}
    return None


def _newest(measured: Any, family: str) -> str:
    versions: list[str] = measured["symbols"][family]
    return max(filter(_VERSION.fullmatch, versions), key=_key)


def _least(versions: Sequence[str]) -> str:
    return min(versions, key=_key)


def _key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _toml(row: dict[str, Any]) -> str:
    libgcc = row.pop("libgcc")
    lines = _assigned(row)
    inner = _assigned(libgcc)
    return "\n".join(["[[base]]", *lines, "[base.libgcc]", *inner, ""])


def _assigned(fields: dict[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in fields.items() if value is not None]


def _value(value: object) -> str:
    if isinstance(value, list):
        return json.dumps(value) if len(str(value)) < 100 else json.dumps(value, indent=2)
    return value.isoformat() if isinstance(value, dt.date) else json.dumps(value)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("measured", "lifecycles", "images"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    sources = Sources(
        Checkout(options.measured, "mayeut/pep600_compliance"),
        Checkout(options.lifecycles, "endoflife-date/endoflife.date"),
        Checkout(options.images, "docker-library/official-images"),
    )
    head = "# Written by `python -m lab.bases`: see there for where it is from.\n\n"
    OUTPUT.write_text(head + "\n".join(_toml(row) for row in rows(sources)), encoding="utf-8")


if __name__ == "__main__":
    main()
