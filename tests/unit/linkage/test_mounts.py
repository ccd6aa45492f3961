"""Volumes that are mounted through the image's own symlinks. T marks what was also seen in real starts."""

from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.report import Outcome, Prediction
from support import tarball
from support.image import Files, debian, glibc_program, library, start, static_program

LINKS: Files = {
    "var/run": tarball.link("/run"),
    "bin": tarball.link("usr/bin"),
    "lib": tarball.link("usr/lib"),
    "usr/bin/good": static_program(),
    "current": tarball.link("releases/v1"),
    "releases/v1/": tarball.directory(),
}


def hidden(prediction: Prediction) -> bool:
    reasons = {finding.reason for finding in prediction.findings}
    return prediction.outcome is Outcome.UNKNOWN and reasons == {UnknownReason.UNDER_MOUNT}


@pytest.mark.parametrize(
    ("mount", "command"),
    [
        ("/var/run/app", "/run/app/prog"),
        ("/run/app", "/var/run/app/prog"),
        ("/lib/tools", "/usr/lib/tools/x"),
        ("/usr/lib/tools/", "/lib/tools/x"),
        ("/current", "/releases/v1/x"),
        ("/var/run/a/b", "/run/a/b/c/d"),
    ],
)
def test_a_volume_hides_and_brings_what_is_at_its_real_path(mount: str, command: str) -> None:
    """T."""
    assert hidden(start(LINKS, command, mounts=(mount,)))
    assert start(LINKS, command).outcome is Outcome.CANNOT_START


def test_a_volume_over_a_link_hides_what_the_link_leads_to() -> None:
    """T."""
    assert hidden(start(LINKS, "/usr/bin/good", mounts=("/bin",)))
    assert start(LINKS, "/usr/bin/good", mounts=("/binary",)).outcome is Outcome.STARTS


def test_a_link_that_leads_to_where_only_a_volume_is_may_lead_to_something() -> None:
    files: Files = {"app/prog": tarball.link("/data/bin/prog"), "data": tarball.link("/mnt/x")}
    assert hidden(start(files, "/app/prog", mounts=("/mnt/x",)))
    assert hidden(start(files, "/app/prog", mounts=("/data",)))


@pytest.mark.parametrize(
    "overrides",
    [{"env": {"PATH": "/run/app"}}, {"env": {"PATH": "/nowhere:/run/app/bin"}}],
)
def test_a_search_through_a_volume_finds_what_is_not_known(overrides: dict[str, Any]) -> None:
    assert hidden(start(LINKS, "prog", mounts=("/var/run/app",), **overrides))


def test_a_library_may_come_from_a_volume() -> None:
    needy = glibc_program(needed=["libx.so", "libc.so.6"], runpath="/run/app/lib")
    files = {**debian(), "var/run": tarball.link("/run"), "p": needy}
    assert start(files, "/p").outcome is Outcome.CANNOT_START
    assert hidden(start(files, "/p", mounts=("/var/run/app",)))
    there = {**files, "run/app/lib/libx.so": library("libx.so")}
    assert start(there, "/p").outcome is Outcome.STARTS
