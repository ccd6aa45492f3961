"""Alerts, dashboard and runbook speak of the same things, and of metrics that there are."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from support.chart import CHART, ROOT

ALERTS: list[dict[str, Any]] = yaml.safe_load((CHART / "alerts.yaml").read_text())
DASHBOARD = json.loads((CHART / "dashboards" / "elfgate.json").read_text())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
_SUFFIXES = "_total", "_bucket", "_sum", "_count"


def _metrics() -> set[str]:
    """Every metric that the webhook's code names."""
    sources = (ROOT / "webhook" / "elfgate" / "server").glob("*.py")
    return {name for path in sources for name in re.findall(r'"(elfgate_\w+)"', path.read_text())}


def _expressions() -> list[str]:
    return [alert["expr"] for alert in ALERTS] + [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
    ]


def test_every_alert_has_its_heading_in_the_runbook_and_no_heading_lacks_its_alert() -> None:
    headings = re.findall(r"^## (Elfgate\w+)$", RUNBOOK, re.MULTILINE)
    assert headings == [alert["alert"] for alert in ALERTS]


def test_every_part_of_the_runbook_says_what_it_means_where_to_look_and_how_to_repair() -> None:
    for part in re.split(r"^## (?=Elfgate)", RUNBOOK, flags=re.MULTILINE)[1:]:
        assert [word for word in ("*Means:*", "*Look:*", "*Repair:*") if word not in part] == [], (
            part.partition("\n")[0]
        )


def test_every_metric_that_is_asked_for_is_one_that_the_webhook_has() -> None:
    known = _metrics()
    for expression in _expressions():
        for name in re.findall(r"elfgate_\w+", expression):
            bare = (
                name
                if name in known
                else next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), "")
            )
            assert bare in known, f"{name} in {expression}"


def test_brackets_close() -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    for expression in _expressions():
        opened: list[str] = []
        for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", expression):
            if character in pairs.values():
                opened.append(character)
            elif character in pairs:
                assert opened, expression
                assert opened.pop() == pairs[character], expression
        assert opened == [], expression


def test_links_between_documents_lead_somewhere() -> None:
    for document in (
        *sorted((ROOT / "docs").glob("*.md")),
        CHART / "README.md",
        ROOT / "README.md",
    ):
        text = document.read_text()
        for target, anchor in re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
            path = (document.parent / target).resolve() if target else document
            assert path.exists(), f"{document.name}: {target}"
            if anchor and path.suffix == ".md":
                assert anchor in _anchors(path), f"{document.name}: {target}#{anchor}"


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
