"""A trial as a file: the question, the facts that its prediction needs, and what happened.

The image is not in it, nor what the program wrote but the line that tells why it ended.
"""

import base64
import binascii
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elfgate import __version__
from elfgate.errors import InputError
from elfgate.isolation import typed
from elfgate.linkage.inputs import ImageDefaults
from elfgate.linkage.report import Code
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.scan.inquiry import Inquiry
from elfgate.scan.located import Contents
from elfgate.trial.observed import Observed

MOST_BYTES = 64 << 20
_MOST_WORDS = 500
_ENDING = "*.json"


@dataclass(frozen=True, slots=True)
class Question:
    """The question that the predictor was asked, but for the layers.

    Attributes:
        inquiry: How it was started, and where.
        defaults: The image's config.
        declared: The platform that the config names.
    """

    inquiry: Inquiry
    defaults: ImageDefaults
    declared: Platform


@dataclass(frozen=True, slots=True)
class Report:
    """One trial that can be repeated without the image.

    Attributes:
        question: What was asked.
        layers: The layers' indexes, bottom first.
        observed: What happened.
        predicted: What had been predicted, in a line.
        digest: The image's manifest.
    """

    question: Question
    layers: tuple[bytes, ...]
    observed: Observed
    predicted: str
    digest: str

    @property
    def contents(self) -> Contents:
        """The image, as its predictor is given it.

        Raises:
            ValueError: if a layer's index is damaged, or of another version of elfgate.
        """
        layers = [(f"{self.digest}#{number}", data) for number, data in enumerate(self.layers)]
        decoded = tuple((name, Layer.decode(data)) for name, data in layers)
        return Contents(self.digest, self.question.declared, self.question.defaults, decoded)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Happened(_Model):
    started: bool
    code: Code | None
    words: Annotated[str, Field(max_length=_MOST_WORDS)]


class _Written(_Model):
    digest: Annotated[str, Field(max_length=256)]
    platform: Annotated[str, Field(max_length=256)]
    happened: _Happened
    predicted: Annotated[str, Field(max_length=4 * _MOST_WORDS)]
    question: Annotated[str, Field(max_length=MOST_BYTES)]
    layers: Annotated[list[str], Field(max_length=1000)]


class _File(_Model):
    version: Literal[1]
    elfgate: Annotated[str, Field(max_length=64)]
    trials: Annotated[list[_Written], Field(max_length=1000)]


def write_reports(path: Path, reports: Sequence[Report]) -> None:
    """Write reports to a file.

    Raises:
        InputError: if they are too long, or the file cannot be written.
    """
    trials = [_written(report) for report in reports]
    text = _File(version=1, elfgate=__version__, trials=trials).model_dump_json(indent=1)
    if len(text) > MOST_BYTES:
        raise InputError(
            f"the report has more than {MOST_BYTES >> 20} MiB", hint="try fewer platforms at once"
        )
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def read_reports(path: Path) -> Iterator[tuple[str, Report]]:
    """The reports of a file, or of a folder's files, each with its place.

    Raises:
        InputError: if one cannot be read, or is no report.
    """
    files = sorted(path.rglob(_ENDING)) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} has no report", hint=f"reports are called {_ENDING}")
    for file in files:
        trials = _parsed(file).trials
        for number, trial in enumerate(trials):
            yield f"{file}[{number}]" if len(trials) > 1 else str(file), _read(file, trial)


def _written(report: Report) -> _Written:
    seen = report.observed
    return _Written(
        digest=report.digest,
        platform=str(report.question.inquiry.platform),
        happened=_Happened(started=seen.started, code=seen.code, words=seen.words[:_MOST_WORDS]),
        predicted=report.predicted[: 4 * _MOST_WORDS],
        question=typed.dumps(report.question).decode(),
        layers=[base64.b64encode(layer).decode() for layer in report.layers],
    )


def _parsed(file: Path) -> _File:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{file} is not a regular file")
        if status.st_size > MOST_BYTES:
            raise InputError(f"{file} has more than {MOST_BYTES >> 20} MiB")
        return _File.model_validate_json(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        told = filter(None, (place, first["msg"]))
        raise InputError(f"{file} is no report of `elfgate try`: {': '.join(told)}") from error


def _read(file: Path, trial: _Written) -> Report:
    try:
        question = typed.loads(Question, trial.question.encode("ascii"))
        layers = tuple(base64.b64decode(layer, validate=True) for layer in trial.layers)
    except (ValueError, binascii.Error) as error:
        raise InputError(f"{file} is no report of `elfgate try`: {error}") from error
    seen = trial.happened
    observed = Observed(seen.started, seen.code, seen.words)
    return Report(question, layers, observed, trial.predicted, trial.digest)
