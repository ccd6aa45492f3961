"""Programs that start another: env(1), tini, dumb-init, su-exec, sh -c, and scripts that end in ``exec "$@"``."""

from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.elf_file import elf_file, glibc_loader
from support.image import (
    Files,
    alpine,
    debian,
    failures,
    glibc_program,
    musl_program,
    start,
    static_program,
    words,
)

BROKEN = glibc_program()  # needs glibc's loader, which Alpine does not have
FILES = {
    **alpine(),
    "usr/bin/broken": BROKEN,
    "usr/bin/fine": static_program(),
    "sbin/tini": static_program(),
    "usr/bin/dumb-init": static_program(),
    "sbin/su-exec": static_program(),
    "usr/local/bin/gosu": static_program(),
    "usr/bin/id": static_program(),
    "usr/bin/linux32": static_program(),
    "bin/s6-setsid": static_program(),
    "bin/s6-softlimit": static_program(),
    "etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\napp:x:100:101::/:/bin/false\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\napp:x:101:\n",
}


def run(*command: str, files: Files | None = None, **rest: Any) -> Prediction:
    return start({**FILES, **(files or {})}, *command, **rest)


WRAPPED = [
    ("env", "PROGRAM"),
    ("/usr/bin/env", "-i", "PATH=/usr/bin", "A=b", "PROGRAM"),
    ("env", "-u", "HOME", "--", "PROGRAM"),
    ("/sbin/tini", "--", "PROGRAM", "-v"),
    ("tini", "-g", "-p", "SIGTERM", "PROGRAM"),
    ("dumb-init", "--rewrite", "15:3", "--", "PROGRAM"),
    ("dumb-init", "--single-child", "PROGRAM"),
    ("su-exec", "nobody:nobody", "PROGRAM"),
    ("gosu", "1000", "PROGRAM"),
    ("linux32", "-R", "PROGRAM"),
    ("s6-setsid", "-q", "s6-softlimit", "-o", "100", "PROGRAM"),
    ("tini", "--", "su-exec", "nobody", "env", "A=b", "PROGRAM"),
    ("sh", "-c", "PROGRAM"),
    ("sh", "-c", "exec PROGRAM --port 80 $EXTRA"),
    ("sh", "-ec", "exec 'PROGRAM' \"a b\" >/dev/null 2>&1"),
    ("sh", "-c", 'exec "$@"', "name", "PROGRAM"),
    ("sh", "-c", 'exec "$0" "$@"', "PROGRAM", "-v"),
    ("sh", "-c", "PROGRAM && true"),
    ("sh", "-c", "A=b PROGRAM"),
    ("sh", "-c", "test -e /x || PROGRAM"),
    ("sh", "-c", "exec -a name PROGRAM"),
    ("sh", "-c", "true; PROGRAM"),
]


@pytest.mark.parametrize("command", WRAPPED, ids=" ".join)
def test_the_program_behind_a_wrapper_is_what_counts(command: tuple[str, ...]) -> None:
    for name, expected in [
        ("broken", [Code.LOADER_MISSING]),
        ("fine", []),
        ("gone", [Code.COMMAND_MISSING]),
    ]:
        assert failures(run(*(word.replace("PROGRAM", name) for word in command))) == expected


NOT_FOLLOWED = [
    ("env", "--chdir=/x", "broken"),
    ("tini", "--unheard-of", "broken"),
    ("sh", "-c", "broken; fine"),
    ("sh", "-c", "broken | fine"),
    ("sh", "-c", "$BROKEN"),
    ("sh", "-c", "cd /app"),
    ("sh", "-c", "echo hello"),
    ("sh", "-c", "broken &"),
    ("sh",),
    ("sh", "-s", "broken"),
    ("fine", "broken"),
]


@pytest.mark.parametrize("command", NOT_FOLLOWED, ids=" ".join)
def test_what_is_not_certain_is_not_followed(command: tuple[str, ...]) -> None:
    assert run(*command).outcome is Outcome.STARTS


def test_a_wrapper_that_cannot_start_itself_is_what_fails() -> None:
    assert failures(run("tini", "--", "broken", files={"sbin/tini": static_program("s390x")})) == [
        Code.EXEC_FORMAT
    ]


def test_env_changes_where_its_program_is_searched() -> None:
    files = {"opt/tool": static_program()}
    assert run("env", "PATH=/opt", "tool", files=files).outcome is Outcome.STARTS
    assert failures(run("env", "-i", "tool", files=files, env={"PATH": "/opt:/usr/bin"})) == [
        Code.COMMAND_MISSING
    ]


