"""The hash of a symbol's name in DT_GNU_HASH (glibc ``dl-new-hash.h``), by which symbols are known."""

from functools import lru_cache
from operator import mul

_SEED = 5381


def _powers(size: int) -> list[int]:
    """Powers of 33 modulo 2^32, down to 33^0."""
    return [pow(33, power, 1 << 32) for power in range(size - 1, -1, -1)]


_POWERS = _powers(512)  # as long as most names are


def hash_of(data: bytes) -> int:
    """The hash of a name's bytes, 32 bits."""
    size = len(data)
    if not size:
        return _SEED
    powers = _POWERS[-size:] if size < len(_POWERS) else _powers(size)
    total: int = _SEED * 33 * powers[0] + sum(map(mul, data, powers))
    return total & 0xFFFFFFFF


@lru_cache(maxsize=1 << 13)
def gnu_hash(name: str) -> int:
    """The hash of a name, 32 bits."""
    return hash_of(name.encode("utf-8", "surrogateescape"))
