"""Whether the user that a container is to run as is there, and is who the pod asks for.

Sources: the kubelet's ``verifyRunAsNonRoot`` (a user's name is no proof that it is not root),
containerd's ``oci.WithUser`` and Docker's ``user.GetExecUser`` (a name that /etc/passwd or
/etc/group lacks is an error).
"""

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import Overrides
from elfgate.linkage.record import Record
from elfgate.linkage.report import Code
from elfgate.linkage.values import Doubt
from elfgate.linkage.world import Hidden, World
from elfgate.rootfs.tree import Found

_FIX_ROOT = "set runAsUser, or USER with a number in the image's build"
_FIX_MISSING = "add the user in the image's build, or name it by its number"
_LATER = Doubt(UnknownReason.TEMPLATE, "its pods may be given another user")
_FILES = {"/etc/passwd": "user", "/etc/group": "group"}


def check_user(world: World, record: Record, user: str, overrides: Overrides) -> None:
    """Record why the container's user keeps it from being made.

    Args:
        world: The world.
        record: Takes what is found.
        user: ``USER[:GROUP]`` as the image and the pod say; empty for root.
        overrides: What the pod's container changes.
    """
    doubt = None if overrides.settled else _LATER
    name, _, group = user.partition(":")
    if overrides.run_as_non_root:
        _check_not_root(record, name, doubt)
    for path, wanted in (("/etc/passwd", name), ("/etc/group", group)):
        if wanted and wanted != "root" and not wanted.isdecimal():
            _check_listed(world, record, path, wanted, doubt)


def _check_not_root(record: Record, name: str, doubt: Doubt | None) -> None:
    if name in {"", "root"} or (name.isdecimal() and int(name) == 0):
        message = "the pod has runAsNonRoot, and the container's user is root"
    elif not name.isdecimal():
        message = f"the pod has runAsNonRoot, and the user {name} is not named by its number"
    else:
        return
    record.failed(Code.RUN_AS_ROOT, "", message, _FIX_ROOT, doubt)


def _check_listed(
    world: World, record: Record, path: str, wanted: str, doubt: Doubt | None
) -> None:
    found = world.lookup(path)
    if isinstance(found, Hidden):
        doubt = doubt or found.doubt
    text = world.text(path)
    if text is None and isinstance(found, Found):
        return  # it is there, and was not kept
    if any(line.split(":", 1)[0].strip() == wanted for line in (text or "").splitlines()):
        return
    message = f"the {_FILES[path]} {wanted} is not in {path}"
    record.failed(Code.USER_MISSING, path, message, _FIX_MISSING, doubt)
