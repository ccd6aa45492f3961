"""Options that several verbs share, and what they are turned into."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.errors import InputError

if TYPE_CHECKING:
    from elfgate.cluster.workload import Workload
    from elfgate.settings import Settings
    from elfgate.wiring.policies import Judging
    from elfgate.wiring.reading import Reading

EPILOG_IMAGES = """IMAGE is one of
  registry.example/team/app:1.2    a registry reference (tag, digest or both)
  oci:DIR[:TAG]                    an OCI image layout folder; also oci:DIR@DIGEST, or oci:DIR:@0
                                   for its first image
  oci-archive:FILE[:TAG]           the same as a tar archive
  docker-archive:FILE[:NAME]       what `docker save` writes; here and above, - is standard input
  dir:ROOTFS                       an unpacked root file system (needs --platform)
  file:PROGRAM                     one program, as an image that has nothing else
"""


# Written out, as --help is to come at once; settings know them by linkage.start.Snapshotter.
_SNAPSHOTTERS = ("overlayfs", "native", "devmapper", "btrfs", "zfs", "blockfile", "fuse-overlayfs")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where images are read from and facts are kept."""
    group = parser.add_argument_group("reading images")
    group.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="REF=IMAGE",
        dest="images",
        help="read IMAGE (such as oci:DIR) in place of the reference REF, for example before the "
        "image is pushed; may be repeated",
    )
    group.add_argument(
        "--insecure-registry",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="speak plain HTTP to this registry (loopback registries are allowed anyway)",
    )
    group.add_argument(
        "--hosts-dir",
        action="append",
        default=[],
        metavar="DIR",
        type=Path,
        help="use the hosts.toml files in DIR, such as /etc/containerd/certs.d; may be repeated",
    )
    group.add_argument(
        "--by-table",
        action="store_true",
        help="trust the tables of contents of eStargz and zstd:chunked layers, and read only "
        "the files that may matter",
    )
    group.add_argument(
        "--attested",
        action="append",
        default=[],
        metavar="REPOSITORIES=FILE",
        help="believe facts that `elfgate attest` has attached to images of these repositories "
        "(a pattern), signed by the public key in FILE; may be repeated",
    )
    group.add_argument(
        "--docker-config",
        metavar="FILE",
        type=Path,
        help="take credentials from this config.json (default: the one in $DOCKER_CONFIG or "
        "~/.docker)",
    )
    group.add_argument(
        "--injected-library",
        action="append",
        default=[],
        metavar="PATTERN",
        help="nodes add this library to containers, such as 'libmydriver.so*'; an image that "
        "lacks it is unknown; may be repeated",
    )
    group.add_argument(
        "--snapshotter",
        choices=_SNAPSHOTTERS,
        metavar="NAME",
        help="the nodes unpack images with this snapshotter: overlayfs (also CRI-O and Docker), "
        "native (also rootless), devmapper, btrfs, zfs, blockfile or fuse-overlayfs; without "
        "it, an image that snapshotters unpack differently is unknown",
    )
    group.add_argument(
        "--isolation",
        choices=("required", "preferred", "none"),
        default="preferred",
        metavar="HOW",
        help="look into images in confined processes: required, preferred (default), "
        "or none, for images that you trust",
    )
    group.add_argument(
        "--no-progress",
        action="store_true",
        help="show no progress on a terminal",
    )
    add_store(group)


def add_platforms(parser: argparse.ArgumentParser, told: str) -> None:
    """Add the option that names platforms.

    Args:
        parser: The verb's.
        told: The help, in the verb's words.
    """
    parser.add_argument(
        "--platform",
        action="append",
        default=[],
        metavar="OS/ARCH[/VARIANT]",
        dest="platforms",
        help=told,
    )


def add_insecure(parser: argparse.ArgumentParser) -> None:
    """Add the option that names registries without TLS, for a verb that reads no images."""
    parser.add_argument(
        "--insecure-registry",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="speak plain HTTP",
    )


def add_store(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """Add the option that says where facts are kept."""
    parser.add_argument(
        "--store",
        metavar="FILE|URL",
        help="keep facts in this SQLite file (default: elfgate/facts.db in the user's cache), "
        "or on this Valkey or Redis server (valkey://HOST; its password in "
        "ELFGATE_STORE_PASSWORD)",
    )


def reading(options: argparse.Namespace, settings: "Settings | None" = None) -> "Reading":
    """How images are read, as those options say, and the settings where options are silent.

    Raises:
        InputError: if an ``--image`` is not REF=IMAGE.
    """
    from elfgate.wiring.reading import Reading

    given = Reading.of_options(options, pairs("--image", options.images), options.progress)
    return given.beside(settings) if settings else given


def check_named(images: Sequence[str], workloads: "Iterable[Workload]") -> None:
    """Refuse ``--image`` options of which no workload names any, and warn of those that none names.

    One list of images may serve many manifests, so that a name too many is no error beside one that
    is right.

    Raises:
        InputError: naming the first, and what was probably meant.
    """
    named = _named(workloads) if images else set()
    given = pairs("--image", images)
    strange = [name for name in given if _completed(name) not in named]
    for name in strange if named else ():
        hint = _meant(name, named)
        if len(strange) == len(given):
            raise InputError(f"--image {name} is in no workload", hint=hint)
        sys.stderr.write(
            f"elfgate: warning: --image {name} is in no workload{hint and f': {hint}'}\n"
        )


def _named(workloads: "Iterable[Workload]") -> set[str]:
    """The images that some workloads name, completed."""
    from elfgate.cluster.workload import parts_of

    return {
        _completed(image)
        for workload in workloads
        for part in parts_of(workload)
        for image in (*(each.image for each in part.containers), *part.image_volumes())
    }


def _meant(name: str, named: set[str]) -> str:
    from elfgate.likely import meant

    return meant(name, sorted(named))


def _completed(image: str) -> str:
    """An image's name as runtimes complete it; as it is, where that is none."""
    from elfgate.images.reference import Reference

    try:
        return str(Reference.parse(image))
    except InputError:
        return image


def add_policies(parser: argparse.ArgumentParser) -> None:
    """Add the options that say by which policies to judge."""
    parser.add_argument(
        "--policies", type=Path, metavar="DIR", help="this bundle instead of the one shipped"
    )
    parser.add_argument(
        "--rules", type=Path, metavar="DIR", help="your own rules in this folder too"
    )
    settings = parser.add_mutually_exclusive_group()
    settings.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the settings of this file, as `elfgate serve` has them",
    )
    settings.add_argument(
        "--values",
        type=Path,
        metavar="FILE",
        help="the settings that the chart makes of this file of values",
    )


def read_settings(options: argparse.Namespace) -> "Settings | None":
    """The settings of ``--config`` or ``--values``; None without.

    Raises:
        InputError: if they cannot be used.
    """
    if not (options.config or options.values):
        return None
    from elfgate.settings import Settings

    return Settings.read(options.config) if options.config else Settings.read_values(options.values)


def judging(options: argparse.Namespace) -> "Judging":
    """By what to judge, as those options say; what they do not say is as in the settings.

    Raises:
        InputError: if the settings cannot be used.
    """
    from elfgate.wiring.policies import Judging

    settings = read_settings(options)
    given = Judging.of_settings(settings.policies, served=False) if settings else Judging()
    return given.beside(options.policies, options.rules)


def pairs(option: str, texts: Sequence[str]) -> Mapping[str, str]:
    """Split ``NAME=VALUE`` texts.

    Raises:
        InputError: if one has no ``=``, or nothing before it.
    """
    split = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InputError(f"{option} {text!r} is not NAME=VALUE")
        split[name] = value
    return split
