"""What ``elfgate scan`` says of a cell: of its root as a folder, and of its layers as an image with a config.

This is how users hold elfgate against what they have. It has to come to the same as ``predict`` does in ``compare.py``.
"""

import contextlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from elfgate.cli import main
from lab import roots
from lab.kernels import KERNELS
from lab.layout import Layout
from truth.cell import PATH, Cell
from truth.compare import PAGE_SIZE

Told = tuple[str, str]
"""A verdict, and the code of the first finding that fails; empty if none does."""


def folder(cell: Cell, place: Path) -> Told:
    """Lay a cell's root out, and scan it with what its config would say as options."""
    for layer in _layers(cell):
        _lay_over(layer, place)
    words = [
        option for name, value in _env(cell).items() for option in ("--env", f"{name}={value}")
    ]
    return _scan(
        cell,
        place,
        f"dir:{place}",
        [*words, *(["--user", cell.user] if cell.user else []), "--working-dir", cell.cwd],
        ["--", *cell.argv],
    )


def image(cell: Cell, place: Path) -> Told:
    """Write a cell as an image, and scan that without a word on how it is started."""
    written(cell, place)
    return _scan(cell, place, f"oci:{place}:cell", [], [])


def written(cell: Cell, place: Path) -> None:
    """Write a cell as the image ``cell`` of a layout."""
    layout = Layout(place)
    layers = [layout.archived(_archive(layer)) for layer in _layers(cell)]
    env = [f"{name}={value}" for name, value in _env(cell).items()]
    config = {
        "Entrypoint": cell.argv[:1],
        "Cmd": cell.argv[1:],
        "Env": env,
        "WorkingDir": cell.cwd,
        "User": cell.user,
    }
    layout.tag("cell", [layout.image(cell.architecture, layers, config)])
    layout.finish()


def _scan(
    cell: Cell, place: Path, name: str, options: Sequence[str], command: Sequence[str]
) -> Told:
    architecture = cell.architecture
    platform = architecture if "/" not in architecture else f"linux/{architecture}"
    page_size = KERNELS[cell.kernel].page_size if cell.kernel else PAGE_SIZE
    node = ["--page-size", str(page_size)]
    node += ["--cpu-level", cell.cpu] if cell.cpu else []
    node += ["--kernel", cell.release] if cell.release else []
    groups = [option for group in cell.groups for option in ("--group", str(group))]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main.main([
            "scan", name, "--platform", platform, "-o", "json", "--allow-privilege-escalation", "true",
            "--store", f"{place}.db", *node, *groups, *options, *command,
        ])  # fmt: skip
    (told,) = json.loads(said.getvalue())["platforms"]
    code = next(
        (finding["code"] for finding in told["findings"] if finding["effect"] == "fails"), ""
    )
    return told["verdict"], code


def _env(cell: Cell) -> dict[str, str]:
    return {"PATH": PATH, **cell.env}


def _layers(cell: Cell) -> list[Path]:
    """The lowest first."""
    return [roots.build(cell.variant, cell.architecture), *reversed(cell.layers)]


def _lay_over(layer: Path, place: Path) -> None:
    """Lay one folder over another as overlayfs does: only directories are merged. Files are linked, not copied."""
    place.mkdir(exist_ok=True)
    for entry in os.scandir(layer):
        target = place / entry.name
        is_directory = entry.is_dir(follow_symlinks=False)
        if target.is_symlink() or (target.exists() and not (is_directory and target.is_dir())):
            shutil.rmtree(
                target
            ) if target.is_dir() and not target.is_symlink() else target.unlink()
        if is_directory:
            _lay_over(Path(entry), target)
            status = entry.stat(follow_symlinks=False)
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(status.st_mode & 0o7777)
        else:
            os.link(entry, target, follow_symlinks=False)


def _archive(layer: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(layer, arcname=".")
    return stream.getvalue()
