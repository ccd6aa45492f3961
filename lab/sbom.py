"""A bill of materials of what an image holds.

It is always the same bytes for the same parts. Source: CycloneDX 1.6, JSON.

Sources: the CycloneDX 1.6 specification; the package-url specification for the types ``deb`` and
``pypi``; PEP 566 and PEP 639 (a project's metadata, and its licence in them).
"""

import hashlib
import json
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.fetched import run


def bill(own: Path, archives: Iterable[Path], site: Path, *, suite: str) -> bytes:
    """The bill.

    Args:
        own: Where the metadata of elfgate are (``*.dist-info``).
        archives: Debian's packages.
        site: The folder that Python's packages were installed into.
        suite: Debian's suite.

    Raises:
        LabError: if a package cannot be read.
    """
    debian = [_debian(path, suite) for path in archives]
    python = [_python(path) for path in sorted(site.glob("*.dist-info"))]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _python(own) | {"type": "application"}},
        "components": sorted([*debian, *python], key=lambda component: component["purl"]),
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _debian(archive: Path, suite: str) -> dict[str, Any]:
    fields = HeaderParser().parsestr(run("dpkg-deb", "--field", archive))
    name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro={suite}"
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _python(metadata: Path) -> dict[str, Any]:
    fields = HeaderParser().parsestr((metadata / "METADATA").read_text(encoding="utf-8"))
    name, version = fields["Name"], fields["Version"]
    purl = f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}"
    component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    licence = fields.get("License-Expression")
    return component | ({"licenses": [{"expression": licence}]} if licence else {})
