"""Scripts that come to a good end past a program that cannot start, in ways that are not followed: none is refused.

Each was seen to start (T); those that are followed have their case in the truth lab, ``detours``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from elfgate.linkage.report import Outcome
from support import tarball
from support.image import Files, alpine, debian, glibc_program, musl_program, start

BROKEN = glibc_program(interp="/lib/nowhere.so")
TOOLS = (
    "ls",
    "cat",
    "cp",
    "grep",
    "rm",
    "chmod",
    "mkdir",
    "touch",
    "tee",
    "true",
    "basename",
    "printenv",
    "sleep",
)


@dataclass(frozen=True)
class Detour:
    """A script, how it is called, and what is there besides.

    Attributes:
        text: The script, without its first line.
        args: Its arguments.
        files: Further files, by path.
        env: Its environment.
        bash: It is bash's.
    """

    text: str
    args: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    bash: bool = False


DETOURS: Mapping[str, Detour] = {
    "status compared": Detour(
        '"$@"\nrc=$?\nif [ $rc -ne 0 ]; then exit 0; fi\nexit $rc\n', args=["/app/x"]
    ),
    "status in case": Detour('"$@"\ncase $? in 0) exit 1;; *) exit 0;; esac\n', args=["/app/x"]),
    "assignment by read": Detour(
        "T=/app/x\nread T <<EOF\n/bin/true\nEOF\nexec $T\n", args=["/app/x"]
    ),
    "assignment by getopts": Detour(
        "T=/app/x\nwhile getopts t: o; do T=$OPTARG; done\nexec $T\n", args=["-t", "/bin/true"]
    ),
    "assignment of arithmetic": Detour(
        'n=1\nn=$((n+1))\n[ $n -eq 2 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"]
    ),
    "heredoc with a command": Detour(
        "cat > /app/y <<'EOF'\n#!/bin/sh\nexit 0\nEOF\nchmod +x /app/y\nexec /app/y\n"
    ),
    "writes over the program": Detour(
        'cat /bin/true > /app/x\nchmod 755 /app/x\nexec "$@"\n', args=["/app/x"]
    ),
    "writes by a variable": Detour('T=/app/x\ncat /bin/true > $T\nexec "$@"\n', args=["/app/x"]),
    "writes by tee": Detour('cat /bin/true | tee /app/x >/dev/null\nexec "$@"\n', args=["/app/x"]),
    "copies over the program": Detour('cp /bin/true /app/x\nexec "$@"\n', args=["/app/x"]),
    "removes what shadows": Detour(
        "rm -f /app/bin/true\nexec true\n", env={"PATH": "/app/bin:/bin:/usr/bin"}
    ),
    "removes modes of what shadows": Detour(
        "chmod 644 /app/bin/true\nexec true\n", env={"PATH": "/app/bin:/bin:/usr/bin"}
    ),
    "changes path of a tool": Detour(
        'PATH=/nowhere\nif ls >/dev/null 2>&1; then exec "$@"; fi\nexec /bin/true\n',
        args=["/app/x"],
    ),
    "changes directory to what it makes": Detour(
        'mkdir -p /new\ncd /new && exec /bin/true\nexec "$@"\n', args=["/app/x"]
    ),
    "loop counts": Detour(
        'i=0\nwhile [ $i -lt 3 ]; do i=$((i+1)); done\n[ $i -eq 3 ] && exec /bin/true\nexec "$@"\n',
        args=["/app/x"],
    ),
    "tests in parentheses": Detour(
        'if [ \\( 1 = 1 \\) ]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "tests newer": Detour(
        'if [ /bin -nt /nowhere ]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "tests writable": Detour(
        'if [ -w /app ]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "tests proc": Detour(
        'if [ -d /proc/self ]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "tests dev": Detour(
        'if [ -c /dev/null ]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "expands the status": Detour(
        'false\n[ $? = 1 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"]
    ),
    "reads its own lines": Detour(
        'while read l; do case $l in x) exec "$@";; esac; done <<EOF\na\nEOF\nexec /bin/true\n',
        args=["/app/x"],
    ),
    "subshell status": Detour(
        '(exit 3)\n[ $? = 3 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"]
    ),
    "array changed of bash": Detour(
        'a=(/app/x)\na[0]=/bin/true\nexec "${a[0]}"\n', args=["/app/x"], bash=True
    ),
    "ends by a redirection": Detour("exec /app/x >/nowhere/f\n"),
    "ends by its input": Detour('exec </nowhere/f\nexec "$@"\n', args=["/app/x"]),
    "writes over the program by a group": Detour(
        '{ cat /bin/true; } > /app/x\nexec "$@"\n', args=["/app/x"]
    ),
    "sets what is readonly": Detour('readonly A=1\nA=2\nexec "$@"\n', args=["/app/x"]),
    "strips what is unset": Detour('set -u\nA=${T#*/}\nexec "$@"\n', args=["/app/x"]),
    "counts with a word": Detour('A=a/b\nB=$((A+1))\nexec "$@"\n', args=["/app/x"]),
    "counts with what it has just set": Detour('T=a/b B=$((T+1))\nexec "$@"\n', args=["/app/x"]),
    "classes in a pattern": Detour(
        'case $1 in [[:alpha:]]*) exec /bin/true;; esac\nexec "$@"\n', args=["x"]
    ),
    "quotes in a stripped pattern": Detour(
        "A=ax\n[ \"${A#'a'}\" = x ] && exec /bin/true\nexec /app/x\n"
    ),
    "a trap where exec fails": Detour("A=/nowhere/x\ntrap /bin/true EXIT\nexec $A\n"),
    "a loop's status": Detour(
        'set -e\necho a | while read x; do [ 1 = 2 ]; done\nexec "$@"\n', args=["/app/x"]
    ),
    "evaluates nothing": Detour(
        'if false; then :; elif eval ""; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"]
    ),
    "tests before a wrapper of nothing": Detour('set -e\ncat /nowhere\n/usr/bin/env ""\n'),
    "returns from nowhere of bash": Detour(
        'set -e\n(return 0)\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "no such element of bash": Detour(
        'set -u\nT=${arr[0]}\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "counts no array of bash": Detour(
        'set -u\nU=${#arr[@]}\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "no element at the end of bash": Detour(
        'T=${arr[-1]}\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "a name that is none of bash": Detour('U=${!U}\nexec "$@"\n', args=["/app/x"], bash=True),
    "array removed of bash": Detour(
        "a=(/app/x /bin/true)\nunset 'a[0]'\nexec \"${a[@]}\"\n", args=["/app/x"], bash=True
    ),
    "bracket order of bash": Detour(
        'if [[ a < b ]]; then exec /bin/true; fi\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "bracket groups of bash": Detour(
        'if [[ ( -n a && -z b ) || -n c ]]; then exec /bin/true; fi\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "case of fall through of bash": Detour(
        'case $1 in /app/x) T=1 ;& none) exec /bin/true;; esac\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "nocasematch of bash": Detour(
        'shopt -s nocasematch\nif [[ $1 == /APP/X ]]; then exec /bin/true; fi\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "nocase in case of bash": Detour(
        'shopt -s nocasematch\ncase $1 in /APP/X) exec /bin/true;; esac\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "extglob of bash": Detour(
        'shopt -s extglob\ncase $1 in /app/@(x|y)) exec /bin/true;; esac\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "lastpipe of bash": Detour(
        "shopt -s lastpipe\nT=/app/x\necho /bin/true | read T\nexec $T\n",
        args=["/app/x"],
        bash=True,
    ),
    "declare i of bash": Detour(
        'declare -i n=2+3\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "declare n of bash": Detour(
        "T=/bin/true\nU=/app/x\ndeclare -n r=T\nexec $r\n", args=["/app/x"], bash=True
    ),
    "printf v of bash": Detour(
        "T=/app/x\nprintf -v T %s /bin/true\nexec $T\n", args=["/app/x"], bash=True
    ),
    "read a of bash": Detour(
        "T=(/app/x)\nread -ra T <<< /bin/true\nexec ${T[0]}\n", args=["/app/x"], bash=True
    ),
    "mapfile of bash": Detour(
        "mapfile -t T <<< /bin/true\nexec ${T[0]}\n", args=["/app/x"], bash=True
    ),
    "let of bash": Detour(
        'n=0\nlet n=n+1\n[ $n = 1 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "arithmetic sets of bash": Detour(
        'n=0\n(( n = 5 ))\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n', args=["/app/x"], bash=True
    ),
    "arithmetic in a word of bash": Detour(
        'n=0\n: $(( n += 5 ))\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "arithmetic for of bash": Detour(
        'for ((i=0;i<3;i++)); do :; done\n[ $i = 3 ] && exec /bin/true\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "ansi quotes of bash": Detour("T=$'/bin/tr\\x75e'\nexec $T\n", args=["/app/x"], bash=True),
    "brace expansion of bash": Detour("exec /bin/{true,false}\n", args=["/app/x"], bash=True),
    "brace expansion of words of bash": Detour(
        'set -- /bin/{true,x}\nexec "$1"\n', args=["/app/x"], bash=True
    ),
    "brace sequence of bash": Detour(
        'for i in {1..3}; do :; done\n[ $i = 3 ] && exec /bin/true\nexec "$@"\n',
        args=["/app/x"],
        bash=True,
    ),
    "err trap of bash": Detour(
        "set -E\ntrap 'exec /bin/true' ERR\nfalse\nexec \"$@\"\n", args=["/app/x"], bash=True
    ),
    "debug trap of bash": Detour(
        "trap 'exec /bin/true' DEBUG\n:\nexec \"$@\"\n", args=["/app/x"], bash=True
    ),
    "command not found of bash": Detour(
        "command_not_found_handle() { exec /bin/true; }\nnosuch\n", args=["/app/x"], bash=True
    ),
    "exec fails on of bash": Detour(
        'shopt -s execfail\nexec "$@"\nexec /bin/true\n', args=["/app/x"], bash=True
    ),
    "coproc of bash": Detour("coproc cat\nexec /bin/true\n", args=["/app/x"], bash=True),
    "select of bash": Detour(
        "select x in a; do :; done </dev/null\nexec /bin/true\n", args=["/app/x"], bash=True
    ),
    "time of bash": Detour("time true 2>/dev/null\nexec /bin/true\n", args=["/app/x"], bash=True),
    "printenv of bash": Detour(
        "export T=/bin/true\nexec $(printenv T)\n", args=["/app/x"], bash=True
    ),
}


@pytest.mark.parametrize("what", DETOURS)
def test_a_way_that_is_not_followed_is_not_refused(what: str) -> None:
    detour = DETOURS[what]
    shell = "/bin/bash" if detour.bash else "/bin/sh"
    tool = glibc_program() if detour.bash else musl_program()
    tools: Files = {f"bin/{name}": tool for name in (*TOOLS, "bash")}
    base: Files = debian() if detour.bash else alpine()
    files: Files = {
        **base,
        **tools,
        "entrypoint.sh": tarball.program(f"#!{shell}\n{detour.text}"),
        "app/x": BROKEN,
        "app/bin/true": BROKEN,
        **{path: tarball.program(text) for path, text in detour.files.items()},
    }
    env = detour.env or {"PATH": "/bin"}
    prediction = start(files, "/entrypoint.sh", *detour.args, env=env)
    assert prediction.outcome is not Outcome.CANNOT_START


def test_a_user_is_known_also_after_a_program_has_run() -> None:
    """T: as Docker's own entrypoint asks; ``rootlesskit`` is there for other users only."""
    script = '#!/bin/sh\nset -eu\n/app/tool\nif [ "$(id -u)" != 0 ]; then exec rootlesskit; fi\nexec "$@"\n'
    files = {
        **alpine(),
        "s": tarball.program(script),
        "app/tool": musl_program(),
        "bin/id": musl_program(),
    }
    env = {"PATH": "/bin"}
    assert (
        start({**files, "app/x": musl_program()}, "/s", "/app/x", env=env).outcome is Outcome.STARTS
    )
    assert start({**files, "app/x": BROKEN}, "/s", "/app/x", env=env).outcome is Outcome.UNKNOWN
