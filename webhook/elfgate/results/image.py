"""The documents of ``elfgate scan`` and ``elfgate matrix``."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from elfgate.errors import InputError
from elfgate.images.reference import Location
from elfgate.policy.rulebook import Rulebook
from elfgate.results.model import Headed, Model, schema

if TYPE_CHECKING:  # a verb loads what it needs
    from collections.abc import Sequence

    from elfgate.linkage.report import Distro, Finding
    from elfgate.matrix import Matrix
    from elfgate.scan.scanner import Linkage

VerdictWord = Literal["starts", "cannot-start", "unknown"]


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

    code: str = Field(description="stable; each is a rule")
    title: str = Field(default="", description="what the rule finds, in a few words")
    link: str = Field(default="", description="the page that explains the rule")
    path: str = Field(description="the file it is about, as the container sees it; empty if none")
    message: str
    remedy: str = Field(description="what to change; empty if nothing is known to help")
    effect: Literal["fails", "unknown", "note"]
    reason: str | None = Field(description="why it cannot be told, where the effect is unknown")

    @classmethod
    def of(cls, finding: "Finding", book: Rulebook) -> "FindingOutput":
        """From the report's."""
        return cls(
            code=finding.code.value,
            title=book.title(finding.code.value),
            link=book.link(finding.code.value),
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
    def of(cls, linkage: "Linkage", book: Rulebook) -> "PlatformOutput":
        """From the scan's."""
        return cls(
            platform=str(linkage.platform),
            digest=content_digest(linkage.manifest),
            variant=VariantOutput.of(linkage.variant),
            argv=list(linkage.prediction.argv),
            verdict=linkage.outcome.value,
            findings=_findings(linkage.prediction.findings, book),
            others=[
                OtherOutput(path=other.path, findings=_findings(other.findings, book))
                for other in linkage.others
            ],
        )


class ImageOutput(Model):
    """One image, on some platforms."""

    image: str
    tag: str = Field(default="", description="of a registry's reference; empty if it has none")
    digest: str | None = Field(description="of the index, or of the only manifest")
    platforms: list[PlatformOutput]

    @classmethod
    def of(cls, image: str, linkages: "Sequence[Linkage]", book: Rulebook) -> Self:
        """From the scan's."""
        digest = next((linkage.digest for linkage in linkages if linkage.digest), "")
        return cls(
            image=image,
            tag=tag_of(image),
            digest=content_digest(digest),
            platforms=[PlatformOutput.of(linkage, book) for linkage in linkages],
        )


class ScanOutput(ImageOutput, Headed):
    """``elfgate scan -o json``."""

    schema_: str = schema("scan")


class MatrixOutput(Headed):
    """``elfgate matrix -o json``."""

    schema_: str = schema("matrix")

    platforms: list[str]
    images: list[ImageOutput]

    @classmethod
    def of(cls, matrix: "Matrix", book: Rulebook) -> "MatrixOutput":
        """From the matrix."""
        return cls(
            platforms=[str(platform) for platform in matrix.platforms],
            images=[ImageOutput.of(row[0].image, row, book) for row in matrix.rows],
        )


def tag_of(image: str) -> str:
    """The tag of a registry's reference; empty for what has none, or lies elsewhere."""
    try:
        reference = Location.parse(image).reference
    except InputError:
        return ""
    return reference.tag if reference else ""


def _findings(findings: "Sequence[Finding]", book: Rulebook) -> list[FindingOutput]:
    return [FindingOutput.of(finding, book) for finding in findings]


def content_digest(digest: str) -> str | None:
    """A folder has no digest."""
    return digest if digest and not digest.startswith("dir:") else None
