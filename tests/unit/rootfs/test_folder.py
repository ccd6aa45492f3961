"""Layers that are each unpacked onto those below, into one folder: rules of containerd's ``archive.Apply``.

``make truth`` holds random stacks of them against containerd's own code.
"""

import pytest

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.folder import DisputedError
from elfgate.rootfs.tree import Found, Missing, Tree
from support.tarball import (
    Content,
    directory,
    hardlink,
    layer,
    link,
    opaque,
    program,
    text,
    whiteout,
)

BASE: Content = {"usr/": directory(), "usr/bin/": directory(0o711), "bin": link("usr/bin")}

LED: Content = {
    **BASE,
    "usr/bin/deep/": directory(),
    "sbin": link("usr/bin"),
    "deep": link("usr/bin/deep"),
    "way": link("usr"),
    "far": link("way/bin"),
}


def unpacked(*layers: Content) -> Tree:
    return Tree([layer(content) for content in layers]).in_one_folder()


def found(tree: Tree, path: str) -> Entry:
    result = tree.lookup(path)
    assert isinstance(result, Found), result
    return result.entry


def test_a_name_goes_where_the_symlink_of_a_lower_layer_leads() -> None:
    tree = unpacked(BASE, {"bin/tool": program("#!/bin/sh\n")})
    assert found(tree, "/usr/bin/tool").head == b"#!/bin/sh\n"
    assert found(tree, "/usr/bin").mode == 0o711
    looked_up = tree.lookup("/bin/tool")
    assert (looked_up.path, looked_up.symlinks) == ("/usr/bin/tool", ("/bin",))


def test_overlayfs_shows_a_directory_in_the_symlinks_place() -> None:
    tree = Tree([layer(BASE), layer({"bin/tool": program("")})])
    assert isinstance(tree.lookup("/usr/bin/tool"), Missing)
    assert found(tree, "/bin").kind is Kind.DIRECTORY


def test_a_directory_with_an_entry_of_its_own_replaces_the_symlink() -> None:
    tree = unpacked(BASE, {"bin/": directory(), "bin/tool": program("")})
    assert isinstance(tree.lookup("/usr/bin/tool"), Missing)
    assert found(tree, "/bin/tool").kind is Kind.FILE


def test_directories_below_a_moved_one_move_along() -> None:
    tree = unpacked(BASE, {"bin/deep/er/tool": program("")})
    assert found(tree, "/usr/bin/deep/er/tool").kind is Kind.FILE


def test_a_whiteout_behind_a_symlink_hides_what_is_there() -> None:
    lower: Content = {**BASE, "usr/bin/tool": program("")}
    assert isinstance(unpacked(lower, {whiteout("bin/tool"): ""}).lookup("/usr/bin/tool"), Missing)


def test_an_opaque_root_hides_everything() -> None:
    assert list(unpacked({"a": ""}, {".wh..wh..opq": "", "b": ""}).listdir("/")) == ["b"]


def test_a_directory_that_follows_its_own_whiteout_is_empty() -> None:
    lower: Content = {"d/": directory(0o700), "d/old": ""}
    tree = unpacked(lower, {whiteout("d"): "", "d/new": ""})
    assert list(tree.listdir("/d")) == ["new"]
    assert found(tree, "/d").mode == 0o755


def test_layers_that_lie_alike_either_way_make_one_tree() -> None:
    tree = Tree([layer(BASE), layer({"usr/bin/": directory(), "usr/bin/tool": program("")})])
    assert tree.in_one_folder() is tree


@pytest.mark.parametrize(
    "upper",
    [
        {"bin/tool": program(""), "bin/": directory()},
        {"bin/tool": program(""), "bin": link("usr/bin")},
        {"bin/tool": program(""), "usr/bin/tool": program("")},
        {"bin/tool": program(""), "usr": link("elsewhere")},
        {"other": hardlink("usr/bin")},
        {"x": text(""), whiteout("x"): ""},
        {"usr/bin/tool/x": "", opaque("usr"): ""},
        {"usr/": directory(), "usr/bin/x": "", opaque(""): ""},
        {"bin/tool": program(""), opaque("usr/bin"): ""},
        {"bin/tool": program(""), opaque("usr"): ""},
        {"usr/bin/deep/x": "", opaque("bin"): ""},
        {opaque("bin"): "", "bin/": directory()},
        {whiteout("usr"): "", "usr/": directory(), "bin/tool": program("")},
        {"bin/tool": program(""), "sbin/tool": program("")},
        {whiteout("bin/deep"): "", "deep/tool": program("")},
        {whiteout("way"): "", "far/tool": program("")},
        {"way/": directory(), "far/tool": program("")},
    ],
)
def test_what_turns_on_the_order_of_entries_is_disputed(
    upper: Content,
) -> None:
    with pytest.raises(DisputedError):
        unpacked(LED, upper)


def test_a_name_through_a_lower_file_is_disputed() -> None:
    with pytest.raises(DisputedError):
        unpacked({"a": ""}, {"a/b": ""})


def test_a_directory_that_was_hidden_gives_its_mode_to_nothing() -> None:
    layers: tuple[Content, ...] = ({"b/c/": directory(0o600), "b/c/h": ""}, {whiteout("b"): ""})
    assert found(unpacked(*layers, {"b/c/k": program("")}), "/b/c").mode == 0o755


def test_an_empty_directory_that_follows_its_own_whiteout_hides_what_was_there() -> None:
    tree = unpacked({"b/k": ""}, {whiteout("b"): "", "b/": directory()})
    assert list(tree.listdir("/b")) == []


def test_an_opaque_mark_behind_a_symlink_hides_what_is_there() -> None:
    assert list(unpacked({**BASE, "usr/bin/x": ""}, {opaque("bin"): ""}).listdir("/bin")) == []


def test_a_symlink_that_the_layer_takes_away_first_leads_nowhere() -> None:
    tree = unpacked(BASE, {whiteout("bin"): "", "bin/tool": program("")})
    assert found(tree, "/bin/tool").kind is Kind.FILE
    assert isinstance(tree.lookup("/usr/bin/tool"), Missing)
