"""execve of ELF files: Linux fs/binfmt_elf.c and arch/*/include/asm/elf.h. T marks what was seen in real starts."""

import struct
from typing import Any

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import Load
from elfgate.elf.read import read
from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.kernel.pages import SMALLEST, cut_off
from elfgate.linkage.report import Code, Effect, Outcome
from elfgate.platforms import ARCHITECTURES
from support import tarball
from support.elf_file import elf_file, glibc_loader
from support.image import (
    Files,
    alpine,
    debian,
    failures,
    glibc_program,
    library,
    start,
    static_program,
    words,
)
from support.upx_block import upx_block

PT_DYNAMIC = struct.pack("<I", 2)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_a_static_program_starts_on_its_own_architecture(architecture: str) -> None:
    assert (
        start({"app": static_program(architecture)}, "/app", on=architecture).outcome
        is Outcome.STARTS
    )


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"amd64", "386"}))
def test_a_program_of_another_architecture_is_no_format_that_the_kernel_knows(
    architecture: str,
) -> None:
    """T."""
    prediction = start({"app": static_program(architecture)}, "/app")
    assert failures(prediction) == [Code.EXEC_FORMAT]
    assert f"{architecture} ELF file, which amd64 nodes cannot run" in words(prediction)


def test_a_big_endian_program_of_the_same_machine_is_no_format_that_the_kernel_knows() -> None:
    """T: on ppc64le."""
    files = {"app": static_program("ppc64le", byte_order="big")}
    assert failures(start(files, "/app", on="ppc64le")) == [Code.EXEC_FORMAT]


def test_386_programs_start_on_amd64() -> None:
    """T: IA32_EMULATION is on by default."""
    assert start({"app": static_program("386")}, "/app").outcome is Outcome.STARTS


def test_arm_programs_on_arm64_start_with_a_note() -> None:
    """Not every arm64 CPU has AArch32."""
    prediction = start({"app": static_program("arm", flags=0x05000400)}, "/app", on="arm64")
    assert prediction.outcome is Outcome.STARTS
    assert [
        finding.effect for finding in prediction.findings if finding.code is Code.EXEC_FORMAT
    ] == [Effect.NOTE]


def test_arm_programs_without_an_eabi_do_not_start_on_arm64() -> None:
    """compat_elf_check_arch."""
    assert failures(start({"app": static_program("arm")}, "/app", on="arm64")) == [Code.EXEC_FORMAT]


def test_31_bit_s390_is_a_matter_of_the_kernels_configuration() -> None:
    files = {"app": static_program("s390x", elf_class=32)}
    assert start(files, "/app", on="s390x").findings[0].reason is UnknownReason.NODE_FACT_UNKNOWN


def test_a_node_that_emulates_an_architecture_starts_its_programs() -> None:
    node = NodeFacts(emulates=frozenset({"s390x"}))
    assert start({"app": static_program("s390x")}, "/app", node=node).outcome is Outcome.STARTS


def test_an_emulated_program_needs_its_own_loader() -> None:
    node = NodeFacts(emulates=frozenset({"s390x"}))
    assert failures(start({"app": glibc_program("s390x")}, "/app", node=node)) == [
        Code.LOADER_MISSING
    ]
    assert (
        start({**debian("s390x"), "app": glibc_program("s390x")}, "/app", node=node).outcome
        is Outcome.STARTS
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (elf_file("amd64", type=1), Code.EXEC_FORMAT),
        (elf_file("amd64", type=4), Code.EXEC_FORMAT),
        (elf_file("amd64", type=2, phentsize=32), Code.EXEC_FORMAT),
        (elf_file("amd64", type=2, phnum=0), Code.EXEC_FORMAT),
        (elf_file("amd64", type=2)[:40], Code.EXEC_FORMAT),
        (elf_file("amd64", type=2)[:4], Code.EXEC_FORMAT),
        (elf_file("amd64", interp=b"/lib/ld"), Code.EXEC_FORMAT),
        (elf_file("amd64", interp=b"/" * 4097 + b"\0"), Code.EXEC_FORMAT),
        (elf_file("amd64", interp=b"\0"), Code.EXEC_FORMAT),
        (elf_file("amd64", interp="/missing"), Code.LOADER_MISSING),
        (elf_file("amd64", interp="/dangling"), Code.LOADER_MISSING),
        (elf_file("amd64", interp="/etc/text/ld"), Code.LOADER_MISSING),
        (elf_file("amd64", interp="/etc"), Code.LOADER_MISMATCH),
        (elf_file("amd64", interp="/etc/not-executable"), Code.LOADER_MISMATCH),
        (elf_file("amd64", interp="/etc/text"), Code.LOADER_MISMATCH),
        (elf_file("amd64", interp="/etc/short"), Code.LOADER_MISMATCH),
        (elf_file("amd64", interp="/lib/foreign"), Code.LOADER_MISMATCH),
        (elf_file("amd64", interp="/lib/ld-386"), Code.LOADER_MISMATCH),
    ],
)
def test_what_keeps_an_elf_file_from_starting_has_its_code(content: bytes, code: Code) -> None:
    """T: ENOEXEC, ENOENT, ENOTDIR, EACCES, EIO and ELIBBAD."""
    files = {
        "app": tarball.program(content),
        "dangling": tarball.link("/nowhere"),
        "etc/not-executable": tarball.text("x" * 80),
        "etc/text": tarball.program("#!/bin/sh\n" + "x" * 80),
        "etc/short": tarball.program("x"),
        "lib/foreign": tarball.program(glibc_loader("s390x")),
        "lib/ld-386": tarball.program(glibc_loader("386")),
    }
    assert failures(start(files, "/app")) == [code]


