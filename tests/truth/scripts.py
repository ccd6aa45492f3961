"""Random scripts of expansions, tests and assignments, each of which ends in words that a shell can print.

A seed repeats a script. What is made is of the shell's own language alone: no program is called.
"""

import random
from collections.abc import Callable

_Maker = Callable[[], str]
_Step = Callable[[random.Random], str]
_LETTERS = "aabbcxAB01,.: -_=*\\'"
_PATTERNS = (
    "*",
    "?",
    "a*",
    "*a",
    "*,",
    ",*",
    "[ab]*",
    "[!a]*",
    "*.*",
    "a",
    "b?",
    "",
    ":*",
    "*[0-9]",
    "x",
)
_NAMES = ("x", "y", "z", "e", "u")  # ``e`` is empty, and ``u`` is never set
_LISTS = ('"$@"', "$@", '"$*"', "$*")
_BASH_LISTS = (
    '"${@:2}"', '"${@:1:1}"', '"${@: -1}"', "${@:2}", '"${a[@]}"', '"${a[*]}"', "${a[@]}", '"${a[@]:1}"',
    '"${a[@]:0:2}"', '"${#a[@]}"', '"${!a[@]}"', '"${a[-1]}"', '"${a[1]}"', '"$a"', '"${#a}"', '"${@^^}"',
    '"${a[@]#a}"', '"${a[@]/b/c}"', '"${@%%b*}"', '"${@/a/}"', '"${*:2}"', '"${a[@]:-none}"', '"${@:0}"',
    '"${a[@]+set}"', '"${b[@]}"', '"${b[@]:-none}"', '"${#b[@]}"', '"${#@}"', '"${#*}"', '"${a[@],,}"',
    '"${a[@]: -2:1}"', '"${a[x]}"',
)  # fmt: skip
_NUMBERS = (
    "0",
    "1",
    "7",
    "08",
    "010",
    "-1",
    "+3",
    " 4",
    "2 ",
    "",
    "a",
    "99999999999999999999",
    "0x10",
)
_SEPARATORS = (":", ",", " ", "", "a", ": ", "ab", "-")
_COMPARED = ("-eq", "-ne", "-lt", "-gt", "-le", "-ge")
_SPECIAL = (
    ":",
    "eval :",
    "set -- $*",
    "export w=1",
    "unset q",
    "shift 0",
    "f",
    "true",
    "command :",
)


def script(chance: random.Random, *, bash: bool) -> str:
    """Make a script whose result is what ``$@`` holds at its end.

    Args:
        chance: Makes it.
        bash: It may use what only bash has.
    """
    lines = ["f() { r=$1; return 0; }", *_values(chance)]
    if bash:
        lines.append(f"a=({' '.join(_quoted(_text(chance)) for _ in range(chance.randint(0, 4)))})")
    steps = (_assignment, _test, _case, _words, _separator, _loop, _function, _before)
    more: tuple[_Step, ...] = (_double, _list, _declared, _arithmetic)
    for _ in range(chance.randint(1, 4)):
        step = chance.choice((*steps, *more) if bash else steps)
        lines.append(step(chance))
    lines.append(
        f"set -- {' '.join(_word(chance, bash=bash) for _ in range(chance.randint(1, 4)))}"
    )
    return "\n".join(lines) + "\n"


def arguments(chance: random.Random) -> tuple[str, ...]:
    """Make the script's arguments."""
    return tuple(_text(chance) for _ in range(chance.randint(0, 4)))


def _text(chance: random.Random) -> str:
    return "".join(chance.choice(_LETTERS) for _ in range(chance.randint(0, 7)))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _values(chance: random.Random) -> list[str]:
    return ["e="] + [f"{name}={_quoted(_text(chance))}" for name in ("x", "y", "z")]


def _name(chance: random.Random) -> str:
    return chance.choice(_NAMES)


def _word(chance: random.Random, *, bash: bool, depth: int = 0) -> str:
    """A word; some in quotes."""
    if chance.random() < 0.2:
        return chance.choice((*_LISTS, *_BASH_LISTS) if bash else _LISTS)
    inner = "".join(_part(chance, bash=bash, depth=depth) for _ in range(chance.randint(1, 2)))
    return f'"{inner}"' if chance.random() < 0.6 else inner


