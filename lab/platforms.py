"""The platforms of elfgate's own image: the suite of Debian and the packages of each."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from lab import debian
from lab.fetched import LabError

ROOT = Path(__file__).resolve().parents[1]
ARCHITECTURES = ("amd64", "arm64", "ppc64le", "s390x")
SUITES = {"trixie": "3.13", "forky": "3.14"}
"""Debian's suites, the one that images are made of first, each with its Python.

The others only stand in for it where a mirror does not serve it for an architecture; what is made
of them is good for trying out.
"""

_LIBRARIES = (
    *(
        "libbz2-1.0",
        "libc6",
        "libexpat1",
        "libffi8",
        "libgcc-s1",
        "liblzma5",
        "libsqlite3-0",
        "libssl3t64",
    ),
    *("libstdc++6", "libuuid1", "libzstd1", "zlib1g"),
)
_INSTEAD_OF_WHEELS = {
    "ppc64le": {"orjson": ("python3-orjson",), "pyyaml": ("python3-yaml", "libyaml-0-2")},
    "s390x": {
        "orjson": ("python3-orjson",),
        "cryptography": ("python3-cryptography", "python3-cffi-backend"),
    },
}
"""By architecture, the projects that publish no wheel for it, and the Debian packages that do."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "ppc64le": "ppc64le", "s390x": "s390x"}


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform's image.

    Attributes:
        architecture: An OCI name of ``ARCHITECTURES``.
        suite: One of ``SUITES``.
    """

    architecture: str
    suite: str

    @property
    def python(self) -> str:
        """Its Python, as 3.13."""
        return SUITES[self.suite]

    @property
    def packages(self) -> list[str]:
        """Debian's packages in it."""
        instead = [
            name
            for names in _INSTEAD_OF_WHEELS.get(self.architecture, {}).values()
            for name in names
        ]
        return ["base-files", "ca-certificates", *self.interpreter, *instead]

    @property
    def interpreter(self) -> list[str]:
        """Those that make up Python, and the libraries that wheels need."""
        python = f"python{self.python}"
        return [*_LIBRARIES, f"{python}-minimal", f"lib{python}-minimal", f"lib{python}-stdlib"]

    @property
    def requirements(self) -> list[str]:
        """The requirements installed as wheels, each with its hashes, as pip reads it."""
        environment = {name: str(value) for name, value in default_environment().items()}
        environment |= {
            "platform_machine": MACHINES[self.architecture],
            "python_version": self.python,
        }
        environment |= {"python_full_version": f"{self.python}.0"}
        locked = (ROOT / "requirements" / "runtime.txt").read_text()
        chosen = []
        for entry in re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", locked, re.MULTILINE | re.DOTALL):
            requirement = Requirement(entry.partition("\\")[0].strip())
            wanted = requirement.marker is None or requirement.marker.evaluate(environment)
            if wanted and requirement.name not in _INSTEAD_OF_WHEELS.get(self.architecture, {}):
                hashes = re.findall(r"--hash=\S+", entry)
                chosen.append(" ".join((f"{requirement.name}{requirement.specifier}", *hashes)))
        return chosen


def available(architecture: str) -> Platform:
    """The platform of the first suite that the mirror serves for an architecture.

    Raises:
        LabError: if it serves none.
    """
    why = ""
    for suite in SUITES:
        try:
            debian.fetch(["libc6"], suite=suite, architecture=architecture, security=True)
        except LabError as error:
            why = why or str(error)
        else:
            return Platform(architecture, suite)
    raise LabError(why)