def test_x86_kernels_do_not_look_at_class_and_byte_order() -> None:
    """T: EI_DATA=MSB with an LSB body starts."""
    for offset, value in ((4, 1), (5, 2)):
        content = bytearray(glibc_program().data)
        content[offset] = value
        assert (
            start({**debian(), "app": tarball.program(bytes(content))}, "/app").outcome
            is Outcome.STARTS
        )


def test_a_loader_is_found_through_links_that_stay_in_the_image() -> None:
    """T."""
    assert start({**debian(), "app": glibc_program()}, "/app").outcome is Outcome.STARTS


def test_a_relative_loader_is_meant_from_the_working_directory() -> None:
    """T."""
    files = {**debian(), "app": glibc_program(interp="lib64/ld-linux-x86-64.so.2")}
    assert start(files, "/app").outcome is Outcome.STARTS
    assert failures(start(files, "/app", working_dir="/etc")) == [Code.LOADER_MISSING]


def test_a_missing_loader_is_told_with_the_images_nature() -> None:
    files = {**alpine("ppc64le"), "app": glibc_program("ppc64le")}
    prediction = start(files, "/app", on="ppc64le")
    assert words(prediction) == (
        "/app needs the loader /lib64/ld64.so.2, which this image (Alpine 3.20.1, musl) does not contain"
    )
    assert (
        prediction.findings[0].remedy == "link the program statically, or use an image with glibc"
    )


def test_a_loader_whose_link_dangles_is_told_with_where_it_ends() -> None:
    files = {"app": glibc_program("s390x"), "lib/ld64.so.1": tarball.link("/lib64/ld64.so.1")}
    assert "whose link ends at /lib64" in words(start(files, "/app", on="s390x"))


def test_a_loader_that_is_neither_glibcs_nor_musls_is_unknown() -> None:
    """gcompat's stub at glibc's path, for one."""
    stub = elf_file("amd64", pie=True, needed=["libgcompat.so.0"])
    files = {"app": glibc_program(), "lib64/ld-linux-x86-64.so.2": tarball.program(stub)}
    assert start(files, "/app").findings[0].reason is UnknownReason.SHAPE_UNKNOWN


def test_a_loader_under_a_volume_is_unknown() -> None:
    prediction = start({"app": glibc_program()}, "/app", mounts=("/lib64",))
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT


def test_a_directory_or_a_file_without_an_execute_bit_is_not_executable() -> None:
    """T: EACCES."""
    files: Files = {"app": tarball.text("x"), "etc/x": ""}
    assert failures(start(files, "/app")) == [Code.COMMAND_NOT_EXECUTABLE]
    assert failures(start(files, "/etc")) == [Code.COMMAND_NOT_EXECUTABLE]


@pytest.mark.parametrize("path", ["/missing", "/dangling", "/loop", "/etc/x/app"])
def test_a_path_that_leads_nowhere_is_a_missing_command(path: str) -> None:
    """T: ENOENT, ELOOP, ENOTDIR."""
    files: Files = {
        "dangling": tarball.link("/nowhere"),
        "loop": tarball.link("/loop"),
        "etc/x": "",
    }
    assert failures(start(files, path)) == [Code.COMMAND_MISSING]


