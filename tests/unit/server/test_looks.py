"""A review is judged, and its answer remembered, by all that the policies in force look at."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import founding
from support.judging import judging, real_node, review_of
from support.objects import container, pod
from support.registry import Registry

NODES = [real_node("a", "amd64")]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry({founding.REPOSITORY: founding.images()}) as running:
        yield running


def server(registry: Registry) -> dict[str, str]:
    return container(image=registry.reference(f"{founding.REPOSITORY}:2-alpine"))


LABELLED = """\
# METADATA
# title: Pods have an owner
# custom:
#   looks_at: [labels, volumes]
package elfgate.rules.owned

findings contains {"container": container.name, "message": "no label owner"} if {
	some container in input.containers
	not input.pod.labels.owner
}

findings contains {"container": container.name, "message": "a volume of the node"} if {
	some container in input.containers
	some volume in input.pod.volumes
	volume.kind == "hostPath"
}
"""


def labelled(registry: Registry, number: int, **fields: Any) -> dict[str, Any]:
    """A pod as its controller makes it: with a name of its own, and one for its token's volume."""
    mount = {"name": f"kube-api-access-{number:05d}", "mountPath": "/var/run/secrets"}
    token = {"name": mount["name"], "projected": {"sources": []}}
    one = pod(server(registry) | {"volumeMounts": [mount]})
    one["spec"] |= {"volumes": [token, *fields.pop("volumes", [])]}
    one["metadata"] |= {"generateName": "web-", "name": f"web-{number:05d}", **fields}
    return one


def test_what_a_rule_looks_at_is_judged_and_remembered_by(
    tmp_path: Path, registry: Registry
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "owned.rego").write_text(LABELLED)

    async def main() -> None:
        async with judging(tmp_path, registry, NODES, rules=rules) as judge:
            known = judge.validator._known
            for number in range(3):
                assert not (await judge.ask(labelled(registry, number)))["allowed"]
            assert len(known) == 1
            owned = {"labels": {"owner": "team-a"}, "annotations": {"made": "now"}}
            for number in range(3):
                assert (await judge.ask(labelled(registry, number, **owned)))["allowed"]
            assert len(known) == 2
            host = [{"name": "host", "hostPath": {"path": "/"}}]
            answer = await judge.ask(labelled(registry, 1, **owned, volumes=host))
            assert "a volume of the node" in answer["status"]["message"]

    asyncio.run(main())


def test_policies_that_come_into_force_meanwhile_see_what_they_look_at(
    tmp_path: Path, registry: Registry
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "owned.rego").write_text(LABELLED)

    async def main() -> None:
        async with judging(tmp_path, registry, NODES) as judge:
            good = labelled(registry, 1, labels={"owner": "team-a"})
            question = judge.validator.read(review_of(good))
            await judge.policies(rules)
            answer = await judge.validator.judge(question, 10.0)
            assert answer.allowed
            bad = judge.validator.read(review_of(labelled(registry, 2)))
            assert not (await judge.validator.judge(bad, 10.0)).allowed

    asyncio.run(main())
