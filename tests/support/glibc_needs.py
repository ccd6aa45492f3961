"""A program that needs libfoo.so.1, in a Debian-like image."""

from collections.abc import Mapping
from typing import Any

from elfgate.linkage.report import Prediction
from support import tarball
from support.image import Files, debian, glibc_program, library, start

NAME = "libfoo.so.1"
ALL = ("amd64", "386", "arm64", "arm", "ppc64le", "s390x", "riscv64")
CACHE = "etc/ld.so.cache"
BAD = tarball.text("")  # a file that ends the start if it is opened


def good(on: str = "amd64", **options: Any) -> tarball.Item:
    return library(NAME, on, **options)


def needs_foo(
    files: Files,
    on: str = "amd64",
    *,
    version: str = "2.36",
    program: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Prediction:
    """Start /app/bin/p, which needs libfoo.so.1, in a Debian-like image with these files."""
    app = glibc_program(on, **{"needed": [NAME, "libc.so.6"], **(program or {})})
    return start({**debian(on, version), **files, "app/bin/p": app}, "/app/bin/p", on=on, **rest)
