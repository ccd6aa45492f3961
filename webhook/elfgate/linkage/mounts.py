"""The real paths at which a runtime attaches a container's volumes.

Source: runc ``libcontainer/rootfs_linux.go``: a mount's destination is resolved inside the root
file system, through the image's own symlinks (``securejoin``), and what is missing of it is made.
"""

import posixpath
from collections.abc import Sequence

from elfgate.rootfs.tree import Found, Missing, Tree

# The runtime mounts these over whatever the image has there (OCI runtime spec, "Default
# Filesystems").
RUNTIME_MOUNTS = ("/proc/", "/sys/", "/dev/")


def resolved(tree: Tree, mounts: Sequence[str]) -> tuple[str, ...]:
    """Resolve the paths that volumes are mounted at.

    Args:
        tree: The image's root file system.
        mounts: The paths as the pod says, absolute, each with a slash behind.

    Returns:
        The real paths, likewise. A path that cannot be resolved is as it is.

    Raises:
        UnreadError: if a path leads to layers that are not read.
    """
    return tuple(path if path in RUNTIME_MOUNTS else _resolved(tree, path) for path in mounts)


def _resolved(tree: Tree, path: str) -> str:
    found: Found | Missing = tree.lookup(path)
    if isinstance(found, Missing) and found.errno != "ENOENT":
        return path
    beyond = found.beyond if isinstance(found, Missing) else ""
    real = posixpath.normpath(posixpath.join(found.path, beyond))
    return f"{real.rstrip('/')}/"
