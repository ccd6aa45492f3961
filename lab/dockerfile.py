"""The image's configuration by a Dockerfile.

An image that is made without an engine is so configured alike.

Source: the Dockerfile reference. Only what ``webhook/Dockerfile`` uses is read; anything else in
its last stage is refused, so that the two cannot part unseen.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from lab.fetched import LabError

# What engines set where nothing else is.
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def config(path: Path) -> dict[str, Any]:
    """The image's configuration (OCI image spec, config.md), as the last stage has it.

    Raises:
        LabError: if an instruction is not known here.
    """
    found: dict[str, Any] = {"Env": [_PATH], "Labels": {}, "ExposedPorts": {}}
    given = instructions(path)
    last = max(number for number, (keyword, _) in enumerate(given) if keyword == "FROM")
    for keyword, value in given[last + 1 :]:
        match keyword:
            case "ENV":
                found["Env"] += shlex.split(value)
            case "LABEL":
                found["Labels"].update(pair.split("=", 1) for pair in shlex.split(value))
            case "EXPOSE":
                found["ExposedPorts"][f"{value}/tcp"] = {}
            case "USER":
                found["User"] = value
            case "ENTRYPOINT" | "CMD":
                found[keyword.capitalize()] = json.loads(value)
            case "COPY":  # what is in the image, not how it is started
                pass
            case _:
                raise LabError(f"{path.name}: {keyword} is not known here")
    return found


def instructions(path: Path) -> list[tuple[str, str]]:
    """Keywords and what follows them, with continued lines joined and comments left out."""
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("#")
    ]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (keyword, value.strip())
        for keyword, _, value in (line.partition(" ") for line in text.splitlines() if line)
    ]
