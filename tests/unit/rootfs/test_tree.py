from typing import Any

import pytest

from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Found, Missing, Tree
from support.elf_file import elf_file
from support.tarball import (
    Content,
    Item,
    directory,
    fifo,
    hardlink,
    layer,
    link,
    null_device,
    opaque,
    program,
    text,
    whiteout,
)


def tree(*layers: Content) -> Tree:
    return Tree([layer(content) for content in layers])


def found(where: Tree, path: str, **options: Any) -> Found:
    result = where.lookup(path, **options)
    assert isinstance(result, Found), result
    return result


def missing(where: Tree, path: str, **options: Any) -> tuple[str, str]:
    result = where.lookup(path, **options)
    assert isinstance(result, Missing), result
    return result.errno, result.path


# Walking a path


def test_a_path_leads_to_its_entry() -> None:
    result = found(tree({"usr/bin/tool": program("x")}), "/usr/bin/tool")
    assert (result.path, result.entry.mode, result.symlinks) == ("/usr/bin/tool", 0o755, ())


@pytest.mark.parametrize("path", ["/", "//", "/.", "/..", "/a/..", "/../../.."])
def test_many_paths_lead_to_the_root(path: str) -> None:
    assert found(tree({"a/b": ""}), path).path == "/"


@pytest.mark.parametrize("path", ["/a//b", "/a/./b", "//a/b", "/a/../a/b", "/../a/b"])
def test_a_path_may_be_written_in_many_ways(path: str) -> None:
    assert found(tree({"a/b": ""}), path).path == "/a/b"


def test_symlinks_are_followed_and_told_in_order() -> None:
    where = tree(
        {
            "usr/lib/ld.so": program("x"),
            "lib": link("usr/lib"),
            "lib64": link("/lib"),
            "l": link("lib64/ld.so"),
        }
    )
    result = found(where, "/l")
    assert (result.path, result.symlinks) == ("/usr/lib/ld.so", ("/l", "/lib64", "/lib"))


def test_an_absolute_symlink_stays_inside_the_root() -> None:
    assert found(tree({"a/b/c": "", "x/y": link("/a/../../../a/b")}), "/x/y/c").path == "/a/b/c"


def test_a_relative_symlink_counts_from_where_it_is() -> None:
    where = tree({"a/real/f": "", "a/l": link("real"), "b": link("a/l/../l/f")})
    assert found(where, "/b").path == "/a/real/f"


def test_dot_dot_after_a_symlink_is_its_targets_parent() -> None:
    assert found(tree({"a/b/": directory(), "a/f": "", "l": link("a/b")}), "/l/../f").path == "/a/f"


def test_the_last_symlink_is_not_followed_if_asked_not_to() -> None:
    where = tree({"a": link("b"), "b": link("c"), "c": "", "d": link("e"), "e/f": link("/c")})
    assert found(where, "/a", follow_last=False).entry.link == "b"
    assert found(where, "/d/f", follow_last=False).path == "/e/f"


def test_a_trailing_slash_follows_a_symlink_and_demands_a_directory() -> None:
    where = tree({"d/": directory(), "l": link("d"), "f": "", "lf": link("f"), "ls": link("f/")})
    assert found(where, "/l/", follow_last=False).path == "/d"
    assert [missing(where, path) for path in ("/f/", "/f/.", "/lf/", "/ls")] == [
        ("ENOTDIR", "/f")
    ] * 4


def test_a_missing_component_is_told_by_its_real_path() -> None:
    where = tree({"usr/lib/": directory(), "lib": link("usr/lib"), "dangling": link("nowhere/x")})
    assert missing(where, "/lib/ld.so/x") == ("ENOENT", "/usr/lib/ld.so")
    assert missing(where, "/dangling") == ("ENOENT", "/nowhere")
    result = where.lookup("/lib/none")
    assert result.symlinks == ("/lib",)


def test_a_device_0_0_is_a_whiteout_to_overlayfs_and_a_device_in_one_folder() -> None:
    where = tree({"h": "", "k": program("x")}, {"h": null_device()})
    assert missing(where, "/h") == ("ENOENT", "/h")
    assert found(where.in_one_folder(), "/h").entry.kind is Kind.OTHER
    assert tree({"h": ""}, {"null": Item("device")}).lookup("/null") is not None


