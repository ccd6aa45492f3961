"""A root laid out as Alpine lays out its own.

Musl's loader, BusyBox behind every command, no glibc.
"""

from elfgate.platforms import ARCHITECTURES
from lab.layout import File

COMMANDS = ("sh", "cat", "env", "ls", "sleep", "true")
OS_RELEASE = """\
NAME="Alpine-like"
ID=alpine
PRETTY_NAME="An Alpine-like root of elfgate's demo (musl and BusyBox, not Alpine Linux)"
"""


def alpine_like(architecture: str, *, libc: bytes, busybox: bytes) -> list[File]:
    """The files of such a root.

    Args:
        architecture: An OCI name.
        libc: musl, which is both its loader and its library.
        busybox: BusyBox.
    """
    name = ARCHITECTURES[architecture].musl_name
    return [
        File("bin/busybox", busybox, 0o755),
        *(File(f"bin/{command}", link="/bin/busybox") for command in COMMANDS),
        File("etc/os-release", OS_RELEASE.encode()),
        File("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        File(f"lib/ld-musl-{name}.so.1", libc, 0o755),
        File(f"lib/libc.musl-{name}.so.1", link=f"ld-musl-{name}.so.1"),
    ]
