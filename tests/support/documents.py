"""Documents for policies (in the compact form of ``elfgate.policy.cases``)."""

from elfgate.linkage.report import Code
from elfgate.policy import golden
from elfgate.policy.bundle import Bundle
from elfgate.policy.cases import document
from elfgate.policy.document import Document
from elfgate.policy.embedded import EmbeddedEngine

__all__ = ["document", "pod", "proved"]

MISSING_LOADER = {
    "code": Code.LOADER_MISSING.value,
    "message": "/app needs the loader /lib64/ld64.so.2",
}


def pod(
    *, containers: int = 1, starts: tuple[str, ...] = (), fails: tuple[str, ...] = ()
) -> Document:
    """A pod whose containers all start on some architectures and lack their loader on others."""
    found = dict.fromkeys(starts, "starts") | {
        arch: {"findings": [MISSING_LOADER]} for arch in fails
    }
    return document(
        targets=dict.fromkeys((*starts, *fails), 1),
        containers={
            f"app-{number}": {"image": "example/app:1", "found": found}
            for number in range(containers)
        },
    )


async def proved(bundle: Bundle) -> EmbeddedEngine:
    """The engine of a bundle that has proved itself.

    Raises:
        EngineError: if it does not load, or judges a golden document wrongly.
    """
    engine = EmbeddedEngine(bundle)
    await golden.prove(engine)
    return engine
