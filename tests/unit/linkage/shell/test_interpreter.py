"""What small scripts come to, in a made world."""

from dataclasses import replace

import pytest

from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.syntax.dialect import BASH, BASH_AS_SH, BUSYBOX, DASH, KSH, Dialect
from elfgate.linkage.values import Unknown
from elfgate.linkage.work import MOST
from support.script_world import FakeWorld, ends, first_state

ARGS = ("a", "b c", "d")
LISTS = [
    ('exec "$@"', ["a", "b c", "d"]),
    ("exec $@", ["a", "b", "c", "d"]),
    ('exec "${@:2}"', ["b c", "d"]),
    ('exec "${@:2:1}"', ["b c"]),
    ('exec "${@: -1}"', ["d"]),
    ('exec x "${@#b}"', ["x", "a", " c", "d"]),
    ('exec x "${@/ c/}"', ["x", "a", "b", "d"]),
    ('exec x "${@^^}"', ["x", "A", "B C", "D"]),
    ('exec x "${#@}"', ["x", "3"]),
    ('exec x "${@:-none}"', ["x", "a", "b c", "d"]),
    ('exec x "${@:+some}"', ["x", "some"]),
    ('a=(x "$@"); exec "${a[@]:1}"', ["a", "b c", "d"]),
    ('a=(x); a+=("$@"); exec "${a[@]}"', ["x", "a", "b c", "d"]),
    ('a=(); exec x ${a[@]+"${a[@]}"}', ["x"]),
    ('a=("$@"); exec x "${#a[@]}" "${!a[@]}"', ["x", "3", "0", "1", "2"]),
    ('IFS=/; exec "$*"', ["a/b c/d"]),
    ("IFS=:; p=x:y::z; exec $p", ["x", "y", "", "z"]),
    ("exec {x,y}{1..2}", ["x1", "x2", "y1", "y2"]),
]


@pytest.mark.parametrize(("script", "words"), LISTS)
def test_a_list_stays_a_list(script: str, words: list[str]) -> None:
    assert ends(script, FakeWorld(), *ARGS) == [tuple(words)]


TEXTS = [
    ("${x%.*}", "a/b.tar"),
    ("${x%%.*}", "a/b"),
    ("${x#*/}", "b.tar.gz"),
    ("${x##*.}", "gz"),
    ("${x/b/c}", "a/c.tar.gz"),
    ("${x//[.]/-}", "a/b-tar-gz"),
    ("${x:2:3}", "b.t"),
    ("${x: -2}", "gz"),
    ("${#x}", "10"),
    ("${x^}", "A/b.tar.gz"),
    ("${y:-$x}", "a/b.tar.gz"),
    ("${x:+y}", "y"),
    ("$((1 + 2 * 3 % 4))", "3"),
    ("$((010 + 0x10))", "24"),
    ("$(( x1 = 4, x1 << 2 ))", "16"),
    ("$((-7 / 2))", "-3"),
    ("$(echo a; echo b)", "a\nb"),
    ("$(nope || echo y)", "y"),
    ("$(command -v nope || echo y)", "y"),
    ("$(basename /x/y.sh .sh)", "y"),
    ("$(printf '%s-%d' a 3)", "a-3"),
    (r"$'a\tb'", "a\tb"),
    ("$(cat <<E\nx $((1+1))\nE\n)", "x 2"),
]


@pytest.mark.parametrize(("word", "value"), TEXTS)
def test_an_expansion_has_its_value(word: str, value: str) -> None:
    world = FakeWorld(programs=frozenset({"cat", "basename"}))
    quoted = word if word.startswith("$'") else f'"{word}"'
    assert ends(f"x=a/b.tar.gz; exec p {quoted}", world) == [("p", value)]


