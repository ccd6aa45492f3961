"""Objects that elfgate never refuses, whatever its policies and settings say.

Without it a cluster might not come up again.

Sources: Kubernetes, "Admission Webhook Good Practices" (exempt kube-system and your own namespace),
and "Create static Pods" (the API server's mirror of a pod that a kubelet runs anyway, marked by an
annotation that no update can change). The webhook configuration's selectors say the same; but they
are for whoever installs it to get wrong.
"""

from collections.abc import Iterable, Mapping
from os import environ
from pathlib import Path

SYSTEM = "kube-system"
MIRROR = "kubernetes.io/config.mirror"

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace(environment: Mapping[str, str] = environ, file: Path = _OWN_NAMESPACE) -> str:
    """The namespace of the pod that this runs in, by ``POD_NAMESPACE`` or its service account.

    Empty outside of one.
    """
    try:
        return environment.get("POD_NAMESPACE") or file.read_text("utf-8").strip()
    except OSError:
        return ""


class Exemption:
    """Tells what is exempt.

    Args:
        namespaces: Exempt besides ``kube-system`` and elfgate's own.
        own: The webhook's own namespace, empty if it is not known; None for that of the pod that
            this runs in.
    """

    def __init__(self, namespaces: Iterable[str] = (), own: str | None = None) -> None:
        mine = own_namespace() if own is None else own
        self._namespaces = frozenset(filter(None, (SYSTEM, mine, *namespaces)))

    def covers(self, namespace: object, obj: object) -> bool:
        """Whether a review is about something exempt.

        Args:
            namespace: The request's, of any shape.
            obj: The request's object, of any shape.
        """
        return (isinstance(namespace, str) and namespace in self._namespaces) or _is_mirror(obj)


def _is_mirror(obj: object) -> bool:
    if not isinstance(obj, dict) or obj.get("kind") != "Pod":
        return False
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and MIRROR in annotations
