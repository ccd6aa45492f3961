"""``elfgate attest``: sign an image's verdict and facts, and attach them to it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.forms import add_outputs, tell_plainly
from elfgate.cli.options import EPILOG_IMAGES, add_platforms, add_reading, reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from elfgate.linkage.report import Finding
    from elfgate.needs.facts import Needs
    from elfgate.scan.scanner import Linkage
    from elfgate.wiring.attest import Attested

USAGE = "elfgate attest IMAGE --key FILE [--push] [--platform OS/ARCH[/VARIANT]]... [-o FORMAT]"
DESCRIPTION = """Make two signed statements for each manifest of an image: the verdict (what its
program needs, and what comes of its start), and the facts (the indexes of its layers), from
which elfgate decides without its layers."""
EPILOG = f"""{EPILOG_IMAGES}
Statements are in-toto statements in DSSE envelopes, attached as OCI 1.1 referrers; registries \
without that API get
the fallback tag. With registries.attested, elfgate believes the facts of repositories that it is \
told a key for.

exit codes: 0 made (and pushed); 2 bad usage, or the image cannot be read; 3 nothing in it can be \
started

example:
  elfgate attest registry.example/team/app:1.2 --key attest.pem --push
"""

_UNPUSHED = "nothing is attached: --push attaches the statements, and -o json=FILE writes them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("image", metavar="IMAGE", help="what to attest (see below)")
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="sign with this private key (PEM, PKCS#8, ECDSA on P-256, without a password)",
    )
    parser.add_argument("--push", action="store_true", help="attach them to the image")
    add_platforms(
        parser,
        "only of this platform; may be repeated (default: every platform that the image offers)",
    )
    add_outputs(parser)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Make, attach, print, and return the exit code."""
    import asyncio

    from elfgate.cli.attest_output import AttestOutput
    from elfgate.given_file import KEY_BYTES, contents
    from elfgate.keys import Signer
    from elfgate.wiring.attest import attest

    key = Signer(contents(options.key, KEY_BYTES))
    work = attest(
        reading(options),
        options.image,
        options.platforms,
        key=key,
        stated=_stated,
        push=options.push,
    )
    made = asyncio.run(work)
    document = AttestOutput.of(options.image, made, pushed=options.push)
    tell_plainly(options, lambda: _text(options.image, made, pushed=options.push), document)
    return 0 if made else 3


def _stated(linkage: "Linkage", needs: "Needs | None") -> "Mapping[str, Any]":
    """Write what is stated of a platform; needs in the shape of ``elfgate needs``."""
    from elfgate.cli.needs_output import NeedsPlatform

    told = NeedsPlatform.of(linkage.platform, needs).model_dump(mode="json") if needs else None
    return {
        "platform": str(linkage.platform),
        "verdict": linkage.outcome.value,
        "argv": list(linkage.prediction.argv),
        "findings": [_finding(finding) for finding in linkage.prediction.findings],
        "needs": told,
    }


def _finding(finding: "Finding") -> "Mapping[str, Any]":
    return {
        "code": finding.code.value,
        "effect": finding.effect.value,
        "reason": finding.reason.value if finding.reason else None,
        "path": finding.path,
        "message": finding.message,
    }


def _text(image: str, made: "Sequence[Attested]", *, pushed: bool) -> str:
    if not made:
        return f"{image}: no statement was made, as no platform of the image has a program\n"
    lines = [
        f"{', '.join(map(str, each.platforms))}: {each.outcome}, {statement.kind}, "
        f"{statement.size} bytes"
        for each in made
        for statement in each.statements
    ]
    where = f"attached to {image}" if pushed else _UNPUSHED
    return "\n".join((*lines, where, ""))
