"""The controllers that made an object: its owner, and the owner's owner as the names tell.

Sources: Kubernetes, "Owners and Dependents"; ``deployment/sync.go`` (a ReplicaSet has its
Deployment's name and a hash), ``cronjob/utils.go`` (a Job has its CronJob's name and the minute of
its start), ``rand.SafeEncodeString`` (the letters of a hash). Argo Rollouts, ``rollout/sync.go``:
a Rollout names its ReplicaSets as a Deployment does, and has a label of its own for their hash.
"""

import re

from elfgate.cluster.part import Part

_HASH = re.compile(r"[bcdfghjklmnpqrstvwxz2456789]{1,10}")
_MINUTE = re.compile(r"[0-9]{8,11}")
ROLLOUT_LABEL = "rollouts-pod-template-hash"
# By the kind of what is made: the kind of its maker, and the ending of the name that the maker
# gives.
_MAKERS = {"ReplicaSet": ("Deployment", _HASH), "Job": ("CronJob", _MINUTE)}


def owners(metadata: Part) -> tuple[str, ...]:
    """The controllers that made an object, the nearest first, each as ``KIND/NAME``.

    An owner reference is the word of whoever wrote the object.

    Raises:
        InputError: if the references have another shape than Kubernetes'.
    """
    for reference in metadata.get("ownerReferences").items():
        if reference.get("controller").value is True:
            chain = _chain(reference.get("kind").text(), reference.get("name").text())
            return _of_rollout(chain) if metadata.get("labels", ROLLOUT_LABEL) else chain
    return ()


def _of_rollout(chain: tuple[str, ...]) -> tuple[str, ...]:
    """The controllers, with a Rollout in a Deployment's place."""
    return tuple(re.sub("^Deployment/", "Rollout/", owner) for owner in chain)


def _chain(kind: str, name: str) -> tuple[str, ...]:
    nearest = f"{kind}/{name}"
    maker, ending = _MAKERS.get(kind, ("", _HASH))
    stem, _, last = name.rpartition("-")
    if not maker or not stem or not ending.fullmatch(last):
        return (nearest,)
    return (nearest, f"{maker}/{stem}")