def test_without_a_path_glibc_does_not_search_where_musl_does() -> None:
    tools = {"usr/bin/env": static_program(), "usr/local/bin/tool": static_program()}
    glibc, musl = {**debian(), **tools}, {**alpine(), **tools}
    assert start(glibc, "env", "-i", "tool").outcome is Outcome.UNKNOWN
    assert start(glibc, "env", "-i", "PATH=/usr/local/bin", "tool").outcome is Outcome.STARTS
    assert start(musl, "env", "-i", "tool").outcome is Outcome.STARTS


def test_env_changes_where_libraries_are_searched() -> None:
    program = glibc_program(needed=["libfoo.so", "libc.so.6"])
    files = {**debian(), "usr/bin/env": static_program(), "app": program}
    files["opt/libfoo.so"] = tarball.Item("file", elf_file("amd64", soname="libfoo.so"))
    assert start(files, "env", "LD_LIBRARY_PATH=/opt", "/app").outcome is Outcome.STARTS
    assert failures(start(files, "env", "/app")) == [Code.LIBRARY_MISSING]


def test_busyboxes_env_has_no_split_string() -> None:
    """Seen in real starts: "env: invalid option -- 'S'"."""
    script = {"s": tarball.program("#!/usr/bin/env -S fine -x\n")}
    prediction = run("/s", files=script)
    assert failures(prediction) == [Code.COMMAND_MISSING]
    assert "busybox" in words(prediction)
    assert run("/s", files={**script, "usr/bin/env": static_program()}).outcome is Outcome.STARTS
    broken = {
        "s": tarball.program("#!/usr/bin/env -S broken -x\n"),
        "usr/bin/env": static_program(),
    }
    assert failures(run("/s", files=broken)) == [Code.LOADER_MISSING]


def test_env_takes_the_rest_of_a_first_line_as_one_name() -> None:
    """Seen in real starts: "env: 'sh -e': No such file or directory"."""
    prediction = run("/s", files={"s": tarball.program("#!/usr/bin/env sh -e\n")})
    assert failures(prediction) == [Code.COMMAND_MISSING]


def test_env_does_not_find_an_interpreter_that_is_not_there() -> None:
    """Seen in real starts: "env: can't execute 'bash'"."""
    prediction = run("/s", files={"s": tarball.program("#!/usr/bin/env bash\n")})
    assert failures(prediction) == [Code.COMMAND_MISSING]
    assert "/usr/bin/env starts bash, which is not on PATH" in words(prediction)


SCRIPTS = {
    "plainly": 'exec "$@"',
    "with options set": 'set -eu\nset -o pipefail\nexec "$@"',
    "after output": 'echo "starting $1" >&2\nexec "$@"\n',
    "after a harmless preparation": 'mkdir -p /var/run/app && chown -R app /var/run/app\nexec "$@"',
    "through a wrapper": 'exec su-exec app "$@"',
    "through two": 'exec tini -- gosu app:app "$@"',
    "with its own arguments after": 'exec "$@" --foreground $OPTIONS',
    "braced": 'exec "${@}"',
    "unquoted": "exec $@",
    "unless flags are given": 'if [ "${1#-}" != "$1" ]; then\n  set -- other "$@"\nfi\nexec "$@"',
    "unless flags are given (bash)": 'if [ "${1:0:1}" = "-" ]; then set -- other "$@"; fi\nexec "$@"',
    "unless flags are given (case)": 'case "$1" in\n  -*) set -- other "$@" ;;\nesac\nexec "$@"',
    "unless nothing is given": 'if [ $# -eq 0 ]; then\n  exec other\nfi\nexec "$@"',
    "unless nothing is given (short)": '[ -z "$1" ] && set -- other\nexec "$@"',
    "unless it is another": 'if [ "$1" = "other" ]; then shift; exec other "$@"; fi\nexec "$@"',
    "unless it is one of two others": 'if [ "$1" = a ] || [ "$1" = "b" ]; then exec x; fi\nexec "$@"',
    "in one branch": 'if [ "$1" = "other" ]; then exec other\nelse exec "$@"\nfi',
    "by its first argument": 'program="$1"\nexec "$1"',
    "as its last command": 'set -e\n"$@"',
    "after a loop": 'for f in a b; do echo "$f"; done\nwhile false; do sleep 1; done\nexec "$@"',
    "after a function": 'log() {\n  echo "$*"\n}\nexec "$@"',
    "after a here-document": 'cat > /etc/app.conf <<EOF\nexec "not this" \'\nEOF\nexec "$@"',
    "after a comment": '# exec other; it\'s fine\nexec "$@" # here',
    "after reading a user id": 'if [ "$(id -u)" = 0 ]; then echo root; fi\nexec "$@"',
    "replaced if a file is there that is not": 'if [ -f /etc/x ]; then set -- fine; fi\nexec "$@"',
    "shifted if a variable is set that is not": 'if [ -n "$DEBUG" ]; then shift; fi\nexec "$@"',
    "but for another if a variable is set that is not": 'if [ "$MODE" = "x" ]; then exec fine; fi\nexec "$@"',
    "once it has become another user": 'if [ "$(id -u)" = 0 ]; then exec su-exec app "$0" "$@"; fi\nexec "$@"',
    "by a function": 'main() { exec "$@"; }\nmain "$@"',
    "after a program that is not there": 'download it\nexec "$@"',
    "after a library path that it keeps for itself": 'LD_LIBRARY_PATH=/opt\nexec "$@"',
    "after a loop over its arguments": 'for arg; do [ "$arg" = --help ] && exit 0; done\nexec "$@"',
    "after options": 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"',
    "without another's failure": 'set -e\nif gone --version; then exit 0; fi\nexec "$@"',
    "evaluated": 'eval "exec $1"',
    "on a continued line": 'exec \\\n  "$@"',
    "with redirected output": 'exec 2>&1\nexec "$@" >/dev/null',
}


