"""The zygote's own program.

It has all modules in memory, and forks children that work on strangers' bytes.

It is started with an empty environment and one socket, before this service reads a secret. It never
sees a byte of an image. It ends when the socket is closed, and its children end with it.

A request is a JSON list, ``[kind, memory, seconds, settings]``, with the descriptors that the child
is to have; the answer is the child's process number, with a descriptor of the process.
"""

import codecs
import gc
import json
import os
import selectors
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from elfgate.isolation import indexer, parer, predictor
from elfgate.isolation.frames import write_frame
from elfgate.isolation.limits import Bounds, address_space, bound, end_with
from elfgate.isolation.messages import Hello
from elfgate.isolation.sandbox import confine, restrict
from elfgate.isolation.typed import dumps

MOST_REQUEST_BYTES = 64 << 10
MOST_DESCRIPTORS = 4

_CODECS = ("ascii", "latin-1", "unicode_escape", "raw_unicode_escape", "idna", "utf-16", "utf-32")

Work = Callable[[Sequence[int], object], None]
"""The work of a kind of child, on its descriptors (the first is its channel) and its settings."""

WORKS: Mapping[str, Work] = {
    "predictor": predictor.work,
    "indexer": indexer.work,
    "parer": parer.work,
}
COLLECT = (10_000, 10, 10)  # what a child makes is mostly facts and trees, which hold no cycles
_NICE = {"indexer": 10, "parer": 10}  # whoever only reads ahead comes after whoever answers


def main(descriptor: str) -> None:
    """Fork a child for each request that comes in by a socket, until it is closed."""
    control = socket.socket(fileno=int(descriptor))
    for codec in _CODECS:
        codecs.lookup(codec)
    gc.freeze()  # what is here by now stays shared with the children
    gc.set_threshold(*COLLECT)
    own = address_space()
    restrict()
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    _bury(selector, key)
                elif not _serve(control, selector, own):
                    return


def _serve(control: socket.socket, selector: selectors.BaseSelector, own: int) -> bool:
    """Answer one request; return whether there may be more."""
    request, descriptors, _, _ = socket.recv_fds(control, MOST_REQUEST_BYTES, MOST_DESCRIPTORS)
    if not request:
        return False
    kind, memory, seconds, settings = json.loads(request)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.nice(_NICE.get(kind, 0))
        _live(WORKS[kind], Bounds(own + memory, seconds), parent, descriptors, settings)
    for descriptor in descriptors:
        os.close(descriptor)
    process = os.pidfd_open(pid)
    selector.register(process, selectors.EVENT_READ, pid)
    socket.send_fds(control, [str(pid).encode()], [process])
    return True


def _bury(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Let go of a child that has ended: until then, its number means it and no other process."""
    selector.unregister(key.fileobj)
    os.close(key.fd)
    os.waitpid(key.data, 0)


def _live(
    work: Work, bounds: Bounds, parent: int, descriptors: Sequence[int], settings: object
) -> None:
    """A child's whole life."""
    with suppress(BaseException):  # its end says enough, and nobody reads its words
        end_with(parent)
        _close_all_but(descriptors)
        # A module that is not here yet is a fault, and no reason to be killed.
        sys.meta_path.clear()
        bound(bounds)
        confinement = confine()
        hello = Hello(confinement.seccomp, confinement.landlock)
        write_frame(descriptors[0], dumps(hello))
        work(descriptors, settings)
    os._exit(0)


def _close_all_but(descriptors: Sequence[int]) -> None:
    low = 0
    for descriptor in sorted(descriptors):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))
