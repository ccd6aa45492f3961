"""Files that a script changes before it starts a program."""

import pytest

from elfgate.linkage.report import Code, Outcome
from support import tarball
from support.elf_file import elf_file
from support.image import Files, debian, failures, glibc_program, start, static_program
from support.tarball import directory, link

LIBRARY = tarball.Item("file", elf_file("amd64", soname="libfoo.so"), mode=0o600)
NEEDS = glibc_program(needed=["libfoo.so", "libc.so.6"], rpath="/opt/app/lib")
FILES: Files = {
    **debian(),
    **{
        f"usr/bin/{name}": static_program()
        for name in ("chown", "chmod", "cp", "gosu", "ln", "mv", "rm")
    },
    "bin/sh": static_program(),
    "etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:100:101::/:/bin/false\n",
    "etc/group": "root:x:0:\napp:x:101:\n",
    "opt/app": directory(),
    "opt/app/lib/libfoo.so": LIBRARY,
    "srv/current": link("/opt/app"),
    "usr/bin/needs": NEEDS,
    "usr/bin/lacks": glibc_program(needed=["libgone.so", "libc.so.6"]),
}


def entry(text: str) -> Files:
    return {**FILES, "entry.sh": tarball.program(f"#!/bin/sh\nset -e\n{text}\n")}


@pytest.mark.parametrize(
    "tool",
    [
        "chown -R app /opt/app",
        "chmod -R a+rX /opt/app",
        "rm -rf /opt/app",
        "ln -sf /opt/app /opt/link || true",
        "cp -r /opt/app /opt/copy || true",
        "mv /opt/app /opt/moved || true",
    ],
)
def test_what_fails_elsewhere_fails_all_the_same(tool: str) -> None:
    gone = start(entry(f"{tool}\nexec gosu app /usr/bin/lacks"), "/entry.sh")
    assert failures(gone) == [Code.LIBRARY_MISSING]
    missing = start(entry(f"{tool}\nexec /usr/bin/none"), "/entry.sh")
    assert failures(missing) == [Code.COMMAND_MISSING]


@pytest.mark.parametrize(
    "tool",
    [
        "chown -R app /opt/app",
        "chmod -R a+rX /opt/app",
        "chown -R app /srv/current",
        "chown -RL app /srv",
        "chmod --reference=/usr/bin/gosu /opt/app/lib/libfoo.so",
        "rm -rf /opt/app/lib",
        "ln -sfn /srv /opt/app/lib || true",
        "cp -r /srv/lib/. /opt/app/lib || true",
        "mv /srv/lib /srv/current/lib || true",
        "cp --target-directory=/opt/app/lib /srv/x || true",
    ],
)
def test_a_library_that_may_have_been_brought_or_opened_to_the_user_is_not_missing(
    tool: str,
) -> None:
    closed = start(entry("exec gosu app /usr/bin/needs"), "/entry.sh")
    assert failures(closed) == [Code.LIBRARY_MISSING]
    opened = start(entry(f"{tool}\nexec gosu app /usr/bin/needs"), "/entry.sh")
    assert opened.outcome is Outcome.UNKNOWN


def test_a_program_that_may_have_been_opened_starts() -> None:
    files = {**entry('chown -R app /opt/app\nexec gosu app "$@"'), "opt/app/run": static_program()}
    assert start(files, "/entry.sh", "/opt/app/run").outcome is Outcome.STARTS


@pytest.mark.parametrize("tool", ["cp", "mv", "ln -s"])
def test_a_program_that_may_have_been_brought_is_not_missing(tool: str) -> None:
    files = {**entry(f"{tool} /srv/x /opt/y || true\nexec /opt/y")}
    assert start(files, "/entry.sh").outcome is Outcome.UNKNOWN


LINKED: Files = {
    "usr/bin/tool": link("/opt/current/tool"),
    "usr/local": link("/opt/current/local"),
    "opt/v2/tool": static_program(),
    "opt/v2/local/bin/other": static_program(),
}


@pytest.mark.parametrize(
    "question",
    [
        "command -v tool >/dev/null",
        "command -v other >/dev/null",
        "[ -x /usr/bin/tool ]",
        "[ -d /usr/local/bin ]",
        "[ -L /usr/local/bin ]",
    ],
)
def test_a_link_that_is_brought_may_lead_others_somewhere(question: str) -> None:
    text = f"ln -s /opt/v2 /opt/current || true\nif {question}; then exec tool; fi\nexec /none"
    assert start({**entry(text), **LINKED}, "/entry.sh").outcome is not Outcome.CANNOT_START


@pytest.mark.parametrize(
    "writes",
    [
        "cp /srv/x /opt/current/tool || true",
        "cat > /opt/current/tool || true",
        "mv /srv/x /opt/current || true",
        "cp /srv/x /opt/here/tool || true",
    ],
)
def test_what_is_written_through_a_link_that_is_brought_may_be_anywhere(writes: str) -> None:
    linked = "ln -sfn /opt/v3 /opt/current || true\nln -s /opt/v3 /opt/here || true"
    found = start(entry(f"{linked}\n{writes}\nexec /opt/v3/tool"), "/entry.sh")
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("mode", ["644", "0600", "-x", "a-x", "ugo-wx", "u=rw,go=r", "a="])
def test_whether_a_program_starts_that_the_script_takes_execute_bits_from_is_unknown(
    mode: str,
) -> None:
    files = {**entry(f'chmod {mode} /opt/app/run\nexec "$@"'), "opt/app/run": static_program()}
    for command in (["/opt/app/run"], ["gosu", "app", "/opt/app/run"], ["/srv/current/run"]):
        assert start(files, "/entry.sh", *command).outcome is Outcome.UNKNOWN
    assert start(files, "/entry.sh", "/usr/bin/gosu").outcome is Outcome.STARTS


@pytest.mark.parametrize(
    "command",
    [
        "find /opt -type f -exec chmod 644 {} +",
        "find /opt/app -name run -exec chmod a-x {} \\;",
        "chmod -R 0600 /opt",
    ],
)
def test_whether_a_program_starts_below_what_loses_execute_bits_is_unknown(command: str) -> None:
    files = {**entry(f'{command}\nexec "$@"'), "opt/app/run": static_program()}
    assert start(files, "/entry.sh", "/opt/app/run").outcome is Outcome.UNKNOWN
    assert start(files, "/entry.sh", "/usr/bin/gosu").outcome is Outcome.STARTS


@pytest.mark.parametrize("mode", ["755", "0500", "+x", "a+rX", "u=rwx,go=rx"])
def test_a_program_that_a_script_leaves_execute_bits_starts(mode: str) -> None:
    text = f'chmod 644 /opt/app/run\nchmod {mode} /opt/app/run\nexec "$@"'
    files = {**entry(text), "opt/app/run": static_program()}
    assert start(files, "/entry.sh", "/opt/app/run").outcome is Outcome.STARTS
