"""Rules of the user's own are read anew when the ConfigMap's volume that they are in changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from elfgate.policy.active import ActiveEngine
from elfgate.policy.memo import MemoisedEngine
from elfgate.policy.settings import Policies
from elfgate.policy.verdict import Verdict
from elfgate.wiring import follow
from elfgate.wiring import policies as judging
from support.documents import pod

DENIES = """package elfgate.rules.mine
findings contains {"container": "app-0", "platform": "linux/amd64", "message": "not today"}
"""
ALLOWS = "package elfgate.rules.mine\nfindings := set()\n"
BROKEN = "package elfgate.rules.mine\nfindings contains x if y\n"
FOREIGN = "package elfgate.rules.loader_missing\nfindings := set()\n"


def mount(folder: Path, text: str, generation: int) -> Path:
    """Put a rule where the kubelet would: in a folder of its own, to which ``..data`` is made to point at once."""
    data = folder / f"..{generation}"
    data.mkdir(parents=True)
    (data / "mine.rego").write_text(text)
    (folder / "..data_tmp").symlink_to(data.name)
    (folder / "..data_tmp").rename(folder / "..data")
    if not (folder / "mine.rego").is_symlink():
        (folder / "mine.rego").symlink_to("..data/mine.rego")
    return folder


class Followed:
    """An engine whose rules are followed, and what is told of them."""

    def __init__(self, engine: MemoisedEngine[ActiveEngine]) -> None:
        self.engine = engine
        self.told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def judge(self) -> Verdict:
        return await self.engine.evaluate(pod(starts=("amd64",)))

    async def next(self) -> tuple[str, str]:
        async with asyncio.timeout(60):
            return await self.told.get()


@asynccontextmanager
async def followed(folder: Path) -> AsyncIterator[Followed]:
    policies = Policies(own_rules=folder)
    engine = await judging.engine(judging.Judging.of_settings(policies))
    following = Followed(engine)
    try:
        async with follow.follow_rules(
            policies,
            folder,
            engine.live,
            told=lambda result, what: following.told.put_nowait((result, what)),
            rule_told=judging.log_failed_rule,
            seconds=0.01,
        ):
            yield following
    finally:
        await engine.close()


def run(folder: Path, changes: Callable[[Followed], Awaitable[None]]) -> None:
    async def main() -> None:
        async with followed(mount(folder, ALLOWS, 1)) as following:
            assert (await following.judge()).allowed
            await changes(following)

    asyncio.run(main())


def test_changed_rules_judge_from_then_on(tmp_path: Path) -> None:
    async def changes(following: Followed) -> None:
        before = following.engine.revision
        mount(tmp_path, DENIES, 2)
        assert await following.next() == ("activated", following.engine.revision)
        assert following.engine.revision != before
        verdict = await following.judge()
        assert [denial.code for denial in verdict.denials] == ["mine"]

    run(tmp_path, changes)


def test_broken_ones_leave_those_before_in_force_and_are_told_of_once(tmp_path: Path) -> None:
    async def changes(following: Followed) -> None:
        for generation, (text, why) in enumerate(
            [(BROKEN, "do not load"), (FOREIGN, "is one of elfgate's own"), ("", "has no package")],
            2,
        ):
            mount(tmp_path, text, generation)
            result, what = await following.next()
            assert (result, why in what) == ("refused", True)
            assert (await following.judge()).allowed
        (tmp_path / "mine.rego").unlink()
        result, what = await following.next()
        assert (result, "no Rego files" in what) == ("refused", True)
        mount(tmp_path, DENIES, 9)
        assert (await following.next())[0] == "activated"
        assert not (await following.judge()).allowed

    run(tmp_path, changes)
