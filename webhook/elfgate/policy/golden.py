"""Documents whose verdict is known.

An engine proves itself on them before it decides anything, and while it does.

They are judged in a namespace that no cluster can have, whose settings come with the bundle, so
that no setting of the user's changes what is right; and without rules of the user's own.
"""

from elfgate.linkage.report import Code
from elfgate.policy.document import (
    ContainerEntry,
    Document,
    FindingEntry,
    LinkageEntry,
    Request,
    TargetEntry,
    VariantEntry,
)
from elfgate.policy.engine import Engine, EngineError
from elfgate.policy.names import GOLDEN_NAMESPACE

_IMAGE = "golden.invalid/app"


def _document(*verdicts: tuple[str, bool]) -> Document:
    """One container, on each architecture either starting or lacking its loader."""
    return Document(
        request=Request(
            point="pod",
            kind="Pod",
            namespace=GOLDEN_NAMESPACE,
            name="golden",
            today="2026-01-01",
            without=["*"],
            namespace_labels={},
        ),
        targets=[
            TargetEntry(platform=f"linux/{arch}", architecture=arch, nodes=1)
            for arch, _ in verdicts
        ],
        containers=[ContainerEntry(name="app", role="main", image=_IMAGE, repository=_IMAGE)],
        linkages=[_linkage(arch, starts=starts) for arch, starts in verdicts],
    )


def _linkage(arch: str, *, starts: bool) -> LinkageEntry:
    missing = FindingEntry(
        code=Code.LOADER_MISSING, path="/app", message="/app needs its loader", effect="fails"
    )
    return LinkageEntry(
        container="app",
        platform=f"linux/{arch}",
        verdict="starts" if starts else "cannot-start",
        variant=VariantEntry(id="scratch"),
        findings=[] if starts else [missing],
        labels={},
        annotations={},
    )


def one_pod() -> Document:
    """A pod that starts, judged by the rules of the user's own too."""
    request = GOOD.request.model_copy(update={"without": []})
    return GOOD.model_copy(update={"request": request})


GOOD = _document(("amd64", True))
PARTLY = _document(("amd64", True), ("ppc64le", False))
BAD = _document(("ppc64le", False))


async def prove(engine: Engine) -> None:
    """Let an engine judge the golden documents.

    Raises:
        EngineError: if it fails, or judges one wrongly.
    """
    for document, denied, warned in (
        (GOOD, False, False),
        (PARTLY, False, True),
        (BAD, True, False),
    ):
        verdict = await engine.evaluate(document)
        if (bool(verdict.denials), bool(verdict.warnings)) != (denied, warned):
            raise EngineError(
                f"the policies of revision {engine.revision} judge a known document wrongly",
                hint="it was"
                + " not" * (not denied)
                + " to be denied: the bundle is not put into force",
            )
