"""The documents that ``-o json`` and ``-o yaml`` print.

The models from which the published schemas are generated.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from elfgate.policy.verdict import Violation
from elfgate.warm import State

if TYPE_CHECKING:  # a verb loads what it needs
    from elfgate.linkage.report import Distro, Finding
    from elfgate.matrix import Matrix
    from elfgate.policy.metadata import Rule
    from elfgate.scan.scanner import Linkage
    from elfgate.store.exchange import Carried
    from elfgate.warm import Warmed

VerdictWord = Literal["starts", "cannot-start", "unknown"]


class Model(BaseModel):
    """Frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VariantOutput(Model):
    """The image's nature, as its root file system tells."""

    id: str = Field(
        description="os-release's ID; scratch for a root without libc, shell and os-release"
    )
    version: str | None = Field(description="os-release's VERSION_ID")
    libc: Literal["musl", "glibc"] | None

    @classmethod
    def of(cls, variant: "Distro") -> "VariantOutput":
        """From the report's."""
        return cls.model_validate(
            {"id": variant.id, "version": variant.version, "libc": variant.libc}
        )


class FindingOutput(Model):
    """One thing found on the way to a start."""

    code: str = Field(description="stable; `elfgate` documents each as a rule")
    path: str = Field(description="the file it is about, as the container sees it; empty if none")
    message: str
    remedy: str = Field(description="what to change; empty if nothing is known to help")
    effect: Literal["fails", "unknown", "note"]
    reason: str | None = Field(description="why it cannot be told, where the effect is unknown")

    @classmethod
    def of(cls, finding: "Finding") -> "FindingOutput":
        """From the report's."""
        return cls(
            code=finding.code.value,
            path=finding.path,
            message=finding.message,
            remedy=finding.remedy,
            effect=finding.effect.value,
            reason=finding.reason.value if finding.reason else None,
        )


class OtherOutput(Model):
    """Something else of the image that would fail; no reason to deny."""

    path: str
    findings: list[FindingOutput]


class PlatformOutput(Model):
    """The verdict for one platform."""

    platform: str
    digest: str | None = Field(
        description="of the manifest that a node of this platform would pull"
    )
    variant: VariantOutput
    argv: list[str] = Field(description="what the runtime would start")
    verdict: VerdictWord
    findings: list[FindingOutput]
    others: list[OtherOutput] = Field(default=[], description="what else would fail, with --all")

    @classmethod
    def of(cls, linkage: "Linkage") -> "PlatformOutput":
        """From the scan's."""
        return cls(
            platform=str(linkage.platform),
            digest=_content_digest(linkage.manifest),
            variant=VariantOutput.of(linkage.variant),
            argv=list(linkage.prediction.argv),
            verdict=linkage.outcome.value,
            findings=[FindingOutput.of(finding) for finding in linkage.prediction.findings],
            others=[
                OtherOutput(
                    path=other.path,
                    findings=[FindingOutput.of(finding) for finding in other.findings],
                )
                for other in linkage.others
            ],
        )


class ScanOutput(Model):
    """``elfgate scan -o json``."""

    image: str
    digest: str | None = Field(description="of the index, or of the only manifest")
    platforms: list[PlatformOutput]

    @classmethod
    def of(cls, image: str, linkages: "Sequence[Linkage]") -> "ScanOutput":
        """From the scan's."""
        digest = next((linkage.digest for linkage in linkages if linkage.digest), "")
        return cls(
            image=image,
            digest=_content_digest(digest),
            platforms=[PlatformOutput.of(linkage) for linkage in linkages],
        )


class MatrixOutput(Model):
    """``elfgate matrix -o json``."""

    platforms: list[str]
    images: list[ScanOutput]

    @classmethod
    def of(cls, matrix: "Matrix") -> "MatrixOutput":
        """From the matrix."""
        return cls(
            platforms=[str(platform) for platform in matrix.platforms],
            images=[ScanOutput.of(row[0].image, row) for row in matrix.rows],
        )


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
    denials: list[Violation] = []
    warnings: list[Violation] = []
    would_deny: list[Violation] = Field(
        default=[],
        description="what would be denied if all that warns or runs dry denied",
    )


class CheckOutput(Model):
    """``elfgate check -o json``."""

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


class RuleOutput(Model):
    """A rule, as ``elfgate explain -o json`` tells of it."""

    code: str
    title: str
    description: str
    remedy: str = Field(description="the way out")
    mode: str = Field(description="what its findings lead to by these settings, in words")
    own: bool = Field(description="it did not come with elfgate")
    example: str = Field(
        description="what people are told, in a case of it; empty if there is none"
    )

    @classmethod
    def of(cls, rule: "Rule", example: str = "") -> "RuleOutput":
        """From the policies'."""
        return cls.model_validate({**asdict(rule), "example": example})


