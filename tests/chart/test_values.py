"""What is generated from the chart's values is up to date."""

import re
import runpy

import pytest
import yaml

from elfgate.policy.config import PolicyConfig
from support.chart import CHART, ROOT

chart = runpy.run_path(str(ROOT / "docs" / "chart.py"))


def test_generated_files_and_the_copy_of_the_policies_are_up_to_date() -> None:
    drifted = [
        str(path)
        for path, text in chart["generated"]()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert drifted + [str(path) for path in chart["strays"]()] == [], "run `make docs`"


def test_the_chart_has_no_symbolic_link() -> None:
    """Flux, Rancher and helm-git leave links out of what they take from Git."""
    assert [path for path in CHART.rglob("*") if path.is_symlink()] == []


def test_a_value_without_a_comment_is_found() -> None:
    with pytest.raises(SystemExit, match=r"no comment on outer\.inner"):
        chart["values"]("outer:\n  inner: 1\n")


def test_every_value_is_in_the_table() -> None:
    table = (CHART / "README.md").read_text()
    paths = [
        ".".join(path) for path in _leaves(yaml.safe_load((CHART / "values.yaml").read_text()))
    ]
    described = [
        value.path
        for value in chart["values"]((CHART / "values.yaml").read_text())
        if not value.closed
    ]
    whole = {".".join(path) for path in described}
    assert [
        path for path in paths if not any(f"{path}.".startswith(f"{each}.") for each in whole)
    ] == []
    assert [path for path in sorted(whole) if f"| `{path}` |" not in table] == []


def _leaves(node: object, path: tuple[str, ...] = ()) -> "list[tuple[str, ...]]":
    if isinstance(node, dict) and node:
        return [leaf for key, value in node.items() for leaf in _leaves(value, (*path, key))]
    return [path]


def test_the_rollout_begins_with_values_that_let_nothing_do_more_than_a_dry_run() -> None:
    first = re.findall(r"(?ms)^```yaml\n(.*?)^```", (ROOT / "docs" / "rollout.md").read_text())[0]
    tried = PolicyConfig.model_validate(yaml.safe_load(first)["policies"])
    assert tried.overlay() == {"most": "dryrun"}


def test_what_the_chart_reads_of_values_is_there() -> None:
    """A misspelt name in a template is nothing to Helm."""
    known = {value.path for value in chart["values"]((CHART / "values.yaml").read_text())}
    for template in (CHART / "templates").rglob("*.*"):
        for found in re.findall(r"\.Values\.([A-Za-z.]+[A-Za-z])", template.read_text()):
            path = tuple(found.split("."))
            assert any(path[: len(each)] == each for each in known), f"{template.name}: {found}"
