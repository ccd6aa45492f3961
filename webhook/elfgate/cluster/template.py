"""The parts of a pod template that elfgate reads.

Sources: the Kubernetes API reference (PodSpec, Container, EphemeralContainer).
"""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.elements import BEYOND, Elements
from elfgate.cluster.expansion import Environment, Room
from elfgate.cluster.given import container_doubts, emulation_doubts
from elfgate.cluster.held import held
from elfgate.cluster.hooks import hooks
from elfgate.cluster.kinds import TEMPLATES, Template
from elfgate.cluster.openings import Opening, openings
from elfgate.cluster.owners import owners
from elfgate.cluster.part import Part
from elfgate.cluster.status import placed
from elfgate.cluster.streams import Streams
from elfgate.cluster.ties import PERSISTENT
from elfgate.cluster.told import texts
from elfgate.cluster.workload import CONTAINERS, PARTS, Container, Labels, Role, Workload
from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.report import Code

__all__ = ["TEMPLATES", "Template", "workload"]

_DEEPEST = 2  # objects within objects
_NAME = 1024  # characters that are told of what is not looked at

_OPEN = (Opening(UnknownReason.TEMPLATE, "its controller may place its pods elsewhere"),)
_ADDED = (
    Doubt(
        UnknownReason.TEMPLATE,
        "its controller may start something else",
        frozenset(Code) - {Code.PLATFORM_MISSING},
    ),
)

_LISTS = {
    "initContainers": Role.INIT,
    "containers": Role.MAIN,
    "ephemeralContainers": Role.EPHEMERAL,
}


@dataclass(frozen=True, slots=True)
class _Groups:
    """Supplementary groups, as ``Overrides`` has them."""

    added: frozenset[int]
    of_image: bool
    others: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    """How an object is read: by which kinds, and how much of it."""

    templates: tuple[Template, ...]
    elements: Elements


def workload(obj: object, *, templates: Iterable[Template] = TEMPLATES) -> Workload | None:
    """Read what is to be judged of an object.

    Args:
        obj: A Kubernetes object, as JSON or YAML gives it.
        templates: The kinds that hold pod templates, and where.

    Returns:
        The workload of its first pod template, with those of the rest in ``others`` (of more than
        ``PARTS`` one beyond), as far as there is room for their lists (``elements``); None if the
        kind is not in ``templates``, or the object has no template (a Rollout that refers to a
        Deployment).

    Raises:
        InputError: if a part that is read has a wrong type; the message names the part.
    """
    read = _Reading(tuple(templates), Elements())
    found = tuple(islice(_workloads(Part(obj), read, _DEEPEST), PARTS + 1))
    if not found:
        return None
    first, *others = found
    return replace(first, others=tuple(others)) if others else first


def _workloads(root: Part, read: _Reading, deeper: int) -> Iterator[Workload]:
    kind = root.get("kind").text()
    group, slash, _version = root.get("apiVersion").text().partition("/")
    group, seen = group if slash else "", set[str]()
    for row in read.templates:
        if row.kind != kind or row.group != group:
            continue
        for part in held(root, row):
            if part.path in seen:
                continue  # two rows lead to it
            if not read.elements.hold_template(root, part):
                yield _beyond(root, part, row)
                return
            if row.holds != "object":
                found = _workload(root, part, row, read.elements)
            else:
                found = _wrapped(root, part, read, deeper - 1) if deeper else iter(())
            for item in found:
                seen.add(part.path)
                yield item


def _wrapped(root: Part, part: Part, read: _Reading, deeper: int) -> Iterator[Workload]:
    """Read a whole object that another one holds, and makes when it is admitted."""
    metadata = root.get("metadata")
    for inner in _workloads(Part(part.value, part.parent, part.step), read, deeper):
        yield replace(
            inner,
            kind=root.get("kind").text(),
            namespace=metadata.get("namespace").text(),
            name=metadata.get("name").text(),
            part=part.path,
            template=True,
            openings=_once(inner.openings, openings(root, Part({}), is_pod=False)),
            labels=replace(
                inner.labels,
                labels=texts(root, "labels"),
                annotations=texts(root, "annotations"),
            ),
        )


def _once(*parts: tuple[Opening, ...]) -> tuple[Opening, ...]:
    return tuple(dict.fromkeys(opening for part in parts for opening in part))


def _workload(root: Part, template: Part, row: Template, elements: Elements) -> Iterator[Workload]:
    pod_spec = template.get("spec")
    if not pod_spec:
        return
    is_pod = row.kind == "Pod" and not row.path
    read = _containers(root, template, row, elements, settled=is_pod)
    containers = tuple(islice(read, CONTAINERS + 1))
    if row.partial and not containers:
        return
    yield Workload(
        kind=row.kind,
        namespace=root.get("metadata", "namespace").text(),
        name=root.get("metadata", "name").text(),
        containers=containers,
        pod_spec=dict(pod_spec.mapping()),
        every_node=row.every_node,
        placed=placed(root.mapping()) if row.every_node else None,
        template=not is_pod,
        openings=(*openings(root, template, is_pod=is_pod), *(_OPEN if row.movable else ())),
        part=template.path if row.path else "",
        owners=owners(root.get("metadata")),
        labels=Labels(
            texts(root, "labels"),
            texts(root, "annotations"),
            texts(template, "labels"),
            texts(template, "annotations"),
        ),
    )


