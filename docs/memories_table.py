"""Writes docs/memories.md from the declarations of ``elfgate.memory``."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import elfgate
from elfgate.memory.declared import Memory, declared

PAGE = Path(__file__).with_name("memories.md")
_HEAD = """# Memories

All that one process keeps because making it again costs time. Each memory is bounded in bytes and
forgets first what was used longest ago; losing an entry costs time, and changes no answer. The \
metrics
`elfgate_memory_bytes`, `elfgate_memory_entries` and `elfgate_memory_evictions_total` have a \
series for
each ([webhook.md](webhook.md)).

Written by `make docs` from the declarations in the code (`elfgate.memory`).

| Memory | Holds | At most | For |
|---|---|---:|---|
"""


def page() -> str:
    """The page: a row a memory."""
    for name in _modules():
        importlib.import_module(name)
    return _HEAD + "".join(f"{_row(memory)}\n" for memory in declared())


def _row(memory: Memory) -> str:
    time = "as long as there is room" if memory.seconds is None else f"{memory.seconds:g} s"
    return f"| `{memory.name}` | {memory.holds} | {_size(memory.max_bytes)} | {time} |"


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"


def _modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(elfgate.__path__, "elfgate."):
        if not module.name.endswith("__main__"):
            yield module.name
