"""The document of ``elfgate check``."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from elfgate.policy.rulebook import Rulebook
from elfgate.results.model import Headed, Model, schema
from elfgate.results.violation import ViolationOutput, violations

if TYPE_CHECKING:
    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.workload import Workload
    from elfgate.gate.gate import Judgement


class ResultOutput(Model):
    """The findings of one object of the manifests."""

    source: str = Field(description="file and document, such as app.yaml:12")
    kind: str
    namespace: str
    name: str
    verdict: Literal["admitted", "warned", "denied"]
    exempt: bool = Field(
        default=False,
        description="it is admitted unjudged: its namespace is exempt, or a kubelet runs it anyway",
    )
    unknown: bool = Field(default=False, description="something could not be told")
    denials: list[ViolationOutput] = Field(default=[])
    warnings: list[ViolationOutput] = Field(default=[])
    would_deny: list[ViolationOutput] = Field(
        default=[],
        description="what would be denied if all that warns or runs dry denied",
    )

    @classmethod
    def of(
        cls,
        manifest: "Manifest",
        workload: "Workload",
        judgement: "Judgement | None",
        book: Rulebook,
    ) -> Self:
        """The result of one object; without a judgement, it is exempt."""
        about = {
            "source": manifest.position,
            "kind": workload.kind,
            "namespace": workload.namespace,
            "name": workload.name,
        }
        if judgement is None:
            return cls.model_validate({**about, "verdict": "admitted", "exempt": True})
        verdict = judgement.verdict
        word = "warned" if verdict.warnings else "admitted"
        told = violations(manifest, workload, judgement, book)
        said = {"verdict": word if verdict.allowed else "denied", "unknown": verdict.unknown}
        return cls.model_validate({**about, **said, **told})


class CheckOutput(Headed):
    """``elfgate check -o json``."""

    schema_: str = schema("check")
    revision: str = Field(description="of the policies")
    results: list[ResultOutput]
    passed_over: int = Field(description="objects that hold no pod template, and what is no object")
    kinds_passed_over: dict[str, int] = Field(default={}, description="how many of each kind")
    no_objects: list[str] = Field(
        default=[], description="where documents stand that are no Kubernetes objects"
    )
    unused: list[str] = Field(
        default=[],
        description="exemptions for namespaces of these objects that spare nothing of them",
    )

    @classmethod
    def of(
        cls,
        results: Sequence[ResultOutput],
        unjudged: "Iterable[Manifest]",
        revision: str,
        unused: Sequence[str] = (),
    ) -> Self:
        """From what was judged, and what was not."""
        passed = list(unjudged)
        kinds = Counter(each.kind for each in passed if each.kind)
        return cls(
            revision=revision,
            results=list(results),
            passed_over=len(passed),
            kinds_passed_over=dict(sorted(kinds.items())),
            no_objects=[each.position for each in passed if not each.kind],
            unused=list(unused),
        )
