"""Scripts that start, each of a kind that was once refused: every row was run by the real shell."""

import pytest

from elfgate.linkage.shell.interpreter import follow
from elfgate.linkage.shell.syntax.dialect import (
    BASH,
    BASH_AS_SH,
    BUSYBOX,
    DASH,
    KSH,
    Dialect,
)
from elfgate.linkage.values import Unknown
from support.script_world import FakeWorld, ends, first_state

GOOD = ("/good",)
HOLDS = [
    (BASH, "f() { local x=$x; r=$x; }; x=a; f; [ $r = a ]"),
    (DASH, "f() { local x=$x-$y y=$x; r=$x,$y; }; x=a y=b; f; [ $r = a-b,a ]"),
    (BASH, "f() { local a=1 b=$a; r=$b; }; a=o; f; [ $r = o ]"),
    (BASH, "f() { local v=a; local v; r=${v-unset}; }; f; [ $r = a ]"),
    (BASH, 'f() { local a=("${a[@]}" x); r=${#a[@]}; }; a=(p); f; [ $r = 2 ]'),
    (BASH, "export a=1 b=$a; [ -z $b ]"),
    (BASH, "a=(); [[ ! -v a ]]"),
    (BASH, "a=(x); [[ -v a ]]"),
    (BASH, "x=a/b/c; [ ${x////-}${x///} = a-b-cabc ]"),
    (BUSYBOX, "x=a/b/c; [ ${x////-} = a-b-c ]"),
    (BUSYBOX, "x=a/b; [ ${x/#a/y} = a/b ]"),
    (BASH, "case a in a) r=1;& b) r=${r}2;; *) r=3;; esac; [ $r = 12 ]"),
    (BASH, "case ab in a*) r=1;;& b) r=${r}2;;& *b) r=${r}3;; *) r=4;; esac; [ $r = 13 ]"),
    (BASH, "case a in a) (exit 3);;& b) :;; esac; [ $? = 3 ]"),
    (BASH, "declare -n o=a; o=x; [ $a = x ]"),
    (BASH, "break; [ $? = 0 ]"),
    (BASH, "f() { break; r=in; }; for i in 1; do f; r=$r-after; done; [ $r = in-after ]"),
    (DASH, "for i in 1 2; do for j in 1; do break 9; done; r=no; done; [ -z $r ]"),
    (BASH, "false; case a in a) r=$?;; esac; [ $r = 1 ]"),
    (BASH, "false; case a in a) ;; esac; [ $? = 0 ]"),
    (BASH, "false; for i in 1; do r=$?; done; [ $r = 1 ]"),
    (BASH, "false; for i in; do :; done; [ $? = 0 ]"),
    (BASH, "false; while r=$?; false; do :; done; [ $r$? = 10 ]"),
    (BASH, "false; for ((i = 0; i < 1; i++)); do r=$?; done; [ $r = 1 ]"),
    (DASH, "true; r=$?$(false)$?; [ $?$r = 100 ]"),
    (BASH, "true; r=$?$(false)$?; [ $?$r = 101 ]"),
    (BASH, "[ $(echo /*/x) = /d/x ]"),
    (DASH, "f() { getopts ab: o; r=$r$o; }; f -a; f -b x; [ $r = ab ]"),
    (BASH, "f() { getopts ab: o; r=$r$o; }; f -a; f -b x; [ $r = 'a?' ]"),
    (BASH, "f() { local OPTIND=1; getopts ab: o; r=$r$o; }; f -a; f -b x; [ $r = ab ]"),
    (BUSYBOX, "set -e; { :; } > /nowhere/x; [ $? != 0 ]"),
    (BASH, "r=$(set -e; false; echo x); [ -z $r ]"),
    (BUSYBOX, "r=$(set -e; false; echo x) || :; [ -z $r ]"),
    (BASH, "r=$(set -e; false; echo x) || :; [ $r = x ]"),
    (BUSYBOX, ". /d/s q w; [ -z $1 ]"),
    (BUSYBOX, "f() { . /d/t q w; r=$1$#; }; f x y; [ $r = x2 ]"),
    (BASH, "f() { . /d/t q w; r=$1$#; }; f x y; [ $r = x2 ]"),
    (BASH, ". /d/t q w; [ $1$# = p1 ]"),
    (BASH, ". /d/s q w; [ -z $1 ]"),
    (BASH, "exec --nope; [ $? != 0 ]"),
    (BASH, "[ $[1 + 2] = 3 ]"),
    (DASH, "cd /d/x/..; [ $PWD = /d ]"),
    (DASH, "cd /nowhere/../d; [ $PWD = /d ]"),
    (BASH, "set -- /*/; [ $* = /d/ ]"),
    (DASH, "set -- /d/*/; [ $1 = '/d/*/' ]"),
    (DASH, "set -- -ab; getopts ab o; r=$o$OPTIND; getopts ab o; [ $r$o$OPTIND = a2b2 ]"),
    (BASH, "set -- -ab; getopts ab o; r=$o$OPTIND; getopts ab o; [ $r$o$OPTIND = a1b2 ]"),
    (BASH, 'x=4; [ "$[x * (2 + 1)]!" = 12! ]'),
    (DASH, "[ $[1] = '$[1]' ]"),
    (DASH, "f() { return 256; }; f || [ $? = 256 ]"),
    (BASH, "f() { return 256; }; f && [ $? = 0 ]"),
    (DASH, "(exit 256) && [ $? = 0 ]"),
    (BASH, "(exit 0400) || [ $? = 144 ]"),
    (DASH, "set -- -b; getopts :b: o; [ $o$OPTARG = :b ]"),
    (BASH, "set -- -z; getopts :b: o; [ $o$OPTARG = '?z' ]"),
    (BASH, "set -- a b c; eval last=\\${$#}; [ $last = c ]"),
]


