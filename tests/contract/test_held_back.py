"""What would be denied if nothing were held back is what settings that hold nothing back deny."""

import json
from typing import Any

import pytest

from elfgate.policy import bundle
from elfgate.policy.config import PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from support import chance

SHIPPED = bundle.load().data["elfgate"]["config"]["rules"]
DOCUMENTS = 120


def unheld(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with everything that warns or runs dry denying, and no bound."""
    rules = {code: mode for code, mode in SHIPPED.items() if mode in {"warn", "dryrun"}}
    over = {
        where: {name: _denying(layer) for name, layer in settings[where].items()}
        for where in ("points", "namespaces")
    }
    return _denying(settings | {"rules": rules | settings["rules"]}) | over


def _denying(layer: dict[str, Any]) -> dict[str, Any]:
    rules = {code: "off" if mode == "off" else "deny" for code, mode in layer["rules"].items()}
    unknown = {
        reason: "deny" if what == "dryrun" else what for reason, what in layer["unknown"].items()
    }
    return layer | {"most": "deny", "rules": rules, "unknown": unknown}


def _waits_for_labels(settings: dict[str, Any], document: Document) -> bool:
    by_label = any("=" in key for key in settings["namespaces"])
    return by_label and "namespace_labels" not in document.request.model_fields_set


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_is_held_back_is_what_unheld_settings_deny(seed: int) -> None:
    settings = chance.config(seed)
    for layer in (settings, *settings["points"].values(), *settings["namespaces"].values()):
        layer["rules"].pop("linkage_unknown", None)  # off, it lets no unknown deny
    held, free = (
        EmbeddedEngine(bundle.load(config=PolicyConfig.model_validate(given)))
        for given in (settings, unheld(settings))
    )
    compared = 0
    for number in range(DOCUMENTS):
        document = chance.labelled(number)
        if document.request.controlled:  # a point's own denials insist, which settings cannot undo
            continue
        if _waits_for_labels(settings, document):  # then no setting denies; what would be is told
            continue
        said = json.loads(held.query("data.elfgate.main.verdict", document.json_bytes().decode()))
        denied = json.loads(free.query("data.elfgate.main.denials", document.json_bytes().decode()))
        assert said["would_deny"] == (denied if said["allowed"] else [])
        compared += bool(said["would_deny"])
    assert compared or settings["most"] not in {"dryrun", "warn"}
