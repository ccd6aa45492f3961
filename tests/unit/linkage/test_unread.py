"""Starts that upper layers decide alone: whatever layers below are not read yet changes nothing.

Random layers and random layers below them are those of the truth lab (``truth.stacks``), where they are really started.
"""

import io
import random
from collections import Counter
from contextlib import suppress

import pytest

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides, Snapshotter
from elfgate.linkage.report import Outcome, Prediction
from elfgate.linkage.unpacked import predict_unpacked
from elfgate.platforms import Platform
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.tar import index
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.unread import Unread, UnreadError
from support.elf_file import elf_file
from support.tarball import Content, directory, hardlink, layer, link, program
from truth import stacks

STATIC = program(elf_file("amd64", type=2))
FOREIGN = program(elf_file("s390x", type=2))
DYNAMIC = program(elf_file("amd64", type=3, interp="/lib64/ld-linux-x86-64.so.2"))
TOKEN = Overrides(mounts=("/var/run/secrets/kubernetes.io/serviceaccount/",))
APP: Content = {"app/": directory(), "app/server": STATIC}
SNAPSHOTTERS: tuple[Snapshotter | None, ...] = (None, "overlayfs", "native")


def predicted(
    *layers: Content | Unread,
    path: str = "/app/server",
    overrides: Overrides | None = None,
    user: str = "",
) -> Prediction:
    return predict_unpacked(
        Tree([one if isinstance(one, Unread) else layer(one) for one in layers]),
        ImageDefaults(entrypoint=(path,), user=user),
        overrides or Overrides(),
        Platform("linux", "amd64"),
    )


def test_a_static_program_in_the_top_layer_needs_no_base() -> None:
    assert predicted(Unread(), APP).outcome is Outcome.STARTS
    assert predicted(Unread(), {"server": STATIC}, path="/server").outcome is Outcome.STARTS
    assert predicted(Unread(), APP, {"app/": directory(), "app/x": ""}).outcome is Outcome.STARTS


def test_a_program_of_another_architecture_needs_no_base_to_be_refused() -> None:
    foreign: Content = {"app/": directory(), "app/server": FOREIGN}
    assert predicted(Unread(), foreign).outcome is Outcome.CANNOT_START


def test_a_user_of_whom_only_the_number_is_known_may_execute_what_all_may() -> None:
    assert predicted(Unread(), APP, user="65532").outcome is Outcome.STARTS


@pytest.mark.parametrize(
    "top",
    [
        {"app/": directory(), "app/server": DYNAMIC},
        {"app/server": STATIC},
        {"app/": directory(), "app/server": program("#!/bin/sh\n")},
        {"app": link("opt"), "opt/server": STATIC},
        {"app/": directory(), "app/server": hardlink("bin/server")},
        {"app/": directory(), "app/server": link("../bin/server")},
        {"other": ""},
    ],
)
def test_what_rests_on_lower_layers_is_not_told(top: Content) -> None:
    with pytest.raises(UnreadError):
        predicted(Unread(), top)


@pytest.mark.parametrize("user", ["nonroot", "1000:staff"])
def test_a_user_by_name_is_not_told(user: str) -> None:
    with pytest.raises(UnreadError):
        predicted(Unread(), APP, user=user)


def test_a_group_that_only_lower_layers_name_is_not_presumed() -> None:
    groups: Content = {"app/": directory(), "app/server": program(STATIC.data, mode=0o070)}
    with pytest.raises(UnreadError):
        predicted(Unread(), groups, user="1000")


def test_a_volume_that_lower_layers_may_lead_to_the_program_is_not_told() -> None:
    with pytest.raises(UnreadError):
        predicted(Unread(), APP, overrides=TOKEN)
    led: Content = {"var/run/secrets/kubernetes.io/serviceaccount": link("/app")}
    assert predicted(led, APP, overrides=TOKEN).outcome is Outcome.UNKNOWN


def test_a_volume_whose_place_upper_layers_have_is_told() -> None:
    place: Content = {"data/": directory(), "data/more/": directory()}
    elsewhere = Overrides(mounts=("/data/more/",))
    assert predicted(Unread(), {**APP, **place}, overrides=elsewhere).outcome is Outcome.STARTS
    over = Overrides(mounts=("/app/",))
    assert predicted(Unread(), APP, overrides=over).outcome is Outcome.UNKNOWN


def test_nothing_is_refused_that_a_volume_may_lie_over() -> None:
    foreign: Content = {"app/": directory(), "app/server": FOREIGN}
    with pytest.raises(UnreadError):
        predicted(Unread(), foreign, overrides=TOKEN)
    led: Content = {"var/run/secrets/kubernetes.io/serviceaccount": link("/app")}
    assert predicted(led, foreign, overrides=TOKEN).outcome is Outcome.UNKNOWN


def layers_of(chance: random.Random) -> list[Layer]:
    """Layers that a node can unpack."""
    while True:
        with suppress(ValueError):
            tars = stacks.random_stack(chance).tars
            return [index(io.BytesIO(tar), max_bytes=1 << 20, max_entries=1000) for tar in tars]


def outcome(
    layers: list[Layer | Unread],
    path: str,
    snapshotter: Snapshotter | None,
    mounts: tuple[str, ...] = (),
) -> Outcome | None:
    try:
        return predict_unpacked(
            Tree(layers),
            ImageDefaults(entrypoint=(path,)),
            Overrides(user=1000, mounts=mounts),
            Platform("linux", "amd64"),
            NodeFacts(snapshotter=snapshotter),
        ).outcome
    except UnreadError:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_lies_below_the_verdict_is_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test, the same each time
    decided: Counter[tuple[Outcome, bool]] = Counter()
    for _ in range(40):
        upper = layers_of(chance)
        lower = [layers_of(chance) for _ in range(3)]
        for path in stacks.paths():
            for snapshotter in SNAPSHOTTERS:
                mounts = chance.choice(((), ("/c/",), ("/a/b/",), ("/b/h/", "/x/k/")))
                early = outcome([Unread(), *upper], path, snapshotter, mounts)
                if early in (Outcome.STARTS, Outcome.CANNOT_START):
                    decided[early, bool(mounts)] += 1
                    late = {outcome([*below, *upper], path, snapshotter, mounts) for below in lower}
                    assert late == {early}, (path, snapshotter, mounts)
    for mounted in (False, True):
        assert decided[Outcome.STARTS, mounted] > 3
        assert decided[Outcome.CANNOT_START, mounted] > 3
