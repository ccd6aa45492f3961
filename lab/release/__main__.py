"""``python -m lab.release``: make a release, or publish one that was made."""

import argparse
import asyncio
import sys
from pathlib import Path

from lab.fetched import LabError
from lab.release.build import Plan, release
from lab.release.parts import unpinned
from lab.release.publish import publish
from lab.release.signing import Key
from lab.release.version import is_clean, placeholders

_NO_ADDRESS = "https://REPLACE-BEFORE-RELEASE.example"


def main() -> None:
    """Parse, do, and say what was written or pushed."""
    parser = argparse.ArgumentParser(prog="python -m lab.release", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("make", help="write a release's folder")
    make.add_argument("version", help="the version, as pyproject.toml and Chart.yaml state it")
    make.add_argument("folder", type=Path)
    make.add_argument(
        "--image",
        type=Path,
        required=True,
        help="the image's layout (make image)",
    )
    make.add_argument("--registry", required=True, help="registry and path that users pull from")
    make.add_argument(
        "--downloads",
        metavar="URL",
        default=_NO_ADDRESS,
        help="where the release's files are downloaded from, for krew and Homebrew",
    )
    make.add_argument("--key", type=Path, help="sign with this key (PEM, ECDSA P-256)")
    make.add_argument(
        "--trial", action="store_true", help="allow placeholders and a dirty checkout"
    )
    push = verbs.add_parser("publish", help="push a release's image and chart")
    push.add_argument("folder", type=Path)
    push.add_argument("--registry", required=True, help="registry and path to push to")
    push.add_argument("--plain-http", action="store_true", help="speak HTTP without TLS")
    options = parser.parse_args()
    try:
        _make(options) if options.verb == "make" else _publish(options)
    except LabError as error:
        sys.exit(f"release: {error}")


def _make(options: argparse.Namespace) -> None:
    open_ends = placeholders()
    if open_ends and not options.trial:
        raise LabError(f"a person has still to fill in {'; '.join(open_ends)} (--trial ignores it)")
    if not options.trial and not is_clean():
        raise LabError("the checkout has changes that are not committed (--trial ignores them)")
    if options.downloads == _NO_ADDRESS and not options.trial:
        raise LabError("--downloads is missing: where the files are downloaded from")
    others = unpinned(options.image)
    if others and not options.trial:
        words = f"the image is not made of what requirements/debian.txt pins: {', '.join(others)}"
        raise LabError(f"{words} (make lock; --trial ignores it)")
    key = None
    if options.key:
        key = Key(options.key)
    plan = Plan(
        version=options.version,
        image=options.image,
        registry=options.registry,
        folder=options.folder,
        downloads=options.downloads,
        key=key,
    )
    written = [*release(plan), plan.folder / "oci"]
    sys.stdout.writelines(f"{path}\n" for path in written)


def _publish(options: argparse.Namespace) -> None:
    layout = options.folder / "oci"
    pushed = publish(layout, options.registry, plain_http=options.plain_http)
    sys.stdout.writelines(f"{reference}\n" for reference in asyncio.run(pushed))


if __name__ == "__main__":
    main()