def test_static_pie_and_loaders_themselves_start() -> None:
    """T."""
    files = {
        "pie": tarball.program(elf_file("amd64", pie=True, text=b"\x90")),
        "ld": tarball.program(glibc_loader("amd64")),
        "no-dynamic": tarball.program(elf_file("amd64", dynamic=False, pie=True, text=b"\x90")),
    }
    assert all(start(files, f"/{name}").outcome is Outcome.STARTS for name in files)


def test_a_library_run_as_a_program_crashes() -> None:
    """T: entry 0."""
    plain = library("libfoo.so.1", needed=["libc.so.6"])
    assert failures(start({"lib": tarball.program(plain.data)}, "/lib")) == [Code.EXEC_FORMAT]


def test_a_program_without_a_loader_that_only_names_libraries_may_do_without_them() -> None:
    """T: a static-pie without DF_1_PIE, to which a DT_NEEDED was added."""
    content = elf_file("amd64", text=b"\x90", entry=0x1000, needed=["libc.so.6"], pie=False)
    assert start({"app": tarball.program(content)}, "/app").outcome is Outcome.UNKNOWN


def test_a_packed_program_is_unknown() -> None:
    files = {"app": static_program(strings=[b"UPX!" + b"\0" * 28])}
    prediction = start(files, "/app")
    assert prediction.findings[0].reason is UnknownReason.PACKED


def test_a_packed_program_that_was_static_starts_unless_pages_are_larger() -> None:
    """T: by every method of UPX; with pages of 16 KiB it was seen to die."""
    plain = elf_file("amd64", type=2, text=b"\x90" * 16)
    packed = static_program(
        strings=[upx_block(plain[: 64 + 56 * int.from_bytes(plain[56:58], "little")])]
    )
    assert start({"app": packed}, "/app").outcome is Outcome.STARTS
    assert (
        start({"app": packed}, "/app", node=NodeFacts(page_size=16384)).outcome is Outcome.UNKNOWN
    )


@pytest.mark.parametrize("entry", [0, 0x7000000])
def test_a_program_that_is_entered_where_it_has_no_segment_is_killed(entry: int) -> None:
    """T: on all architectures."""
    assert failures(start({"app": static_program(entry=entry)}, "/app")) == [Code.EXEC_FORMAT]


def test_a_program_that_lacks_its_end_is_killed() -> None:
    """T: cut to half."""
    data = Load(0x20000, 0x10020000, 0x3010, 0x5000, 0x1000, flags=6)
    content = elf_file("amd64", type=2, loads=[data])
    prediction = start({"app": tarball.program(content)}, "/app")
    assert failures(prediction) == [Code.EXEC_FORMAT]
    assert "truncated" in words(prediction)


def test_a_program_that_lacks_a_part_it_may_not_need_is_unknown() -> None:
    content = elf_file("amd64", type=2, loads=[Load(0x20000, 0x10020000, 0x3000, 0x3000, 0x1000)])
    assert start({"app": tarball.program(content)}, "/app").outcome is Outcome.UNKNOWN


def test_a_static_program_may_live_without_its_dynamic_section() -> None:
    """T: nobody else reads it, where the file ends before it; a loader would."""
    behind = Load(0x20000, 0x20000, 0x3000, 0x3000, 0x1000)
    whole = bytearray(elf_file("amd64", pie=True, text=b"\x90", loads=[behind]))
    headers = [64 + 56 * index for index in range(whole[56])]
    dynamic = next(place for place in headers if whole[place : place + 4] == PT_DYNAMIC)
    struct.pack_into("<QQ", whole, dynamic + 8, behind.offset, behind.vaddr)
    content = bytes(whole)
    assert start({"app": tarball.program(content)}, "/app").outcome is Outcome.UNKNOWN
    alone = read(excerpt(content))
    assert cut_off(alone, SMALLEST, is_alone=True) is None
    assert cut_off(alone, SMALLEST) is True


LINKED_FOR_4K: dict[str, Any] = {"load_align": 0x1000}


