"""Durations as Go writes them, which is how Kubernetes and containerd do: ``1h30m``, ``500ms``.

Source: Go's ``time.ParseDuration``.
"""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def seconds_of(text: object) -> object:
    """Seconds of a duration's text; what is no text is left to whoever checks it.

    Raises:
        ValueError: if it is no duration, or a negative one.
    """
    if not isinstance(text, str):
        return text
    if text == "0":
        return 0.0
    if not 0 < len(text) < 100 or not _WHOLE.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is not a duration such as 10m")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
