"""The root file system of one start: an overlay that nobody else sees, and that is gone with it.

Every path of the image is looked up within the new root, so that no link of it leads outside.

Sources: the OCI runtime spec, "Default Devices" and "Default Filesystems"; pivot_root(2);
Linux ``Documentation/filesystems/overlayfs.rst``.
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import Any

from elfgate.trial import syscalls
from elfgate.trial.syscalls import BIND, NODEV, NOEXEC, NOSUID, RDONLY, REC, REMOUNT, mount

_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
}
_HARMLESS = NOSUID | NODEV | NOEXEC
_MARK = "elfgate-trial"
_SHARED_MEMORY = "size=65536k"  # as containerd gives it
_FILES = 1024  # for which there is room however little may be written
_SMALL = 4096  # bytes of a small file
_NO_OVERLAY = {errno.EPERM, errno.ENODEV, errno.EINVAL, errno.EACCES}


def enter(request: dict[str, Any], scratch: Path) -> None:
    """Make the root of a request (``start.Start`` as a mapping) and go into it.

    Args:
        request: The start.
        scratch: A directory of the worker's.

    Raises:
        OSError: if a mount is refused.
    """
    old = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    sources = _opened(request)
    os.chdir(_laid_out(request, scratch))
    syscalls.pivot_here()
    os.chroot(".")
    _fill(request, sources)
    os.fchdir(old)
    syscalls.unmount(".")
    os.close(old)
    os.chdir("/")
    if request["read_only"]:
        mount("", "/", "", REMOUNT | BIND | RDONLY)
    cwd = request["cwd"]
    # As runc makes it, whatever it is spelled like.
    os.makedirs(cwd, exist_ok=True)  # noqa: PTH103
    os.chdir(cwd)


def _laid_out(request: dict[str, Any], scratch: Path) -> Path:
    """Mount the root, and return its place."""
    root = scratch / "root"
    root.mkdir(exist_ok=True)
    top = _top(request, scratch)
    for name in ("upper", "work"):
        (top / name).mkdir(exist_ok=True)
    layers = request["layers"]
    data = [
        f"lowerdir={':'.join(layers)}",
        f"upperdir={top}/upper",
        f"workdir={top}/work",
        "userxattr",
    ]
    try:
        mount(_MARK, root, "overlay", data=",".join(data))
    except OSError as error:
        if error.errno not in _NO_OVERLAY or len(layers) > 1 or request["kept"]:
            raise
        mount(layers[0], root, "", BIND)  # it was unpacked for this start, and may be spoilt
    return root


def _top(request: dict[str, Any], scratch: Path) -> Path:
    """The place of what is written."""
    if request["kept"]:
        return Path(request["kept"])
    top = scratch / "top"
    top.mkdir(exist_ok=True)
    mount("tmpfs", top, "tmpfs", NODEV, ",".join(_room(request)))
    return top


def _room(request: dict[str, Any]) -> list[str]:
    """The bounds of a file system that is written to: its bytes, and its number of files."""
    disk = request["disk"]
    if not disk:
        return []
    files = max(_FILES, disk // _SMALL)
    return [f"size={disk}", f"nr_inodes={files}"]


def _opened(request: dict[str, Any]) -> dict[str, int]:
    """Open what is mounted from outside: its places are out of sight later."""
    named = [f"/dev/{name}" for name in _DEVICES]
    named += [source for source, _ in request["volumes"] if source]
    flags = os.O_PATH | os.O_CLOEXEC
    return {name: os.open(name, flags) for name in named}


def _fill(request: dict[str, Any], sources: dict[str, int]) -> None:
    _directory("/proc")
    mount("proc", "/proc", "proc", _HARMLESS)
    _directory("/sys")
    with contextlib.suppress(OSError):  # where the host hides parts of its own
        mount("sysfs", "/sys", "sysfs", _HARMLESS | RDONLY)
    _devices(sources)
    room = _room(request)
    for source, target in request["volumes"]:
        _volume(sources.get(source), target, room)
    for path, text in request["files"]:
        _file(path, text)
    for opened in sources.values():
        os.close(opened)


def _volume(source: int | None, target: str, room: list[str]) -> None:
    """Mount what is open, or an empty folder."""
    _directory(target)
    if source is None:
        mount("tmpfs", target, "tmpfs", NOSUID | NODEV, ",".join(["mode=777", *room]))
    else:
        mount(_place(source), target, "", BIND | REC)


def _file(path: str, text: str) -> None:
    """Write a file, unless the image has a folder there, say."""
    with contextlib.suppress(OSError):
        _directory(os.path.dirname(path))  # noqa: PTH120 (a path of the image)
        Path(path).write_text(text, encoding="utf-8")


def _devices(sources: dict[str, int]) -> None:
    _directory("/dev")
    mount("tmpfs", "/dev", "tmpfs", NOSUID, f"mode=755,{_SHARED_MEMORY}")
    for name in _DEVICES:
        target = Path("/dev", name)
        target.touch()
        source = sources[f"/dev/{name}"]
        mount(_place(source), target, "", BIND)
    for name, leads_to in _LINKS.items():
        Path("/dev", name).symlink_to(leads_to)
    shared = "/dev/shm"  # noqa: S108 (the container's own)
    _directory(shared)
    mount("tmpfs", shared, "tmpfs", _HARMLESS, f"mode=1777,{_SHARED_MEMORY}")


def _directory(path: str) -> None:
    """Make a directory, and those above it; it may be there, or be a link to one."""
    if os.path.isdir(path):  # noqa: PTH112 (a path of the image)
        return
    os.makedirs(path, exist_ok=True)  # noqa: PTH103


def _place(file: int) -> str:
    return f"/proc/self/fd/{file}"