@pytest.mark.parametrize("page", [16384, 65536])
def test_a_program_linked_for_smaller_pages_is_killed_without_a_word(page: int) -> None:
    """T: on real kernels with 16 KiB and 64 KiB pages."""
    node = NodeFacts(page_size=page)
    files = {
        "app": static_program("arm64", data=b"x", **LINKED_FOR_4K),
        "good": static_program("arm64"),
    }
    assert failures(start(files, "/app", on="arm64", node=node)) == [Code.PAGE_SIZE]
    assert start(files, "/good", on="arm64", node=node).outcome is Outcome.STARTS


def test_a_program_linked_for_smaller_pages_is_noted_where_nodes_vary() -> None:
    for architecture in ("arm64", "ppc64le"):
        files = {"app": static_program(architecture, data=b"x", **LINKED_FOR_4K)}
        prediction = start(files, "/app", on=architecture)
        assert prediction.outcome is Outcome.STARTS
        assert [finding.code for finding in prediction.findings] == [Code.PAGE_SIZE]


def test_a_program_linked_for_4k_pages_is_fine_where_all_nodes_have_them() -> None:
    for architecture in ("amd64", "386", "s390x", "arm", "riscv64"):
        files = {"app": static_program(architecture, data=b"x", **LINKED_FOR_4K)}
        prediction = start(files, "/app", on=architecture)
        assert not prediction.findings


def test_segments_that_no_page_size_fits_fail_everywhere() -> None:
    content = elf_file("amd64", type=2, loads=[Load(0x10, 0x10020000, 0x10, 0x10, 1)])
    assert failures(start({"app": tarball.program(content)}, "/app")) == [Code.PAGE_SIZE]


def test_a_loader_linked_for_smaller_pages_fails_too() -> None:
    files = {**debian("arm64"), "app": glibc_program("arm64")}
    files["lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"] = tarball.program(
        glibc_loader("arm64", **LINKED_FOR_4K)
    )
    assert failures(start(files, "/app", on="arm64", node=NodeFacts(page_size=65536))) == [
        Code.PAGE_SIZE
    ]


def test_an_allocator_built_for_one_page_size_is_noted_where_pages_vary() -> None:
    files = {"app": static_program("arm64", strings=[b"<jemalloc>: Unsupported system page size"])}
    assert [finding.code for finding in start(files, "/app", on="arm64").findings] == [
        Code.PAGE_SIZE
    ]
    assert not start(files, "/app", on="arm64", node=NodeFacts(page_size=4096)).findings


@pytest.mark.parametrize("flags", [0, 1])
def test_a_program_that_is_not_marked_for_the_second_power_abi_dies_of_its_first_instructions(
    flags: int,
) -> None:
    """T under emulation: they are taken for a function descriptor."""
    for marked, codes in ((flags, [Code.EXEC_FORMAT]), (2, [])):
        assert (
            failures(start({"x": static_program("ppc64le", flags=marked)}, "/x", on="ppc64le"))
            == codes
        )


def test_a_program_that_begins_with_data_may_have_a_descriptor_there() -> None:
    plain = read(excerpt(elf_file("ppc64le", type=2, data=bytes(64))))
    content = elf_file("ppc64le", type=2, flags=1, data=bytes(64), entry=plain.loads[1].vaddr)
    assert start({"x": tarball.program(content)}, "/x", on="ppc64le").outcome is Outcome.UNKNOWN


def test_headers_are_read_by_the_kernels_own_layout_whatever_their_identification_says() -> None:
    """T: on real kernels. s390 and RISC-V look at EI_CLASS, the others do not; nobody looks at EI_DATA."""

    def marked(architecture: str, place: int, value: int) -> tarball.Item:
        content = elf_file(architecture, type=2, text=b"\x90")
        return tarball.program(content[:place] + bytes([value]) + content[place + 1 :])

    assert start({"app": marked("arm64", 4, 1)}, "/app", on="arm64").outcome is Outcome.STARTS
    assert start({"app": marked("ppc64le", 4, 0)}, "/app", on="ppc64le").outcome is Outcome.STARTS
    assert start({"app": marked("s390x", 5, 1)}, "/app", on="s390x").outcome is Outcome.STARTS
    assert failures(start({"app": marked("s390x", 4, 1)}, "/app", on="s390x")) == [Code.EXEC_FORMAT]
    assert failures(start({"app": marked("riscv64", 4, 1)}, "/app", on="riscv64")) == [
        Code.EXEC_FORMAT
    ]