def test_nothing_is_behind_a_file_or_a_device() -> None:
    where = tree({"f": "", "p": fifo()})
    assert missing(where, "/f/x") == ("ENOTDIR", "/f")
    assert missing(where, "/p/..") == ("ENOTDIR", "/p")


def test_forty_symlinks_are_followed_and_no_more() -> None:
    chain = {f"l{number}": link(f"l{number + 1}") for number in range(41)}
    where = tree({**chain, "l41": ""})
    assert len(found(where, "/l1").symlinks) == 40
    assert missing(where, "/l0")[0] == "ELOOP"
    assert missing(tree({"a": link("a")}), "/a") == ("ELOOP", "/a")


def test_names_and_paths_have_the_kernels_limits() -> None:
    where = tree({"a": "", "é" * 127: ""})
    assert missing(where, "/" + "n" * 256)[0] == "ENAMETOOLONG"
    assert missing(where, "/" + "n" * 255)[0] == "ENOENT"
    assert found(where, "/" + "é" * 127).path == "/" + "é" * 127
    assert missing(where, "/" + "é" * 128)[0] == "ENAMETOOLONG"
    assert missing(where, "/" + "\udce9" * 255)[0] == "ENOENT"
    assert found(where, "/" * 4094 + "a").path == "/a"
    assert missing(where, "/" * 4095 + "a")[0] == "ENAMETOOLONG"


def test_a_name_that_no_encoding_takes_is_just_missing() -> None:
    assert missing(tree({"a": ""}), "/\ud800\0")[0] == "ENOENT"


def test_an_empty_path_leads_nowhere() -> None:
    assert missing(tree({"a": ""}), "")[0] == "ENOENT"


@pytest.mark.parametrize(
    ("path", "cwd", "real"),
    [("f", "/d", "/d/f"), ("../f", "/l", "/f"), ("/f", "/d", "/f"), ("f", "/d/", "/d/f")],
)
def test_a_relative_path_counts_from_the_working_directory(path: str, cwd: str, real: str) -> None:
    where = tree({"d/e/": directory(), "d/f": "", "f": "", "l": link("d")})
    assert found(where, path, cwd=cwd).path == real


def test_an_unreadable_file_is_found_as_such() -> None:
    where = tree({"etc/ld.so.cache": "x" * (2 << 20)})
    assert found(where, "/etc/ld.so.cache").entry.kind is Kind.UNREADABLE
    assert missing(where, "/etc/ld.so.cache/x")[0] == "ENOTDIR"


# Permissions


@pytest.mark.parametrize(
    ("uid", "gids", "allowed"),
    [
        (None, (), True),
        (0, (), False),
        (7, (), True),
        (8, (70,), False),
        (8, (1, 71), True),
        (8, (), False),
        (9, (80,), False),
    ],
)
def test_only_who_may_search_a_directory_comes_through(
    uid: int | None, gids: tuple[int, ...], allowed: bool
) -> None:
    where = tree(
        {
            "owner/": directory(0o705, uid=7, gid=70),
            "owner/in/": directory(0o710, uid=7, gid=71),
            "owner/in/f": "",
        }
    )
    result = where.lookup("/owner/in/f", uid=uid, gids=gids)
    assert isinstance(result, Found) is allowed
    if isinstance(result, Missing):
        assert (result.errno, result.path) == ("EACCES", "/owner" if 70 in gids else "/owner/in")


def test_the_owner_is_judged_as_owner_alone() -> None:
    where = tree(
        {
            "d/": directory(0o077, uid=7, gid=7),
            "d/f": "",
            "d2/": directory(0o707, gid=7),
            "d2/f": "",
        }
    )
    assert missing(where, "/d/f", uid=7, gids=[7]) == ("EACCES", "/d")
    assert missing(where, "/d2/..", uid=8, gids=[7]) == ("EACCES", "/d2")
    assert found(where, "/d", uid=7).path == "/d"


# Layers


def test_the_topmost_layer_wins() -> None:
    where = tree({"a": "1", "b": "1"}, {"a": "22"})
    assert [found(where, path).entry.size for path in ("/a", "/b")] == [2, 1]


