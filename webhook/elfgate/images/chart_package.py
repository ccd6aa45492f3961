"""The images that a Helm chart's package names in its values.

Source: Helm docs, "OCI-based registries" (the media type), "Charts" (a package's layout).
"""

import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import yaml

from elfgate.errors import UnknownReason, UnreadableError

CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

_MOST_VALUES_BYTES = 1 << 20
_MOST_MEMBERS = 10_000
_DEEPEST = 10


def chart_images(packed: bytes, chart: str) -> list[str]:
    """The reference of each ``image: {repository, tag, digest}`` of a chart's own values.

    Args:
        packed: The package.
        chart: Its name, for messages.

    Raises:
        UnreadableError: if it is no chart's package.
    """
    try:
        with tarfile.open(fileobj=BytesIO(packed), mode="r:gz") as archive:
            values = _values(archive)
    except (OSError, EOFError, tarfile.TarError, yaml.YAMLError, RecursionError) as error:
        raise no_chart(chart) from error
    if not isinstance(values, dict):
        raise no_chart(chart)
    return list(_images(values, _DEEPEST))


def no_chart(chart: str) -> UnreadableError:
    """The error of an artefact that is no chart."""
    message = f"{chart} is not a chart: it has no package with values in it"
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)


def _values(archive: tarfile.TarFile) -> Any:
    """The chart's ``values.yaml``: the one in the package's only folder."""
    for _, member in zip(range(_MOST_MEMBERS), archive, strict=False):
        folder, _, name = member.name.partition("/")
        if folder and name == "values.yaml" and member.size <= _MOST_VALUES_BYTES:
            file = archive.extractfile(member)
            return None if file is None else yaml.safe_load(file.read())
    return None


def _images(values: Mapping[Any, Any], deepest: int) -> Iterator[str]:
    for key, value in values.items():
        if not isinstance(value, dict):
            continue
        if key == "image" and value.get("repository"):
            yield _reference(value)
        elif deepest:
            yield from _images(value, deepest - 1)


def _reference(image: Mapping[Any, Any]) -> str:
    repository, tag, digest = (str(image.get(key) or "") for key in ("repository", "tag", "digest"))
    if digest:
        return f"{repository}@{digest}"
    return f"{repository}:{tag}" if tag else repository
