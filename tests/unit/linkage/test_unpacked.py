"""Nodes that unpack layers differently: one verdict where they agree, an unknown where they do not."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides, Snapshotter
from elfgate.linkage.report import Outcome, Prediction
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Tree
from support.elf_file import elf_file
from support.tarball import Content, directory, layer, link, program, text, whiteout

PROGRAM = program(elf_file("amd64", type=2))
USR: Content = {"usr/": directory(), "usr/bin/": directory(), "bin": link("usr/bin")}
OVER_A_LINK = [USR, {"bin/tool": PROGRAM}]
OPAQUE_ROOT = [{"tool": PROGRAM}, {".wh..wh..opq": "", "x": ""}]


def predicted(
    layers: list[Content], path: str, snapshotter: Snapshotter | None = None
) -> Prediction:
    return predict_unpacked(
        Tree([layer(content) for content in layers]),
        ImageDefaults(entrypoint=(path,)),
        Overrides(),
        Platform("linux", "amd64"),
        NodeFacts(snapshotter=snapshotter),
    )


@pytest.mark.parametrize(
    ("layers", "path", "overlayfs", "native"),
    [
        (OVER_A_LINK, "/usr/bin/tool", Outcome.CANNOT_START, Outcome.STARTS),
        (OPAQUE_ROOT, "/tool", Outcome.STARTS, Outcome.CANNOT_START),
    ],
)
def test_what_nodes_do_not_agree_on_is_unknown_until_the_snapshotter_is(
    layers: list[Content], path: str, overlayfs: Outcome, native: Outcome
) -> None:
    assert predicted(layers, path).outcome is Outcome.UNKNOWN
    assert predicted(layers, path).findings[0].reason is UnknownReason.NODE_FACT_UNKNOWN
    assert predicted(layers, path, "overlayfs").outcome is overlayfs
    assert predicted(layers, path, "devmapper").outcome is native


def test_what_nodes_agree_on_is_decided() -> None:
    assert predicted(OVER_A_LINK, "/bin/tool").outcome is Outcome.STARTS
    assert predicted(OVER_A_LINK, "/bin/none").outcome is Outcome.CANNOT_START


def test_a_layer_whose_order_counts_is_unknown_where_it_may() -> None:
    taken_back: list[Content] = [USR, {"tool": PROGRAM, whiteout("tool"): text("")}]
    assert predicted(taken_back, "/tool").outcome is Outcome.UNKNOWN
    assert predicted(taken_back, "/tool", "overlayfs").outcome is Outcome.STARTS
    assert predicted(taken_back[1:], "/tool", "overlayfs").outcome is Outcome.UNKNOWN
