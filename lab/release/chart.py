"""The chart's package and OCI artifact (Helm docs, "OCI-based registries"), always the same bytes.

The package differs from the source in two values: the image's repository and digest, so that what a
release installs is what the release was checked with.
"""

import gzip
import io
import re
import tarfile
from collections.abc import Iterator
from typing import Any

import yaml

from lab.fetched import LabError
from lab.layout import Layout
from lab.release.version import ROOT

CHART = ROOT / "charts" / "elfgate"
_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def package(*, repository: str, digest: str, seconds: int) -> bytes:
    """The chart's package.

    Args:
        repository: The image's repository, as a user pulls it.
        digest: The image's digest.
        seconds: The time that every member is dated.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in _files(repository, digest):
            member = tarfile.TarInfo(f"elfgate/{name}")
            member.size, member.mtime = len(content), seconds
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def artifact(layout: Layout, name: str, packed: bytes) -> dict[str, Any]:
    """Write the chart's OCI artifact into a layout, under a name; its descriptor."""
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    config = layout.document(_CONFIG, about)
    return layout.artifact(name, config, [layout.blob(_CONTENT, packed)])


def _files(repository: str, digest: str) -> Iterator[tuple[str, bytes]]:
    """Each file of the package, with its path; ``Chart.yaml`` first, as Helm reads it first."""
    paths = (path for path in CHART.rglob("*") if path.is_file())
    for path in sorted(paths, key=lambda path: (path.name != "Chart.yaml", path.as_posix())):
        name, content = path.relative_to(CHART).as_posix(), path.read_bytes()
        yield name, _pinned(content, repository, digest) if name == "values.yaml" else content


def _pinned(values: bytes, repository: str, digest: str) -> bytes:
    """The values with the image's repository and digest, all comments kept.

    Raises:
        LabError: if the values have no such lines.
    """
    text = values.decode()
    for key, value in (("repository", repository), ("digest", f'"{digest}"')):
        pattern = re.compile(rf"(?s)(\Aimage:\n|\nimage:\n)(.*?\n  {key}: )[^\n]*")
        text, count = pattern.subn(
            lambda found: f"{found[1]}{found[2]}{value}",  # noqa: B023
            text,
            count=1,
        )
        if not count:
            raise LabError(f"values.yaml has no image.{key}")
    return text.encode()
