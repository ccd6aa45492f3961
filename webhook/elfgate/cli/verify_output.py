"""The output of ``elfgate verify``: a table for people, and a model whose schema is published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from elfgate.cli.text import WORDS, plain
from elfgate.policy.rulebook import Rulebook
from elfgate.printable import printable
from elfgate.reports.table import Table
from elfgate.results.image import FindingOutput, VerdictWord
from elfgate.results.model import Headed, Model, schema
from elfgate.trial.agreement import Agreement
from elfgate.trial.replay import Replayed

AgreementWord = Literal["agrees", "false deny", "false start", "unknown", "wrong code"]


class ReplayedOutput(Model):
    """One report."""

    report: str
    platform: str
    started: bool
    code: str | None = Field(description="why it did not start, if that was said")
    words: str = Field(description="in whose words")
    verdict: VerdictWord = Field(description="what is predicted now")
    findings: list[FindingOutput]
    agreement: AgreementWord
    contradicts: bool = Field(description="the prediction is wrong, which is a bug of elfgate")

    @classmethod
    def of(cls, replayed: Replayed, book: Rulebook) -> "ReplayedOutput":
        """From a report that was predicted again."""
        seen = replayed.observed
        prediction = replayed.prediction
        return cls(
            report=replayed.place,
            platform=replayed.platform,
            started=seen.started,
            code=seen.code.value if seen.code else None,
            words=seen.words,
            verdict=prediction.outcome.value,
            findings=[FindingOutput.of(finding, book) for finding in prediction.findings],
            agreement=replayed.agreement.value,
            contradicts=replayed.contradicts,
        )


class VerifyOutput(Headed):
    """``elfgate verify -o json``."""

    schema_: str = schema("verify")
    reports: list[ReplayedOutput]

    @classmethod
    def of(cls, replayed: Sequence[Replayed], book: Rulebook) -> "VerifyOutput":
        """From the reports that were predicted again."""
        return cls(reports=[ReplayedOutput.of(each, book) for each in replayed])


def verify_table(replayed: Sequence[Replayed]) -> Table:
    """One row a report."""
    columns = ("report", "platform", "start", "predicted", "agreement")
    return Table(columns, [_row(each) for each in replayed])


def _row(replayed: Replayed) -> tuple[str, ...]:
    return (
        replayed.place,
        replayed.platform,
        _happened(replayed),
        WORDS[replayed.prediction.outcome],
        replayed.agreement.value,
    )


def _happened(replayed: Replayed) -> str:
    seen = replayed.observed
    if seen.started:
        return "started"
    if seen.code:
        return f"did not start [{seen.code}]"
    return "did not start"


def verify_text(replayed: Sequence[Replayed]) -> str:
    """The table, why predictions are contradicted, and the count."""
    told = verify_table(replayed)
    lines = [plain(told)]
    wrong = [each for each in replayed if each.contradicts]
    if wrong:
        lines.append("")
    for each in wrong:
        lines += _reasons(each)
    lines += ["", _summary(replayed), ""]
    return "\n".join(lines)


def _summary(replayed: Sequence[Replayed]) -> str:
    counts = Counter(each.agreement for each in replayed)
    told = [f"{counts[each]} {each}" for each in Agreement if counts[each]]
    return ", ".join(told)


def _reasons(replayed: Replayed) -> Iterator[str]:
    yield f"{replayed.place}: {printable(replayed.observed.words)}"
    for finding in replayed.prediction.findings:
        yield f"  predicted: {finding.message}  [{finding.code}]"
