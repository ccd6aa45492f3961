"""Functions of Rego, asked the same by chance in both engines: in regorus, in this process, and in OPA."""

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regorus

from . import opa

NOTHING = "nothing"
"""No value: an error in one engine may be no value in the other, which rules are to guard against."""

PACKAGE = "package asked\n\n"
TEXTS = (
    "",
    "a",
    "aaaa",
    "a.b",
    "a/b",
    "linux/arm/v7",
    "example/web:1.2",
    "sha256:0a",
    " a ",
    "A-b_C",
    "é",
    "ß",
    "日本",
    "😀x",
    "%",
    "%s",
    "1",
    "1.5",
    "-0",
    "true",
    "null",
    "[1]",
    '{"a": 1}',
    "YQ==",
    "6162",
    "\n",
    '"',
    "*",
    "a+",
    "[a-z]+",
    "<&>",
    "İ",
    "ΑΣ",
)
NUMBERS = (0, 1, -1, 2, 3, 7, 10, 16, 255, 4096, -17, 1000000, 0.5, -0.5, 1.5, 2.25)
WHOLE = tuple(number for number in NUMBERS if isinstance(number, int))
PATTERNS = (
    "a",
    "^a",
    "a$",
    "[a-z]+",
    "a+",
    "(a)(b)?",
    "a|b",
    "[^/]+",
    "^linux/(arm|amd64)$",
    "v[0-9]{1,3}",
    "[0-9]+\\.[0-9]+",
    "(?i)A",
    "^.$",
)
PLAIN = (
    "",
    "a",
    "aaaa",
    "abab",
    "linux/arm/v7",
    "linux/amd64",
    "example/web:1.2-rc1",
    "v1 v22",
    "A-b_C",
)
UUIDS = ("00000000-0000-4000-8000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
KEYS = ("a", "b", "name", "image", "")


@dataclass(frozen=True, eq=False)
class Function:
    """A function as OPA declares it.

    Attributes:
        name: Its name.
        infix: How it is written between two operands; empty if it is not.
        types: Of its arguments.
    """

    name: str
    infix: str
    types: tuple[Mapping[str, Any], ...]

    def call(self) -> str:
        """It called with the input's elements; sets are made of arrays, as JSON has none."""
        operands = [
            f"{{x | some x in input[{number}]}}" if kind["type"] == "set" else f"input[{number}]"
            for number, kind in enumerate(self.types)
        ]
        if self.infix:
            return f" {self.infix} ".join(operands)
        return f"{self.name}({', '.join(operands)})"

    def arguments(self, chance: random.Random) -> list[Any]:
        """Arguments by chance, of the types that it takes."""
        special = _SPECIAL.get(self.name)
        if special:
            return list(special(chance))
        return [value(chance, kind) for kind in self.types]


def functions(capabilities: Path) -> list[Function]:
    """The functions that a file of capabilities permits."""
    listed = json.loads(capabilities.read_text())["builtins"]
    return [
        Function(each["name"], each.get("infix", ""), tuple(each["decl"].get("args", [])))
        for each in listed
    ]


def value(chance: random.Random, kind: Mapping[str, Any], depth: int = 0) -> Any:
    """A value of a type, by chance."""
    if kind["type"] == "any" and kind.get("of"):
        return value(chance, chance.choice(kind["of"]), depth)
    name = kind["type"]
    if name == "any":
        name = chance.choice([*_PLAIN, "array", "object"] if depth < 2 else list(_PLAIN))
    if name in _PLAIN:
        return _PLAIN[name](chance)
    return _object(chance, kind, depth) if name == "object" else _array(chance, kind, depth)


_PLAIN: Mapping[str, Callable[[random.Random], Any]] = {
    "string": lambda chance: chance.choice(TEXTS) + chance.choice(("", "", *TEXTS)),
    "number": lambda chance: chance.choice(NUMBERS),
    "boolean": lambda chance: chance.random() < 0.5,
    "null": lambda _: None,
}


def _array(chance: random.Random, kind: Mapping[str, Any], depth: int) -> list[Any]:
    if kind.get("static"):
        return [value(chance, each, depth + 1) for each in kind["static"]]
    of = kind.get("dynamic") or kind.get("of") or {"type": "any"}
    return [value(chance, of, depth + 1) for _ in range(chance.randint(0, 4))]


def _object(chance: random.Random, kind: Mapping[str, Any], depth: int) -> dict[str, Any]:
    of = (kind.get("dynamic") or {}).get("value") or {"type": "any"}
    keys = chance.sample(KEYS, chance.randint(0, 3))
    return {key: value(chance, of, depth + 1) for key in keys}


def _regex(chance: random.Random) -> Iterator[Any]:
    yield chance.choice(PATTERNS)
    yield chance.choice(PLAIN)


def _whole(chance: random.Random) -> Iterator[Any]:
    yield chance.choice(WHOLE)
    yield chance.choice(WHOLE)


def _format(chance: random.Random) -> Iterator[Any]:
    """A format that own rules may have, with as many values."""
    parts = [chance.choice(("%s", "%v", "%%", " is ", "é")) for _ in range(chance.randint(0, 4))]
    yield "".join(parts)
    yield [
        value(chance, {"type": "string" if part == "%s" else "any"})
        for part in parts
        if part in {"%s", "%v"}
    ]


_SPECIAL: Mapping[str, Callable[[random.Random], Iterable[Any]]] = {
    "regex.match": _regex,
    "regex.split": _regex,
    "regex.find_n": lambda chance: [*_regex(chance), chance.choice((-1, 0, 1, 2))],
    "regex.find_all_string_submatch_n": lambda chance: [*_regex(chance), chance.choice((-1, 1, 2))],
    "regex.replace": lambda chance: [
        chance.choice(PLAIN),
        chance.choice(PATTERNS),
        chance.choice(PLAIN),
    ],
    "format_int": lambda chance: [chance.choice(WHOLE), chance.choice((2, 8, 10, 16))],
    "numbers.range": lambda chance: [chance.choice((0, 1, 7, -3)), chance.choice((0, 1, 7, -3))],
    "numbers.range_step": lambda chance: [
        chance.choice((0, 1, 7, -3)),
        chance.choice((0, 1, 7, -3)),
        chance.choice((1, 2, 5)),
    ],
    "count": lambda chance: [
        value(chance, {"type": chance.choice(("array", "object"))})
        if chance.random() < 0.7
        else chance.choice(PLAIN)
    ],
    "uuid.parse": lambda chance: [chance.choice(("", "a", *UUIDS))],
    "hex.decode": lambda chance: [chance.choice(("", "6162", "0A", "6", "zz"))],
    "sprintf": _format,
    "replace": lambda chance: [
        chance.choice(TEXTS),
        chance.choice(TEXTS[1:]),
        chance.choice(TEXTS),
    ],
    "array.slice": lambda chance: [
        value(chance, {"type": "array"}),
        chance.choice((-1, 0, 1, 2, 9)),
        chance.choice((-1, 0, 1, 2, 9)),
    ],
    "substring": lambda chance: [
        chance.choice(TEXTS),
        chance.choice((0, 1, 2, 9)),
        chance.choice((-1, 0, 1, 9)),
    ],
    "bits.lsh": lambda chance: [chance.choice(WHOLE), chance.choice((0, 1, 8))],
    "bits.rsh": lambda chance: [chance.choice(WHOLE), chance.choice((0, 1, 8))],
}


def same(one: Any, other: Any) -> bool:
    """Whether two answers are one value: 1 is 1.0, and no truth value."""
    return _told(one) == _told(other)


def _told(answer: Any) -> str:
    return json.dumps(_whole_if_it_is(answer), sort_keys=True)


def _whole_if_it_is(answer: Any) -> Any:
    if isinstance(answer, float) and answer.is_integer():
        return int(answer)
    if isinstance(answer, list):
        return [_whole_if_it_is(each) for each in answer]
    if isinstance(answer, dict):
        return {key: _whole_if_it_is(each) for key, each in answer.items()}
    return answer


def in_regorus(function: Function, asked: Sequence[list[Any]]) -> list[Any]:
    """What regorus says."""
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    answers = []
    engine = regorus.Engine()
    try:
        engine.add_policy("asked.rego", f"{PACKAGE}answer := {function.call()}\n")
    except RuntimeError:
        return [NOTHING] * len(asked)
    for arguments in asked:
        one = engine.clone()
        one.set_input_json(json.dumps(arguments))
        try:
            answer = json.loads(one.eval_rule_as_json("data.asked.answer"))
            answers.append(NOTHING if answer == "<undefined>" else answer)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            answers.append(NOTHING)
    return answers


def in_opa(asked: Mapping[Function, Sequence[list[Any]]], folder: Path) -> dict[str, list[Any]]:
    """What OPA says: one process for all."""
    assert opa.OPA
    names = {function: f"f{number}" for number, function in enumerate(asked)}
    text = [PACKAGE]
    for function, name in names.items():
        call = function.call().replace("input[", "arguments[")
        text.append(f"{name}_one(arguments) := {call}\n")
        text.append(
            f"{name} := [answer | some arguments in input.{name}; answer := {name}_or(arguments)]\n"
        )
        text.append(
            f"{name}_or(arguments) := [found] if found := {name}_one(arguments)\nelse := []\n"
        )
    (folder / "asked.rego").write_text("\n".join(text))
    given = {name: list(asked[function]) for function, name in names.items()}
    (folder / "input.json").write_text(json.dumps(given))
    done = subprocess.run(
        [
            opa.OPA,
            "eval",
            "--data",
            folder / "asked.rego",
            "--input",
            folder / "input.json",
            "--format",
            "raw",
            "data.asked",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    return {
        function.name: [found[0] if found else NOTHING for found in said[name]]
        for function, name in names.items()
    }
