"""Where each kind keeps its pod template (a table, which settings extend), and what is read of the template.

Sources: the Kubernetes API reference (PodSpec, Container, EphemeralContainer), and those of Argo Rollouts, Knative
Serving and OpenKruise for their kinds.
"""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from pydantic import ConfigDict, Field

from elfgate.cluster.expansion import Environment, Room
from elfgate.cluster.given import container_doubts
from elfgate.cluster.openings import openings
from elfgate.cluster.part import Part
from elfgate.cluster.workload import CONTAINERS, Container, Role, Workload
from elfgate.linkage.start import Overrides


@dataclass(frozen=True, slots=True)
class Template:
    """One kind that holds a pod template.

    Attributes:
        group: The API group; empty for the core group.
        kind: Such as ``Deployment``.
        path: Where its PodTemplateSpec is (an object with a PodSpec in ``spec``); empty for the object itself.
        every_node: It runs on every node that it selects, not on any one.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # settings are read into these rows

    group: str
    kind: Annotated[str, Field(min_length=1)]
    path: tuple[str, ...]
    every_node: bool = False


_LISTS = {
    "initContainers": Role.INIT,
    "containers": Role.MAIN,
    "ephemeralContainers": Role.EPHEMERAL,
}

_PERSISTENT = ("persistentVolumeClaim", "ephemeral")

_SPEC_TEMPLATE = ("spec", "template")
_JOB_TEMPLATE = ("spec", "jobTemplate", "spec", "template")

TEMPLATES: tuple[Template, ...] = (
    Template("", "Pod", ()),
    Template("", "PodTemplate", ("template",)),
    Template("", "ReplicationController", _SPEC_TEMPLATE),
    Template("apps", "Deployment", _SPEC_TEMPLATE),
    Template("apps", "ReplicaSet", _SPEC_TEMPLATE),
    Template("apps", "StatefulSet", _SPEC_TEMPLATE),
    Template("apps", "DaemonSet", _SPEC_TEMPLATE, every_node=True),
    Template("batch", "Job", _SPEC_TEMPLATE),
    Template("batch", "CronJob", _JOB_TEMPLATE),
    Template("argoproj.io", "Rollout", _SPEC_TEMPLATE),
    Template("serving.knative.dev", "Service", _SPEC_TEMPLATE),
    Template("serving.knative.dev", "Configuration", _SPEC_TEMPLATE),
    Template("serving.knative.dev", "Revision", ()),
    Template("apps.kruise.io", "CloneSet", _SPEC_TEMPLATE),
    Template("apps.kruise.io", "StatefulSet", _SPEC_TEMPLATE),
    Template("apps.kruise.io", "DaemonSet", _SPEC_TEMPLATE, every_node=True),
    Template("apps.kruise.io", "BroadcastJob", _SPEC_TEMPLATE, every_node=True),
    Template("apps.kruise.io", "AdvancedCronJob", ("spec", "template", *_JOB_TEMPLATE[1:])),
)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Supplementary groups, as ``Overrides`` has them."""

    added: frozenset[int]
    of_image: bool
    others: bool


def workload(obj: object, *, templates: Iterable[Template] = TEMPLATES) -> Workload | None:
    """What is to be judged of an object.

    Args:
        obj: A Kubernetes object, as JSON or YAML gives it.
        templates: The kinds that hold a pod template, and where.

    Returns:
        The workload; None if the kind is not in ``templates``, or the object has no template (a Rollout that refers to
        a Deployment).

    Raises:
        InputError: if a part that is read has a wrong type; the message names the part.
    """
    root = Part(obj)
    row = _row(root, templates)
    template = root.get(*row.path) if row else None
    pod_spec = template.get("spec") if template else None
    if row is None or template is None or not pod_spec:
        return None
    is_pod = row.kind == "Pod"
    return Workload(
        kind=row.kind,
        namespace=root.get("metadata", "namespace").text(),
        name=root.get("metadata", "name").text(),
        containers=tuple(islice(_containers(template, settled=is_pod), CONTAINERS + 1)),
        pod_spec=dict(pod_spec.mapping()),
        every_node=row.every_node,
        template=not is_pod,
        openings=openings(root, template, is_pod=is_pod),
    )


def _row(root: Part, templates: Iterable[Template]) -> Template | None:
    kind = root.get("kind").text()
    group, slash, _version = root.get("apiVersion").text().partition("/")
    key = (group if slash else "", kind)
    return next((row for row in templates if (row.group, row.kind) == key), None)


def _containers(template: Part, *, settled: bool) -> Iterator[Container]:
    room, pod_spec = Room(), template.get("spec")
    security = pod_spec.get("securityContext")
    groups = _groups(pod_spec, settled=settled)
    usual = settled and not pod_spec.get("runtimeClassName").text()
    for field, role in _LISTS.items():
        for container in pod_spec.get(field).items():
            sidecar = role is Role.INIT and container.get("restartPolicy").text() == "Always"
            yield Container(
                name=container.get("name").text(),
                image=container.get("image").text(),
                role=Role.SIDECAR if sidecar else role,
                overrides=_overrides(
                    container, security, Environment(container, room), groups, settled=usual
                ),
                doubts=container_doubts(container, template),
            )


def _overrides(
    container: Part, pod_security: Part, environment: Environment, groups: _Groups, *, settled: bool
) -> Overrides:
    # An empty list is the same as none: the image's Entrypoint or Cmd stays.
    command = environment.arguments(container.get("command").strings()) or None
    args = environment.arguments(container.get("args").strings()) or None
    security = container.get("securityContext")
    return Overrides(
        command=command,
        args=args,
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
    )


def _groups(pod_spec: Part, *, settled: bool) -> _Groups:
    """Read what the pod says of supplementary groups.

    Sources: the kubelet's ``determineEffectiveSecurityContext``, and ``GetExtraSupplementalGroupsForPod``, which adds
    the group that a persistent volume is annotated with. What is made of a template may be given others by admission.
    """
    security = pod_spec.get("securityContext")
    numbers = [
        part.integer()
        for part in (*security.get("supplementalGroups").items(), security.get("fsGroup"))
    ]
    persistent = any(
        volume.get(kind) for volume in pod_spec.get("volumes").items() for kind in _PERSISTENT
    )
    return _Groups(
        added=frozenset(number for number in numbers if number is not None),
        of_image=security.get("supplementalGroupsPolicy").text() != "Strict",
        others=persistent or not settled,
    )


def _capabilities(names: Part) -> frozenset[str]:
    return frozenset(name.upper().removeprefix("CAP_") for name in names.strings())


def _no_new_privileges(escalation: Part, *, settled: bool) -> bool | None:
    """Tell what a pod settles: it has no_new_privs if it says so (the kubelet's ``AddNoNewPrivileges``).

    What a template does not say, admission may still set; a runtime of another class may not heed files' privileges.
    """
    if escalation and not escalation.flag():
        return True
    return False if settled else None


def _first(own: Part, inherited: Part) -> int | None:
    return own.integer() if own else inherited.integer()


def _mounts(container: Part) -> Iterator[str]:
    for mount in container.get("volumeMounts").items():
        yield _absolute(mount.get("mountPath").text())
    for device in container.get("volumeDevices").items():
        yield _absolute(device.get("devicePath").text())


def _absolute(path: str) -> str:
    # "//x" is kept by normpath (POSIX leaves it to the system); a container's root has no such thing.
    return posixpath.normpath("/" + path.lstrip("/"))