@pytest.mark.parametrize("how", SCRIPTS)
def test_a_script_that_ends_in_its_arguments_is_followed(how: str) -> None:
    files = {"entry.sh": tarball.program(f"#!/bin/sh\n{SCRIPTS[how]}")}
    assert failures(run("/entry.sh", "broken", files=files)) == [Code.LOADER_MISSING]
    assert failures(run("/entry.sh", "gone", files=files)) == [Code.COMMAND_MISSING]
    assert run("/entry.sh", "fine", files=files).outcome is Outcome.STARTS


UNCERTAIN = {
    "replaces them": 'set -- fine\nexec "$@"',
    "ends before": 'exit 0\nexec "$@"',
    "runs them through a variable": "exec $PROGRAM",
    "runs them in the background": '"$@" &\nwait',
    "replaces them if a file is there": 'if [ -f /etc/passwd ]; then set -- fine; fi\nexec "$@"',
    "runs another program by a variable": 'if [ "${MODE:-x}" = "x" ]; then exec fine; fi\nexec "$@"',
    "falls back where they fail": '"$@" || fine',
    "ends where another is missing": 'gone || exit 0\nexec "$@"',
    "ends well by a trap": 'trap "exit 0" EXIT\n"$@"',
    "does something after": '"$@"\necho done',
}


@pytest.mark.parametrize("how", UNCERTAIN)
def test_a_script_is_judged_by_itself_if_it(how: str) -> None:
    files = {"entry.sh": tarball.program(f"#!/bin/sh\n{UNCERTAIN[how]}\n")}
    assert run("/entry.sh", "broken", files=files).outcome is Outcome.STARTS


DOUBTFUL = {
    "runs something that may bring it": "apk add gcompat\n",
    "makes a link": "ln -s /lib/ld-musl-x86_64.so.1 /lib64/ld-linux-x86-64.so.2\n",
    "reads another script that is not known": ". /etc/settings\n",
    "changes PATH by something unknown": "export PATH=$(cat /etc/path):$PATH\n",
    "changes LD_LIBRARY_PATH by something unknown": "export LD_LIBRARY_PATH=$HOME/lib\n",
    "may end well before": "if [ -f /run/x ]; then exit 0; fi\n",
    "may end by an error of its own": "if [ ! -d /tmp ]; then echo no; exit 1; fi\n",
    "may fail for good where errors end it": "set -e\nif [ -d /run/x ]; then false; fi\n",
    "may run another program": 'if [ -n "$HOSTNAME" ]; then exec fine; fi\n',
    "may replace its arguments": "if grep -q x /etc/settings; then set -- fine; fi\n",
    "calls something in a substitution": "VERSION=$(apk info)\n",
    "may wait for ever": "until nc -z db 5432; do sleep 1; done\n",
    "may end at a failure": "set -e\ngrep -q x /etc/settings\n",
    "evaluates what is not known": 'eval "$(cat /etc/settings)"\n',
    "writes the file before": 'cat /etc/passwd > "/usr/bin/broken"\n',
}


