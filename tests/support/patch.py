"""JSON Patch (RFC 6902), of the one operation that elfgate writes."""

import copy
from typing import Any


def patched(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The document after these ``add`` operations."""
    result = copy.deepcopy(document)
    for operation in operations:
        assert operation["op"] == "add"
        *way, last = (
            step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]
        )
        parent = result
        for step in way:
            parent = parent[int(step) if isinstance(parent, list) else step]
        if isinstance(parent, list):
            parent.insert(len(parent) if last == "-" else int(last), operation["value"])
        else:
            parent[last] = operation["value"]
    return result
