"""Writes into the document what policies see only where they look at it.

What the pod says beyond where it starts.

Sources: the Kubernetes API reference (PodSpec, Container, SecurityContext, Volume).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from elfgate.cluster.inventory import OTHER
from elfgate.cluster.target import Target
from elfgate.cluster.told import is_token, mapping, objects, strings, text
from elfgate.cluster.workload import Workload
from elfgate.images.labels import Labels
from elfgate.policy.document import GroupEntry, SecurityEntry, VolumeEntry
from elfgate.scan.scanner import Linkage

Looks = frozenset[str]

_LISTS = ("initContainers", "containers", "ephemeralContainers")
_SOURCES = (
    "path",
    "secretName",
    "claimName",
    "reference",
    "driver",
    "server",
    "name",
)  # what a volume is of, by the field that says so


def of_request(
    workload: Workload, namespace: Mapping[str, str] | None, looks: Looks
) -> dict[str, Any]:
    """The object's labels and annotations, and its namespace's labels if they are known."""
    labels = workload.labels
    told = _looked_at(
        looks,
        labels=labels.labels,
        annotations=labels.annotations,
    )
    if namespace is not None:
        told |= _looked_at(looks, namespace_labels=namespace)
    return told


def of_pod(workload: Workload, looks: Looks) -> dict[str, Any]:
    """The pod's own fields, beside its containers."""
    spec = workload.pod_spec
    labels = workload.labels
    told = _looked_at(
        looks,
        labels=labels.pod_labels,
        annotations=labels.pod_annotations,
    )
    if "service_accounts" in looks:
        told["service_account"] = text(spec.get("serviceAccountName"))
    if "security" in looks:
        told |= {
            "host_network": spec.get("hostNetwork") is True,
            "host_pid": spec.get("hostPID") is True,
            "host_ipc": spec.get("hostIPC") is True,
        }
    if "volumes" in looks:
        told["volumes"] = list(map(_volume, _volumes(spec)))
    return told


def of_containers(workload: Workload, looks: Looks) -> dict[str, dict[str, Any]]:
    """The fields of each container, by its name."""
    if looks.isdisjoint({"commands", "security", "volumes"}):
        return {}
    spec = workload.pod_spec
    told = {}
    tokens = _tokens(spec)
    for key in _LISTS:
        for container in objects(spec.get(key)):
            name = text(container.get("name"))
            told[name] = _container(container, spec, tokens, looks)
    return told


def of_target(target: Target, looks: Looks) -> dict[str, Any]:
    """The nodes behind a target, by the labels that they share."""
    if "node_groups" not in looks:
        return {}
    counts: dict[tuple[tuple[str, str], ...], int] = {}
    for labels, nodes in target.groups:
        shared = tuple(sorted(item for item in labels.items() if item[1] != OTHER))
        counts[shared] = counts.get(shared, 0) + nodes
    groups = [GroupEntry(nodes=count, labels=dict(shared)) for shared, count in counts.items()]
    return {"groups": groups}


def of_linkage(linkage: Linkage, labels: Labels | None, looks: Looks) -> dict[str, Any]:
    """The image's digests, and its labels if they are known."""
    told: dict[str, Any] = {}
    if "digests" in looks:
        told |= {"digest": linkage.digest, "manifest": linkage.manifest}
    if "image_labels" in looks and labels is not None:
        told |= {"labels": dict(labels.labels), "annotations": dict(labels.annotations)}
    return told


def _container(
    container: Mapping[str, Any], spec: Mapping[str, Any], tokens: set[str], looks: Looks
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if "commands" in looks:
        told |= {key: strings(container.get(key)) for key in ("command", "args")}
    if "security" in looks:
        told["security"] = _security(container, spec)
    if "volumes" in looks:
        told["mounts"] = dict(_mounts(container, tokens))
    return told


def _looked_at(looks: Looks, **texts: Mapping[str, str]) -> dict[str, Any]:
    return {look: dict(found) for look, found in texts.items() if look in looks}


def _tokens(spec: Mapping[str, Any]) -> set[str]:
    """The names of the volumes with the service account's token."""
    every = objects(spec.get("volumes"))
    return {text(volume.get("name")) for volume in every if is_token(volume)}


def _volumes(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    every = objects(spec.get("volumes"))
    return [volume for volume in every if not is_token(volume)]


def _volume(volume: Mapping[str, Any]) -> VolumeEntry:
    name = text(volume.get("name"))
    given = [key for key, said in volume.items() if said is not None]
    kinds = [key for key in given if key != "name"]
    kind = next(iter(kinds), "")
    said = mapping(volume.get(kind))
    texts = [text(said.get(key)) for key in _SOURCES]
    source = next(filter(None, texts), "")
    return VolumeEntry(name=name, kind=kind, source=source)


def _mounts(container: Mapping[str, Any], tokens: set[str]) -> Iterable[tuple[str, str]]:
    for mount in objects(container.get("volumeMounts")):
        name = text(mount.get("name"))
        path = text(mount.get("mountPath"))
        if name not in tokens:
            yield path, name
    for device in objects(container.get("volumeDevices")):
        name = text(device.get("name"))
        path = text(device.get("devicePath"))
        yield path, name


def _security(container: Mapping[str, Any], spec: Mapping[str, Any]) -> SecurityEntry:
    own = mapping(container.get("securityContext"))
    of_pod = mapping(spec.get("securityContext"))
    given = {key: value for key, value in own.items() if value is not None}
    both = {**of_pod, **given}
    profile = mapping(both.get("seccompProfile"))
    capabilities = mapping(own.get("capabilities"))
    return SecurityEntry(
        privileged=own.get("privileged") is True,
        read_only_root=own.get("readOnlyRootFilesystem") is True,
        privilege_escalation=_flag(own.get("allowPrivilegeEscalation")),
        run_as_user=_number(both.get("runAsUser")),
        run_as_non_root=_flag(both.get("runAsNonRoot")),
        seccomp=text(profile.get("type")),
        capabilities_added=_capabilities(capabilities.get("add")),
        capabilities_dropped=_capabilities(capabilities.get("drop")),
    )


def _capabilities(listed: object) -> tuple[str, ...]:
    """Names as Kubernetes' documents have them: without CAP_, in capitals.

    Source: containerd takes them in any letters, and puts CAP_ before them (its CRI plug-in).
    """
    written = [name.upper() for name in strings(listed)]
    return tuple(name.removeprefix("CAP_") for name in written)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