@pytest.mark.parametrize("how", DOUBTFUL)
def test_what_fails_behind_a_script_is_unknown_if_the_script(how: str) -> None:
    script = tarball.program(f'#!/bin/sh\n{DOUBTFUL[how]}exec "$@"\n')
    files = {
        "entry.sh": script,
        "etc/settings": tarball.text("x=1\n"),
        **{f"bin/{name}": static_program() for name in ("apk", "ln", "cat", "grep", "nc")},
    }
    prediction = run("/entry.sh", "/usr/bin/broken", files=files)
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.SHAPE_UNKNOWN
    assert run("/entry.sh", "fine", files=files).outcome is Outcome.STARTS


@pytest.mark.parametrize("line", [": ${NAME:?is not set}", "set -u; : $NAME", ": $((NAME + 1))"])
def test_a_script_may_end_where_a_variable_of_elsewhere_is_not_as_it_wants(line: str) -> None:
    files = {"entry.sh": tarball.program(f'#!/bin/sh\n{line}\nexec "$@"\n')}
    anything = frozenset({"*"})
    env = {"PATH": "/usr/bin:/bin"}
    assert (
        run("/entry.sh", "/usr/bin/broken", files=files, env=env, unknown_env=anything).outcome
        is Outcome.UNKNOWN
    )
    assert failures(run("/entry.sh", "broken", files=files, env={**env, "NAME": "1"})) == [
        Code.LOADER_MISSING
    ]


def test_a_script_changes_its_working_directory_for_a_relative_program() -> None:
    files = {
        "entry.sh": tarball.program('#!/bin/sh\ncd /srv\nexec ./tool "$@"\n'),
        "srv/tool": BROKEN,
    }
    assert failures(run("/entry.sh", files=files)) == [Code.LOADER_MISSING]


def test_a_script_without_arguments_starts() -> None:
    assert (
        run("/entry.sh", files={"entry.sh": tarball.program('#!/bin/sh\nexec "$@"\n')}).outcome
        is Outcome.STARTS
    )


def test_a_script_behind_env_is_followed_too() -> None:
    files = {"entry.sh": tarball.program('#!/usr/bin/env sh\nexec "$@"\n')}
    assert failures(run("/entry.sh", "broken", files=files)) == [Code.LOADER_MISSING]


def test_a_script_that_a_shell_is_given_must_be_there() -> None:
    assert run("sh", "/gone.sh", "x").outcome is Outcome.UNKNOWN  # it ends with 2, as for any error
    assert failures(run("bash", "/gone.sh", "x", files={"bin/bash": musl_program()})) == [
        Code.COMMAND_MISSING
    ]
    assert (
        run("sh", "/data/run.sh", mounts=("/data",)).findings[0].reason is UnknownReason.UNDER_MOUNT
    )


def test_a_text_without_a_first_line_is_run_by_a_shell_but_not_by_the_kernel() -> None:
    files = {"usr/bin/text": tarball.program("echo hello\n")}
    assert failures(run("text", files=files)) == [Code.EXEC_FORMAT]
    assert run("sh", "-c", "text", files=files).outcome is Outcome.STARTS
    assert run("tini", "text", files=files).outcome is Outcome.UNKNOWN


def test_wrappers_that_never_end_are_given_up() -> None:
    files = {"entry.sh": tarball.program('#!/bin/sh\nexec /entry.sh "$@"\n')}
    assert run("/entry.sh", "broken", files=files).outcome is Outcome.STARTS


def test_a_script_too_long_to_be_kept_is_judged_by_itself() -> None:
    text = "#!/bin/sh\n" + "# padding\n" * 8000 + 'exec "$@"\n'
    assert (
        run("/entry.sh", "broken", files={"entry.sh": tarball.program(text)}).outcome
        is Outcome.STARTS
    )