def test_directories_merge() -> None:
    where = tree({"d/a": "", "d/s/x": ""}, {"d/b": "", "d/s/y": ""})
    assert (list(where.listdir("/d")), list(where.listdir("/d/s"))) == (["a", "b", "s"], ["x", "y"])


def test_a_whiteout_hides_the_name_below() -> None:
    where = tree({"d/a": "", "d/b": "", "e/x": ""}, {whiteout("d/a"): "", whiteout("e"): ""})
    assert missing(where, "/d/a") == ("ENOENT", "/d/a")
    assert missing(where, "/e/x") == ("ENOENT", "/e")
    assert list(where.listdir("/d")) == ["b"]


def test_a_hidden_name_may_come_back() -> None:
    where = tree({"d/a": "1"}, {whiteout("d"): ""}, {"d/b": ""})
    assert list(where.listdir("/d")) == ["b"]
    assert found(tree({"a": "1"}, {whiteout("a"): ""}, {"a": "333"}), "/a").entry.size == 3


def test_an_opaque_directory_hides_what_is_below_it() -> None:
    where = tree(
        {"d/a": "", "d/s/x": ""},
        {"d/b": ""},
        {"d/": directory(), opaque("d"): "", "d/s/y": ""},
        {"d/c": ""},
    )
    assert (list(where.listdir("/d")), list(where.listdir("/d/s"))) == (["c", "s"], ["y"])


def test_an_opaque_root_hides_nothing_as_overlayfs_never_looks_it_up() -> None:
    assert list(tree({"a": ""}, {".wh..wh..opq": "", "b": ""}).listdir("/")) == ["a", "b"]


def test_a_file_replaces_a_directory_and_back() -> None:
    lower: Content = {"a/b": ""}
    assert missing(tree(lower, {"a": ""}), "/a/b") == ("ENOTDIR", "/a")
    assert list(tree(lower, {"a": ""}, {"a/c": ""}).listdir("/a")) == ["c"]
    assert list(tree(lower, {"a": ""}, {whiteout("a"): ""}, {"a/c": ""}).listdir("/a")) == ["c"]


def test_a_directory_replaces_a_lower_symlink_instead_of_following_it() -> None:
    where = tree({"usr/lib/a": "", "lib": link("usr/lib")}, {"lib/b": ""})
    assert (list(where.listdir("/lib")), list(where.listdir("/usr/lib"))) == (["b"], ["a"])


def test_a_symlink_replaces_a_lower_directory() -> None:
    where = tree({"lib/a": "", "usr/lib/b": ""}, {"lib": link("usr/lib")})
    assert found(where, "/lib/b").path == "/usr/lib/b"
    assert missing(where, "/lib/a") == ("ENOENT", "/usr/lib/a")


def test_an_implied_directory_leaves_the_lower_ones_mode() -> None:
    where = tree({"d/": directory(0o700, uid=7)}, {"d/a": ""}, {"d/b": ""})
    assert (found(where, "/d").entry.mode, found(where, "/d").entry.uid) == (0o700, 7)
    assert (
        found(
            tree({"d/": directory(0o700)}, {"d/": directory(0o711)}, {"d/b": ""}), "/d"
        ).entry.mode
        == 0o711
    )
    assert found(tree({"d/b": ""}), "/d").entry.mode == 0o755


def test_who_is_in_a_directory_need_not_be_able_to_search_what_leads_to_it() -> None:
    """runc enters the working directory before it changes the user; seen in real starts."""
    where = tree(
        {"own/": directory(0o700), "own/bin/": directory(), "own/bin/x": "", "by": link("own/bin")}
    )
    assert found(where, "x", cwd="/own/bin", uid=5).path == "/own/bin/x"
    assert found(where, "./x", cwd="/by/", uid=5).path == "/own/bin/x"
    assert missing(where, "../bin/x", cwd="/own/bin", uid=5) == ("EACCES", "/own")
    assert missing(where, "/own/bin/x", cwd="/own/bin", uid=5) == ("EACCES", "/own")
    assert missing(where, "bin/x", cwd="/own", uid=5) == ("EACCES", "/own")


def test_anyone_may_search_the_root() -> None:
    assert found(tree({"./": directory(0o700)}, {"a": ""}), "/a", uid=5).path == "/a"


