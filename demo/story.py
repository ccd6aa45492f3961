"""Reviews for the webhook, the answers that they must get, and how ``kubectl apply`` would show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from demo.cluster import deployment, pod
from demo.images import Images
from demo.webhook import NAME, Answer


class Outcome(StrEnum):
    """The outcome of an apply."""

    DENIED = "denied"
    ADMITTED = "admitted"
    WARNED = "admitted with a warning"

    @classmethod
    def of(cls, answer: Answer) -> "Outcome":
        """The outcome that an answer means."""
        if not answer.allowed:
            return cls.DENIED
        return cls.WARNED if answer.warnings else cls.ADMITTED


@dataclass(frozen=True, slots=True)
class Apply:
    """One ``kubectl apply``.

    Attributes:
        file: The manifest's file name.
        about: What is in it, in a few words.
        obj: The object, as the API server has it.
        expected: What must come of it.
    """

    file: str
    about: str
    obj: Mapping[str, Any]
    expected: Outcome


def applies(images: Images) -> list[Apply]:
    """The four of the demo."""
    alpine, debian = images.reference("alpine"), images.reference("debian")
    return [
        Apply(
            "debian-on-power.yaml",
            f"Pod, {debian}, on ppc64le",
            pod("web", debian, "ppc64le"),
            Outcome.ADMITTED,
        ),
        Apply(
            "alpine-on-power.yaml",
            f"Pod, {alpine}, on ppc64le",
            pod("web", alpine, "ppc64le"),
            Outcome.DENIED,
        ),
        Apply(
            "alpine-on-amd64.yaml",
            f"Pod, {alpine}, on amd64",
            pod("web", alpine, "amd64"),
            Outcome.ADMITTED,
        ),
        Apply(
            "alpine-anywhere.yaml",
            f"Deployment, {alpine}, on amd64 or ppc64le",
            deployment("web", alpine, ["amd64", "ppc64le"]),
            Outcome.WARNED,
        ),
    ]


def kubectl(apply: Apply, answer: Answer) -> Iterator[str]:
    """The lines that kubectl prints for such an answer."""
    for warning in answer.warnings:
        yield f"Warning: {warning}"
    if answer.allowed:
        group = {"Deployment": "deployment.apps"}.get(apply.obj["kind"], "pod")
        yield f"{group}/{apply.obj['metadata']['name']} created"
    else:
        reason = f" ({answer.reason})" if answer.reason else ""
        refusal = f'admission webhook "{NAME}" denied the request: {answer.message}'
        yield from f'Error from server{reason}: error when creating "{apply.file}": {refusal}'.splitlines()