def test_what_is_missing_behind_a_doubtful_script_is_unknown_whatever_it_is() -> None:
    script = tarball.program('#!/bin/sh\n/sbin/tini\nexec "$@"\n')
    for program in (
        musl_program(needed=["libgone.so"]),
        musl_program(undefined=["gone"]),
        glibc_program(needed=["libgone.so"], interp="/lib/ld.so"),
        glibc_program(undefined=["gone"], interp="/lib/ld.so"),
        glibc_program(version_needs={"libc.so.6": ["GLIBC_2.99"]}, interp="/lib/ld.so"),
    ):
        files = {
            **debian(),
            **FILES,
            "entry.sh": script,
            "app": program,
            "lib/ld.so": tarball.program(glibc_loader()),
        }
        assert start(files, "/app").outcome is Outcome.CANNOT_START
        assert start(files, "/entry.sh", "/app").outcome is Outcome.UNKNOWN


def test_a_script_sets_the_paths_of_searches() -> None:
    script = tarball.program(
        '#!/bin/sh\nexport PATH="/opt/bin:$PATH" LD_LIBRARY_PATH=/opt/lib\nexec "$@"\n'
    )
    program = glibc_program(needed=["libfoo.so", "libc.so.6"])
    library = tarball.Item("file", elf_file("amd64", soname="libfoo.so"))
    files = {**debian(), **FILES, "entry.sh": script, "opt/bin/tool": program}
    assert (
        start({**files, "opt/lib/libfoo.so": library}, "/entry.sh", "tool").outcome
        is Outcome.STARTS
    )
    assert failures(start(files, "/entry.sh", "tool")) == [Code.LIBRARY_MISSING]


def test_a_path_set_in_front_of_exec_counts() -> None:
    script = tarball.program('#!/bin/sh\nLD_LIBRARY_PATH=/opt/lib exec "$@"\n')
    program = glibc_program(needed=["libfoo.so", "libc.so.6"])
    library = tarball.Item("file", elf_file("amd64", soname="libfoo.so"))
    files = {**debian(), **FILES, "entry.sh": script, "tool": program, "opt/lib/libfoo.so": library}
    assert start(files, "/entry.sh", "/tool").outcome is Outcome.STARTS


def test_a_variable_of_the_environment_names_the_program() -> None:
    for text in ("exec $TOOL", 'exec "${TOOL}" -v', "exec $TOOL_DIR/broken"):
        env = {"TOOL": "broken", "TOOL_DIR": "/usr/bin"}
        assert failures(run("sh", "-c", text, env=env)) == [Code.LOADER_MISSING]
        elsewhere = run("sh", "-c", text, env=env, unknown_env=frozenset({"TOOL", "TOOL_DIR"}))
        assert elsewhere.outcome is Outcome.UNKNOWN
    assert run("sh", "-c", "exec $TOOL", env={"TOOL": "fine broken"}).outcome is Outcome.STARTS
    script = {"entry.sh": tarball.program('#!/bin/sh\nTOOL=fine\nexec "$TOOL"\n')}
    assert run("/entry.sh", files=script, env={"TOOL": "broken"}).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    "command",
    [
        ("nice", "-n5", "broken"),
        ("nice", "-5", "broken"),
        ("dumb-init", "-r15:3", "broken"),
        ("busybox", "sh", "-c", "exec broken"),
        ("/bin/busybox", "env", "A=1", "broken"),
        ("env", "-iS", "PATH=/usr/bin broken"),
        ("entry.sh", "-a", "broken"),
    ],
)
def test_other_spellings_are_followed_too(command: tuple[str, ...]) -> None:
    """T."""
    script = 'if [ "$1" = "-b" -a "$(id -u)" = "0" ]; then exec other; fi\nshift\nexec $@\n'
    coreutils = {"usr/bin/nice": static_program(), "usr/bin/env": static_program()}
    files = {**coreutils, "usr/bin/entry.sh": tarball.program(f"#!/bin/sh\n{script}")}
    assert failures(run(*command, files=files)) == [Code.LOADER_MISSING]


def test_arguments_without_quotes_are_split() -> None:
    """T."""
    files = {"entry.sh": tarball.program("#!/bin/sh\nexec $@\n")}
    assert run("/entry.sh", "/usr/bin/fine -v", files=files).outcome is Outcome.STARTS
    assert failures(run("/entry.sh", "broken -v", files=files)) == [Code.LOADER_MISSING]
    assert failures(run("/entry.sh", "/usr/bin/broke?", files=files)) == [Code.LOADER_MISSING]


