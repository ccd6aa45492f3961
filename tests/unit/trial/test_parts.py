"""The parts that a start is put together from: probes, accounts, emulators, a container."""

import platform
from pathlib import Path

import pytest

from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.trial import accounts, heads
from elfgate.trial.accounts import Account
from elfgate.trial.container import Bounds, start_of
from elfgate.trial.ready import Probe
from elfgate.trial.supervise import Output
from elfgate.trial.taken import has_head
from support.elf_file import elf_file

PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/srv:/bin/sh\nbroken\nodd:x:y:z::/\n"
GROUP = "web:x:44:\nlogs:x:55:web,other\nmore:x:66:other\nbad:x:z:web\n"


@pytest.mark.parametrize(
    ("written", "probe"),
    [
        ("tcp:8080", Probe("tcp", 8080)),
        ("http:8080", Probe("http", 8080)),
        ("http:8080/healthz?full=1", Probe("http", 8080, "/healthz?full=1")),
        ("log:ready to serve: yes", Probe("log", text="ready to serve: yes")),
    ],
)
def test_a_sign_is_read(written: str, probe: Probe) -> None:
    assert Probe.parse(written) == probe


@pytest.mark.parametrize(
    "written",
    [
        "",
        "tcp",
        "tcp:",
        "tcp:0",
        "tcp:65536",
        "tcp:80/x",
        "http:80 /",
        "http:80/a b",
        "log:",
        "udp:1",
    ],
)
def test_what_is_no_sign_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Probe.parse(written)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(PASSWD)
    (tmp_path / "etc" / "group").write_text(GROUP)
    return tmp_path


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(0, 0, "/root")),
        ("root", Account(0, 0, "/root")),
        ("web", Account(33, 44, "/srv")),
        ("33", Account(33, 44, "/srv")),
        ("33:7", Account(33, 7, "/srv")),
        ("web:logs", Account(33, 55, "/srv")),
        ("1000", Account(1000, 0, "/")),
        ("1000:2000", Account(1000, 2000, "/")),
    ],
)
def test_a_user_is_found_by_name_or_number(root: Path, user: str, account: Account) -> None:
    assert accounts.find(user, root) == account


@pytest.mark.parametrize("user", ["nobody", "odd", "web:none", "web:bad"])
def test_a_name_that_is_not_listed_is_an_error(root: Path, user: str) -> None:
    with pytest.raises(FileNotFoundError):
        accounts.find(user, root)


def test_a_user_has_the_groups_that_list_it(root: Path) -> None:
    assert accounts.memberships("33", root) == [55]
    assert accounts.memberships("1000", root) == []
    assert accounts.memberships("33", root / "none") == []


@pytest.mark.parametrize("architecture", ["arm64", "s390x", "arm", "ppc64le"])
def test_an_emulator_is_registered_for_its_own_programs(architecture: str) -> None:
    line = heads.registration(architecture, Path("/usr/bin/qemu"))
    _, name, kind, offset, *written, qemu, flags = line.split(":")
    magic, mask = (bytes.fromhex(part.replace("\\x", "")) for part in written)
    assert (name, kind, offset, qemu, flags) == (
        f"elfgate-{architecture}", "M", "", "/usr/bin/qemu", "OPF",
    )  # fmt: skip
    for program, is_own in ((elf_file(architecture, type=2), True), (elf_file("riscv64"), False)):
        head = bytes(byte & bits for byte, bits in zip(program, mask, strict=False))
        assert (head == magic) is is_own


@pytest.mark.skipif(platform.machine() != "x86_64", reason="a host of amd64")
def test_a_program_of_the_host_is_known_by_its_head() -> None:
    assert _is_of_host(elf_file("amd64", type=2))
    assert _is_of_host(elf_file("386", type=2))
    assert not _is_of_host(elf_file("arm64", type=2))
    assert not _is_of_host(b"\x7fELF")


def test_of_an_output_the_beginning_is_kept_and_the_whole_is_searched() -> None:
    output = Output(4, b"needle")
    for piece in (b"hay nee", b"d", b"le hay"):
        output.add(piece)
    assert (bytes(output.kept), output.found) == (b"hay ", True)


def test_a_container_is_started_as_its_pod_says() -> None:
    defaults = ImageDefaults(("/app",), ("serve",), {"A": "1", "B": "2"}, "/srv", "web")
    overrides = Overrides(
        args=("check",),
        env={"B": "3", "C": "4"},
        unknown_env=frozenset({"C"}),
        user=1000,
        groups=frozenset({7}),
        mounts=("/data",),
        dropped_capabilities=frozenset({"ALL"}),
        capabilities=frozenset({"CHOWN"}),
        no_new_privileges=True,
        read_only_root=True,
    )
    start = start_of("/root", defaults, overrides, Bounds(), native=True)
    assert (start.argv, start.cwd, start.user) == (("/app", "check"), "/srv", "1000")
    assert {**start.env, "PATH": "", "HOSTNAME": ""} == {
        "A": "1",
        "B": "3",
        "PATH": "",
        "HOSTNAME": "",
    }
    assert (start.groups, start.volumes) == ((7,), (("", "/data"),))
    assert (start.capabilities, start.no_new_privileges, start.read_only) == ((0,), True, True)


def test_a_container_has_the_runtimes_capabilities_by_default() -> None:
    start = start_of("/", ImageDefaults(("/a",)), Overrides(), Bounds(), native=False)
    assert start.capabilities is not None
    assert {0, 1, 18} <= set(start.capabilities)  # CHOWN, DAC_OVERRIDE, SYS_CHROOT
    assert 21 not in start.capabilities  # SYS_ADMIN


def _is_of_host(program: bytes) -> bool:
    return any(has_head(program[:256], *head) for head in heads.of_host())
