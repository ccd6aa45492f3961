"""A real Go compiler, from Debian's packages, in a root of its own.

For programs that their own runtime checks.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from elfgate.trial.start import Start
from lab import debian
from lab.fetched import LabError, cache
from lab.sandbox import Sandbox

_SUITE = "bookworm"
_PACKAGES = ("golang-1.19-go", "golang-1.19-src", "base-files", "libc6", "dash", "coreutils")
_SOURCE = 'package main\n\nfunc main() { println("started") }\n'
_ENV = {
    "PATH": "/usr/lib/go-1.19/bin:/usr/bin:/bin",
    "HOME": "/build",
    "GOCACHE": "/build/cache",
    "GO111MODULE": "off",
    "GOFLAGS": "-buildvcs=false",
    "CGO_ENABLED": "0",
}


def program(architecture: str, settings: Mapping[str, str]) -> Path:
    """A program that says it has started, compiled unless the cache has it.

    Args:
        architecture: An OCI name, which is Go's own but for the variant.
        settings: Variables of the compiler, such as ``GOAMD64``.

    Raises:
        LabError: if it does not compile; with the compiler's words.
    """
    key = hashlib.sha256(
        json.dumps([_SOURCE, architecture, dict(settings)], sort_keys=True).encode()
    ).hexdigest()[:20]
    made = cache("golang") / key
    if made.exists():
        return made
    with tempfile.TemporaryDirectory(dir=made.parent, prefix=".build-") as temporary:
        source = Path(temporary, "upper", "build")
        source.mkdir(parents=True)
        (source / "main.go").write_text(_SOURCE)
        with Sandbox("amd64") as sandbox:
            env = {**_ENV, "GOARCH": architecture.partition("/")[0], **settings}
            argv = ("go", "build", "-o", "/build/out", "/build/main.go")
            outcome = sandbox.start(Start((str(_root()),), argv, env, kept=temporary, timeout=900))
        if not (source / "out").exists():
            raise LabError(f"Go for {architecture}: {outcome.failed or outcome.stderr or outcome}")
        (source / "out").rename(made)
    return made


def _root() -> Path:
    return debian.laid_out(
        debian.fetch(_PACKAGES, suite=_SUITE, architecture="amd64"), "golang-root"
    )