class ExemptionOutput(Model):
    """An exemption, and how long it holds."""

    state: Literal["holds", "ends soon", "warns", "ended"] = Field(
        description="today: within 30 days of its last day it ends soon, in its days of grace it "
        "warns"
    )
    namespace: str
    image: str
    workload: str
    rules: list[str] = Field(description="none for every rule")
    owner: str
    reason: str
    expires: str = Field(description="the last day (UTC) on which it holds in silence")
    ends: str = Field(description="the last day of grace")


class RulesOutput(Model):
    """``elfgate rules -o json``."""

    revision: str = Field(description="of the policies")
    rules: list[RuleOutput]
    exemptions: list[ExemptionOutput] = []
    cautions: list[str] = Field(default=[], description="what the settings' owner should know")


class CacheOutput(Model):
    """``elfgate cache -o json``: what the store holds, after what was done."""

    store: str = Field(description="the file or URL, without a password")
    layers: int = Field(description="indexes of layers, of this version of elfgate")
    documents: int = Field(description="image indexes, manifests and configs")
    tags: int
    bytes: int = Field(description="of the file in use, or of all facts on the server")
    pruned: int = Field(description="facts dropped")
    facts_carried: int = Field(description="facts exported or imported")
    tags_carried: int = Field(description="tags exported or imported")
    passed_over: int = Field(
        description="layers' indexes of another version of elfgate in an imported file"
    )

    @classmethod
    def of(
        cls, store: str, statistics: Mapping[str, int], carried: "Carried", pruned: int
    ) -> "CacheOutput":
        """From the store's statistics."""
        return cls(
            store=store,
            **{name: statistics[name] for name in ("layers", "documents", "tags", "bytes")},
            pruned=pruned,
            facts_carried=carried.facts,
            tags_carried=carried.tags,
            passed_over=carried.passed_over,
        )


class WarmedOutput(Model):
    """The outcome of one image."""

    image: str
    state: Literal["read", "known", "failed"] = Field(description="known: the store had all of it")
    platforms: list[str] = Field(description="those that are in the store now")
    layers: int = Field(description="how many layers were read for it")
    message: str = Field(description="why it failed; empty if it did not")


class WarmOutput(Model):
    """``elfgate warm -o json``."""

    shard: str = Field(description="I/N")
    read: int
    known: int
    failed: int
    images: list[WarmedOutput]

    @classmethod
    def of(cls, warmed: "Sequence[Warmed]", shard: str) -> "WarmOutput":
        """From what came of each image."""
        counts = Counter(each.state for each in warmed)
        return cls(
            shard=shard,
            **{state.value: counts[state] for state in State},
            images=[
                WarmedOutput(
                    image=each.image,
                    state=each.state.value,
                    platforms=[str(platform) for platform in each.platforms],
                    layers=each.layers,
                    message=each.message,
                )
                for each in warmed
            ],
        )


class CheckedOutput(Model):
    """One thing that was looked at."""

    subject: str = Field(
        description="what was looked at, such as `webhook validate.elfgate.dev: certificate`"
    )
    state: Literal["ok", "wrong", "unknown"]
    message: str
    remedy: str = Field(description="how to repair it; empty if nothing is wrong")


class DoctorOutput(Model):
    """The document that ``elfgate doctor`` prints."""

    cluster: str = Field(description="the API server's URL")
    checks: list[CheckedOutput]


class ObstacleOutput(Model):
    """A webhook configuration by which the API server asks elfgate."""

    resource: str = Field(
        description="as kubectl names it, such as `validatingwebhookconfiguration`"
    )
    name: str
    webhooks: list[str] = Field(description="the webhooks of elfgate's in it")
    refuses: bool = Field(description="whether requests fail when one of them cannot be asked")
    let_pass: str = Field(description="the command that sets them to Ignore")
    remove: str = Field(
        description="the command that deletes it; empty if webhooks of others are in it"
    )
    done: str = Field(
        description="`deleted`, `set to Ignore` or `gone already`; empty without --yes"
    )


class BreakglassOutput(Model):
    """The document that ``elfgate doctor --breakglass`` prints."""

    cluster: str = Field(description="the API server's URL")
    configurations: list[ObstacleOutput]


def json_text(model: BaseModel) -> str:
    """A model as JSON."""
    return model.model_dump_json(indent=2) + "\n"


def print_model(model: BaseModel, form: str) -> None:
    """Write a model to standard output, as ``json`` or ``yaml``."""
    if form == "json":
        sys.stdout.write(json_text(model))
        return
    import yaml

    yaml.safe_dump(
        model.model_dump(mode="json"), sys.stdout, sort_keys=False, allow_unicode=True, width=120
    )


def _content_digest(digest: str) -> str | None:
    """A folder has no digest."""
    return digest if digest and not digest.startswith("dir:") else None