def test_an_implied_opaque_directory_has_the_mode_of_the_one_it_hides() -> None:
    where = tree({"d/": directory(0o700), "d/a": ""}, {opaque("d"): "", "d/b": ""})
    assert (found(where, "/d").entry.mode, list(where.listdir("/d"))) == (0o700, ["b"])


def test_an_image_without_layers_has_an_empty_root() -> None:
    assert (dict(Tree([]).listdir("/")), missing(Tree([]), "/a")) == ({}, ("ENOENT", "/a"))


def test_listing_what_is_no_directory_gives_nothing() -> None:
    where = tree({"f": "", "l": link("d"), "d/x": ""})
    assert (dict(where.listdir("/f")), dict(where.listdir("/none")), list(where.listdir("/l"))) == (
        {},
        {},
        ["x"],
    )


# Hard links across layers


def test_a_hard_link_into_a_lower_layer_is_the_file_there() -> None:
    where = tree(
        {"bin/a": program("#!/bin/sh\n")},
        {"bin/b": hardlink("bin/a")},
        {"bin/a": "new", "c": hardlink("bin/b")},
    )
    assert found(where, "/bin/b").entry.head == found(where, "/c").entry.head == b"#!/bin/sh\n"
    assert list(where.listdir("/bin")) == ["a", "b"]
    assert where.listdir("/bin")["b"].kind is Kind.FILE


def test_a_hard_link_does_not_see_the_layers_above() -> None:
    where = tree({"a": hardlink("b")}, {"b": ""})
    assert found(where, "/a").entry.kind is Kind.UNREADABLE


def test_a_hard_link_to_a_symlink_is_a_symlink() -> None:
    where = tree(
        {"real": "xx", "l": link("real"), "d": link("deep"), "deep/f": "yyy"},
        {"h": hardlink("l"), "i": hardlink("d/f")},
    )
    assert found(where, "/h").path == "/real"
    assert found(where, "/i").entry.size == 3


@pytest.mark.parametrize(
    "links",
    [
        {"a": "/b", "b": "/a"},
        {"a": "/a"},
        {"a": "/none"},
        {"a": "/d"},
        {"a": "/"},
        {"a": "/f/x"},
        {name: f"/{int(name) + 1}" for name in map(str, range(60))} | {"a": "/0"},
        {name: f"/{int(name) + 1}/x" for name in map(str, range(2000))} | {"a": "/0"},
    ],
)
def test_a_hard_link_that_leads_to_no_file_is_unreadable(links: dict[str, str]) -> None:
    builder = LayerBuilder()
    for name, target in links.items():
        builder.add(f"/{name}", Entry(Kind.HARDLINK, link=target))
    where = Tree([layer({"d/x": "", "f": ""}), builder.build()])
    assert found(where, "/a").entry.kind is Kind.UNREADABLE


# Facts and texts


def test_facts_are_those_of_the_file_found() -> None:
    where = tree(
        {"lib/libc.so.6": program(elf_file(soname="libc.so.6")), "l": link("lib/libc.so.6")},
        {"t": text("x")},
    )
    facts = where.facts(found(where, "/l"))
    assert facts is not None
    assert facts.soname == "libc.so.6"
    assert where.facts(found(where, "/t")) is None
    assert where.facts(found(where, "/lib")) is None


def test_images_with_a_file_in_common_share_its_facts() -> None:
    one, other = (
        tree({"a": program(elf_file(soname="shared"))}),
        tree({"x": ""}, {"b": program(elf_file(soname="shared"))}),
    )
    assert one.facts(found(one, "/a")) is other.facts(found(other, "/b"))


def test_a_text_is_read_through_symlinks() -> None:
    where = tree(
        {
            "usr/lib/os-release": "ID=x\n",
            "etc/os-release": link("../usr/lib/os-release"),
            "etc/motd": "hi",
        }
    )
    assert where.text("/etc/os-release") == "ID=x\n"
    assert where.text("/etc/motd") is where.text("/none") is None


def test_os_release_is_that_of_etc_else_of_usr_lib() -> None:
    assert tree({"etc/os-release": "ID=one", "usr/lib/os-release": "ID=two"}).os_release() == {
        "ID": "one"
    }
    assert tree({"etc/os-release": link("gone"), "usr/lib/os-release": "ID=two"}).os_release() == {
        "ID": "two"
    }
    assert tree({"a": ""}).os_release() == {}
