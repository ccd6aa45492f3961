"""Capabilities: those that a container may have at most, and those that a file demands.

Sources: capabilities(7); Linux ``include/uapi/linux/capability.h`` (``struct vfs_cap_data``) and
``security/commoncap.c`` (``bprm_caps_from_vfs_caps``: a file whose effective bit is set is not
executed where a capability that it permits is not in the bounding set). The sets of runtimes:
containerd's ``oci.defaultUnixCaps`` and Docker's ``DefaultCapabilities``; CRI-O's
``DefaultCapabilities``, which is smaller. How a pod changes them: containerd's
``customopts.WithCapabilities``.
"""

import struct
from dataclasses import dataclass

from elfgate.linkage.inputs import NodeFacts, Overrides

# In the kernel's order.
_NUMBERED = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
PERFMON BPF CHECKPOINT_RESTORE
"""
_NAMES = tuple(_NUMBERED.split())
_ALL = frozenset(_NAMES)
_CRIO_NAMES = "CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETPCAP NET_BIND_SERVICE KILL"
_CRIO = frozenset(_CRIO_NAMES.split())
_CONTAINERD = _CRIO | {"MKNOD", "NET_RAW", "SETFCAP", "SYS_CHROOT", "AUDIT_WRITE"}
_DEFAULTS = {"containerd": _CONTAINERD, "docker": _CONTAINERD, "cri-o": _CRIO}
OVERRIDE = "DAC_OVERRIDE"  # whoever has it passes mode bits
READ_ANY = "DAC_READ_SEARCH"
_EFFECTIVE = 0x1
_REVISIONS = {0x01000000: (12, 1), 0x02000000: (20, 2), 0x03000000: (24, 2)}  # bytes, and pairs


@dataclass(frozen=True, slots=True)
class Bounding:
    """A container's bounding set.

    Attributes:
        certain: Capabilities that are in it.
        possible: Those that are, or may be.
    """

    certain: frozenset[str] = _CRIO
    possible: frozenset[str] = _ALL

    def has(self, name: str) -> bool | None:
        """Tell whether a capability is in it; None if that is not known."""
        if name in self.certain:
            return True
        if name in self.possible:
            return None
        return False

    @property
    def passes_modes(self) -> bool | None:
        """Whether root passes mode bits; None if that is not known."""
        passes = self.has(OVERRIDE)
        if passes is False and self.has(READ_ANY) is not False:
            return None
        return passes


@dataclass(frozen=True, slots=True)
class FileCapabilities:
    """The content of a file's ``security.capability``.

    Attributes:
        permitted: The capabilities' names.
        effective: Its effective bit is set.
    """

    permitted: frozenset[str]
    effective: bool


def bounding(overrides: Overrides, node: NodeFacts) -> Bounding:
    """Tell which capabilities the processes of a container may have.

    Args:
        overrides: What the pod's container says.
        node: Its runtime, if that is known, tells the default set.
    """
    if overrides.privileged:
        return Bounding(_ALL, _ALL)
    added, dropped = overrides.capabilities, overrides.dropped_capabilities
    default = _DEFAULTS.get(node.runtime or "")
    certain, possible = default or _CRIO, default or _CONTAINERD
    if not overrides.settled:
        certain, possible = _CRIO, _ALL
    if "ALL" in added:
        certain = possible = _ALL
    if "ALL" in dropped:
        certain = possible = frozenset()
    named = added & _ALL
    certain, possible = certain | named, possible | named
    return Bounding(certain - dropped, possible - dropped)


def numbers(names: frozenset[str]) -> tuple[int, ...]:
    """The kernel's numbers of capabilities."""
    return tuple(number for number, name in enumerate(_NAMES) if name in names)


def file_capabilities(attribute: bytes) -> FileCapabilities | None:
    """Read a ``security.capability``; None if it is none that is known here."""
    if len(attribute) < struct.calcsize("<I"):
        return None
    (magic,) = struct.unpack_from("<I", attribute)
    size, pairs = _REVISIONS.get(magic & 0xFF000000, (0, 0))
    if len(attribute) != size:
        return None
    words = struct.unpack_from(f"<{2 * pairs}I", attribute, 4)
    permitted = sum(word << 32 * place for place, word in enumerate(words[::2]))
    names = frozenset(name for bit, name in enumerate(_NAMES) if permitted >> bit & 1)
    return FileCapabilities(names, bool(magic & _EFFECTIVE))
