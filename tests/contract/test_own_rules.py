"""Rules of the user's own: one that errs, loops or says nothing usable takes no other with it, on either engine."""

import asyncio
import json
import platform
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from elfgate.isolation.machine import MACHINES
from elfgate.isolation.rules import BoundedEngine
from elfgate.policy import bundle, golden
from elfgate.policy.document import Document
from elfgate.policy.engine import Engine
from elfgate.policy.files import shipped
from elfgate.policy.guard import GuardedEngine
from elfgate.policy.opa import OpaEngine
from elfgate.policy.verdict import Verdict
from support import functions, opa
from support.documents import pod
from support.functions import Function

UNASKED = {"assign", "eq", "internal.member_2", "internal.member_3"}  # they are no calls
SECONDS = 1.0  # a loaded machine is slow, and a good rule must not be taken for one that loops
MEMORY = (
    256 << 20
)  # four times what it takes to load; it takes seconds to fill the gigabyte that it would have
FINDING = '{"container": "app-0", "platform": "linux/amd64", "message": "no"}'
GOOD = f"package elfgate.rules.good\nfindings contains {FINDING}"
ERRS = "package elfgate.rules.errs\nfindings := {1 |\n\tinput.version\n}\nfindings := {2 |\n\tinput.version\n}\n"
LOOPS = """package elfgate.rules.loops
findings contains x if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
	x := a
}
"""
HUGE = "package elfgate.rules.huge\nfindings := {x | some x in numbers.range(1, 1000000000)}"
SILENT = 'package elfgate.rules.silent\ndeny contains "no" if true'
UNUSABLE = 'package elfgate.rules.unusable\nfindings contains {"remedy": "no"}'

Start = Callable[[bundle.Bundle], Engine]


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("opa", marks=pytest.mark.skipif(opa.OPA is None, reason="no OPA here")),
    ]
)
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    with tempfile.TemporaryDirectory(prefix="opa") as folder, ExitStack() as stack:

        def served(policies: bundle.Bundle) -> Engine:
            socket = stack.enter_context(opa.serving(policies, Path(folder)))
            return OpaEngine(socket, revision=policies.revision, seconds=SECONDS)

        yield (
            served
            if request.param == "opa"
            else lambda policies: BoundedEngine(policies, seconds=SECONDS, memory=MEMORY)
        )


def rules(folder: Path, *texts: str) -> bundle.Bundle:
    for number, text in enumerate(texts):
        (folder / f"{number}.rego").write_text(text)
    return bundle.load(rules=folder)


def judged(
    start: Start, policies: bundle.Bundle, *documents: Document
) -> tuple[list[Verdict], list[str]]:
    told: list[str] = []

    async def ask() -> list[Verdict]:
        engine = GuardedEngine(
            start(policies), policies.own, told=lambda name, _why: told.append(name)
        )
        await golden.prove(engine)
        try:
            return [await engine.evaluate(document) for document in documents]
        finally:
            await engine.close()

    return asyncio.run(ask()), told


def test_a_good_rule_decides_with_the_others(start: Start, tmp_path: Path) -> None:
    [verdict], told = judged(start, rules(tmp_path, GOOD), pod(starts=("amd64",)))
    assert [denial.code for denial in verdict.denials] == ["good"]
    assert verdict.denials[0].lines == ["no  [good]"]
    assert (verdict.failed, told) == ({}, [])


def test_a_rule_that_errs_is_left_out_by_name_and_the_others_decide(
    start: Start, tmp_path: Path
) -> None:
    [verdict], told = judged(
        start, rules(tmp_path, GOOD, ERRS), pod(starts=("amd64",), fails=("s390x",))
    )
    assert {denial.code for denial in verdict.denials} | {
        warning.code for warning in verdict.warnings
    } == {
        "good",
        "errs",
        "loader_missing",
    }
    assert list(verdict.failed) == ["errs"]
    assert told == ["errs"]


def test_a_rule_that_loops_is_left_out_and_not_asked_again_for_a_while(
    start: Start, tmp_path: Path
) -> None:
    policies = rules(tmp_path, GOOD, LOOPS)
    (first, second), told = judged(start, policies, pod(starts=("amd64",)), pod(fails=("amd64",)))
    assert [denial.code for denial in first.denials] == ["good"]
    assert "the rule loops failed and was left out" in first.warnings[-1].headline
    assert {denial.code for denial in second.denials} == {"good", "loader_missing"}
    assert list(second.failed) == ["loops"]
    assert told == ["loops"]


@pytest.mark.parametrize("start", ["embedded"], indirect=True)
def test_a_rule_that_wants_all_memory_ends_its_own_process_only(
    start: Start, tmp_path: Path
) -> None:
    [verdict], _told = judged(start, rules(tmp_path, HUGE), pod(fails=("amd64",)))
    assert [denial.code for denial in verdict.denials] == ["loader_missing"]
    assert list(verdict.failed) == ["huge"]


def test_a_finding_that_says_too_little_is_told_of_and_not_passed_over(
    start: Start, tmp_path: Path
) -> None:
    [verdict], told = judged(start, rules(tmp_path, GOOD, UNUSABLE), pod(starts=("amd64",)))
    assert [denial.code for denial in verdict.denials] == ["good"]
    assert list(verdict.failed) == ["unusable"]
    assert told == ["unusable"]
    assert verdict.failed["unusable"].startswith("its finding")
    assert "finding" not in verdict.warnings[-1].headline