def _beyond(root: Part, template: Part, row: Template) -> Workload:
    """Give a template for which there is no room: it stands for all that follow.

    Nothing is known of it but its first container.
    """
    return Workload(
        kind=row.kind,
        namespace=root.get("metadata", "namespace").text(),
        name=root.get("metadata", "name").text(),
        containers=(_first_skipped(template),),
        pod_spec={},
        every_node=row.every_node,
        template=row.kind != "Pod" or bool(row.path),
        part=template.path if row.path else "",
    )


def _first_skipped(template: Part) -> Container:
    for container in template.get("spec", "containers").items(1):
        return _skipped(container, Role.MAIN)
    return Container(template.path, "", skipped=BEYOND)


def _skipped(container: Part, role: Role) -> Container:
    name, image = container.get("name").text(), container.get("image").text()
    return Container(name[:_NAME], image[:_NAME], role, skipped=BEYOND)


def _containers(
    root: Part, template: Part, row: Template, elements: Elements, *, settled: bool
) -> Iterator[Container]:
    room, pod_spec = Room(), template.get("spec")
    security = pod_spec.get("securityContext")
    groups = _groups(pod_spec, settled=settled)
    streams, emulation = Streams(root), tuple[Doubt, ...]()
    usual = settled and not pod_spec.get("runtimeClassName").text()
    most = None if row.partial else CONTAINERS + 1
    for field, role in _LISTS.items():
        for container in pod_spec.get(field).items(most):
            if row.partial and not container.get("image").text():
                continue  # it only changes one that the controller makes
            if not elements.hold_container(container):
                yield _skipped(container, role)
                return
            sidecar = role is Role.INIT and container.get("restartPolicy").text() == "Always"
            environment = Environment(container, room)
            overrides = _overrides(container, security, environment, groups, settled=usual)
            yield Container(
                name=container.get("name").text(),
                image=container.get("image").text(),
                role=Role.SIDECAR if sidecar else role,
                overrides=overrides,
                doubts=(
                    *container_doubts(container, template),
                    *streams.doubts(container.get("name").text()),
                    *emulation,
                    *(_ADDED if row.partial else ()),
                ),
                hooks=tuple(hooks(container, overrides)),
            )
            if role is Role.INIT:
                emulation = emulation or emulation_doubts(container)


def _overrides(
    container: Part, pod_security: Part, environment: Environment, groups: _Groups, *, settled: bool
) -> Overrides:
    # An empty list is the same as none: the image's Entrypoint or Cmd stays.
    command, unknown_command = environment.words(container.get("command").strings())
    args, unknown_args = environment.words(container.get("args").strings())
    security = container.get("securityContext")
    return Overrides(
        command=command or None,
        args=args or None,
        env=environment.values,
        unknown_env=frozenset(environment.unknown),
        working_dir=container.get("workingDir").text(),
        user=_first(security.get("runAsUser"), pod_security.get("runAsUser")),
        group=_first(security.get("runAsGroup"), pod_security.get("runAsGroup")),
        groups=groups.added,
        image_groups=groups.of_image,
        other_groups=groups.others,
        mounts=tuple(_mounts(container)),
        no_new_privileges=_no_new_privileges(
            security.get("allowPrivilegeEscalation"), settled=settled
        ),
        capabilities=_capabilities(security.get("capabilities", "add")),
        dropped_capabilities=_capabilities(security.get("capabilities", "drop")),
        privileged=security.get("privileged").flag(),
        read_only_root=security.get("readOnlyRootFilesystem").flag(),
        settled=settled,
        run_as_non_root=_flag(security.get("runAsNonRoot"), pod_security.get("runAsNonRoot")),
        unknown_command=unknown_command,
        unknown_args=unknown_args,
    )


def _groups(pod_spec: Part, *, settled: bool) -> _Groups:
    """Read what the pod says of supplementary groups.

    Sources: the kubelet's ``determineEffectiveSecurityContext``, and
    ``GetExtraSupplementalGroupsForPod``, which adds the group that a persistent volume is annotated
    with. What is made of a template may be given others by admission.
    """
    security = pod_spec.get("securityContext")
    numbers = [
        part.integer()
        for part in (*security.get("supplementalGroups").items(), security.get("fsGroup"))
    ]
    persistent = any(
        volume.get(kind) for volume in pod_spec.get("volumes").items() for kind in PERSISTENT
    )
    return _Groups(
        added=frozenset(number for number in numbers if number is not None),
        of_image=security.get("supplementalGroupsPolicy").text() != "Strict",
        others=persistent or not settled,
    )


def _capabilities(names: Part) -> frozenset[str]:
    return frozenset(name.upper().removeprefix("CAP_") for name in names.strings())


def _no_new_privileges(escalation: Part, *, settled: bool) -> bool | None:
    """Tell what a pod settles.

    It has no_new_privs if it says so (the kubelet's ``AddNoNewPrivileges``).

    What a template does not say, admission may still set; a runtime of another class may not heed
    files' privileges.
    """
    if escalation and not escalation.flag():
        return True
    return False if settled else None


def _flag(own: Part, inherited: Part) -> bool:
    return own.flag() if own else inherited.flag()


def _first(own: Part, inherited: Part) -> int | None:
    return own.integer() if own else inherited.integer()


def _mounts(container: Part) -> Iterator[str]:
    for mount in container.get("volumeMounts").items():
        yield _absolute(mount.get("mountPath").text())
    for device in container.get("volumeDevices").items():
        yield _absolute(device.get("devicePath").text())


def _absolute(path: str) -> str:
    # "//x" is kept by normpath (POSIX leaves it to the system); a container's root has no such
    # thing.
    return posixpath.normpath("/" + path.lstrip("/"))
