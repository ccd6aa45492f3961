"""The main path: start reading here.

A workload is judged in five steps: where it may land, what each of its images would do there, what
else would start, one document of all that, and the policies' verdict on it. The webhook and the
command line are doors to the ``Gate``; neither has a pipeline of its own, and none of these steps
decides anything: policies do.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from elfgate.cluster.bounds import Budget, bounded
from elfgate.cluster.inventory import Inventory
from elfgate.cluster.namespaces import FRESH_SECONDS, Namespaces
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.target import Landing, Target
from elfgate.cluster.targets import landing
from elfgate.cluster.workload import Point, Workload, parts_of
from elfgate.gate.breath import pause
from elfgate.gate.document import Asked, Found, described
from elfgate.gate.exemptions import NamespaceExemptions
from elfgate.gate.labelled import labels
from elfgate.gate.starts import Start, Starts, demands
from elfgate.gate.together import together
from elfgate.linkage.report import Outcome
from elfgate.policy.document import Document, OpeningEntry
from elfgate.policy.engine import Engine
from elfgate.policy.verdict import Verdict
from elfgate.scan.asker import Asker
from elfgate.scan.scanner import Scanner
from elfgate.traces import step

if TYPE_CHECKING:  # it loads the Kubernetes client, which the command line seldom needs
    from elfgate.cluster.pullsecrets import PullSecrets

_NOTHING_MORE = Outlook()


@dataclass(frozen=True, slots=True)
class Case:
    """A workload that is to be judged.

    Attributes:
        workload: What is to be admitted.
        point: Where the verdict is asked for.
        operation: CREATE or UPDATE.
        dry_run: The request changes nothing.
        checked: A command line asks: the settings of the point ``check`` are laid over those of the
            other.
    """

    workload: Workload
    point: Point
    operation: str = "CREATE"
    dry_run: bool = False
    checked: bool = False

    @classmethod
    def of_check(cls, workload: Workload) -> "Case":
        """A workload as a command line asks about it.

        As the webhook is asked when it is created.
        """
        return cls(workload, Point.of_kind(workload.kind), checked=True)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the document it was given on.

    Attributes:
        verdict: The policies' answer.
        document: What they were asked.
        until: How long the document stays true of the same workload and nodes, in monotonic
            seconds.
        seconds: What the steps took: ``targets``, ``scan``, ``engine``.
        digests: What the images' names lead to, of those that were read.
    """

    verdict: Verdict
    document: Document
    until: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """Judges workloads.

    Attributes:
        inventory: The nodes there are.
        scanner: Predicts starts.
        engine: Evaluates policies.
        outlook: What settings say of nodes and runtimes, beyond what is there.
        pull_secrets: Knows a workload's own credentials; None if one access to images is
            everybody's.
        looks: Tells what the policies in force look at (``policy.annotation.LOOKS``).
        namespaces: Knows the labels of namespaces; None if nobody is to be asked for them.
        exemptions: Those that namespaces grant; None if none may.
    """

    inventory: Inventory
    scanner: Scanner
    engine: Engine
    outlook: Outlook = _NOTHING_MORE
    pull_secrets: "PullSecrets | None" = None
    looks: Callable[[], frozenset[str]] = frozenset
    namespaces: Namespaces | None = None
    exemptions: NamespaceExemptions | None = None

    @property
    def generation(self) -> int:
        """Raised with every change of nodes or exemptions."""
        granted = self.exemptions.generation if self.exemptions else 0
        return self.inventory.generation + granted

    async def judge(self, case: Case, within: float | None = None) -> Judgement:
        """Judge a workload: each of its pod templates, of which every one has to be let pass.

        Where the nodes are not followed, nothing is refused that rests on which nodes there are:
        one of another architecture may have joined meanwhile. What would be refused in a cluster
        without any node stays refused; all else is judged as a placement that is not final.

        Args:
            case: The workload, and how it is asked about.
            within: The most seconds to wait for what is not known yet; it is an unknown then.

        Raises:
            InputError: if the pod's placement has a shape that Kubernetes would not take.
            EngineError: if the policies gave no verdict that can be trusted.
        """
        first, *others = parts_of(case.workload)
        budget = Budget()
        until = None if within is None else time.monotonic() + within
        judgement = await self._judge_part(replace(case, workload=first), until, budget)
        for other in others:
            added = await self._judge_part(replace(case, workload=other), until, budget)
            judgement = together(judgement, added, other.part)
        return judgement

    async def _judge_part(self, case: Case, until: float | None, budget: Budget) -> Judgement:
        """Judge one pod template, and refuse nothing that rests on nodes that are not followed."""
        judgement = await self._judge(case, until, budget)
        since = self.inventory.stale_since
        if since is None or judgement.verdict.allowed:
            return judgement
        without_nodes = replace(self, inventory=Inventory())
        # It is a gate of its own making.
        if not (await without_nodes._judge(case, until, Budget())).verdict.allowed:  # noqa: SLF001
            return judgement
        document = as_of(judgement.document, time.monotonic() - since)
        verdict = await self.engine.evaluate(document)
        return replace(judgement, verdict=verdict, document=document, until=0.0)

    async def _judge(self, case: Case, until: float | None, budget: Budget) -> Judgement:
        """Judge by the nodes as they are known."""
        begun = perf_counter()
        with step("targets"):
            where = landing(demands(case.workload), self.inventory, self.outlook)
        workload = bounded(case.workload, len(where.targets) + len(where.beyond), budget)
        keyring = await self.pull_secrets.of(workload) if self.pull_secrets else None
        placed = perf_counter()
        predictor = Starts(self.scanner, until, Asker(workload.namespace, keyring), self.outlook)
        with step("scan"):
            found = await self._found(workload, where, predictor, budget)
        starts = found.starts
        await pause(len(starts))
        asked = Asked(
            workload,
            case.point,
            case.operation,
            case.dry_run,
            case.checked,
            exemptions=self.exemptions.of(workload.namespace) if self.exemptions else (),
        )
        scanned = perf_counter()
        with step("policies"):
            document, verdict = await self._answered(asked, found, predictor)
        seconds = {
            "targets": placed - begun,
            "scan": scanned - placed,
            "engine": perf_counter() - scanned,
        }
        until = min((start.linkage.until for start in starts), default=math.inf)
        if "namespace_labels" in self.looks():
            is_known = "namespace_labels" in document.request.model_fields_set
            until = min(until, time.monotonic() + FRESH_SECONDS * is_known)
        digests = {start.container.image: start.linkage.digest for start in starts}
        return Judgement(verdict, document, until, seconds, digests)

    async def _found(
        self, workload: Workload, where: Landing, predictor: Starts, budget: Budget
    ) -> Found:
        """Find out what would start where."""
        places = where.targets
        starts = await predictor.of(workload, places)
        if where.beyond and places and not _spared(places, starts):
            starts += await predictor.of(workload, where.beyond)
            places += where.beyond
        found = Found(places, where.openings, starts)
        if not any(start.linkage.outcome is Outcome.CANNOT_START for start in starts):
            return found
        return replace(
            found,
            alternatives=[await predictor.alternatives(start) for start in starts],
            elsewhere=await predictor.elsewhere(workload, starts, self.inventory),
            before=await predictor.before(workload, self.inventory, budget),
        )

    async def _answered(
        self, asked: Asked, found: Found, predictor: Starts
    ) -> tuple[Document, Verdict]:
        """Ask the policies.

        And ask again if others came into force meanwhile, which look at more.
        """
        while True:
            looks = self.looks()
            if self.namespaces and "namespace_labels" in looks:
                namespace = await self.namespaces.labels(asked.workload.namespace)
                asked = replace(asked, namespace=namespace)
            if "image_labels" in looks:
                linkages, asker = found.linkages(), predictor.asker
                told = await labels(self.scanner, linkages, asker, predictor.within)
                found = replace(found, labels=told)
            document = await described(asked, found, looks)
            await pause(len(found.starts))
            verdict = await self.engine.evaluate(document)
            if self.looks() <= looks:
                return document, verdict


def as_of(document: Document, age: float) -> Document:
    """The document of nodes that were there ``age`` seconds ago.

    Others may have come, and these gone.

    How the object was before an update says nothing then either.
    """
    opening = OpeningEntry(
        reason="nodes_stale",
        because=f"the list of nodes is {age:.0f} s old, as the API server does not tell of them",
    )
    return document.model_copy(update={"openings": [opening, *document.openings], "before": []})


def _spared(places: tuple[Target, ...], starts: list[Start]) -> bool:
    """Tell whether nothing fails on one of the places, so that others need not be looked at."""
    failing = {
        start.target.platform for start in starts if start.linkage.outcome is Outcome.CANNOT_START
    }
    return any(place.platform not in failing for place in places)
