"""The errors that a person sees: one line of what and where, and what to do about it.

Only doors (the CLI's verbs, the webhook) catch them. What an image or a registry withholds is not
an error but an
*unknown*, and becomes one where the scan reads it (``UnreadableError`` carries the reason).
"""

from enum import StrEnum

REPORT = "CONTRIBUTING.md, Report an unexpected error"
"""Where it says how an error that nobody expected is reported."""


class ElfgateError(Exception):
    """Anything elfgate refuses to go on with.

    Args:
        message: One line, without a trailing period: what is wrong, and where.
        hint: What to do about it, if that is not plain from the message.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class InputError(ElfgateError):
    """A command line, file, manifest or setting that cannot be used. Exit code 2."""


class UnknownReason(StrEnum):
    """Why a verdict is *unknown*. Policy maps each to allow, warn or deny."""

    NOT_SCANNED = "not_scanned"  # its facts are still being read
    REGISTRY_UNREACHABLE = "registry_unreachable"  # no answer, or a server's error
    NO_CREDENTIALS = "no_credentials"  # 401 or 403
    IMAGE_NOT_FOUND = "image_not_found"  # the registry does not have it
    IMAGE_INVALID = "image_invalid"  # digest mismatch, truncated, malformed
    IMAGE_UNSUPPORTED = (
        "image_unsupported"  # schema 1, encrypted or foreign layers, unknown media types
    )
    LIMIT_EXCEEDED = "limit_exceeded"  # more bytes, entries, depth or time than the limits allow
    UNDER_MOUNT = "under_mount"  # a path that decides lies under a volume
    VALUE_UNKNOWN = (
        "value_unknown"  # an environment value that decides comes from elsewhere (valueFrom)
    )
    # Depends on the node's CPU, page size, kernel, emulation or snapshotter.
    NODE_FACT_UNKNOWN = "node_fact_unknown"
    NODES_STALE = "nodes_stale"  # the cluster's nodes have not been followed for a while
    NODE_CONTRADICTS = "node_contradicts"  # a node's labels say otherwise than its kubelet
    NODE_VIRTUAL = "node_virtual"  # what a virtual kubelet runs pods on is not known
    EMULATOR_LIKELY = "emulator_likely"  # the node may run programs of other architectures
    RUNTIME_CLASS = "runtime_class"  # another runtime than an ordinary one starts the container
    GUEST_KERNEL = "guest_kernel"  # the container has a kernel of its own, and not the node's
    WEBASSEMBLY = "webassembly"  # a module, which no kernel starts
    IMAGE_ON_NODE = "image_on_node"  # the node's own copy of the image is run (imagePullPolicy)
    INJECTED = "injected"  # the runtime may add the program to the container (devices)
    # Of a pod's placement; here ``deny`` means to judge as if it were final.
    NO_NODE = "no_node"  # no node has this architecture yet
    NODE_AWAY = "node_away"  # its nodes are cordoned, not ready, starting up or being replaced
    GATED = "gated"  # the pod waits for scheduling gates, and is changed meanwhile
    SUSPENDED = "suspended"  # the object is suspended, and is changed before it resumes
    OTHER_SCHEDULER = "other_scheduler"  # Kubernetes' own scheduler does not place the pod
    TEMPLATE = "template"  # its pods are given more than the template has (RuntimeClass)
    RESOURCE_ABSENT = "resource_absent"  # no node that is there offers what the pod asks for
    PACKED = "packed"  # the program is compressed (UPX): its needs are hidden
    SHAPE_UNKNOWN = "shape_unknown"  # the start-up's form is not understood


class UnreadableError(ElfgateError):
    """An image, or a part of one, that cannot be read: an unknown for whoever asked.

    Args:
        message: One line: what could not be read, where, and why.
        reason: The unknown's reason, for policy.
        hint: What to do about it.
    """

    def __init__(self, message: str, *, reason: UnknownReason, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class UnansweredError(UnreadableError):
    """A source that does not answer in time: who asks again at once waits again."""