def test_every_function_of_the_profile_can_be_called_behind_the_sandbox(tmp_path: Path) -> None:
    calls = [answered(function) for function in permitted()]
    asked = [f"asked contains {n} if _ = {call}" for n, call in enumerate(calls)]
    finding = 'findings contains {"message": sprintf("%v asked", [count(asked)])}'
    text = "\n".join(["package elfgate.rules.every", finding, *asked])

    async def ask() -> Verdict:
        engine = BoundedEngine(rules(tmp_path, text), seconds=60, memory=MEMORY)
        try:
            return await engine.evaluate(pod(starts=("amd64",)))
        finally:
            await engine.close()

    verdict = asyncio.run(ask())
    assert verdict.denials[0].lines == [f"{len(calls)} asked  [every]"]


def answered(function: Function) -> str:
    """A call of a function that regorus answers, with values written out."""
    for number in range(100):
        arguments = function.arguments(random.Random(f"{function.name} {number}"))  # noqa: S311
        if functions.in_regorus(function, [arguments]) != [functions.NOTHING]:
            break
    call = function.call()
    for place, argument in enumerate(arguments):
        call = call.replace(f"input[{place}]", json.dumps(argument))
    return call


def permitted() -> list[Function]:
    """The functions that rules may call by name, or as an operator."""
    listed = functions.functions(Path(str(shipped() / "capabilities.json")))
    return [each for each in listed if each.name not in UNASKED]


def test_the_process_that_evaluates_them_is_confined_and_knows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELFGATE_STORE_PASSWORD", "a-secret")

    async def seen() -> tuple[str, bytes]:
        engine = BoundedEngine(rules(tmp_path, GOOD), seconds=SECONDS, memory=MEMORY)
        try:
            await engine.evaluate(pod(starts=("amd64",)))
            process = Path(f"/proc/{engine.pid}")
            return (process / "status").read_text(), (process / "environ").read_bytes()
        finally:
            await engine.close()

    status, environment = asyncio.run(seen())
    assert environment == b"RUST_LIB_BACKTRACE=0\0"
    if platform.machine() in MACHINES:
        assert "Seccomp:\t2" in status


@pytest.mark.parametrize(
    "finding",
    [
        '{"container": "app-0", "platform": "amd64", "message": "no"}',
        '{"container": "nosuch", "message": "no"}',
        '{"container": "app-0", "message": "no", "mode": "warn"}',
    ],
)
def test_a_finding_that_could_not_count_is_told_of(
    start: Start, tmp_path: Path, finding: str
) -> None:
    policies = rules(tmp_path, f"package elfgate.rules.odd\nfindings contains {finding}")
    [verdict], told = judged(start, policies, pod(starts=("amd64",)))
    assert (verdict.allowed, told) == (True, ["odd"])


def test_a_rule_without_findings_is_told_of(start: Start, tmp_path: Path) -> None:
    [verdict], told = judged(start, rules(tmp_path, SILENT), pod(starts=("amd64",)))
    assert (verdict.allowed, told) == (True, ["silent"])


def test_a_finding_without_a_platform_is_for_all(start: Start, tmp_path: Path) -> None:
    everywhere = 'findings contains {"container": "app-0", "message": "no"}'
    policies = rules(tmp_path, f"package elfgate.rules.everywhere\n{everywhere}")
    partly = pod(starts=("amd64",), fails=("s390x",))
    (somewhere, nowhere), told = judged(start, policies, partly, pod())
    assert told == []
    [denial] = somewhere.denials
    assert denial.platforms == ["linux/amd64", "linux/s390x"]
    assert denial.headline == "app-0 (example/app:1) is not allowed"
    assert [warning.code for warning in somewhere.warnings] == ["loader_missing"]
    assert [denial.platforms for denial in nowhere.denials] == [[]]


def test_a_finding_without_a_container_is_about_the_pod(start: Start, tmp_path: Path) -> None:
    policies = rules(tmp_path, 'package elfgate.rules.whole\nfindings contains {"message": "no"}')
    [verdict], told = judged(start, policies, pod(starts=("amd64",), containers=2))
    assert told == []
    [denial] = verdict.denials
    assert (denial.container, denial.headline) == ("", "this pod is not allowed")
    assert denial.lines == ["no  [whole]"]


STAGED = """# METADATA
# custom:
#   looks_at: [namespace_labels]
package elfgate.rules.staged

findings contains {"message": "its namespace has no stage"} if {
	not input.request.namespace_labels.stage
}
"""


def test_a_rule_sees_its_namespaces_labels(start: Start, tmp_path: Path) -> None:
    document = pod(starts=("amd64",))
    staged, bare = (
        document.model_copy(
            update={
                "request": document.request.model_copy(update={"namespace_labels": labels}),
            }
        )
        for labels in ({"stage": "prod"}, {})
    )
    (let_in, refused), told = judged(start, rules(tmp_path, STAGED), staged, bare)
    assert (let_in.allowed, told) == (True, [])
    assert [denial.code for denial in refused.denials] == ["staged"]


def test_what_is_not_known_of_a_namespace_refuses_nothing(start: Start, tmp_path: Path) -> None:
    [verdict], told = judged(start, rules(tmp_path, STAGED, GOOD), pod(starts=("amd64",)))
    assert [denial.code for denial in verdict.denials] == ["good"]
    assert told == ["staged"]
    assert verdict.failed == {"staged": "the labels of the namespace are not known"}