def test_numbers_that_a_machine_goes_by_too() -> None:
    """T: EM_486 and, on a real kernel, EM_S390_OLD."""
    assert start({"app": static_program("386", machine=6)}, "/app").outcome is Outcome.STARTS
    assert (
        start({"app": static_program("s390x", machine=0xA390)}, "/app", on="s390x").outcome
        is Outcome.STARTS
    )


def test_x32_is_a_matter_of_the_kernels_configuration_and_a_wide_386_file_is_nothing() -> None:
    """T: ENOEXEC, both, where x32 is not configured."""
    x32 = start({"app": static_program("amd64", elf_class=32)}, "/app")
    assert x32.findings[0].reason is UnknownReason.NODE_FACT_UNKNOWN
    assert failures(start({"app": static_program("386", elf_class=64)}, "/app")) == [
        Code.EXEC_FORMAT
    ]


@pytest.mark.parametrize(
    ("load", "words_of_it"),
    [
        (Load(0, 0x20000000, 0x20, 0x10, 0x1000), "more of it is in the file than in memory"),
        (Load(0, 0x20000000, 0x10, 0x7FFFFFFFFFFFFFFF, 0x1000), "beyond the last address"),
        (Load(0, 0xFFFFFFFF80000000, 0x10, 0x10, 0x1000), "beyond the last address"),
    ],
)
def test_a_segment_that_the_kernel_gives_up_on_ends_the_start(load: Load, words_of_it: str) -> None:
    """T: SIGSEGV."""
    prediction = start(
        {"app": tarball.program(elf_file("amd64", type=2, text=b"\x90", loads=[load]))}, "/app"
    )
    assert failures(prediction) == [Code.EXEC_FORMAT]
    assert words_of_it in words(prediction)


def test_a_program_linked_to_the_lowest_addresses_is_unknown() -> None:
    """vm.mmap_min_addr, which CAP_SYS_RAWIO lifts."""
    content = elf_file("amd64", type=2, text=b"\x90", loads=[Load(0, 0, 0x10, 0x10, 0x1000)])
    assert start({"app": tarball.program(content)}, "/app").outcome is Outcome.UNKNOWN


def test_an_entry_point_where_nothing_is_mapped_ends_the_start_after_all_is_loaded() -> None:
    """T: SIGSEGV; a library that is missing is missed before."""
    assert failures(start({"app": static_program(entry=0x70000000)}, "/app")) == [Code.EXEC_FORMAT]
    files = {
        **debian(),
        "app": glibc_program(entry=0x70000000),
        "lacking": glibc_program(entry=0x7, needed=["x.so"]),
    }
    assert failures(start(files, "/app")) == [Code.EXEC_FORMAT]
    assert failures(start(files, "/lacking")) == [Code.LIBRARY_MISSING]


def test_the_later_of_two_segments_has_the_page_that_they_share() -> None:
    """T: on a real kernel with 16 KiB pages, a file linked for 4 KiB whose offsets and addresses are the same."""
    data = Load(0x2000, 0x10002000, 0x10, 0x10, 0x1000, 6)
    content = elf_file("arm64", type=2, text=b"\x90", loads=[data], trailing=bytes(0x3000))
    files = {"app": tarball.program(content)}
    assert (
        start(files, "/app", on="arm64", node=NodeFacts(page_size=4096)).outcome is Outcome.STARTS
    )
    assert failures(start(files, "/app", on="arm64", node=NodeFacts(page_size=16384))) == [
        Code.PAGE_SIZE
    ]
    varying = start(files, "/app", on="arm64")
    assert (varying.outcome, [finding.code for finding in varying.findings]) == (
        Outcome.STARTS,
        [Code.PAGE_SIZE],
    )


def test_a_first_line_that_an_old_kernel_cuts_short_is_not_decided_there() -> None:
    """Up to Linux 5.0 it reads 128 bytes."""
    long = "/opt/" + "x" * 150
    files = {long[1:]: static_program(), "run": tarball.program(f"#!{long}\n")}
    assert start(files, "/run").outcome is Outcome.STARTS
    old, new = NodeFacts(kernel=(4, 18, 0)), NodeFacts(kernel=(5, 14, 0))
    assert start(files, "/run", node=old).outcome is Outcome.UNKNOWN
    assert start(files, "/run", node=new).outcome is Outcome.STARTS
