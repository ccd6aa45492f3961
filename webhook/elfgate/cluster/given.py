"""Doubts that a pod casts on predictions.

Runtimes give a container more than its image, or run another.

Sources: nvidia-container-toolkit (what it mounts into containers, asked for or not), the Container
Device Interface (devices bring files along, and programs among them), the Kubernetes API reference
(imagePullPolicy, RuntimeClass), Kata Containers and gVisor (a kernel beside the node's), the
kernel's binfmt_misc (a privileged container registers emulators for its node).
"""

from collections.abc import Iterator

from elfgate.cluster.doubts import Doubt
from elfgate.cluster.outlook import Outlook, is_guest
from elfgate.cluster.part import Part
from elfgate.cluster.resources import is_extended
from elfgate.errors import UnknownReason
from elfgate.linkage.report import Code

CDI = "cdi.k8s.io/"

# What is found missing of an image may come with a device.
_MISSING = frozenset(
    {
        Code.COMMAND_MISSING,
        Code.SCRIPT_INTERPRETER_MISSING,
        Code.LOADER_MISSING,
        Code.LIBRARY_MISSING,
        Code.LIBRARY_MISMATCH,
        Code.SYMBOL_MISSING,
        Code.SYMBOL_VERSION_MISSING,
    }
)
_EMULATED = frozenset({Code.EXEC_FORMAT})
_EMULATORS = ("binfmt", "qemu")
_OF_KERNEL = frozenset({Code.KERNEL_TOO_OLD, Code.PAGE_SIZE, Code.CPU_LEVEL})

_NVIDIA = (
    "nvidia-smi",
    "nvidia-debugdump",
    "nvidia-persistenced",
    "nvidia-cuda-mps-control",
    "nvidia-cuda-mps-server",
    "nvidia-imex*",
    "nvidia-modprobe",
    "nvidia-container-cli",
    "nvidia-ctk",
)
_BY_NVIDIA = Doubt(
    UnknownReason.INJECTED,
    "NVIDIA's runtime puts it into containers",
    None,  # in images that were built under it, empty files mark the places
    _NVIDIA,
)
_IMAGE_ON_NODE = Doubt(
    UnknownReason.IMAGE_ON_NODE,
    "imagePullPolicy Never runs the node's own copy of the image, which may be another",
)
_MODULE = Doubt(
    UnknownReason.WEBASSEMBLY,
    "a WebAssembly module is started by a runtime of its own",
    None,
    ("*.wasm", "*.wat"),
)


def container_doubts(container: Part, pod: Part) -> tuple[Doubt, ...]:
    """The doubts that a container's own settings cast.

    Args:
        container: The container.
        pod: Its pod or template: metadata and spec.

    Raises:
        InputError: if a part that is read has a wrong type.
    """
    return tuple(_of_container(container, pod))


def _of_container(container: Part, pod: Part) -> Iterator[Doubt]:
    if container.get("imagePullPolicy").text() == "Never":
        yield _IMAGE_ON_NODE
    devices = _devices(container, pod)
    if devices:
        because = f"{devices} may bring what is missing along"
        yield Doubt(UnknownReason.INJECTED, because, _MISSING)
    yield _BY_NVIDIA
    yield _MODULE


def emulation_doubts(init: Part) -> tuple[Doubt, ...]:
    """The doubts that an init container casts on those after it.

    A privileged one may set up emulation; its image, command or args name what does.

    Raises:
        InputError: if a part that is read has a wrong type.
    """
    if not init.get("securityContext", "privileged").flag():
        return ()
    words = (init.get("image").text(), *init.get("command").strings(), *init.get("args").strings())
    if not any(sign in word for word in words for sign in _EMULATORS):
        return ()
    because = f"{init.get('name').text()} may set up emulation before it"
    return (Doubt(UnknownReason.EMULATOR_LIKELY, because, _EMULATED),)


def _devices(container: Part, pod: Part) -> str:
    """Name what may add files to a container; empty if nothing does."""
    resources = container.get("resources")
    names = {*resources.get("requests").mapping(), *resources.get("limits").mapping()}
    extended = sorted(filter(is_extended, names))
    if extended:
        return ", ".join(extended)
    if resources.get("claims").items() or pod.get("spec", "resourceClaims").items():
        return "the devices that it claims"
    keys = pod.get("metadata", "annotations").mapping()
    return "a CDI device" if any(key.startswith(CDI) for key in keys) else ""


def runtime_doubts(runtime_class: str, outlook: Outlook) -> tuple[Doubt, ...]:
    """The doubts that a RuntimeClass casts; none for that of an ordinary runtime.

    Args:
        runtime_class: Its name, or empty.
        outlook: Which further ones are ordinary.
    """
    if not runtime_class:
        return ()
    if outlook.is_ordinary(runtime_class):
        return _of_ordinary(runtime_class)
    if is_guest(runtime_class):
        because = f"containers of the RuntimeClass {runtime_class} have a kernel of their own"
        return (Doubt(UnknownReason.GUEST_KERNEL, because, _OF_KERNEL),)
    because = f"how the RuntimeClass {runtime_class} starts a container is not known"
    return (Doubt(UnknownReason.RUNTIME_CLASS, because),)


def _of_ordinary(runtime_class: str) -> tuple[Doubt, ...]:
    if not runtime_class.startswith("nvidia"):
        return ()
    because = f"the RuntimeClass {runtime_class} may bring what is missing along"
    return (Doubt(UnknownReason.INJECTED, because, _MISSING),)
