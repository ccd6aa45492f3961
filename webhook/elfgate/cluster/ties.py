"""Ties: what else than a node's labels, taints and room may keep a pod from the node.

Sources: the scheduler's plug-ins VolumeBinding and VolumeZone, InterPodAffinity, PodTopologySpread
and NodePorts. What has another shape than Kubernetes' ties nothing: the API server refuses it.
"""

from collections.abc import Mapping

from elfgate.cluster.told import mapping, objects

PERSISTENT = ("persistentVolumeClaim", "ephemeral")

_CONTAINERS = ("initContainers", "containers")
_AFFINITIES = ("podAffinity", "podAntiAffinity")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def is_tied(pod_spec: Mapping[str, object]) -> bool:
    """Whether volumes, other pods or ports may leave a pod fewer nodes than its demands do."""
    return (
        _has_persistent(pod_spec)
        or _minds_other_pods(pod_spec)
        or _is_spread(pod_spec)
        or _takes_ports(pod_spec)
    )


def _has_persistent(pod_spec: Mapping[str, object]) -> bool:
    """Whether it has a volume that is somewhere, or is made where the pod comes to run first."""
    volumes = objects(pod_spec.get("volumes"))
    return any(volume.get(kind) is not None for volume in volumes for kind in PERSISTENT)


def _minds_other_pods(pod_spec: Mapping[str, object]) -> bool:
    affinity = mapping(pod_spec.get("affinity"))
    return any(mapping(affinity.get(kind)).get(_REQUIRED) for kind in _AFFINITIES)


def _is_spread(pod_spec: Mapping[str, object]) -> bool:
    constraints = objects(pod_spec.get("topologySpreadConstraints"))
    return any(each.get("whenUnsatisfiable") != "ScheduleAnyway" for each in constraints)


def _takes_ports(pod_spec: Mapping[str, object]) -> bool:
    """Whether its containers have ports of their node."""
    every = pod_spec.get("hostNetwork") is True
    return any(
        every or port.get("hostPort")
        for part in _CONTAINERS
        for container in objects(pod_spec.get(part))
        for port in objects(container.get("ports"))
    )
