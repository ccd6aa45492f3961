"""Objects, judged one after the other: the work of ``check``, for the command line and programs."""

from collections.abc import Callable, Iterable

from elfgate.cluster.exempt import Exemption
from elfgate.cluster.manifests import Manifest
from elfgate.cluster.workload import Workload
from elfgate.gate.gate import Case, Gate, Judgement
from elfgate.policy.cautions import described, is_for
from elfgate.policy.rulebook import Rulebook
from elfgate.results.check import CheckOutput, ResultOutput
from elfgate.wiring.gate import granted


def _nothing(_judgement: Judgement) -> None:
    """Is told of a judgement, and does nothing."""


async def checked(
    found: Iterable[tuple[Manifest, Workload | None]],
    gate: Gate,
    book: Rulebook,
    exemption: Exemption,
    on_judgement: Callable[[Judgement], None] = _nothing,
) -> CheckOutput:
    """Judge objects.

    Args:
        found: Each object, and what is to be judged of it, if anything.
        gate: Judges them.
        book: Knows the rules.
        exemption: What is admitted unjudged.
        on_judgement: Told of each judgement as it comes.

    Raises:
        InputError: if a pod's placement has a shape that Kubernetes would not take.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    results, passed_over = [], []
    for manifest, workload in found:
        if workload is None:
            passed_over.append(manifest)
            continue
        judgement = None
        if not exemption.covers(workload.namespace, manifest.obj):
            judgement = await gate.judge(Case.of_check(workload))
            on_judgement(judgement)
        results.append(ResultOutput.of(manifest, workload, judgement, book))
    revision = gate.engine.revision
    namespaces = {result.namespace for result in results}
    idle = granted(gate).unused(revision)
    unused = [described(each) for each in idle if is_for(each, namespaces)]
    return CheckOutput.of(results, passed_over, revision, unused)
