"""An image's distribution and libc, as its root file system tells.

Sources: os-release(5); the loaders' paths of the table of platforms.
"""

from elfgate.linkage.report import Distro
from elfgate.platforms import ARCHITECTURES, Architecture
from elfgate.rootfs.tree import Found, Tree

_SHELL = "/bin/sh"


def distro_of(tree: Tree, architecture: Architecture) -> Distro:
    """Tell an image's nature.

    Args:
        tree: Its root file system.
        architecture: Whose loaders are looked for first; then any other's, as labels may lie.

    Returns:
        The libc is that of the loader *files* found: an image may have glibc's name lead to musl.
    """
    release = tree.os_release()
    libc = _libc(tree, architecture)
    if "ID" in release:
        return Distro(release["ID"], release.get("VERSION_ID") or None, libc)
    empty = libc is None and not isinstance(tree.lookup(_SHELL), Found)
    return Distro("scratch" if empty else "unknown", None, libc)


def _libc(tree: Tree, architecture: Architecture) -> str | None:
    others = (row for row in ARCHITECTURES.values() if row is not architecture)
    for row in (architecture, *others):
        for path in (*row.glibc_loaders, f"/lib/ld-musl-{row.musl_name}.so.1"):
            found = tree.lookup(path)
            facts = tree.facts(found) if isinstance(found, Found) else None
            if facts is not None and facts.loader is not None:
                if facts.loader.libc == "gcompat":
                    return "musl"
                return facts.loader.libc
    return None