@pytest.mark.parametrize(("dialect", "condition"), HOLDS)
def test_what_holds_in_the_real_shell_holds(dialect: Dialect, condition: str) -> None:
    world = FakeWorld(
        dialect,
        programs=frozenset({"cat"}),
        files={"/d/x": "", "/d/s": "shift", "/d/t": "set -- p"},
    )
    assert ends(f"{condition} && exec /good\nexec /none", world) == [GOOD]


MAY_HOLD = [
    (DASH, "(trap 'exit 0' EXIT; exec /none)"),
    (DASH, "x=$(trap 'echo t' EXIT; exec /none); [ $x = t ]"),
    (BUSYBOX, 'x=$(type -p cd); [ -n "$x" ]'),
    (BASH, "x=$(cd -); [ $x = / ]"),
    (BASH, 'x=$(shopt -p nullglob); [ -n "$x" ]'),
    (DASH, "x=$(umask -S); [ -n $x ]"),
    (DASH, "[ $((99999999999999999999)) -gt 0 ]"),
    (KSH, "x={a,b}; [ $x != '{a,b}' ]"),
    (KSH, '[ $"a" = a ]'),
    (BASH, 'x=$(set +o); [ -n "$x" ]'),
    (BASH, "hash -p /good x; [ $? = 0 ]"),
    (BASH, "set -e; (trap 'exit 0' EXIT; exec /none)"),
    (BASH, "x=$(trap 'echo t' EXIT; exec /none); [ $x = t ]"),
]


@pytest.mark.parametrize(("dialect", "condition"), MAY_HOLD)
def test_what_holds_in_the_real_shell_may_hold(dialect: Dialect, condition: str) -> None:
    assert GOOD in ends(f"{condition} && exec /good\nexec /none", FakeWorld(dialect))


