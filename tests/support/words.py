"""What elfgate says of the founding images, word for word, and how kubectl shows it."""

from support.control_plane import ControlPlane, Said
from support.webhook import NAME

ALPINE, DEBIAN = "example/server:2-alpine", "example/server:2-debian"

ON_POWER = f"""\
server ({ALPINE}) cannot start on ppc64le (ppc64le-1):
  /usr/local/bin/server needs the loader /lib64/ld64.so.2, which this image (Alpine 3.20.3, musl) \
does not contain  [loader_missing]
  use {DEBIAN}, which starts on ppc64le, or add a node affinity: kubernetes.io/arch in (amd64, arm64)
"""
DENIED = f'admission webhook "{NAME}" denied the request: {ON_POWER}'
LACKS = (
    "/usr/local/bin/server needs the loader /lib/ld64.so.1 or /lib64/ld64.so.2, "
    "which this image (Alpine 3.20.3, musl) does not contain [loader_missing]"
)
WAY_OUT = (
    f"use {DEBIAN}, which starts on ppc64le and s390x, "
    "or add a node affinity: kubernetes.io/arch in (amd64, arm64)"
)
PARTLY = [
    f"Warning: server ({ALPINE}) cannot start on ppc64le (ppc64le-1) and s390x (s390x-1)",
    f"Warning: server: {LACKS}",
    f"Warning: server: {WAY_OUT}",
]


def apply(cluster: ControlPlane, namespace: str, obj: object, *words: str) -> Said:
    return cluster.kubectl("apply", "-n", namespace, "-f", "-", *words, stdin=obj)


def refused(text: str = DENIED) -> Said:
    return Said(1, "", f'Error from server (Forbidden): error when creating "STDIN": {text}')
