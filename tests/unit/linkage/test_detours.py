"""Scripts that come to a good end past a program that cannot start, in ways that are not followed: none is refused.

Each was seen to start (T); those that are followed have their case in the truth lab, ``detours``.
"""

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

DETOURS: dict[str, tuple[bool, str, list[str], dict[str, str], dict[str, str]]] = {
    "status compared": (
        False,
        '"$@"\nrc=$?\nif [ $rc -ne 0 ]; then exit 0; fi\nexit $rc\n',
        ["/app/x"],
        {},
        {},
    ),
    "status in case": (
        False,
        '"$@"\ncase $? in 0) exit 1;; *) exit 0;; esac\n',
        ["/app/x"],
        {},
        {},
    ),
    "assignment by read": (
        False,
        "T=/app/x\nread T <<EOF\n/bin/true\nEOF\nexec $T\n",
        ["/app/x"],
        {},
        {},
    ),
    "assignment by getopts": (
        False,
        "T=/app/x\nwhile getopts t: o; do T=$OPTARG; done\nexec $T\n",
        ["-t", "/bin/true"],
        {},
        {},
    ),
    "assignment of arithmetic": (
        False,
        'n=1\nn=$((n+1))\n[ $n -eq 2 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "heredoc with a command": (
        False,
        "cat > /app/y <<'EOF'\n#!/bin/sh\nexit 0\nEOF\nchmod +x /app/y\nexec /app/y\n",
        [],
        {},
        {},
    ),
    "writes over the program": (
        False,
        'cat /bin/true > /app/x\nchmod 755 /app/x\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "writes by a variable": (
        False,
        'T=/app/x\ncat /bin/true > $T\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "writes by tee": (
        False,
        'cat /bin/true | tee /app/x >/dev/null\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "copies over the program": (False, 'cp /bin/true /app/x\nexec "$@"\n', ["/app/x"], {}, {}),
    "removes what shadows": (
        False,
        "rm -f /app/bin/true\nexec true\n",
        [],
        {},
        {"PATH": "/app/bin:/bin:/usr/bin"},
    ),
    "removes modes of what shadows": (
        False,
        "chmod 644 /app/bin/true\nexec true\n",
        [],
        {},
        {"PATH": "/app/bin:/bin:/usr/bin"},
    ),
    "changes path of a tool": (
        False,
        'PATH=/nowhere\nif ls >/dev/null 2>&1; then exec "$@"; fi\nexec /bin/true\n',
        ["/app/x"],
        {},
        {},
    ),
    "changes directory to what it makes": (
        False,
        'mkdir -p /new\ncd /new && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "loop counts": (
        False,
        'i=0\nwhile [ $i -lt 3 ]; do i=$((i+1)); done\n[ $i -eq 3 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests in parentheses": (
        False,
        'if [ \\( 1 = 1 \\) ]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests newer": (
        False,
        'if [ /bin -nt /nowhere ]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests writable": (
        False,
        'if [ -w /app ]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests proc": (
        False,
        'if [ -d /proc/self ]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests dev": (
        False,
        'if [ -c /dev/null ]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "expands the status": (
        False,
        'false\n[ $? = 1 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "reads its own lines": (
        False,
        'while read l; do case $l in x) exec "$@";; esac; done <<EOF\na\nEOF\nexec /bin/true\n',
        ["/app/x"],
        {},
        {},
    ),
    "subshell status": (
        False,
        '(exit 3)\n[ $? = 3 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "array changed of bash": (
        True,
        'a=(/app/x)\na[0]=/bin/true\nexec "${a[0]}"\n',
        ["/app/x"],
        {},
        {},
    ),
    "ends by a redirection": (False, "exec /app/x >/nowhere/f\n", [], {}, {}),
    "ends by its input": (False, 'exec </nowhere/f\nexec "$@"\n', ["/app/x"], {}, {}),
    "writes over the program by a group": (
        False,
        '{ cat /bin/true; } > /app/x\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "sets what is readonly": (False, 'readonly A=1\nA=2\nexec "$@"\n', ["/app/x"], {}, {}),
    "strips what is unset": (False, 'set -u\nA=${T#*/}\nexec "$@"\n', ["/app/x"], {}, {}),
    "counts with a word": (False, 'A=a/b\nB=$((A+1))\nexec "$@"\n', ["/app/x"], {}, {}),
    "counts with what it has just set": (
        False,
        'T=a/b B=$((T+1))\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "classes in a pattern": (
        False,
        'case $1 in [[:alpha:]]*) exec /bin/true;; esac\nexec "$@"\n',
        ["x"],
        {},
        {},
    ),
    "quotes in a stripped pattern": (
        False,
        "A=ax\n[ \"${A#'a'}\" = x ] && exec /bin/true\nexec /app/x\n",
        [],
        {},
        {},
    ),
    "a trap where exec fails": (False, "A=/nowhere/x\ntrap /bin/true EXIT\nexec $A\n", [], {}, {}),
    "a loop's status": (
        False,
        'set -e\necho a | while read x; do [ 1 = 2 ]; done\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "evaluates nothing": (
        False,
        'if false; then :; elif eval ""; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "tests before a wrapper of nothing": (
        False,
        'set -e\ncat /nowhere\n/usr/bin/env ""\n',
        [],
        {},
        {},
    ),
    "returns from nowhere of bash": (True, 'set -e\n(return 0)\nexec "$@"\n', ["/app/x"], {}, {}),
    "no such element of bash": (True, 'set -u\nT=${arr[0]}\nexec "$@"\n', ["/app/x"], {}, {}),
    "counts no array of bash": (True, 'set -u\nU=${#arr[@]}\nexec "$@"\n', ["/app/x"], {}, {}),
    "no element at the end of bash": (True, 'T=${arr[-1]}\nexec "$@"\n', ["/app/x"], {}, {}),
    "a name that is none of bash": (True, 'U=${!U}\nexec "$@"\n', ["/app/x"], {}, {}),
    "array removed of bash": (
        True,
        "a=(/app/x /bin/true)\nunset 'a[0]'\nexec \"${a[@]}\"\n",
        ["/app/x"],
        {},
        {},
    ),
    "bracket order of bash": (
        True,
        'if [[ a < b ]]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "bracket groups of bash": (
        True,
        'if [[ ( -n a && -z b ) || -n c ]]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "case of fall through of bash": (
        True,
        'case $1 in /app/x) T=1 ;& none) exec /bin/true;; esac\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "nocasematch of bash": (
        True,
        'shopt -s nocasematch\nif [[ $1 == /APP/X ]]; then exec /bin/true; fi\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "nocase in case of bash": (
        True,
        'shopt -s nocasematch\ncase $1 in /APP/X) exec /bin/true;; esac\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "extglob of bash": (
        True,
        'shopt -s extglob\ncase $1 in /app/@(x|y)) exec /bin/true;; esac\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "lastpipe of bash": (
        True,
        "shopt -s lastpipe\nT=/app/x\necho /bin/true | read T\nexec $T\n",
        ["/app/x"],
        {},
        {},
    ),
    "declare i of bash": (
        True,
        'declare -i n=2+3\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "declare n of bash": (
        True,
        "T=/bin/true\nU=/app/x\ndeclare -n r=T\nexec $r\n",
        ["/app/x"],
        {},
        {},
    ),
    "printf v of bash": (True, "T=/app/x\nprintf -v T %s /bin/true\nexec $T\n", ["/app/x"], {}, {}),
    "read a of bash": (
        True,
        "T=(/app/x)\nread -ra T <<< /bin/true\nexec ${T[0]}\n",
        ["/app/x"],
        {},
        {},
    ),
    "mapfile of bash": (True, "mapfile -t T <<< /bin/true\nexec ${T[0]}\n", ["/app/x"], {}, {}),
    "let of bash": (
        True,
        'n=0\nlet n=n+1\n[ $n = 1 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "arithmetic sets of bash": (
        True,
        'n=0\n(( n = 5 ))\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "arithmetic in a word of bash": (
        True,
        'n=0\n: $(( n += 5 ))\n[ $n = 5 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "arithmetic for of bash": (
        True,
        'for ((i=0;i<3;i++)); do :; done\n[ $i = 3 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "ansi quotes of bash": (True, "T=$'/bin/tr\\x75e'\nexec $T\n", ["/app/x"], {}, {}),
    "brace expansion of bash": (True, "exec /bin/{true,false}\n", ["/app/x"], {}, {}),
    "brace expansion of words of bash": (
        True,
        'set -- /bin/{true,x}\nexec "$1"\n',
        ["/app/x"],
        {},
        {},
    ),
    "brace sequence of bash": (
        True,
        'for i in {1..3}; do :; done\n[ $i = 3 ] && exec /bin/true\nexec "$@"\n',
        ["/app/x"],
        {},
        {},
    ),
    "err trap of bash": (
        True,
        "set -E\ntrap 'exec /bin/true' ERR\nfalse\nexec \"$@\"\n",
        ["/app/x"],
        {},
        {},
    ),
    "debug trap of bash": (
        True,
        "trap 'exec /bin/true' DEBUG\n:\nexec \"$@\"\n",
        ["/app/x"],
        {},
        {},
    ),
    "command not found of bash": (
        True,
        "command_not_found_handle() { exec /bin/true; }\nnosuch\n",
        ["/app/x"],
        {},
        {},
    ),
    "exec fails on of bash": (
        True,
        'shopt -s execfail\nexec "$@"\nexec /bin/true\n',
        ["/app/x"],
        {},
        {},
    ),
    "coproc of bash": (True, "coproc cat\nexec /bin/true\n", ["/app/x"], {}, {}),
    "select of bash": (
        True,
        "select x in a; do :; done </dev/null\nexec /bin/true\n",
        ["/app/x"],
        {},
        {},
    ),
    "time of bash": (True, "time true 2>/dev/null\nexec /bin/true\n", ["/app/x"], {}, {}),
    "printenv of bash": (True, "export T=/bin/true\nexec $(printenv T)\n", ["/app/x"], {}, {}),
}


@pytest.mark.parametrize("what", DETOURS)
def test_a_way_that_is_not_followed_is_not_refused(what: str) -> None:
    bash, script, argv, texts, env = DETOURS[what]
    shell = "/bin/bash" if bash else "/bin/sh"
    tools: Files = {
        f"bin/{name}": musl_program() if not bash else glibc_program() for name in (*TOOLS, "bash")
    }
    base: Files = debian() if bash else alpine()
    files: Files = {
        **base,
        **tools,
        "entrypoint.sh": tarball.program(f"#!{shell}\n{script}"),
        "app/x": BROKEN,
        "app/bin/true": BROKEN,
        **{path: tarball.program(text) for path, text in texts.items()},
    }
    assert (
        start(files, "/entrypoint.sh", *argv, env=env or {"PATH": "/bin"}).outcome
        is not Outcome.CANNOT_START
    )


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