MAY_END = [
    (DASH, "exec >&3"),
    (BASH_AS_SH, "exec 3>&1 3>&-; exec >&4"),
    (DASH, '[ "$(("5" + 1))" = 6 ]'),
    (BUSYBOX, "cd /d; . s"),
    (DASH, "kill -9 $$"),
    (BASH, "(exit 3) || kill -s TERM $$"),
]


@pytest.mark.parametrize(("dialect", "command"), MAY_END)
def test_what_ends_a_script_in_the_real_shell_may_end_it(dialect: Dialect, command: str) -> None:
    world = FakeWorld(dialect, {"PATH": "/bin"}, {"/d/s": ":"})
    assert "ends" in ends(f"{command}\nexec /none", world)


@pytest.mark.parametrize("dialect", [DASH, BASH, BUSYBOX])
def test_a_descriptor_that_the_script_has_opened_can_be_opened_again(dialect: Dialect) -> None:
    script = "set -e; exec 3>&1; : >&3; { :; } 4>&1 >&3; exec /none"
    assert ends(script, FakeWorld(dialect)) == [("/none",)]


@pytest.mark.parametrize("dialect", [BASH, BUSYBOX])
def test_options_of_exec_end_behind_the_name_of_its_program(dialect: Dialect) -> None:
    (ending,) = follow("exec -a x -- /good y", first_state(), FakeWorld(dialect)).endings
    assert ending.launch is not None
    assert (ending.launch.file, ending.launch.argv) == ("/good", ("x", "y"))


NUMBERS = [
    (DASH, "command -v nope", 127),
    (DASH, "type nope", 127),
    (BUSYBOX, "command -v nope cd", 127),
    (DASH, "type -t cd", 127),
    (DASH, "cd /nope", 2),
    (BASH, "cd /nope", 1),
    (BASH, "return 5", 2),
    (BASH, "set -o nope", 2),
    (BASH, "unset 'a b'", 0),
    (DASH, "cat < /nope", 2),
]


@pytest.mark.parametrize(("dialect", "command", "number"), NUMBERS)
def test_by_which_number_a_command_fails_is_a_matter_of_the_shell(
    dialect: Dialect, command: str, number: int
) -> None:
    script = f"{command}\n[ $? = {number} ] && exec /good\nexec /none"
    assert GOOD in ends(script, FakeWorld(dialect))


DIFFERS = [
    (BASH, '(trap "$U" EXIT; exit 1)'),
    (DASH, "PATH=/x; command -p tool; [ $? = 0 ]"),
    (BASH, "PATH=/x; [ -n $(command -pv tool) ]"),
    (DASH, "set -- a b; [ ${#@} = 2 ]"),
    (BUSYBOX, "x=o; f() { local x; r=${x-u}; }; f; [ $r = o ]"),
    (BUSYBOX, "x=o; f() { local x; r=${x-u}; }; f; [ $r = u ]"),
]


@pytest.mark.parametrize(("dialect", "condition"), DIFFERS)
def test_what_releases_of_a_shell_differ_in_is_not_known(dialect: Dialect, condition: str) -> None:
    script = f"{condition} && exec /good\nexec /none"
    world = FakeWorld(dialect, variables={"U": Unknown("a test says so")})
    assert set(ends(script, world)) == {GOOD, ("/none",)}


DOUBTS = [
    (BASH, "trap 'x=1' TERM; kill 12"),
    (BASH, "trap 'x=1' CHLD"),
    (KSH, "set -e; eval 'false; r=x' || r=y"),
]


@pytest.mark.parametrize(("dialect", "script"), DOUBTS)
def test_what_a_script_does_beside_its_commands_leaves_a_doubt(
    dialect: Dialect, script: str
) -> None:
    followed = follow(f"{script}\nexec /none", first_state(), FakeWorld(dialect))
    launches = [ending.launch for ending in followed.endings if ending.launch is not None]
    assert launches
    assert all(launch.doubt for launch in launches)


