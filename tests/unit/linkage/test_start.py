"""What is to be started is told in plain values, by which predictions are remembered: none of it may be left out."""

from dataclasses import fields, replace
from typing import Any

import pytest

from elfgate.linkage.inputs import NodeFacts, Overrides

OTHER: dict[str, Any] = {
    "command": ("/a",), "args": ("b",), "env": {"PATH": "/c"}, "unknown_env": frozenset({"D"}), "working_dir": "/e",
    "user": 1, "group": 2, "groups": frozenset({3}), "image_groups": False, "other_groups": True,
    "mounts": ("/f",), "no_new_privileges": True,
    "capabilities": frozenset({"NET_ADMIN"}), "dropped_capabilities": frozenset({"ALL"}), "privileged": True,
    "run_as_non_root": True, "unknown_command": frozenset({0}), "unknown_args": frozenset({1}),
    "read_only_root": True, "settled": True,
    "page_size": 4096, "cpu_level": "z14", "kernel": (6, 1, 0), "emulates": frozenset({"arm64"}), "runtime": "cri-o",
    "snapshotter": "native",
}  # fmt: skip


@pytest.mark.parametrize("whole", [Overrides(), NodeFacts()], ids=["overrides", "facts"])
def test_another_value_of_any_field_is_told(whole: Overrides | NodeFacts) -> None:
    for field in fields(whole):
        other = replace(whole, **{field.name: OTHER[field.name]})
        assert repr(other.cache_key()) != repr(whole.cache_key()), field.name
