"""UPX, out of Debian: packs a program of any architecture that it knows, in a sandbox."""

import tempfile
from pathlib import Path

from elfgate.trial.start import Start
from lab import debian, roots
from lab.fetched import LabError
from lab.sandbox import Sandbox

_SUITE = "trixie"
_PACKAGES = ("upx-ucl", "libucl1")


def packed(program: bytes, method: str) -> bytes:
    """Pack a program.

    Args:
        program: An ELF file.
        method: ``nrv2b``, ``nrv2d``, ``nrv2e`` or ``lzma``.

    Returns:
        The packed file.

    Raises:
        LabError: if UPX does not take it.
    """
    archives = debian.fetch(_PACKAGES, suite=_SUITE, architecture="amd64")
    layers = (debian.laid_out(archives, "upx"), roots.build("debian13", "amd64"))
    with tempfile.TemporaryDirectory() as temporary, Sandbox("amd64") as sandbox:
        given = Path(temporary, "given")
        given.mkdir()
        (given / "program").write_bytes(program)
        (given / "program").chmod(0o755)
        argv = ("/usr/bin/upx-ucl", "-q", f"--{method}", "-o", "/packed", "/program")
        outcome = sandbox.start(Start((str(given), *map(str, layers)), argv, kept=temporary))
        if outcome.status != 0:
            raise LabError(f"upx-ucl: {outcome.failed or outcome.stderr.strip() or outcome}")
        return Path(temporary, "upper", "packed").read_bytes()
