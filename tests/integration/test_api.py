"""The library: what its page shows is what happens, and calls leave nothing behind."""

import asyncio
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from elfgate import api

ROOT = Path(__file__).parents[2]
_EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<said>.*?)```", re.DOTALL)
EXAMPLES = list(_EXAMPLE.finditer((ROOT / "docs" / "api.md").read_text("utf-8")))
IMAGE = "example/server:2-alpine"
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "server", "image": IMAGE}]},
}


@pytest.fixture
def in_layout(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(layout.parent)


@pytest.mark.usefixtures("in_layout")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each["said"].split()[0])
def test_an_example_of_the_page_prints_what_the_page_shows(example: re.Match[str]) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(example["code"], "docs/api.md", "exec"), {})  # noqa: S102 - our own page
    assert said.getvalue() == example["said"]


def test_the_page_has_an_example_of_each_call() -> None:
    code = "".join(example["code"] for example in EXAMPLES)
    assert all(call in code for call in ("api.scan(", "api.check(", "api.audit_async("))


@pytest.mark.usefixtures("in_layout")
def test_calls_with_other_options_do_not_see_each_other() -> None:
    alpine = api.Options(images={IMAGE: "oci:layout:2-alpine"})
    debian = api.Options(images={IMAGE: "oci:layout:2-debian"})
    verdicts = [
        api.check([POD], nodes=["ppc64le"], options=options).results[0].verdict
        for options in (alpine, debian, alpine)
    ]
    assert verdicts == ["denied", "admitted", "denied"]


@pytest.mark.usefixtures("in_layout")
def test_several_calls_run_side_by_side() -> None:
    async def both() -> list[api.CheckOutput]:
        calls = (
            api.check_async(
                [POD],
                nodes=["ppc64le"],
                options=api.Options(images={IMAGE: f"oci:layout:2-{base}"}),
            )
            for base in ("alpine", "debian")
        )
        return list(await asyncio.gather(*calls))

    verdicts = [found.results[0].verdict for found in asyncio.run(both())]
    assert verdicts == ["denied", "admitted"]


def test_a_call_within_an_event_loop_says_what_to_do() -> None:
    async def within() -> None:
        api.scan("oci:layout")

    with pytest.raises(RuntimeError, match="_async"):
        asyncio.run(within())


@pytest.mark.parametrize(
    "call",
    [
        lambda: api.scan("registry.example/UPPER"),
        lambda: api.scan("oci:layout", platforms=["linux/none"]),
        lambda: api.check([{"kind": "Pod", "spec": {"containers": 3}}], nodes=["amd64"]),
        lambda: api.check([POD], nodes=["none"]),
        lambda: api.audit([POD]),
    ],
)
def test_what_cannot_be_used_is_an_input_error(call: Any) -> None:
    with pytest.raises(api.InputError):
        call()
