"""Reports: what is in them, and what a stranger's file may do."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elfgate.errors import InputError
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.report import Code, Outcome
from elfgate.platforms import Platform
from elfgate.scan.inquiry import Inquiry
from elfgate.scan.linkage import Linkage
from elfgate.scan.local import LocalPredictor
from elfgate.scan.located import Contents
from elfgate.trial.agreement import Agreement
from elfgate.trial.expected import State
from elfgate.trial.observed import Observed
from elfgate.trial.replay import replay
from elfgate.trial.report import Report, read_reports, write_reports
from elfgate.trial.reporting import report_of
from elfgate.trial.tried import Asked, Tried
from support.elf_file import elf_file
from support.tarball import layer, program

PLATFORM = Platform("linux", "amd64")
SHELL = elf_file("amd64", type=2)
NEEDY = elf_file("amd64", type=2, interp="/lib64/ld-linux-x86-64.so.2")


def _contents(env: dict[str, str], elf: bytes = NEEDY) -> Contents:
    defaults = ImageDefaults(("tool",), env=env)
    image = layer({"opt/tool": program(elf)})
    return Contents("sha256:" + "0" * 64, PLATFORM, defaults, (("one", image),))


def _reported(contents: Contents, observed: Observed, pod: dict[str, str] | None = None) -> Report:
    async def made() -> Report:
        predictor = LocalPredictor()
        overrides = Overrides(env=pod or {})
        inquiry = Inquiry(PLATFORM, overrides, NodeFacts(page_size=4096))
        prediction = (await predictor.predict(contents, inquiry)).prediction
        linkage = Linkage("app", "sha256:1", PLATFORM, prediction)
        asked = Asked("app", overrides)
        tried = Tried(
            asked, inquiry.node, linkage, State.FAILED, "", observed=observed, contents=contents
        )
        return await report_of(tried, predictor)

    return asyncio.run(made())


def test_a_report_keeps_of_the_environment_what_the_prediction_needs(tmp_path: Path) -> None:
    env = {"PATH": "/opt", "TOKEN": "hunter2", "LANG": "C"}
    report = _reported(_contents(env), Observed(False, Code.LOADER_MISSING, "ENOENT"), {"KEY": "k"})
    write_reports(tmp_path / "report.json", [report])
    text = (tmp_path / "report.json").read_text()
    assert dict(report.question.defaults.env) == {"PATH": "/opt"}
    assert "hunter2" not in text
    assert '\\"KEY\\"' not in text


def test_a_report_has_no_words_of_the_programs_own() -> None:
    said = Observed(started=True, words="password=hunter2")
    assert _reported(_contents({"PATH": "/opt"}), said).observed == Observed(started=True)


def test_a_report_is_predicted_again_without_its_image(tmp_path: Path) -> None:
    seen = Observed(False, Code.LOADER_MISSING, "ENOENT")
    good = _reported(_contents({"PATH": "/opt"}), seen)
    wrong = _reported(_contents({"PATH": "/opt"}), Observed(started=True))
    write_reports(tmp_path / "a.json", [good, wrong])
    write_reports(tmp_path / "b.json", [good])
    predictor = LocalPredictor()
    found = [asyncio.run(replay(place, each, predictor)) for place, each in read_reports(tmp_path)]
    assert [each.place.removeprefix(f"{tmp_path}/") for each in found] == [
        "a.json[0]", "a.json[1]", "b.json",
    ]  # fmt: skip
    assert [each.agreement for each in found] == [
        Agreement.AGREES, Agreement.FALSE_DENY, Agreement.AGREES,
    ]  # fmt: skip
    assert [each.contradicts for each in found] == [False, True, False]
    assert found[0].prediction.outcome is Outcome.CANNOT_START


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Any]:
    seen = Observed(False, Code.LOADER_MISSING, "ENOENT")
    write_reports(tmp_path / "good.json", [_reported(_contents({"PATH": "/opt"}), seen)])
    document: dict[str, Any] = json.loads((tmp_path / "good.json").read_text())
    return document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda it: it.update(version=2), "version"),
        (lambda it: it.update(more=1), "more"),
        (lambda it: it["trials"][0].update(question="[]"), "not a list of 3 values"),
        (lambda it: it["trials"][0].update(question="["), "no report"),
        (lambda it: it["trials"][0].update(question="[" * 100_000), "no report"),
        (lambda it: it["trials"][0].update(layers=["?"]), "no report"),
        (lambda it: it["trials"][0]["happened"].update(code="magic"), "happened.code"),
        (lambda it: it["trials"][0]["happened"].update(words="x" * 10_000), "happened.words"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_one_line(
    tmp_path: Path, written: dict[str, Any], change: Any, words: str
) -> None:
    change(written)
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(written))
    with pytest.raises(InputError) as caught:
        list(read_reports(file))
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_facts_of_another_version_are_refused_with_a_way_out(
    tmp_path: Path, written: dict[str, Any]
) -> None:
    report = next(report for _, report in read_reports(tmp_path / "good.json"))
    other = replace(report, layers=(b"elfgate\0" + b"\xff" * 200,))
    with pytest.raises(InputError, match="with the version of elfgate that wrote it"):
        asyncio.run(replay("x.json", other, LocalPredictor()))


def test_a_folder_without_reports_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no report"):
        list(read_reports(tmp_path))
