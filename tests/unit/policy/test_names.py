"""One verdict for all names is right only where policies do not look at names: what could be a look counts as one."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from elfgate import judging
from elfgate.policy import bundle, names
from elfgate.policy.config import Exemption, PolicyConfig
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine
from support import chance
from support.documents import pod

EXEMPTION = Exemption(namespace="shop", owner="a", reason="b", expires=date(2099, 1, 1))


def called(document: Document, name: str) -> Document:
    return document.model_copy(
        update={"request": document.request.model_copy(update={"name": name})}
    )


def test_the_shipped_policies_do_not_look_at_names() -> None:
    assert not names.matter(bundle.load())
    assert not names.matter(bundle.load(config=PolicyConfig(exemptions=[EXEMPTION])))


def test_they_do_where_an_exemption_is_for_some_workloads() -> None:
    assert names.matter(
        bundle.load(
            config=PolicyConfig(
                exemptions=[EXEMPTION, EXEMPTION.model_copy(update={"workload": "web-*"})]
            )
        )
    )


@pytest.mark.parametrize(
    ("body", "looks"),
    [
        ("input.request.namespace == input.request.point", False),
        ("some linkage in input.linkages; linkage.container", False),
        ("input.request.name", True),
        ("input.request.named", False),
        ('input.request["name"]', True),
        ('input["request"]', True),
        ("some key; input.request[key]", True),
        ("asked := input.request; asked.name", True),
        ("walk(input, [path, value])", True),
        ('object.get(input.request, "name", "")', True),
        ('object.get(input, ["request", "name"], "")', True),
        ("input\t.request", True),
        ("true # input.request.name", True),
    ],
)
def test_whatever_could_be_a_look_at_the_name_counts_as_one(
    body: str, looks: bool, tmp_path: Path
) -> None:
    (tmp_path / "mine.rego").write_text(
        f"package elfgate.rules.mine\nfindings contains 1 if {{ {body} }}\n"
    )
    assert names.matter(bundle.load(rules=tmp_path)) is looks


def test_a_changed_module_of_exemptions_is_looked_through_like_any_other() -> None:
    policies = bundle.load()
    path = "lib/exemptions/exemptions.rego"
    changed = {**policies.modules, path: policies.modules[path] + "\n# changed\n"}
    assert names.matter(bundle.sealed("x", changed, policies.data["elfgate"]["config"]))


@pytest.mark.parametrize("seed", range(4))
def test_where_they_do_not_matter_any_name_is_judged_alike(seed: int) -> None:
    config = PolicyConfig.model_validate(chance.config(seed)) if seed else None
    policies = bundle.load(config=config)
    assert not names.matter(policies)
    engine = EmbeddedEngine(policies)
    for number in range(50):
        document = chance.document(number)
        one, other, none = (
            engine.query("data.elfgate.main.verdict", written.decode())
            for written in (
                document.json_bytes(),
                called(document, "an-other.name").json_bytes(),
                document.json_without_name(),
            )
        )
        assert one == other == none


def test_a_verdict_is_remembered_for_every_name_or_for_its_own() -> None:
    async def remembered(config: PolicyConfig) -> bool:
        engine = await judging.engine(judging.Judging(config=config))
        first = await engine.evaluate(called(pod(fails=("s390x",)), "one"))
        second = await engine.evaluate(called(pod(fails=("s390x",)), "other"))
        await engine.close()
        assert first == second
        return first is second

    assert asyncio.run(remembered(PolicyConfig()))
    assert not asyncio.run(
        remembered(PolicyConfig(exemptions=[EXEMPTION.model_copy(update={"workload": "web-*"})]))
    )


def test_a_document_is_written_as_pydantic_writes_it() -> None:
    for number in range(50):
        document = chance.document(number)
        assert document.json_bytes().decode() == document.model_dump_json()
        assert document.json_without_name() == called(document, "").json_bytes()
