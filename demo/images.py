"""The three images.

The same program on an empty root, an Alpine-like one and a Debian one, on four platforms.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import program
from demo.roots import Roots
from lab.fetched import cache
from lab.layout import File, Layer, Layout

FORM = 2  # counts up when the images' form changes
REPOSITORY = "example/uv"
VARIANTS = ("scratch", "alpine", "debian")
LAYOUT = "uv"  # the layout's folder

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENTRYPOINT = b'#!/bin/sh\nset -e\nexec "$@"\n'

CONFIGS: dict[str, dict[str, Any]] = {
    "scratch": {"Env": [PATH], "Entrypoint": ["/uv"], "Cmd": ["--version"]},
    "alpine": {"Env": [PATH], "Entrypoint": ["/entrypoint.sh"], "Cmd": ["uv", "--version"]},
    "debian": {"Env": [PATH], "Entrypoint": ["uv"], "Cmd": ["--version"]},
}


@dataclass(frozen=True, slots=True)
class Images:
    """An OCI image layout with the three.

    Attributes:
        folder: The folder that the layout's folder is in.
        fresh: They were made just now; else they were there already.
    """

    folder: Path
    fresh: bool

    def tag(self, variant: str) -> str:
        """A variant's tag."""
        return f"{program.VERSION}-{variant}"

    def reference(self, variant: str) -> str:
        """The name that a cluster would use for a variant."""
        return f"{REPOSITORY}:{self.tag(variant)}"

    def location(self, variant: str) -> str:
        """The location, as ``elfgate`` takes it from within ``folder``."""
        return f"oci:{LAYOUT}:{self.tag(variant)}"


def make(programs: dict[str, bytes], roots: Roots) -> Images:
    """Make the images, unless the cache has them made of the same parts."""
    parts = [
        str(FORM),
        program.VERSION,
        roots.key,
        *(hashlib.sha256(build).hexdigest() for build in programs.values()),
    ]
    folder = cache("demo") / hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    if folder.is_dir():
        return Images(folder, fresh=False)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        partial = Path(temporary, "images")
        _write(Layout(partial / LAYOUT), programs, roots)
        partial.rename(folder)
    return Images(folder, fresh=True)


def _write(layout: Layout, programs: dict[str, bytes], roots: Roots) -> None:
    script = layout.layer([File("entrypoint.sh", ENTRYPOINT, 0o755)])

    def stacks(architecture: str) -> dict[str, Sequence[Layer]]:
        """Each variant's layers, the lowest first.

        The program's layer is one for both that have a /usr.
        """
        build = programs[architecture]
        installed = layout.layer([File("usr/local/bin/uv", build, 0o755)])
        return {
            "scratch": [layout.layer([File("uv", build, 0o755)])],
            "alpine": [layout.layer(roots.alpine(architecture)), installed, script],
            "debian": [layout.layer(roots.debian(architecture, build)), installed],
        }

    with ThreadPoolExecutor(max_workers=2) as pool:
        layers = dict(zip(programs, pool.map(stacks, programs), strict=True))
    for variant in VARIANTS:
        manifests = [
            layout.image(name, layers[name][variant], CONFIGS[variant]) for name in programs
        ]
        layout.tag(f"{program.VERSION}-{variant}", manifests)
    layout.finish()
