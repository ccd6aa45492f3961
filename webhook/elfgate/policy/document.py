"""The document that policies judge: what was found, and where, in lists and plain values.

Versioned; total.

Its JSON Schema (``policies/schema/input.json``) is generated from these models, and types the
Rego. Images and targets are lists, as OPA's type checker does not see below maps (decision 0012).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal, Self, TypeAlias

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


PlatformName: TypeAlias = Annotated[str, written(form="platform")]
Digest: TypeAlias = Annotated[str, written(form="digest", hidden_without="image_names")]


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
    kind: Annotated[str, written(form="kind")]
    namespace: Annotated[str, written(form="namespace")] = ""
    name: Annotated[str, written(form="name", hidden_without="pod_names")] = ""
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
        list[Annotated[str, written(form="owner")]],
        written(
            "The controllers that made it, the nearest first, each as KIND/NAME",
            hidden_without="pod_names",
        ),
    ] = []
    scheduler: Annotated[
        str,
        written("Who schedules it, if it is not Kubernetes' own scheduler", form="scheduler"),
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
            json_schema_extra={"form": "day"},
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


Capability: TypeAlias = Annotated[str, written(form="capability")]


class SecurityEntry(Model):
    """The rights of a container, its pod's securityContext included; null where neither says."""

    privileged: bool = False
    read_only_root: bool = False
    privilege_escalation: bool | None = None
    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    seccomp: Annotated[str, written(enum=["", "RuntimeDefault", "Localhost", "Unconfined"])] = ""
    # Tuples, as a default that can be hashed is not copied for each container.
    capabilities_added: Annotated[tuple[Capability, ...], Field(description="Without CAP_")] = ()
    capabilities_dropped: tuple[Capability, ...] = ()


class VolumeEntry(Model):
    """A volume of the pod; not the one with the service account's token, which every pod has."""

    name: str
    kind: Annotated[
        str, written("The field that it has, such as hostPath or configMap", form="volume")
    ] = ""
    source: str = Field("", description="The path, name, claim, image or driver that it says")


class GroupEntry(Model):
    """Nodes that are alike, by the labels that they share."""

    nodes: int
    labels: dict[str, str]


class TargetEntry(Model):
    """A platform that the pod may land on, with a few of its nodes."""

    platform: PlatformName
    architecture: Annotated[str, written(form="architecture")]
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

    platform: PlatformName
    verdict: Literal["starts", "cannot-start", "unknown"]


class ContainerEntry(Model):
    """A container that is to be started."""

    name: Annotated[str, written(form="container", marked_without="container_names")]
    role: Literal["init", "sidecar", "main", "ephemeral"]
    image: Annotated[str, written(marked_without="image_names")]
    repository: Annotated[str, written(form="repository", hidden_without="image_names")]
    tag: Annotated[str, written(form="tag", hidden_without="image_names")] = ""
    digest: Digest = ""
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

    id: Annotated[str, written(form="variant")]
    version: str = ""
    libc: Annotated[str, written(enum=["", "glibc", "musl"])] = ""

    @classmethod
    @lru_cache(256)
    def of(cls, variant: Distro) -> Self:
        """From the prediction's."""
        return cls(id=variant.id, version=variant.version or "", libc=variant.libc or "")


class LinkageEntry(Model):
    """The prediction for one container on one platform."""

    container: Annotated[str, written(form="container", marked_without="container_names")]
    platform: PlatformName
    verdict: Literal["starts", "cannot-start", "unknown"]
    variant: Annotated[VariantEntry, written(hidden_without="variants")]
    needs_glibc: Annotated[
        list[int],
        written(
            "The newest glibc that what is started there needs, such as [2, 34]",
            hidden_without="variants",
        ),
    ] = []
    findings: list[FindingEntry] = []
    alternatives: Annotated[
        list[Annotated[str, written(marked_without="image_names")]],
        Field(description="Images of the same repository known to start there"),
    ] = []
    digest: Annotated[
        str,
        looked_at(
            "digests", "What the image's name leads to; empty if it was not read", form="digest"
        ),
    ] = ""
    manifest: Annotated[
        str,
        looked_at("digests", "The manifest that a node of the platform pulls of it", form="digest"),
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