LOST = [
    (BASH, "f() { local -; set -f; }; f"),
    (BASH, "readonly R=1; R=2"),
    (BASH, "readonly R=1; export R=2"),
    (BASH, "set +B; [ $(echo {a,b}) = '{a,b}' ]"),
    (BASH, "set +o braceexpand; [ $(echo {a,b}) = '{a,b}' ]"),
    (BASH, "exec -a x -c /good"),
    (BASH, "shopt -s failglob; a=(/nope/*)"),
    (DASH, "case b in a) ;& b) ;; esac"),
    (BUSYBOX, "f() { break; }; for i in 1; do f; exec /good; done"),
    (DASH, "r=$((f) || echo x)"),
    (BUSYBOX, "r=$((f) || echo x)"),
    (BASH, "((true\n)\necho a\n)"),
    (BASH, "trap 'x=1' TERM; kill $$"),
    (BASH, 'read F; eval "$F"; exec $X'),
    (BASH, "read F; eval exec $F; exit"),
    (BASH, 'read F; eval exec "$F"; exit'),
    (KSH, "exec command /good"),
    (KSH, "exec eval /good"),
]


@pytest.mark.parametrize(("dialect", "script"), LOST)
def test_what_shells_leave_in_their_own_way_is_not_followed(dialect: Dialect, script: str) -> None:
    assert "lost" in ends(f"{script}\nexec /none", FakeWorld(dialect))


def test_a_variable_of_a_function_that_another_one_unsets_may_show_what_is_behind_it() -> None:
    script = "g() { unset v; r=$v; }; f() { local v=2; g; }; v=/x; f; [ $r = /x ] && exec /good"
    assert ends(f"{script}; exec /none", FakeWorld(BASH)) == [GOOD, ("/none",)]
    assert ends(f"{script}; exec /none", FakeWorld(DASH)) == [("/none",)]


def test_a_name_without_a_value_ends_a_test_of_numbers_that_wants_all_to_be_set() -> None:
    assert ends("set -u; x=a; [[ $x -eq 1 ]]; exec /none", FakeWorld(BASH)) == ["ends"]


def test_a_number_with_a_zero_before_it_is_not_printed_as_it_is_written() -> None:
    script = "[ $(printf %d 010) = 8 ] && exec /good; exec /none"
    assert GOOD in ends(script, FakeWorld(BASH))


def test_where_a_name_may_match_a_pattern_its_files_are_not_known() -> None:
    world = FakeWorld(files={"/d/x": "", "/v/x": ""}, unknown=frozenset({"/v/x"}))
    (ending,) = follow("exec p /*/x", first_state(), world).endings
    assert ending.launch is not None
    assert ending.launch.more


@pytest.mark.parametrize(
    ("dialect", "number"),
    [(DASH, "-1"), (BUSYBOX, "-1"), (BASH, "1 2"), (DASH, "a"), (BUSYBOX, "+3"), (KSH, "a")],
)
def test_a_function_that_returns_no_number_may_end_the_script(
    dialect: Dialect, number: str
) -> None:
    script = f"f() {{ return {number}; }}; f; exec /none"
    assert ends(script, FakeWorld(dialect)) == ["ends", ("/none",)]


UNSET_ON_SOME_WAYS = "if [ $U = 1 ]; then unset X; else X=1; fi; "


@pytest.mark.parametrize("use", ["set -u; echo $X", "[[ -v X ]] || exit"])
def test_a_variable_that_is_unset_on_some_ways_may_end_a_script(use: str) -> None:
    world = FakeWorld(variables={"U": Unknown("a test says so"), "X": "0"})
    joining = f"r=$({UNSET_ON_SOME_WAYS}{use}; echo x) || exec /good"
    assert set(ends(f"{UNSET_ON_SOME_WAYS}{use}\nexec /none", world)) == {("/none",), "ends"}
    assert GOOD in ends(f"set -u; {joining}\nexec /none", world)
