"""Bills of materials (CycloneDX 1.6) of what is published beside the image, which holds its own.

The wheel's bill lists what ``requirements/runtime.txt`` pins; the chart's lists the image.
"""

import json
import re
from typing import Any
from urllib.parse import quote

from lab.release.version import ROOT

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def of_wheel(version: str) -> bytes:
    """The wheel's bill."""
    text = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    parts = [
        _component("pypi", found["name"], found["version"]) for found in _PINNED.finditer(text)
    ]
    return _bill(_component("pypi", "elfgate", version), parts)


def of_chart(version: str, *, repository: str, digest: str) -> bytes:
    """The chart's bill."""
    purl = f"pkg:oci/elfgate@{quote(digest, safe='')}?repository_url={quote(repository, safe='')}"
    image = {"type": "container", "bom-ref": purl, "name": "elfgate", "version": digest}
    return _bill(_component("helm", "elfgate", version), [image | {"purl": purl}])


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{quote(name.lower())}@{quote(version)}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _bill(about: dict[str, Any], parts: list[dict[str, Any]]) -> bytes:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about | {"type": "application"}},
        "components": sorted(parts, key=lambda part: str(part["purl"])),
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"