def _part(chance: random.Random, *, bash: bool, depth: int) -> str:
    name = chance.choice((*_NAMES, "1", "2", "#", "?", "r"))
    makers: list[_Maker] = [
        lambda: f"${name}",
        lambda: f"${{{name}}}",
        lambda: f"${{#{_name(chance)}}}",
        lambda: f"${{{_name(chance)}{chance.choice(('#', '##', '%', '%%'))}{_pattern(chance)}}}",
        lambda: f"$(({chance.randint(0, 20)} {chance.choice('+-*')} {chance.randint(1, 9)}))",
        lambda: f"$(echo {_name(chance)})",
        lambda: chance.choice(("q", "7", "A.b")),
    ]
    if depth < 2:
        makers.append(lambda: _default(chance, bash=bash, depth=depth))
    if bash:
        makers += [lambda: _replaced(chance), lambda: _sliced(chance), lambda: _cased(chance)]
    return chance.choice(makers)()


def _pattern(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return f'"{chance.choice(("*", "a", "b"))}"'
    return chance.choice(_PATTERNS) if chance.random() < 0.8 else f"${_name(chance)}"


def _default(chance: random.Random, *, bash: bool, depth: int) -> str:
    operator = chance.choice((":-", "-", ":+", "+", ":=", "="))
    name = _name(chance) if "=" in operator else chance.choice((*_NAMES, "1", "3", "@", "*"))
    return f"${{{name}{operator}{_part(chance, bash=bash, depth=depth + 1)}}}"


def _replaced(chance: random.Random) -> str:
    where = chance.choice(("/", "//", "/#", "/%"))
    pattern = chance.choice(("a", "b*", "?", "[ab]", ".", ""))
    return f"${{{_name(chance)}{where}{pattern}/{chance.choice(('', 'Q', '$y'))}}}"


def _sliced(chance: random.Random) -> str:
    offset = chance.choice(("0", "1", "2", " -1", " -3", "9"))
    length = chance.choice(("", ":1", ":2", ":0", ": -1"))
    return f"${{{_name(chance)}:{offset}{length}}}"


def _cased(chance: random.Random) -> str:
    return f"${{{_name(chance)}{chance.choice(('^', '^^', ',', ',,'))}}}"


def _assignment(chance: random.Random) -> str:
    return f"{chance.choice('xyz')}={_word(chance, bash=False)}"


def _test(chance: random.Random) -> str:
    one, other = (_operand(chance) for _ in range(2))
    tests = (
        f"{one} = {other}",
        f"{one} != {other}",
        f"-n {one}",
        f"-z {one}",
        one,
        f"! {one}",
        f"{_number(chance)} {chance.choice(_COMPARED)} {_number(chance)}",
        f"{one} -a {other}",
        f"{one} = {other} -o -n {one}",
        f"\\( {one} = {other} \\)",
        f"! -z {one}",
    )
    return _decided(f"[ {chance.choice(tests)} ]", chance)


def _operand(chance: random.Random) -> str:
    return chance.choice(
        (f'"${_name(chance)}"', '"$1"', "a", '""', '"${x:-b}"', '"$#"', "$1", f"${_name(chance)}")
    )


def _number(chance: random.Random) -> str:
    return chance.choice((_quoted(chance.choice(_NUMBERS)), '"$#"', '"${#x}"', "3"))


def _decided(test: str, chance: random.Random) -> str:
    form = chance.choice(
        (
            "if {0} 2>/dev/null; then r=yes; else r=no$?; fi",
            "{0} 2>/dev/null && r=yes || r=no",
            "{0} 2>/dev/null; r=$?",
        )
    )
    return form.format(test)


def _case(chance: random.Random) -> str:
    branches = "".join(f"{_pattern(chance) or chr(34) * 2}) r={number};; " for number in range(3))
    return f'case "${_name(chance)}" in {branches}*) r=else;; esac'


def _words(chance: random.Random) -> str:
    return f"set -- {' '.join(_word(chance, bash=False) for _ in range(chance.randint(0, 3)))}"


def _separator(chance: random.Random) -> str:
    return chance.choice(
        (f"IFS={_quoted(chance.choice(_SEPARATORS))}", "unset IFS", f"set -f; IFS={_quoted(':')}")
    )


def _loop(chance: random.Random) -> str:
    words = chance.choice(("", f"in {_word(chance, bash=False)}", 'in "$@"', "in $x $y"))
    return chance.choice((
        f"r=; for i {words}; do r=$r,$i; done",
        "while [ $# -gt 2 ]; do shift; done",
        "n=0; until [ $n -ge 3 ]; do n=$((n + 1)); done; r=$n",
        f"for i {words}; do case $i in a*) break;; *) r=$i; continue;; esac; r=never; done",
    ))  # fmt: skip


def _function(chance: random.Random) -> str:
    body = chance.choice((
        "local x; x=$1; r=$x", "shift 2>/dev/null; r=$#", "local x=$1 y; y=q", "set -- p q; r=$*", "return 3",
        "x=changed; unset y", "for j; do r=$r$j; done",
    ))  # fmt: skip
    return f"g() {{ {body}; }}; g {_word(chance, bash=False)} {_word(chance, bash=False)}; s=$?"


def _before(chance: random.Random) -> str:
    """An assignment before a command, which stays before some."""
    return f"{chance.choice('xyz')}={_word(chance, bash=False)} {chance.choice(_SPECIAL)}"


def _double(chance: random.Random) -> str:
    one, name = _operand(chance), _name(chance)
    number = chance.choice(("$#", "3", "08", "010", "n1", "-1", "$u"))
    tests = (
        f"{one} == {_pattern(chance) or chr(34) * 2}",
        f"{one} != {_pattern(chance) or chr(34) * 2}",
        f"-v {name}",
        f"-z ${name}",
        f"${name} =~ {chance.choice(('^a', 'b$', '^(a|b)+$', '[0-9]', '^$', 'a.b', '^a?b*$'))}",
        f"{number} {chance.choice(_COMPARED)} {chance.choice(('1', '8', '0'))}",
        f"{one} < b",
        f"-n {one} && ! ( {one} == a )",
    )
    return _decided(f"[[ {chance.choice(tests)} ]]", chance)


def _list(chance: random.Random) -> str:
    return chance.choice((
        f"a+=({_word(chance, bash=True)})", "a=()", f"a=({_word(chance, bash=True)} {_word(chance, bash=True)})",
        f"a[{chance.randint(0, 3)}]={_word(chance, bash=False)}", 'set -- "${a[@]}"', 'a=("$@")', "unset a", "b=()",
        f"x+={_word(chance, bash=False)}", "a+=b", 'a=("${a[@]:1}")',
        f"IFS=: read -r -a a <<< {_word(chance, bash=False)}",
    ))  # fmt: skip


def _declared(chance: random.Random) -> str:
    name, value = chance.choice("xyz"), _word(chance, bash=False)
    return chance.choice((
        f"h() {{ declare -g {name}={value}; }}; h", f"h() {{ declare {name}={value}; r=${name}; }}; h",
        f"h() {{ local {name}={value}; typeset -g {name}=outer; }}; h", f"declare {name}={value}",
        f"h() {{ local -a {name}; {name}=(1 2); r=${{#{name}[@]}}; }}; h", f"printf -v {name} '%s-%s' {value} q",
        f"export {name}={value}", f"h() {{ unset {name}; r=${{{name}-unset}}; }}; h", f"read -r {name} r <<< {value}",
    ))  # fmt: skip


def _arithmetic(chance: random.Random) -> str:
    one, other = chance.randint(0, 12), chance.randint(0, 12)
    return chance.choice((
        f"n={one}; (( n == {other} )) && r=same || r=other", f"(( n = {one} * {other}, n > 20 )); r=$?.$n",
        f"for ((i = 0; i < {other % 4}; i++)); do r=$r$i; done", f"let n={one}+{other}; r=$n",
        f"n={one}; r=$((n++ + ++n))",
        f"r=$(( {one} > {other} ? 1 : 2 ))", f"r=$(( {one} << 2 | {other} ))", f"r=$(( ~{one} ^ -{other} ))",
    ))  # fmt: skip
