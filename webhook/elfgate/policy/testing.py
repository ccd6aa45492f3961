"""Tests of a bundle.

The Rego tests beside its rules, the shipped case tables, and OPA's type checker where OPA is.

Rules of the user's own are tested with it: their tests must hold. The bundle's own tests and the
shipped cases are judged without them, as what they add is theirs to say.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from elfgate.policy import archive, bundle, cases, compared, golden, written
from elfgate.policy.aggregator import AGGREGATOR
from elfgate.policy.days import passed
from elfgate.policy.document import Document
from elfgate.policy.embedded import VERDICT, EmbeddedEngine
from elfgate.policy.engine import EngineError
from elfgate.policy.files import shipped
from elfgate.policy.own_tests import Trial, trials
from elfgate.policy.packages import RULES, package_of
from elfgate.scratch import Scratch

_OPA_SECONDS = 120
_TEST = re.compile(r"^(test_\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a test.

    Attributes:
        failures: One line each.
        summary: How many there were of what.
    """

    failures: tuple[str, ...]
    summary: str


async def examined(
    folder: Path | None = None, rules: Path | None = None, *, opa: str | None = None
) -> Report:
    """Test a bundle.

    Args:
        folder: Where it is; None for the shipped one.
        rules: Further rules with their tests.
        opa: The OPA that checks types; the one on PATH if None.

    Raises:
        InputError: if there is no such bundle, or no such rules.
        EngineError: if it does not load.
    """
    alone = bundle.load(folder, tests=True)
    whole = bundle.load(folder, rules=rules, tests=True)
    shipped_names = _tests(alone)
    own_names = [name for name in _tests(whole) if name not in set(shipped_names)]
    own = list(trials(whole, own_names))
    failures = written.complaints(rules) if rules else []
    failures += _failing(alone, shipped_names)
    for trial in own:
        failures += _failing(trial.bundle, trial.tests)
    failures += _unusable(whole)
    known = cases.shipped()
    for case in known:
        differences = await cases.differences(case, folder, rules)
        failures += [f"case {case['name']!r}: {line}" for line in differences]
    opa = opa or shutil.which("opa")
    if opa is not None:
        failures += _checked(opa, whole, own, rules)
    counted = f"{len(shipped_names)} shipped tests, {len(own_names)} of your own"
    by = "checked with OPA" if opa else "types not checked, as there is no opa on PATH"
    summary = f"{counted}, {len(known)} cases, {len(failures)} failures; {by}"
    untested = _untested(whole, own_names)
    if untested:
        listed = ", ".join(untested)
        summary += f"; without a test: {listed}"
    for line in passed(whole, datetime.now(UTC).date()):
        summary += f"; {line}"
    return Report(tuple(failures), summary)


def _unusable(whole: bundle.Bundle) -> list[str]:
    """Rules that no verdict can use, as they show on a document of one pod."""
    document = golden.one_pod().json_bytes().decode()
    try:
        said = orjson.loads(EmbeddedEngine(whole).query(VERDICT, document))
    except EngineError as error:
        return [str(error)]
    return [f"{name}: {why}" for name, why in said.get("failed", {}).items()]


def _untested(whole: bundle.Bundle, tests: list[str]) -> list[str]:
    """Rules of the user's own beside which no test stands."""
    untested = []
    for name in whole.own:
        package = f"data.{RULES}.{name}_test."
        if not any(test.startswith(package) for test in tests):
            untested.append(name)
    return untested


def _tests(whole: bundle.Bundle) -> list[str]:
    """The names of all tests, each once."""
    found: list[str] = []
    for path, text in whole.modules.items():
        if path.endswith("_test.rego"):
            names = _TEST.findall(text)
            found += [f"data.{package_of(text)}.{name}" for name in names]
    return list(dict.fromkeys(found))


def _failing(whole: bundle.Bundle, names: Iterable[str]) -> list[str]:
    """A line for each test that does not hold."""
    engine = EmbeddedEngine(whole)
    return [f"FAIL {name}" for name in names if not _holds(engine, name)]


def _holds(engine: EmbeddedEngine, name: str) -> bool:
    """Whether a test holds; one that cannot be evaluated does not."""
    try:
        said = engine.query(name, "{}")
    except EngineError:
        return False
    return said == "true"


def _checked(opa: str, whole: bundle.Bundle, own: Sequence[Trial], rules: Path | None) -> list[str]:
    """Check types by the document's schema and built-in functions by the profile.

    Run the user's tests there too.
    """
    with Scratch() as scratch:
        root = scratch.path / "bundle"
        archive.write_out(whole, root)
        limits = _limits(scratch.path)
        said = _run(opa, "check", "--strict", "--bundle", *limits, str(root))
        if not said:
            for trial in own:
                said += _failing_in_opa(opa, trial, root)
            _aggregate(whole, root)
        if whole.own and not said:
            said = compared.differences(opa, whole, root)
        return [line.replace(f"{root}/own", str(rules)) for line in said]


def _limits(folder: Path) -> tuple[str, ...]:
    """The options by which OPA knows the document's schema and the profile's functions."""
    schema = folder / "input.json"
    schema.write_text(json.dumps(Document.model_json_schema()))
    capabilities = folder / "capabilities.json"
    capabilities.write_text((shipped() / "capabilities.json").read_text())
    return ("--schema", str(schema), "--capabilities", str(capabilities))


def _aggregate(whole: bundle.Bundle, root: Path) -> None:
    """Have the bundle that is written out ask the rules that this one asks."""
    path = root / AGGREGATOR
    path.write_text(whole.modules[AGGREGATOR])


def _failing_in_opa(opa: str, trial: Trial, root: Path) -> list[str]:
    """The words of OPA on the tests of one rule that fail."""
    _aggregate(trial.bundle, root)
    packages = {name.rpartition(".")[0] for name in trial.tests}
    either = "|".join(re.escape(package) for package in sorted(packages))
    return _run(opa, "test", "--bundle", "--run", f"^({either})\\.", str(root))


def _run(*command: str) -> list[str]:
    """The words of a command that fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_OPA_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"opa {command[1]}: {error}"]
    if done.returncode == 0:
        return []
    lines = (done.stderr + done.stdout).splitlines()
    return [f"opa {command[1]}: {line}" for line in lines if line.strip()]
