"""The output of ``elfgate try``: a table for people, and a model whose schema is published."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from elfgate.cli.text import WORDS, plain
from elfgate.errors import REPORT
from elfgate.linkage.report import Code, Effect
from elfgate.policy.rulebook import Rulebook
from elfgate.printable import printable
from elfgate.reports.case import Case, Issue
from elfgate.reports.table import Table
from elfgate.results.image import PlatformOutput
from elfgate.results.model import Headed, Model, schema
from elfgate.trial.agreement import Agreement
from elfgate.trial.expected import State
from elfgate.trial.tried import Tried

_SHORT = 45  # characters that a cell of the table has room for
_LAST = 5  # lines of what a program wrote
_STATES = {
    State.STARTED: "started",
    State.ENDED: "started, and ended",
    State.FAILED: "did not start",
    State.UNTRIED: "not tried",
}


class StartOutput(Model):
    """One start on one platform."""

    container: str = Field(description="the pod's name and the container's; empty without -f")
    image: str
    platform: str
    state: Literal["started", "ended", "failed", "untried"] = Field(
        description="started: as expected; ended: it started, and ended otherwise; failed: the "
        "kernel, a loader or a runtime refused it"
    )
    words: str = Field(description="what happened, in a clause")
    status: int | None = Field(description="the exit status, if it exited")
    signal: str = Field(description="the signal that ended it; empty if none did")
    seconds: float = Field(description="how long it was watched")
    stdout: str = Field(description="the beginning of what it wrote")
    stderr: str = Field(description="the beginning of what it, or its loader, wrote")
    code: str | None = Field(description="why it did not start, as the code of a finding")
    predicted: PlatformOutput
    agreement: Literal["agrees", "false deny", "false start", "unknown", "wrong code"] | None = (
        Field(description="the prediction beside what happened; null if it was not tried")
    )
    contradicts: bool = Field(description="the prediction is wrong, which is a bug of elfgate")
    caveats: list[str] = Field(description="what is otherwise here than on a node")

    @classmethod
    def of(cls, tried: Tried, book: Rulebook) -> "StartOutput":
        """From a trial."""
        outcome = tried.outcome
        code = _code(tried)
        agreement = tried.agreement
        return cls(
            container=tried.asked.container,
            image=tried.asked.image,
            platform=str(tried.linkage.platform),
            state=tried.state.value,
            words=tried.words,
            status=outcome.status,
            signal=outcome.signal,
            seconds=outcome.seconds,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            code=code.value if code else None,
            predicted=PlatformOutput.of(tried.linkage, book),
            agreement=agreement.value if agreement else None,
            contradicts=tried.contradicts,
            caveats=list(tried.caveats),
        )


class TryOutput(Headed):
    """``elfgate try -o json``."""

    schema_: str = schema("try")
    starts: list[StartOutput]

    @classmethod
    def of(cls, tried: Sequence[Tried], book: Rulebook) -> "TryOutput":
        """From the trials."""
        return cls(starts=[StartOutput.of(each, book) for each in tried])


def try_table(tried: Sequence[Tried]) -> Table:
    """One row a start."""
    columns = ("image", "platform", "start", "predicted", "agrees")
    return Table(columns, [_row(each) for each in tried])


def _row(tried: Tried) -> tuple[str, ...]:
    return (
        _name(tried),
        str(tried.linkage.platform),
        _happened(tried),
        WORDS[tried.linkage.outcome],
        _agrees(tried),
    )


def _name(tried: Tried) -> str:
    return tried.asked.container or tried.asked.image


def _happened(tried: Tried) -> str:
    """The state and what tells more of it, unless that is long and stands below."""
    words = _STATES[tried.state]
    if len(tried.words) <= _SHORT:
        words = f"{words}: {printable(tried.words)}"
    code = _code(tried)
    return f"{words} [{code}]" if code else words


def _code(tried: Tried) -> Code | None:
    return tried.observed.code if tried.observed else None


def _agrees(tried: Tried) -> str:
    match tried.agreement:
        case Agreement.AGREES:
            return "yes"
        case None | Agreement.UNKNOWN:
            return "-"
        case _:
            return "no"


def try_text(tried: Sequence[Tried], reported: Path | None) -> str:
    """The table; below it what was written by those that did not start, and what was predicted."""
    told = try_table(tried)
    below: list[str] = []
    for each in tried:
        below += _below(each, reported)
    lines = [plain(told)]
    if below:
        lines += ["", *below]
    lines.append("")
    return "\n".join(lines)


def _below(tried: Tried, reported: Path | None) -> Iterator[str]:
    lines = [
        *_long(tried),
        *_written(tried),
        *_findings(tried),
        *tried.caveats,
    ]
    if tried.contradicts:
        lines.append(_bug(reported))
    if lines:
        yield f"{tried.linkage.platform}:"
    for line in lines:
        yield f"  {line}"


def _long(tried: Tried) -> Iterator[str]:
    """Words that the table has no room for."""
    if len(tried.words) > _SHORT:
        yield printable(tried.words)


def _written(tried: Tried) -> Iterator[str]:
    """The last lines of a program that did not start, or not as expected."""
    if tried.state in {State.STARTED, State.UNTRIED}:
        return
    written = tried.outcome.stderr or tried.outcome.stdout
    for line in written.splitlines()[-_LAST:]:
        if line != tried.words:
            yield f"| {printable(line)}"


def _findings(tried: Tried) -> Iterator[str]:
    for finding in tried.linkage.prediction.findings:
        if finding.effect is not Effect.NOTE:
            yield f"predicted: {finding.message}  [{finding.code}]"


def _bug(reported: Path | None) -> str:
    file = reported or "the file that --report FILE writes"
    wrong = "the prediction is wrong, which is a bug of elfgate"
    return f"{wrong}: please report it with {file} ({REPORT})"


def try_cases(tried: Sequence[Tried]) -> list[Case]:
    """One case a start, for JUnit."""
    return [_case(each) for each in tried]


def _case(tried: Tried) -> Case:
    name = f"{_name(tried)} on {tried.linkage.platform}"
    if tried.state is State.STARTED:
        return Case(name, tried.asked.image)
    return Case(name, tried.asked.image, (_issue(tried),))


def _issue(tried: Tried) -> Issue:
    last = tried.outcome.stderr.splitlines()[-_LAST:]
    return Issue(
        level="note" if tried.state is State.UNTRIED else "error",
        code=_code(tried) or tried.state.value,
        title=printable(tried.words),
        details=tuple(map(printable, last)),
    )
