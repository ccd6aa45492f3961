"""A hard link's header is applied to the inode that it shares: containerd's and Docker's ``createTarFile``."""

import pytest

from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.folder import DisputedError
from elfgate.rootfs.tree import Found, Tree
from support.elf_file import elf_file
from support.tarball import Item, capability, hardlink, layer, link, program, text

Entries = list[tuple[str, Item | str | bytes]]


def found(path: str, *layers: Entries) -> Entry:
    result = Tree([layer(entries) for entries in layers]).lookup(path)
    assert isinstance(result, Found), result
    return result.entry


def test_the_link_gives_its_mode_to_the_file() -> None:
    entries: Entries = [("h", program("#!/h", 0o644)), ("other", hardlink("h", 0o755))]
    assert found("/h", entries).mode == found("/other", entries).mode == 0o755


def test_the_link_takes_the_mode_away_too() -> None:
    assert found("/h", [("h", program("#!/h")), ("other", hardlink("h", 0o644))]).mode == 0o644


def test_the_link_gives_its_owner() -> None:
    entries: Entries = [("h", program("#!/h", 0o700)), ("other", hardlink("h", 0o700, 1000))]
    assert (found("/h", entries).uid, found("/h", entries).gid) == (1000, 0)


@pytest.mark.parametrize(
    "target", ["/h", "./h", "//h", "../h", "a/../h", "none/../h", "./a/./..//h", "a/b/../../h"]
)
def test_a_target_is_found_however_it_is_written(target: str) -> None:
    entries: Entries = [("a/b/x", ""), ("h", program("#!/h", 0o644)), ("k", hardlink(target))]
    assert found("/h", entries).mode == 0o755


def test_a_target_that_climbs_out_of_a_symlink_is_where_that_leads() -> None:
    """containerd walks a link's target, and does not tidy it up (``hardlinkRootPath``)."""
    entries: Entries = [
        ("c/a/x", ""),
        ("c/h", program("#!/c/h", 0o600)),
        ("h", program("#!/h", 0o600)),
        ("a", link("c/a")),
        ("k", hardlink("a/../h", 0o755)),
    ]
    modes = [found(path, entries).mode for path in ("/h", "/c/h", "/k")]
    assert modes == [0o600, 0o755, 0o755]


def test_a_target_that_climbs_may_lead_through_a_lower_symlink() -> None:
    """Where all layers are unpacked into one folder, ``a/..`` is ``/c`` here."""
    base = layer([("c/a/x", ""), ("c/h", program("#!/h")), ("a", link("c/a"))])
    upper = layer([("h", program("#!/h", 0o600)), ("k", hardlink("a/../h"))])
    with pytest.raises(DisputedError):
        Tree([base, upper]).in_one_folder()


def test_the_last_link_counts_for_all_names() -> None:
    entries: Entries = [
        ("h", program("#!/h", 0o700)),
        ("i", hardlink("h", 0o755)),
        ("j", hardlink("i", 0o711)),
    ]
    assert [found(path, entries).mode for path in ("/h", "/i", "/j")] == [0o711] * 3


def test_a_name_that_was_replaced_is_another_file() -> None:
    entries: Entries = [
        ("h", program("#!/h", 0o700)),
        ("i", hardlink("h", 0o700)),
        ("h", program("#!/h", 0o755)),
        ("j", hardlink("i", 0o644)),
    ]
    assert [found(path, entries).mode for path in ("/h", "/i", "/j")] == [0o755, 0o644, 0o644]


def test_capabilities_are_those_of_the_last_link() -> None:
    elf, some = elf_file(), capability(10)
    taken: Entries = [("h", Item("file", elf, 0o755, capability=some)), ("i", hardlink("h"))]
    given: Entries = [("h", program(elf)), ("i", hardlink("h", capability=some))]
    assert found("/h", taken).capability == b""  # a change of owner takes them away
    assert found("/h", given).capability == some
    assert found("/i", [("h", program(elf))], [("i", given[1][1])]).capability == some


def test_a_file_of_which_nothing_was_kept_and_that_becomes_executable_is_unreadable() -> None:
    entries: Entries = [("h", text("echo", 0o644)), ("other", hardlink("h", 0o755))]
    assert found("/h", entries).kind is Kind.UNREADABLE


def test_a_link_into_a_lower_layer_shows_its_own_header() -> None:
    lower: Entries = [("h", program("#!/h", 0o644))]
    shown = found("/other", lower, [("other", hardlink("h", 0o755, 7))])
    assert (shown.mode, shown.uid, shown.head) == (0o755, 7, b"#!/h")
