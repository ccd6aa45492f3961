"""The tables in tests/objects: their nodes, their images (``ex/TAG:1``) and their objects."""

from pathlib import Path
from typing import Any

import yaml

from .elf_file import elf_file
from .image import static_program
from .objects import node, pod
from .oci import Blob, image, index, write_layout
from .tarball import Item, directory, link, program, tarball, text

FOLDER = Path(__file__).parents[1] / "objects"
FOUR = ("amd64", "arm64", "ppc64le", "s390x")

Case = dict[str, Any]


def cases() -> list[Case]:
    """All of them, in the tables' order."""
    tables = sorted(FOLDER.glob("*.yaml"))
    return [case for table in tables for case in yaml.safe_load(table.read_text("utf-8"))]


def object_of(case: Case) -> dict[str, Any]:
    """The object that a case is about."""
    whole = case.get("object") or {**pod(), "spec": case["spec"]}
    return {**whole, "metadata": {"namespace": "shop", **whole["metadata"]}}


def _taints(key: str, effect: str = "NoSchedule") -> list[dict[str, str]]:
    return [{"key": key, "value": "", "effect": effect}]


def _with(obj: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {**obj, "status": {**obj["status"], **status}}


NODES: dict[str, dict[str, Any]] = {
    "amd": node("amd-1", labels={"beta.kubernetes.io/arch": "amd64"}),
    "arm": node("arm-1", "arm64"),
    "sixteen": node("amd-16", labels={"example.com/cpus": "16"}),
    "eight": node("arm-8", "arm64", labels={"example.com/cpus": "8"}),
    "power": node("power-1", "ppc64le"),
    "gpu": _with(node("gpu-1", "ppc64le"), allocatable={"example.com/gpu": "8"}),
    "plugless": _with(node("gpu-2"), allocatable={"example.com/gpu": "0"}),
    "cordoned": node("amd-2", unschedulable=True),
    "starting": node("amd-3", taints=_taints("node.cilium.io/agent-not-ready", "NoExecute")),
    "tainted": node("amd-4", taints=_taints("team")),
    "fargate": node("fargate-1", taints=_taints("eks.amazonaws.com/compute-type")),
    "offloading": node("liqo-2", taints=_taints("virtual-node.liqo.io/not-allowed", "NoExecute")),
    "fake": node("kwok-1", "arm64", labels={"type": "kwok"}),
    "unreachable": node("amd-5", taints=_taints("node.kubernetes.io/unreachable", "NoExecute")),
    "lost": node("arm-2", "arm64", taints=_taints("node.kubernetes.io/unreachable", "NoExecute")),
    "desktop": node("desktop", "arm64", kernel="6.10.14-linuxkit"),
    "liar": _with(
        node("liar", "arm64"), nodeInfo={"architecture": "amd64", "operatingSystem": "linux"}
    ),
    "nameless": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "vk-2", "labels": {}}},
    "virtual": node("vk-1", "arm64", labels={"type": "virtual-kubelet"}),
    "provided": node("vk-3", "arm64", taints=_taints("virtual-kubelet.io/provider")),
    "peered": node("liqo-1", "arm64", labels={"liqo.io/type": "virtual-node"}),
    "elastic": node("eklet-1", "arm64", labels={"node.kubernetes.io/instance-type": "eklet"}),
    "bootstrapping": node("amd-6", taints=_taints("node.deckhouse.io/csi-not-bootstrapped")),
}


def nodes_of(case: Case) -> list[dict[str, Any]]:
    """The nodes of a case's cluster."""
    return [NODES[name] for name in case["nodes"]]


def write_images(folder: Path) -> dict[str, str]:
    """Write the images as an OCI layout; where each reference is to be found."""
    made = _images()
    write_layout(folder, made)
    return {f"ex/{tag}:1": f"oci:{folder}:{tag}" for tag in made}


def _images() -> dict[str, Blob]:
    return {
        "amd64only": index([_image("amd64", {"app": static_program("amd64")})]),
        "single": _image("amd64", {"app": static_program("amd64")}),
        "shell": index([_image(name, _shell(name)) for name in FOUR]),
        "mute": index([image([tarball(_shell(name))], platform=f"linux/{name}") for name in FOUR]),
        "script": index([_image(name, _script(name), entry="/entry.sh") for name in FOUR]),
        "gid": index([_image(name, _guarded(name), user="1000:1000") for name in FOUR]),
        "named": index([_image(name, _shell(name), user="app") for name in FOUR]),
        "stranger": index([_image(name, _shell(name), user="nosuch") for name in FOUR]),
        "addon": index([_image(name, _with_addon(name)) for name in FOUR]),
        "probed": index([_image(name, _probed(name)) for name in FOUR]),
        "module": _image("amd64", {"app": program(b"\0asm\x01\0\0\0")}),
        "wasi": index([_image("wasm", {"app": program(b"\0asm\x01\0\0\0")}, system="wasip1")]),
        "stub": _image("amd64", {"usr/bin/nvidia-smi": program(b"")}),
        "wasm": _image("amd64", {"app.wasm": program(b"\0asm\x01\0\0\0")}, entry="/app.wasm"),
    }


def _image(
    name: str,
    files: dict[str, Item],
    *,
    entry: str = "/app",
    user: str = "",
    system: str = "linux",
) -> Blob:
    layer = tarball(files)
    return image([layer], platform=f"{system}/{name}", entrypoint=[entry], user=user)


def _shell(name: str) -> dict[str, Item]:
    return {
        "app": static_program(name),
        "bin": directory(),
        "bin/sh": static_program(name),
        "bin/env": static_program(name),
        "usr": directory(),
        "usr/lib": directory(),
        "usr/lib/tool": static_program(name),
        "lib": link("usr/lib"),
        "run": directory(),
        "var": directory(),
        "var/run": link("/run"),
        "etc": directory(),
        "etc/passwd": text("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"),
        "etc/group": text("root:x:0:\napp:x:1000:\n"),
    }


def _script(name: str) -> dict[str, Item]:
    return {**_shell(name), "entry.sh": program('#!/bin/sh\nset -e\nexec "$@"\n')}


def _guarded(name: str) -> dict[str, Item]:
    guarded = static_program(name)
    return {"app": program(guarded.data, mode=0o750)}


def _with_addon(name: str) -> dict[str, Item]:
    return {**_shell(name), "srv/node_modules/own/own.node": Item("file", elf_file("amd64"))}


def _probed(name: str) -> dict[str, Item]:
    return {**_shell(name), "bin/probe": static_program("amd64")}
