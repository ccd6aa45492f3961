"""Whatever is known less of a program that starts, elfgate never says that it does not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Outcome
from support import tarball
from support.image import Files
from support.starts import KNOWN, STARTING, Case, start


@pytest.mark.parametrize("name", STARTING)
def test_each_case_starts(name: str) -> None:
    case = STARTING[name]
    prediction = start(case, case.files, KNOWN, case.overrides)
    allowed = (Outcome.STARTS, Outcome.UNKNOWN) if name == "a tunable" else (Outcome.STARTS,)
    assert prediction.outcome in allowed, prediction.findings


@st.composite
def hidden_variables(draw: st.DrawFn, case: Case) -> frozenset[str]:
    names = [*case.overrides.get("env", {}), "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT"]
    return frozenset(draw(st.sets(st.sampled_from([*names, "GLIBC_TUNABLES", "*"]), max_size=3)))


def places(files: Files) -> list[str]:
    """Every directory and file of an image, and a few that it does not have."""
    made = {"/", "/none", "/opt", "/srv", "/etc", "/lib", "/usr/lib"}
    for path in files:
        parts = path.strip("/").split("/")
        made |= {"/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return sorted(made)


@st.composite
def less_known(draw: st.DrawFn) -> tuple[str, Files, NodeFacts, Mapping[str, Any]]:
    """A case of which less is known."""
    name = draw(st.sampled_from(sorted(STARTING)))
    case = STARTING[name]
    overrides = dict(case.overrides)
    unknown = draw(hidden_variables(case))
    env = {key: value for key, value in overrides.get("env", {}).items() if key not in unknown}
    overrides |= {"env": env, "unknown_env": unknown}
    overrides["mounts"] = tuple(draw(st.sets(st.sampled_from(places(case.files)), max_size=2)))
    if draw(st.booleans()):
        overrides["other_groups"] = True
    if draw(st.booleans()):
        overrides |= {"settled": False, "no_new_privileges": None}
    facts = draw(st.sets(st.sampled_from(["page_size", "cpu_level", "kernel", "runtime"])))
    unknown_facts: dict[str, Any] = dict.fromkeys(facts)
    node = replace(KNOWN, **unknown_facts)
    overrides |= draw(unknown_words(case))
    unread = draw(st.sets(st.sampled_from(sorted(case.files)), max_size=2))
    files = {path: _unread(item) if path in unread else item for path, item in case.files.items()}
    return name, draw(unlisted(files)), node, overrides


@st.composite
def unknown_words(draw: st.DrawFn, case: Case) -> Mapping[str, Any]:
    """A command line of the pod's own, some words of which hold values from elsewhere."""
    words = case.command, tuple(case.overrides.get("args", ()))
    unknown = [
        draw(st.sets(st.sampled_from(range(len(each))))) if each else set() for each in words
    ]
    command, args = (
        tuple(
            draw(st.sampled_from(["$(X)", "/$(X)", word])) if number in places else word
            for number, word in enumerate(each)
        )
        for each, places in zip(words, unknown, strict=True)
    )
    return {
        "command": command,
        "args": args,
        "unknown_command": frozenset(unknown[0]),
        "unknown_args": frozenset(unknown[1]),
    }


@st.composite
def unlisted(draw: st.DrawFn, files: Files) -> Files:
    """An image with a directory that could not be listed, with all that lies below it."""
    directories = [place[1:] for place in places(files) if place[1:] and place[1:] not in files]
    hidden = draw(st.sampled_from([None, *directories]))
    if hidden is None:
        return files
    kept = {path: item for path, item in files.items() if not path.startswith(f"{hidden}/")}
    return {**kept, hidden: tarball.Item("unreadable")}


def _unread(item: tarball.Item | str | bytes) -> tarball.Item | str | bytes:
    if isinstance(item, tarball.Item):
        return replace(item, kind="unreadable", data=b"") if item.kind == "file" else item
    return tarball.Item("unreadable")


@settings(max_examples=200, deadline=None)
@given(less_known())
def test_what_starts_is_never_refused_for_want_of_knowledge(
    given_case: tuple[str, Files, NodeFacts, Mapping[str, Any]],
) -> None:
    name, files, node, overrides = given_case
    prediction = start(STARTING[name], files, node, overrides)
    assert prediction.outcome is not Outcome.CANNOT_START, (name, prediction.findings)
