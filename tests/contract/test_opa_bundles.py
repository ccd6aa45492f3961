"""OPA comes to have another bundle by itself: its verdicts count once it has proved itself, and not before."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from elfgate.errors import UnknownReason
from elfgate.policy import archive, bundle, golden
from elfgate.policy.config import PolicyConfig
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.guard import GuardedEngine
from elfgate.policy.opa import OpaEngine
from support import documents, opa
from support.documents import pod
from support.web import serving

pytestmark = pytest.mark.skipif(opa.OPA is None, reason="no OPA here: make policies builds one")

SHIPPED = bundle.load()
STRICT = bundle.load(config=PolicyConfig(unknown={UnknownReason.NO_NODE: "deny"}))
COMING = documents.document(
    targets={
        "s390x": ["z-1"],
        "amd64": {"nodes": 0, "standing": "possible", "reason": "no_node"},
    },
    containers={
        "app": {
            "image": "example/app:1",
            "found": {"amd64": "starts", "s390x": {"findings": [documents.MISSING_LOADER]}},
        }
    },
)
ALLOWS_ALL = """package elfgate.main
verdict := {"version": 1, "revision": data.elfgate.revision, "allowed": true, "denials": [], "warnings": []}
"""
ERRS = "package elfgate.rules.errs\nfindings := {1 |\n\tinput.version\n}\nfindings := {2 |\n\tinput.version\n}\n"

Told = list[tuple[str, str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opa") as folder:
        yield Path(folder)


class Bundles:
    """What OPA's bundle service has to give."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def put(self, policies: bundle.Bundle) -> None:
        self._files["/bundle.tar.gz"] = archive.pack(archive.files(policies))


Changes = Callable[[Engine, Told, Bundles], Awaitable[None]]


def followed(folder: Path, changes: Changes) -> None:
    """Ask an OPA that looks for its bundle at a web server every second."""
    told: Told = []

    async def main(socket: Path, bundles: Bundles) -> None:
        server = OpaEngine(
            socket,
            revision=SHIPPED.revision,
            seconds=20,
            told=lambda result, what: told.append((result, what)),
        )
        engine = GuardedEngine(server, (), told=lambda name, _why: told.append(("rule", name)))
        try:
            await until_right(engine)
            await changes(engine, told, bundles)
        finally:
            await engine.close()

    with serving({}) as (address, files):
        bundles = Bundles(files)
        bundles.put(SHIPPED)
        polling = {"min_delay_seconds": 1, "max_delay_seconds": 1}
        config = {
            "services": {"test": {"url": address}},
            "bundles": {
                "elfgate": {"service": "test", "resource": "/bundle.tar.gz", "polling": polling}
            },
        }
        (folder / "config.json").write_text(json.dumps(config))
        with opa.running(folder, "--config-file", str(folder / "config.json")) as socket:
            asyncio.run(main(socket, bundles))


async def until_right(engine: Engine) -> None:
    """Ask until OPA has its first bundle."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await golden.prove(engine)
            except EngineError:
                await asyncio.sleep(0.02)


async def until_told(engine: Engine, told: Told, result: str) -> None:
    """Ask until that is told of a bundle."""
    async with asyncio.timeout(60):
        while not any(told_result == result for told_result, _ in told):
            with suppress(EngineError):  # that of a bundle that was refused is none
                await engine.evaluate(pod(starts=("amd64",), fails=("s390x",)))
            await asyncio.sleep(0.02)


def test_a_new_bundle_judges_once_it_has_proved_itself(folder: Path) -> None:
    async def changes(engine: Engine, told: Told, bundles: Bundles) -> None:
        assert (await engine.evaluate(COMING)).allowed
        bundles.put(STRICT)
        await until_told(engine, told, "activated")
        assert told[-1] == ("activated", STRICT.revision)
        verdict = await engine.evaluate(COMING)
        assert (verdict.allowed, verdict.revision, engine.revision) == (
            False,
            STRICT.revision,
            STRICT.revision,
        )

    followed(folder, changes)


def test_one_that_judges_a_known_document_wrongly_gives_no_verdict(folder: Path) -> None:
    async def changes(engine: Engine, told: Told, bundles: Bundles) -> None:
        wrong = bundle.sealed(
            "wrong", {"elfgate/main/main.rego": ALLOWS_ALL}, SHIPPED.data["elfgate"]["config"]
        )
        bundles.put(wrong)
        await until_told(engine, told, "refused")
        for _ in range(2):
            with pytest.raises(
                EngineError, match=f"of revision '{wrong.revision}', not '{SHIPPED.revision}'"
            ):
                await engine.evaluate(pod(fails=("s390x",)))
        [why] = [what for result, what in told if result == "refused"]
        assert f"the policies of revision {wrong.revision} judge a known document wrongly" in why

    followed(folder, changes)


def test_a_rule_in_it_that_fails_takes_only_rules_of_the_users_own_with_it(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "errs.rego").write_text(ERRS)
    own = bundle.load(rules=tmp_path)

    async def changes(engine: Engine, told: Told, bundles: Bundles) -> None:
        bundles.put(own)
        await until_told(engine, told, "activated")
        verdict = await engine.evaluate(pod(fails=("s390x",)))
        assert [denial.code for denial in verdict.denials] == ["loader_missing"]
        assert list(verdict.failed) == ["*"]
        assert ("rule", "*") in told

    followed(folder, changes)
