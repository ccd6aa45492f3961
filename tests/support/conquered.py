"""A zygote whose children are conquered: they do what the test says instead of their work.

The patterns of added libraries name a predictor's deed, the layer's media type an indexer's, the document's name a
parer's. It follows the first question.
"""

import os
import re
from collections.abc import Callable, Sequence

from elfgate.isolation import zygote
from elfgate.isolation.frames import read_frame, write_all
from elfgate.isolation.messages import Job
from elfgate.isolation.typed import loads

_MOST = 64 << 20


def _spin(_: int) -> None:
    while True:
        pass


def _match(_: int) -> None:
    re.search(r"(a+)+$", "a" * 40 + "b")


def _eat(_: int) -> None:
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def _say_too_much(channel: int) -> None:
    write_all(channel, (1 << 30).to_bytes(4))
    while True:
        write_all(channel, b"x" * (1 << 20))


def _say_half(channel: int) -> None:
    write_all(channel, (100).to_bytes(4) + b"half")
    _sleep(channel)


def _say_half_and_end(channel: int) -> None:
    write_all(channel, (100).to_bytes(4) + b"half")


def _say_twice(channel: int) -> None:
    write_all(channel, 2 * ((4).to_bytes(4) + b"null"))
    _sleep(channel)


def _say(text: bytes) -> Callable[[int], None]:
    def deed(channel: int) -> None:
        write_all(channel, len(text).to_bytes(4) + text)
        _sleep(channel)

    return deed


def _open(_: int) -> None:
    os.open("/etc/passwd", os.O_RDONLY)


def _sleep(channel: int) -> None:
    read_frame(channel, _MOST)


DEEDS: dict[str, Callable[[int], None]] = {
    "spin": _spin,
    "match for ever": _match,
    "eat memory": _eat,
    "answer with a gigabyte": _say_too_much,
    "answer with half a frame": _say_half,
    "end within a frame": _say_half_and_end,
    "answer twice": _say_twice,
    "answer with garbage": _say(b"\xff\x00garbage"),
    "answer with another type": _say(b'["predictions"]'),
    "answer with a deep nest": _say(b"[" * 100_000),
    "miss layers that are none": _say(b'[[7],null,null,null,"",false,""]'),
    "answer with nothing": _say(b'[null,null,null,null,"",false,""]'),
    "say nothing": _sleep,
    "index with garbage": _say(b"i" + b"garbage"),
    "fail with garbage": _say(b"f" + b"garbage"),
    "ask for a part that is none": _say(b"p[7,3]"),
    "ask for too large a part": _say(b"p[0,99999999999]"),
    "end": lambda _: None,
    "open a file": _open,
    "crash": lambda _: os.abort(),
}


def _work(descriptors: Sequence[int], settings: object) -> None:
    asked = read_frame(descriptors[0], _MOST)
    DEEDS[_deed(asked, settings)](descriptors[0])


def _deed(asked: bytes, settings: object) -> str:
    if isinstance(settings, list):
        return str(settings[0])
    if isinstance(settings, str):
        return settings
    return loads(Job, asked).descriptor.media_type


def main(descriptor: str) -> None:
    zygote.WORKS = {"predictor": _work, "indexer": _work, "parer": _work}
    zygote.main(descriptor)