@pytest.mark.parametrize("line", ["set -o pipefail", 'a="${1:0:1}"'])
def test_what_dash_does_not_understand_is_not_followed_there(line: str) -> None:
    """T: it ends with 2, or takes another way."""
    script = {"entry.sh": tarball.program(f'#!/bin/sh\n{line}\nexec "$@"\n')}
    dash = {"bin/sh": tarball.link("dash"), "bin/dash": musl_program()}
    assert failures(run("/entry.sh", "broken", files=script)) == [Code.LOADER_MISSING]
    assert run("/entry.sh", "broken", files={**script, **dash}).outcome is not Outcome.CANNOT_START
    assert run("/entry.sh", "fine", files={**script, **dash}).outcome is Outcome.STARTS


def test_a_script_that_ends_by_a_trap_may_end_well() -> None:
    """T."""
    files = {"entry.sh": tarball.program("#!/bin/sh\ntrap 'exit 0' EXIT\n\"$@\"\n")}
    assert run("/entry.sh", "broken", files=files).outcome is Outcome.STARTS


def test_bytes_without_a_form_may_be_run_as_a_script() -> None:
    """T: bash and dash refuse what has a NUL in its first line, busybox nothing."""
    for data, outcome in [(b"exit 0;\0\n", Outcome.UNKNOWN), (b"exit 0\n\0", Outcome.STARTS)]:
        files = {"usr/bin/junk": tarball.program(data)}
        assert run("sh", "-c", "exec junk", files=files).outcome is outcome
        assert failures(run("junk", files=files)) == [Code.EXEC_FORMAT]
    bash = {"usr/bin/junk": tarball.program(b"exit 0;\0\n"), "bin/bash": static_program()}
    assert failures(run("bash", "-c", "exec junk", files=bash)) == [Code.EXEC_FORMAT]


def test_a_script_whose_interpreter_is_a_text_is_run_by_a_shell() -> None:
    """T: execve says ENOEXEC of it, and the shell takes the script itself."""
    files = {
        "usr/bin/s": tarball.program("#!/usr/bin/text\n"),
        "usr/bin/text": tarball.program("exit 0\n"),
    }
    assert failures(run("s", files=files)) == [Code.EXEC_FORMAT]
    assert run("sh", "-c", "exec s", files=files).outcome is Outcome.STARTS


CONTAINERD = NodeFacts(runtime="containerd")
UNROOTED = tarball.program('#!/bin/sh\nexec chroot --userspec=1000:0 / "$@"\n')


def test_a_program_behind_chroot_to_the_root_is_followed() -> None:
    files = {"entry.sh": UNROOTED, "usr/sbin/chroot": static_program()}
    assert run("/entry.sh", "fine", files=files, node=CONTAINERD).outcome is Outcome.STARTS
    broken = run("/entry.sh", "broken", files=files, node=CONTAINERD, settled=True)
    assert failures(broken) == [Code.LOADER_MISSING]
    # CRI-O does not let it call chroot(2): it ends with an error of its own.
    assert run("/entry.sh", "broken", files=files).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("root", "overrides"),
    [("/srv", {}), ("/", {"user": 1000}), ("/", {"dropped_capabilities": frozenset({"ALL"})})],
)
def test_a_chroot_to_elsewhere_or_without_the_right_is_not_followed(
    root: str, overrides: dict[str, Any]
) -> None:
    files = {"usr/sbin/chroot": static_program()}
    found = run("chroot", root, "/usr/bin/broken", files=files, node=CONTAINERD, **overrides)
    assert found.outcome is Outcome.STARTS


BUSYBOX_LACKS = [
    ("setpriv", "--reuid=0", "broken"),
    ("sh", "-c", "exec setpriv --reuid=0 nope"),
    ("timeout", "--foreground", "5", "nope"),
]


@pytest.mark.parametrize("command", BUSYBOX_LACKS)
def test_an_applet_that_lacks_an_option_ends_by_itself(command: tuple[str, ...]) -> None:
    """T: busybox's setpriv and timeout print how they are used."""
    applets = {f"usr/bin/{name}": tarball.link("/bin/busybox") for name in ("setpriv", "timeout")}
    assert run(*command, files=applets).outcome is not Outcome.CANNOT_START


def test_setsid_may_end_before_what_it_starts() -> None:
    """T: as the first process of a container it leads a group, and forks."""
    setsid = {"usr/bin/setsid": static_program()}
    assert run("setsid", "nope", files=setsid).outcome is Outcome.UNKNOWN
    assert run("setsid", "fine", files=setsid).outcome is Outcome.STARTS
