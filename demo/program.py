"""The program.

Uv, a real Rust program, in the builds that its project publishes for each architecture.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

from lab.fetched import LabError, cache, run

NAME = "uv"
VERSION = "0.13.9"
PINS = Path(__file__).with_name("requirements.txt")

WHEELS = {
    "amd64": "musllinux_1_1_x86_64",
    "arm64": "musllinux_1_1_aarch64",
    "ppc64le": "manylinux_2_17_ppc64le",
    "s390x": "manylinux_2_17_s390x",
}
"""The platform tag of each architecture's build.

Musl and static where there is such a build, else for glibc.
"""


def fetch(architecture: str) -> bytes:
    """The program of one architecture, from the package index that pip is configured with.

    Checked by its hash.

    Raises:
        LabError: if it cannot be had.
    """
    kept = cache("demo") / f"{NAME}-{VERSION}-{architecture}"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            pins = ["--require-hashes", "--requirement", str(PINS)]
            wanted = ["--no-deps", "--only-binary=:all:", "--platform", WHEELS[architecture]]
            run(
                sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder, *wanted, *pins
            )
            program = _unpacked(next(Path(folder).glob("*.whl")))
        partial = kept.with_suffix(".partial")
        partial.write_bytes(program)
        partial.rename(kept)
    return kept.read_bytes()


def _unpacked(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{NAME}-{VERSION}.data/scripts/{NAME}")
    except (KeyError, zipfile.BadZipFile) as error:
        raise LabError(f"{wheel.name}: {error}") from error
