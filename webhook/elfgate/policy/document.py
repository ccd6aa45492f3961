"""The document that policies judge: what was found, and where, in lists and plain values.

Versioned; total.

Its JSON Schema (``policies/schema/input.json``) is generated from these models, and types the
Rego. Images and targets are lists, as OPA's type checker does not see below maps (decision 0012).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code, Distro, Finding
from elfgate.policy.reach import looked_at, looks_of, plain, seen, written

VERSION = 2
_REASONS = ["", *UnknownReason]


class Model(BaseModel):
    """Frozen, and closed: a misspelt field is an error here and in ``opa check``."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExemptionEntry(Model):
    """An exemption that the object's namespace has granted (``policy.config.Exemption.data``)."""

    namespace: str
    image: str = "*"
    workload: str = "*"
    rules: list[str] = []
    owner: str
    reason: str
    expires: str
    ends: str


class Request(Model):
    """The asker."""

    point: Literal["workload", "pod", "binding"]
    operation: Annotated[str, written(enum=["CREATE", "UPDATE"])] = "CREATE"
    kind: str
    namespace: Annotated[str, written(pattern=r"^[a-z0-9:-]*$", examples=["team-a"])] = ""
    name: str = ""
    dry_run: bool = False
    checked: Annotated[
        bool,
        Field(
            description="A command line asks: the settings of the point `check` are laid over "
            "those of the other"
        ),
    ] = False
    every_node: bool = False
    same_images: Annotated[
        bool,
        Field(description="An update that leaves each container that cannot start its image"),
    ] = False
    controlled: Annotated[
        bool,
        Field(description="A controller made it: a refusal would stop what was admitted before"),
    ] = False
    owners: Annotated[
        list[str],
        Field(description="The controllers that made it, the nearest first, each as KIND/NAME"),
    ] = []
    scheduler: Annotated[
        str, Field(description="Who schedules it, if it is not Kubernetes' own scheduler")
    ] = ""
    gates: Annotated[
        list[str], Field(description="What it waits for before it is scheduled (schedulingGates)")
    ] = []
    today: Annotated[
        str,
        Field(
            pattern=r"^\d{4}-\d\d-\d\d$",
            examples=["2026-06-30"],
            description="UTC; policies have no clock of their own",
        ),
    ]
    without: Annotated[
        list[str], Field(description="Rules of the user's own that are left out; * for all")
    ] = []
    exemptions: Annotated[
        list[ExemptionEntry],
        Field(description="Those that the namespace grants; they count where the settings let it"),
    ] = []
    labels: Annotated[dict[str, str], looked_at("labels", "The object's")] = {}
    annotations: Annotated[
        dict[str, str], looked_at("annotations", "The object's, but for the last applied")
    ] = {}
    namespace_labels: Annotated[
        dict[str, str],
        looked_at("namespace_labels", "The namespace's; not there while they are not known"),
    ] = {}


class OpeningEntry(Model):
    """Why the placement is not final: the pod may land where it could not as it stands."""

    reason: Annotated[str, written("A key of the settings' `unknown`", enum=[*UnknownReason])]
    because: Annotated[str, Field(description="One clause, for people")]


class SecurityEntry(Model):
    """The rights of a container, its pod's securityContext included; null where neither says."""

    privileged: bool = False
    read_only_root: bool = False
    privilege_escalation: bool | None = None
    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    seccomp: str = ""
    # Tuples, as a default that can be hashed is not copied for each container.
    capabilities_added: tuple[str, ...] = ()
    capabilities_dropped: tuple[str, ...] = ()


class VolumeEntry(Model):
    """A volume of the pod; not the one with the service account's token, which every pod has."""

    name: str
    kind: str = Field("", description="The field that it has, such as hostPath or configMap")
    source: str = Field("", description="The path, name, claim, image or driver that it says")


class GroupEntry(Model):
    """Nodes that are alike, by the labels that they share."""

    nodes: int
    labels: dict[str, str]


class TargetEntry(Model):
    """A platform that the pod may land on, with a few of its nodes."""

    platform: str
    architecture: str
    nodes: int
    names: list[str] = []
    standing: Annotated[
        Literal["certain", "possible", "open"],
        Field(
            description="Nodes that could take it now, that may come (back), or only if its "
            "placement changes. What is open is listed where everything else fails"
        ),
    ] = "certain"
    reason: Annotated[
        str,
        written("Why it is not certain: a key of the settings' `unknown`", enum=_REASONS),
    ] = ""
    because: Annotated[str, Field(description="The same in one clause, for people")] = ""
    groups: Annotated[
        list[GroupEntry],
        looked_at("node_groups", "Its nodes by the labels that they share; a name is none of them"),
    ] = []


class BeforeEntry(Model):
    """The prediction for the object as it was before an update, on a platform it could land on."""

    platform: str
    verdict: Literal["starts", "cannot-start", "unknown"]


class ContainerEntry(Model):
    """A container that is to be started."""

    name: str
    role: Literal["init", "sidecar", "main", "ephemeral"]
    image: str
    repository: str
    tag: Annotated[str, written(pattern=r"^(\w[\w.-]*)?$", examples=["1.27"])] = ""
    digest: Annotated[
        str, written(pattern=r"^([a-z0-9]+:[0-9a-f]+)?$", examples=[f"sha256:{'0' * 64}"])
    ] = ""
    command: Annotated[list[str], looked_at("commands", "The pod's, as it is written")] = []
    args: Annotated[list[str], looked_at("commands", "The pod's, as it is written")] = []
    security: Annotated[SecurityEntry, looked_at("security", "Its securityContext")] = (
        SecurityEntry()
    )
    mounts: Annotated[
        dict[str, str], looked_at("volumes", "The volume that is mounted, by path")
    ] = {}