BOTH = ["/good", "/none"]
CONDITIONS = [
    ("[ 1 -lt 02 ]", True),
    ("[ 99999999999999999999 -gt 1 ]", False),
    ("[ +1 -eq 1 ]", True),
    ("[ $UNSET = x ]", False),
    ("[ \\( a = a \\) ]", True),
    ("[ ! a = b -a -n x ]", True),
    ("[ -v HOME ]", True),
    ("[ -v NOPE ]", False),
    ('[ "$PWD" = / ]', True),
    ("[[ 010 -eq 8 ]]", True),
    ("[[ abc == a*c ]]", True),
    ('[[ abc == "a*c" ]]', False),
    ("[[ run =~ ^(run|go)$ ]]", True),
    ("re='^[0-9]+$'; [[ 12 =~ $re ]]", True),
    ("re='^[0-9]+$'; [[ 1x =~ $re ]]", False),
    ("[[ a == @(a|b) && ! -e /nope ]]", True),
    ("N=8; (( N == 8 ))", True),
    ("f() { return 3; }; f; [ $? -eq 3 ]", True),
    ("command -v cat nope", True),
    ("declare -F f", False),
    ("case $(nope) in '') true;; *) false;; esac", True),
    ("n=0; while [ $n -lt 40 ]; do n=$((n+1)); done; [ $n = 40 ]", True),
    ("printf 'a b\\n' | { read x y; [ $y = b ]; }", True),
    ("pushd /d; popd; [ $PWD = / ]", True),
    ("set -- -ab x; getopts ab: o; [ $o$OPTIND = a1 ]", True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_a_condition_is_decided(condition: str, holds: bool) -> None:
    world = FakeWorld(
        variables={"HOME": "/root", "PWD": "/"},
        files={"/d/x": ""},
        programs=frozenset({"cat"}),
    )
    script = f"{condition}\nif [ $? = 0 ]; then exec /good; fi\nexec /none"
    assert ends(script, world) == [("/good" if holds else "/none",)]


UNSURE = [
    "mkdir -p /v/x",
    "touch /v/x",
    "rm -f /v/x",
    "date --nosuch",
    "sleep x",
    "sort -c",
    "seq x",
    "tr a",
    "find / -nosuch",
    "whoami",
    "sync /v/x",
    "umask 999",
    "trap : NOSUCH",
    "echo x > /v/x",
    '[ "$UNKNOWN" = x ]',
    "[ -e /v/x ]",
    "cd /v/x",
    ". /v/x",
    "(( UNKNOWN ))",
    "read x",
]


@pytest.mark.parametrize("command", UNSURE)
def test_where_it_is_not_known_both_ways_are_followed(command: str) -> None:
    tools = "mkdir touch rm date sleep sort seq tr find whoami sync"
    world = FakeWorld(
        variables={"UNKNOWN": Unknown("a test says so")},
        programs=frozenset(tools.split()),
        unknown=frozenset({"/v", "/v/x"}),
    )
    found = ends(f"{command} && exec /none\nexec /good", world)
    assert {("/none",), ("/good",)} <= set(found)


DIALECTS = [
    (DASH, "B=/x :", "/x"),
    (BASH, "B=/x :", "/none"),
    (BUSYBOX, "B=/x :", "/x"),
    (BASH_AS_SH, "B=/x :", "/x"),
    (KSH, "B=/x :", "/x"),
    (BASH, "f() { declare -g B=/x; }; f", "/x"),
    (BASH, "f() { declare B=/x; }; f", "/none"),
    (BASH, "B=/x; f() { local B; exec ${B:-/unset}; }; f", "/unset"),
    (DASH, "B=/x; f() { local B; exec ${B:-/unset}; }; f", "/x"),
    (BASH, "B=(); cd /d", "/none"),
    (BASH, "B=( ) # none\ncd /d", "/none"),
]


@pytest.mark.parametrize(("dialect", "script", "program"), DIALECTS)
def test_each_shell_runs_a_script_in_its_own_way(
    dialect: Dialect, script: str, program: str
) -> None:
    world = FakeWorld(dialect, files={"/d/x": ""})
    assert ends(f'{script}\nexec "${{B:-/none}}"', world) == [(program,)]


def test_a_missing_file_to_source_ends_a_posix_shell_and_not_bash() -> None:
    script = "( . /missing; true ) || exec /good\nexec /none"
    assert ends(script, FakeWorld(BASH_AS_SH)) == [("/good",)]
    assert ends(script, FakeWorld(BASH)) == [("/none",)]


def test_what_is_not_understood_counts_only_where_it_is_reached() -> None:
    assert ends("exec /good\nselect x in a; do :; done", FakeWorld()) == [("/good",)]
    assert ends("select x in a; do :; done", FakeWorld()) == ["lost"]


def test_an_array_in_dash_is_an_error_of_its_grammar() -> None:
    assert ends("a=(x)\nexec /good", FakeWorld(DASH)) == ["lost"]


@pytest.mark.parametrize("script", ["{\n# nothing\n}", "( )", "if :; then fi", "while :; do done"])
def test_a_body_without_a_command_is_an_error_of_the_grammar(script: str) -> None:
    assert ends(f"{script}\nexec /good", FakeWorld()) == ["lost"]


OUTSIDE = [
    ("x=a; f() { local x=b; declare -g x=c; }; f", "c"),
    ("x=a; f() { local x=b; declare -g x=c; y=$x; }; f; x=$y", "b"),
    ("x=a; f() { declare -g x=c; }; g() { f; }; g", "c"),
]


@pytest.mark.parametrize(("script", "value"), OUTSIDE)
def test_declare_g_sets_the_variable_outside(script: str, value: str) -> None:
    assert ends(f'{script}\nexec "$x"', FakeWorld()) == [(value,)]


def test_declare_g_behind_another_functions_variable_is_not_followed() -> None:
    script = "f() { declare -g x=c; }; g() { local x=b; f; }; g; exec $x"
    assert ends(script, FakeWorld()) == ["lost"]


OTHERWISE = [
    (BASH, 'exec x "${*-none}" "${e/#/y}" "${u/#/y}"', ("x", "none", "y", "")),
    (DASH, 'exec x "${*-none}" "${*+some}"', ("x", "", "some")),
    (BUSYBOX, 'exec x "${@+some}"', ("x", "some")),
    (BASH, 'exec x "${@+some}"', ("x",)),
    (BASH, 'exec x "${e:1: -1}"', ("x", "")),
]


@pytest.mark.parametrize(("dialect", "script", "words"), OTHERWISE)
def test_what_is_not_there_is_as_the_shell_takes_it(
    dialect: Dialect, script: str, words: tuple[str, ...]
) -> None:
    assert ends(f"e=\n{script}", FakeWorld(dialect)) == [words]


LISTS_SPLIT_AGAIN = [
    (BUSYBOX, "IFS=:; exec x $@", ("a:", "b")),
    (DASH, "IFS=-; exec x $*", ("-a", "b")),
    (BASH, "IFS=:; exec x $*", ("", "b")),
    (BASH, 'e=; set --; exec x "$e$@"', ()),
    (BASH, r'x=a; y=\\; exec x "${x/a/$y}"', ()),
]


@pytest.mark.parametrize(("dialect", "script", "args"), LISTS_SPLIT_AGAIN)
def test_what_releases_of_a_shell_split_in_their_own_way_is_not_known(
    dialect: Dialect, script: str, args: tuple[str, ...]
) -> None:
    (ending,) = follow(script, first_state(*args), FakeWorld(dialect)).endings
    assert ending.launch is not None
    assert ending.launch.more


def test_what_a_pattern_that_ends_in_a_backslash_leaves_is_not_known() -> None:
    assert ends(r"""y='\'; exec p "${y#$y}x" """, FakeWorld()) == [("p", "x")]
    assert ends(r"""y='\'; exec p "${y//$y}x" """, FakeWorld()) == [("p",)]  # no word that is known


GOOD, NONE = ("/good",), ("/none",)
OF_EACH = [
    (DASH, "[ -v HOME ]", [NONE]),
    (DASH, "[ ! -a /d/x ]", [GOOD]),
    (BUSYBOX, "[ -v HOME ]", [GOOD, NONE]),
    (DASH, "set -e; x=$(false; echo y) || :; [ -z $x ]", [GOOD]),
    (BASH, "set -e; x=$(false; echo y) || :; set +e; [ -z $x ]", [NONE]),
    (BASH, "k=$(< /d/x); [ $k = text ]", [GOOD]),
    (DASH, "k=$(< /d/x); [ $k = text ]", [NONE]),
    (BASH, "k=$(< /nope) || :; [ -z $k ]", [GOOD]),
    (BASH, "f() { local -n o=$1; o=x; }; out=y; f out; [ $out = x ]", [GOOD]),
    (BASH, "f() { local -n o=$1; o+=(x); }; a=(p); f a; [ ${#a[@]} = 2 ]", [GOOD]),
    (BASH, "f() { local -n o=a; }; a=p; f; o=q; [ $a = p ]", [GOOD]),
    (
        BASH,
        "f() { local -n o=$1; g b; o=x; }; g() { local -n o=$1; o=y; }; f a; [ $a$b = xy ]",
        [GOOD],
    ),
    (BASH, "declare -n o=a; o=x; [ $a = x ]", [GOOD]),
    (BASH, "f() { local -n o=a; unset o; }; a=x; f; [ $a = x ]", ["lost"]),
    (BASH, "a=(p q); n='a[@]'; set -- \"${!n}\"; [ $# = 2 ]", [GOOD]),
    (BASH, 'n=@; set -- "${!n}"; [ $# = 0 ]', [GOOD]),
    (BASH, "exec 3> /nowhere/x", [NONE]),
    (BASH, "exec true > /nowhere/x", [NONE]),
    (DASH, "(readonly R=1; unset R; true)", [NONE]),
    (DASH, "(export 1x=2; true)", [NONE]),
    (BASH, "export 1x=2", [NONE]),
    (BASH, "(export 1x=2; true)", [GOOD]),
    (DASH, "(unset 1x; true)", [NONE]),
    (BASH, "unset 1x", [GOOD, NONE]),
    (BUSYBOX, "(set -o nosuch; true)", [GOOD, NONE]),
    (BASH_AS_SH, "(set -o nosuch; true)", [GOOD, NONE]),
    (BASH_AS_SH, "(return 3; true)", [GOOD, NONE]),
    (KSH, "[ 010 -eq 8 ]", [GOOD, NONE]),
    (KSH, "[ $((010)) = 8 ]", [GOOD, NONE]),
    (KSH, "[ $((1 << 40)) = 0 ]", [GOOD, NONE]),
    (KSH, "hash nope", [GOOD, NONE]),
    (DASH, "case a in [^b]) true;; *) false;; esac", [GOOD, NONE]),
    (BASH, "case a in [^b]) true;; *) false;; esac", [GOOD]),
    (BASH, "readlink /d/x", [NONE]),
    (BASH, "coproc true", ["lost"]),
]


@pytest.mark.parametrize(("dialect", "condition", "found"), OF_EACH)
def test_each_shell_decides_in_its_own_way(
    dialect: Dialect, condition: str, found: list[tuple[str, ...] | str]
) -> None:
    world = FakeWorld(
        dialect,
        variables={"HOME": "/root"},
        files={"/d/x": "text"},
        programs=frozenset({"readlink", "false"}),
    )
    script = f"{condition}\nif [ $? = 0 ]; then exec /good; fi\nexec /none"
    programs = [one for one in ends(script, world) if one in (GOOD, NONE, "lost")]
    assert sorted(programs, key=str) == sorted(found, key=str)


@pytest.mark.parametrize(
    "script",
    [
        "if [ ( a = a ) ]; then exec /good; fi",
        "function 2>/dev/null",
        "{ ( true ) false; }",
        "f() true",
    ],
)
def test_what_no_shell_reads_is_an_error_of_the_grammar(script: str) -> None:
    assert ends(f"{script}\nexec /good", FakeWorld()) == ["lost"]


@pytest.mark.parametrize("expression", ["x++", "2 ** 3", "1, 2"])
def test_an_expression_that_dash_does_not_have_may_end_it(expression: str) -> None:
    script = f"[ $(({expression})) = 8 ]\nexec /good"
    assert "ends" in ends(script, FakeWorld(DASH))
    assert ends(script, FakeWorld(BASH)) == [GOOD]


def test_two_signs_are_no_step_in_dash() -> None:
    assert ends("x=3; exec p $((--x)) $x", FakeWorld(DASH)) == [("p", "3", "3")]
    assert ends("x=3; exec p $((--x)) $x", FakeWorld(BASH)) == [("p", "2", "2")]


def test_bash_as_sh_defines_no_function_of_another_name_than_a_variables() -> None:
    assert ends("f-g() { :; }; exec /good", FakeWorld(BASH_AS_SH)) == ["ends"]
    assert ends("f-g() { :; }; exec /good", FakeWorld(BASH)) == [GOOD]


NESTED = """\
for a in 1 2 3 4 5 6 7 8; do for b in 1 2 3 4 5 6; do for c in 1 2 3 4 5 6; do
  x=$(nproc); [ "$x" = "$a$b$c" ] && y=$a$b$c
done; done; done
exec /good
"""


def test_loops_within_loops_are_told_apart_only_as_long_as_that_is_cheap() -> None:
    world = FakeWorld(programs=frozenset({"nproc"}))
    assert ends(NESTED, world) == [GOOD]
    assert world.work.left > MOST / 2


def test_where_a_script_has_unset_path_nothing_that_is_searched_is_known() -> None:
    world = FakeWorld(programs=frozenset({"cat"}))
    assert ends("unset PATH; command -v cat && exec /none; exec /good", world) == [NONE, GOOD]
    (ending,) = follow("unset PATH; exec cat", first_state(), world).endings
    assert ending.launch is not None
    assert ending.launch.doubt


KNOWN_FILES = FakeWorld(
    variables={"PATH": "/bin"},
    files={"/app/conf": "a"},
    programs=frozenset({"touch", "rm", "cat", "good", "bad", "cp"}),
)


@pytest.mark.parametrize(
    ("before", "test"),
    [
        ("touch /app/made", "-f /app/made"),
        ("touch /app/made", "! -s /app/made"),
        ("rm -f /app/conf", "! -e /app/conf"),
        ("rm -f /app/conf; rm -f /app/none", "! -f /app/conf"),
    ],
)
def test_a_file_that_a_script_has_made_or_removed_is_known(before: str, test: str) -> None:
    text = f"{before}\nif [ {test} ]; then exec good; fi\nexec bad"
    assert ends(text, KNOWN_FILES) == [("good",)]


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("touch /app/made; cp /app/conf /app/made", "/app/made"),
        ("touch /app/made; echo a > /app/made", "/app/made"),
        ("touch /app/made; rm -f /app/m*", "/app/made"),
        ("touch /app/made; unknown-program", "/app/made"),
        ("touch /app/made & true", "/app/made"),
        ("touch /app/made | true", "/app/made"),
        ("rm -f /app/conf; echo a > /app/conf", "/app/conf"),
    ],
)
def test_what_a_script_may_have_changed_since_is_not_known(before: str, path: str) -> None:
    text = f"{before}\nif [ -s {path} ]; then exec good; fi\nexec bad"
    world = replace(KNOWN_FILES, programs=KNOWN_FILES.programs | {"unknown-program"})
    assert set(ends(text, world)) == {("good",), ("bad",)}


def test_a_list_that_grows_in_a_loop_of_unknown_turns_is_not_known_behind_it() -> None:
    world = FakeWorld(variables={"U": Unknown("a test says so")})
    grows = 'for i in $U; do a+=(--with "$i"); b="$b $i"; done'
    assert ends(f"{grows}\nexec /good", world) == [GOOD]
    counts = "n=0; for i in $U; do n=$((n + 1)); done"
    assert ends(f"{counts}\nexec /good", world) == [GOOD]
    assert set(ends(f"{counts}\n[ $n = 9 ] && exec /good\nexec /none", world)) == {GOOD, NONE}


def test_a_command_for_the_end_that_is_not_known_does_not_hide_what_a_script_comes_to() -> None:
    world = FakeWorld(variables={"U": Unknown("a test says so")})
    assert ends('trap "rm -f $U" EXIT\nexec /good', world) == [GOOD]
    assert ends('trap "rm -f $U" EXIT\n[ x ] || exit 1', world) == ["ends"]
