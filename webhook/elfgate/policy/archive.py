"""A bundle as one file: what OPA loads, signs and verifies (OPA docs, "Bundles": a gzipped tar).

The same content gives the same bytes. What is read is hostile until its signature is verified:
bounded in bytes and entries, and nothing but plain files.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import orjson

from elfgate.errors import InputError
from elfgate.policy.aggregator import AGGREGATOR, aggregated
from elfgate.policy.bundle import Bundle, sealed
from elfgate.policy.config import PolicyConfig
from elfgate.policy.layers import configured

MANIFEST = ".manifest"
DATA = "data.json"
SIGNATURES = ".signatures.json"
MAX_PACKED = 16 << 20
MAX_SERIAL = 1 << 53  # the largest whole number that every JSON reader keeps exactly
_MAX_BYTES = 64 << 20  # unpacked
_MAX_FILES = 2_000


def files(bundle: Bundle, *, serial: int = 0) -> dict[str, bytes]:
    """The files of a bundle, by their path in it, in the order of the paths.

    Args:
        bundle: The bundle.
        serial: Its place in the order of bundles; 0 for none. Followers refuse a lower one than the
            one in force.
    """
    metadata: dict[str, object] = {"own": list(bundle.own)}
    if serial:
        metadata["serial"] = serial
    manifest = {
        "revision": bundle.revision,
        "roots": ["elfgate"],
        "rego_version": 1,
        "metadata": metadata,
    }
    written = {path: text.encode() for path, text in bundle.modules.items()}
    written[MANIFEST] = orjson.dumps(manifest)
    written[DATA] = bundle.json().encode()
    return dict(sorted(written.items()))


def serial(contents: Mapping[str, bytes]) -> int:
    """The serial in a bundle's manifest; 0 if it has none.

    Raises:
        InputError: if the manifest's serial is no whole number from 0 to 2^53.
    """
    try:
        number = orjson.loads(contents[MANIFEST])["metadata"].get("serial", 0)
    except (KeyError, TypeError, AttributeError, ValueError):
        return 0
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_SERIAL:
        raise InputError("the bundle's serial is no whole number from 0 to 2^53")
    return number


def write_out(bundle: Bundle, root: Path) -> None:
    """Write a bundle's files below a folder, as OPA reads them."""
    for name, content in files(bundle).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Write files into a gzipped tar.

    Sorted, without times, owners or anything else of the machine.
    """
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in sorted(contents.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def unpack(packed: bytes, source: str) -> dict[str, bytes]:
    """Read the files of a gzipped tar.

    Args:
        packed: Its bytes.
        source: What it is, for messages.

    Raises:
        InputError: if it is none, is too large, or holds a thing twice or anything but plain files.
    """
    if len(packed) > MAX_PACKED:
        raise InputError(f"{source} is larger than the {MAX_PACKED >> 20} MiB of a bundle")
    try:
        inflater = zlib.decompressobj(wbits=31)
        raw = inflater.decompress(packed, _MAX_BYTES)
        if inflater.unconsumed_tail or not inflater.eof or inflater.unused_data:
            raise InputError(
                f"{source} is cut off, or larger than the {_MAX_BYTES >> 20} MiB of a bundle"
            )
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            return _files(tar, source)
    except (zlib.error, tarfile.TarError, ValueError) as error:
        raise InputError(f"{source} is not a bundle: {error}") from None


def _files(tar: tarfile.TarFile, source: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for count, entry in enumerate(tar, 1):
        path = entry.name.removeprefix("./").removeprefix("/")
        if count > _MAX_FILES:
            raise InputError(f"{source} holds more than the {_MAX_FILES} files of a bundle")
        if entry.isdir():
            continue
        content = tar.extractfile(entry) if entry.isreg() else None
        if content is None or path in found or ".." in path.split("/"):
            raise InputError(
                f"{source} is not a bundle: {path[:200]!r} stands there twice, or is not a regular file"
            )
        found[path] = content.read()
    return found


def read(
    contents: Mapping[str, bytes], source: str, *, config: PolicyConfig | None = None
) -> Bundle:
    """Make a bundle of its files.

    Args:
        contents: By path.
        source: What it is, for messages.
        config: Laid over its settings.

    Raises:
        InputError: if they are no bundle of elfgate's, or the revision is of other files.
    """
    try:
        manifest = orjson.loads(contents[MANIFEST])
        settings = orjson.loads(contents[DATA])["elfgate"]["config"]
        modules = {
            path: text.decode() for path, text in sorted(contents.items()) if path.endswith(".rego")
        }
        revision, own = str(manifest["revision"]), tuple(map(str, manifest["metadata"]["own"]))
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{source} is not a bundle that elfgate built") from None
    name = revision.rpartition("-")[0]
    bundle = sealed(name, modules, settings, own)
    if bundle.revision != revision:
        raise InputError(
            f"{source} says it is revision {revision}, but its files are {bundle.revision}"
        )
    if config is None:
        return bundle
    laid = configured(settings, config)
    if aggregated(modules, laid, own) != aggregated(
        modules, settings, own
    ):  # else it stays as it was signed
        modules[AGGREGATOR] = aggregated(modules, laid, own)
    return sealed(name, modules, settings, own, config=config)