class PodEntry(Model):
    """The pod, or the template that pods are made of."""

    labels: Annotated[dict[str, str], looked_at("labels", "The pod's")] = {}
    annotations: Annotated[dict[str, str], looked_at("annotations", "The pod's")] = {}
    service_account: Annotated[
        str, looked_at("service_accounts", "Its name; empty for the namespace's default")
    ] = ""
    host_network: Annotated[bool, looked_at("security", "It has its node's network")] = False
    host_pid: Annotated[bool, looked_at("security", "It sees its node's processes")] = False
    host_ipc: Annotated[bool, looked_at("security", "It shares its node's memory segments")] = False
    volumes: Annotated[list[VolumeEntry], looked_at("volumes", "What it mounts")] = []


class FindingEntry(Model):
    """One finding of the prediction."""

    code: Annotated[str, written(enum=[*Code])]
    path: str
    message: str
    remedy: str = ""
    effect: Literal["fails", "unknown", "note"]
    reason: Annotated[str, written(enum=_REASONS)] = ""
    versions: Annotated[
        list[str],
        Field(
            description="Symbol versions with which it would start, such as GLIBC_2.38: the newest "
            "of each family"
        ),
    ] = []
    bases: Annotated[
        list[str],
        Field(
            description="Bases that have those versions for the platform: of each distribution the "
            "oldest release that is supported today"
        ),
    ] = []
    build_on: Annotated[
        str,
        Field(description="The image's own base: what is built on that starts on it"),
    ] = ""
    differs: Annotated[
        str,
        Field(description="The word of the message that differs from platform to platform"),
    ] = ""

    @classmethod
    def of(cls, finding: Finding, *, bases: Iterable[str] = (), build_on: str = "") -> Self:
        """From the prediction's, with what the table of bases knows of it."""
        return cls(
            code=finding.code.value,
            path=finding.path,
            message=finding.message,
            remedy=finding.remedy,
            effect=finding.effect.value,
            reason=finding.reason.value if finding.reason else "",
            versions=list(finding.versions),
            bases=list(bases),
            build_on=build_on,
        )


class VariantEntry(Model):
    """The image's nature on that platform."""

    id: Annotated[str, written(pattern=r"^[a-z0-9._-]*$", examples=["alpine"])]
    version: str = ""
    libc: str = ""

    @classmethod
    @lru_cache(256)
    def of(cls, variant: Distro) -> Self:
        """From the prediction's."""
        return cls(id=variant.id, version=variant.version or "", libc=variant.libc or "")


class LinkageEntry(Model):
    """The prediction for one container on one platform."""

    container: str
    platform: str
    verdict: Literal["starts", "cannot-start", "unknown"]
    variant: VariantEntry
    needs_glibc: Annotated[
        list[int],
        Field(description="The newest glibc that what is started there needs, such as [2, 34]"),
    ] = []
    findings: list[FindingEntry] = []
    alternatives: Annotated[
        list[str], Field(description="Images of the same repository known to start there")
    ] = []
    digest: Annotated[
        str, looked_at("digests", "What the image's name leads to; empty if it was not read")
    ] = ""
    manifest: Annotated[
        str, looked_at("digests", "The manifest that a node of the platform pulls of it")
    ] = ""
    labels: Annotated[
        dict[str, str],
        looked_at("image_labels", "The labels of the image's config; not there if not known"),
    ] = {}
    annotations: Annotated[
        dict[str, str],
        looked_at(
            "image_labels",
            "The annotations of the image's index, and over them of the manifest that a node of "
            "the platform pulls; not there if not known",
        ),
    ] = {}


class Document(Model):
    """Everything a policy may judge by."""

    version: Literal[2] = 2
    request: Request
    targets: list[TargetEntry]
    openings: Annotated[
        list[OpeningEntry], Field(description="Why the placement is not final; none if it is")
    ] = []
    before: Annotated[
        list[BeforeEntry],
        Field(description="At an update of which something fails: how it was before, by platform"),
    ] = []
    pod: PodEntry = PodEntry()
    containers: list[ContainerEntry]
    linkages: list[LinkageEntry]

    def seen(self, looks: frozenset[str]) -> Self:
        """This document without what is seen only if it is looked at, and is not."""
        if looks >= FURTHER:
            return self
        entries = (self.request, self.pod, *self.targets, *self.containers, *self.linkages)
        if all(seen(entry, looks) is entry for entry in entries):
            return self
        return self.model_copy(
            update={
                "request": seen(self.request, looks),
                "pod": seen(self.pod, looks),
                "targets": [seen(entry, looks) for entry in self.targets],
                "containers": [seen(entry, looks) for entry in self.containers],
                "linkages": [seen(entry, looks) for entry in self.linkages],
            }
        )

    def without(self, rules: Iterable[str]) -> Self:
        """This document, to be judged without some more of the user's own rules."""
        request = self.request.model_copy(
            update={"without": sorted({*self.request.without, *rules})}
        )
        return self.model_copy(update={"request": request})

    def json_bytes(self) -> bytes:
        """The JSON of ``model_dump_json``, in a third of its time.

        Fields in their order, all plain values or models.

        What is seen only if looked at is there if it was put there.
        """
        return orjson.dumps(vars(self), default=plain)


FURTHER = frozenset(
    look
    for model in (Request, PodEntry, TargetEntry, ContainerEntry, LinkageEntry)
    for look in looks_of(model).values()
)
"""The words of ``looks_at`` without which a part of the document is left empty."""
