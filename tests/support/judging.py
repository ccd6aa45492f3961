"""The webhook's judge as ``elfgate serve`` puts it together: real policies and store, a real registry on loopback."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elfgate.cluster.inventory import Inventory
from elfgate.cluster.nodes import Node, read_node
from elfgate.cluster.pullsecrets import PullSecrets
from elfgate.cluster.template import TEMPLATES, Template
from elfgate.gate.gate import Gate
from elfgate.policy.active import ActiveEngine
from elfgate.policy.config import PolicyConfig
from elfgate.server.answers import ReviewAnswer
from elfgate.server.steer import Steerer
from elfgate.server.validate import Validator
from elfgate.settings.images import Registries
from elfgate.wiring import images as wiring
from elfgate.wiring.policies import Judging as Policies
from elfgate.wiring.policies import engine as start_engine

from .objects import node
from .registry import Registry


def real_node(name: str, architecture: str, **fields: Any) -> Node:
    """A node of an architecture, as it is read from the API."""
    return read_node(node(name, architecture, **fields))


def review_of(obj: dict[str, Any], uid: str = "u", **fields: Any) -> bytes:
    """The review of an object that is created."""
    request = {
        "uid": uid,
        "resource": {"resource": f"{obj['kind'].lower()}s"},
        "operation": "CREATE",
        "object": obj,
    }
    request |= {"namespace": "shop", "name": obj["metadata"]["name"], **fields}
    return json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    ).encode()


async def answered(judge: Validator | Steerer, body: bytes, deadline: float = 10.0) -> ReviewAnswer:
    """The answer to a review: what is at hand, else what is judged."""
    question = judge.read(body)
    return judge.at_hand(question) or await judge.judge(question, deadline)


@dataclass(frozen=True)
class Judging:
    """A validator, and what it judges by."""

    validator: Validator
    inventory: Inventory
    active: ActiveEngine

    async def policies(self, rules: Path) -> None:
        """Put other policies into force: the shipped ones with rules of one's own."""
        other = await start_engine(Policies(rules=rules))
        self.active.sights.update(other.live.sights)
        await self.active.replace(other.live)

    async def ask(
        self, obj: dict[str, Any], *, deadline: float = 10.0, **fields: Any
    ) -> dict[str, Any]:
        """The response to a review of an object that is created."""
        answered = await self.answered(obj, deadline=deadline, **fields)
        response: dict[str, Any] = json.loads(answered.body)["response"]
        return response

    async def answered(
        self, obj: dict[str, Any], *, deadline: float = 10.0, **fields: Any
    ) -> ReviewAnswer:
        """The same, with what metrics and logs are told."""
        return await answered(self.validator, review_of(obj, **fields), deadline)


@asynccontextmanager
async def judging(
    folder: Path,
    registry: Registry,
    nodes: Iterable[Node],
    *,
    wait: float | None = None,
    in_flight: int = 256,
    config: PolicyConfig | None = None,
    rules: Path | None = None,
    pull_secrets: PullSecrets | None = None,
    templates: Sequence[Template] = TEMPLATES,
) -> AsyncIterator[Judging]:
    """A validator for these nodes, which reads images from this registry."""
    inventory, engine = Inventory(nodes), await start_engine(Policies(config=config, rules=rules))
    reading = wiring.Reading(
        registries=Registries(insecure=(registry.host,)), store=folder / "facts.db", wait=wait
    )
    try:
        async with wiring.scanner(reading) as scanner:
            validator = Validator(
                gate=Gate(
                    inventory, scanner, engine, pull_secrets=pull_secrets, looks=engine.looks
                ),
                nodes_known=lambda: True,
                live_engine=engine.live,
                sights=engine.live.sights,
                in_flight=in_flight,
                templates=templates,
            )
            yield Judging(validator, inventory, engine.live)
    finally:
        await engine.close()
