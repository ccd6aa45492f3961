"""``elfgate bundle``: policy bundles as files."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.options import add_insecure, add_policies, judging

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from elfgate.policy.bundle import Bundle
    from elfgate.policy.document import Document
    from elfgate.policy.verdict import Verdict

USAGE = "elfgate bundle build|sign|verify|inspect|test|eval|push|pull [OPTION]... [FILE]"
DESCRIPTION = """Make bundles of the policies, your own rules and your settings, as OPA loads
them: a gzipped tar, signed with ES256 over every file. The same content gives the same bytes."""
EPILOG = """what to do with a bundle:
  build -o FILE [--serial N] [--key PEM --key-id ID]
                                                 of the policies, with --rules and --config; \
signed if there is a key
  sign FILE --key PEM --key-id ID [-o FILE]      sign anew
  verify FILE --key PEM --key-id ID              with the public key
  inspect FILE                                   show its revision, its rules, who signed it, and \
its files (unverified)
  test [--rules DIR] [--config FILE]             run the tests of the rules, yours among them, and \
the shipped cases;
                                                 settings are held against the rules
  eval DOCUMENT [--rules DIR] [--config FILE]    judge a document, as `check --show-document` \
prints it: the verdict
  push FILE --to IMAGE --key PEM --key-id ID     into a registry, with the credentials of `docker \
login`, once the
                                                 signature is verified; --unverified pushes as it is
  pull IMAGE -o FILE --key PEM --key-id ID       from a registry, an OCI layout (oci:DIR) or an \
archive, verified

A bundle is loaded and judges known documents before it is built, signed or pushed. Webhooks that \
follow a location
refuse a bundle with a lower serial than the one in force: count it up with each release.

exit codes: 0 done; 1 a test failed, or the document is denied; 2 bad usage, files or keys, or a \
signature that does
not hold; 4 the bundle does not load, or judges known documents wrongly

examples:
  openssl ecparam -genkey -name prime256v1 -noout -out key.pem; openssl ec -in key.pem -pubout \
-out key.pub
  elfgate bundle build --rules rules --serial 7 --key key.pem --key-id release -o bundle.tar.gz
  opa run --server --bundle bundle.tar.gz --verification-key key.pub --verification-key-id release \
--signing-alg ES256
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "action", choices=tuple(_ACTIONS), metavar="ACTION", help="what to do (see below)"
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the bundle; for pull, its location"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the bundle to FILE"
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="PEM",
        help="sign with this private key, or verify with this public key",
    )
    parser.add_argument("--key-id", metavar="ID", help="the key's name in signatures")
    add_insecure(parser)
    parser.add_argument(
        "--serial",
        type=_serial,
        default=0,
        metavar="N",
        help="the bundle's number in the order of bundles: 1, 2, … (default: none)",
    )
    parser.add_argument("--to", metavar="IMAGE", help="push to this reference, which has a tag")
    parser.add_argument(
        "--unverified", action="store_true", help="push a bundle whose signature is not verified"
    )
    add_policies(parser)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    return _ACTIONS[options.action](options)


def _build(options: argparse.Namespace) -> int:
    from elfgate.policy import archive

    bundle = judging(options).bundle()
    _prove(bundle)
    contents = archive.files(bundle, serial=options.serial)
    if options.key is not None:
        contents = _signed(contents, options)
    _write(options, contents)
    sys.stdout.write(f"{bundle.revision}\n")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from elfgate.policy import archive

    contents = _contents(options)
    _prove(archive.read(contents, options.file))
    contents = _signed(contents, options)
    options.output = options.output or Path(options.file)
    _write(options, contents)
    return 0


def _verify(options: argparse.Namespace) -> int:
    from elfgate.policy import archive

    contents = _contents(options)
    _verified(contents, options)
    sys.stdout.write(f"{archive.read(contents, options.file).revision}\n")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from elfgate.policy import archive, signing

    contents = _contents(options)
    bundle = archive.read(contents, options.file)
    lines = [
        f"revision   {bundle.revision}",
        f"signed by  {', '.join(signing.key_ids(contents)) or 'nobody'}",
        f"serial     {archive.serial(contents) or 'none'}",
        f"own rules  {', '.join(bundle.own) or 'none'}",
        *(f"{digest}  {path}" for path, digest in signing.digests(contents).items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _test(options: argparse.Namespace) -> int:
    import asyncio

    from elfgate.policy import bundle, testing

    chosen = judging(options)
    if chosen.config is not None:  # tests have settings of their own
        bundle.load(
            chosen.folder,
            config=chosen.config,
            rules=chosen.rules,
            followed=chosen.followed,
        )
    report = asyncio.run(testing.examined(chosen.folder, chosen.rules))
    sys.stdout.write("".join(f"{line}\n" for line in (*report.failures, report.summary)))
    return 1 if report.failures else 0


def _eval(options: argparse.Namespace) -> int:
    import asyncio

    from pydantic import ValidationError

    from elfgate.errors import InputError
    from elfgate.policy.document import Document

    if not options.file:
        raise InputError("bundle eval needs a DOCUMENT")
    try:
        document = Document.model_validate_json(_bytes(Path(options.file)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InputError(f"{options.file} is no document: {place}: {first['msg']}") from None
    verdict = asyncio.run(_judged(options, document))
    sys.stdout.write(verdict.model_dump_json(indent=2) + "\n")
    return 0 if verdict.allowed else 1


async def _judged(options: argparse.Namespace, document: "Document") -> "Verdict":
    from elfgate.wiring import policies

    engine = await policies.engine(judging(options))
    try:
        return await engine.evaluate(document)
    finally:
        await engine.close()


def _push(options: argparse.Namespace) -> int:
    import asyncio

    from elfgate.errors import InputError
    from elfgate.images.reference import Reference
    from elfgate.policy import archive
    from elfgate.wiring.bundles import pushed

    if not options.to:
        raise InputError("bundle push needs --to IMAGE")
    reference = Reference.parse(options.to)
    if reference.digest:
        raise InputError(f"{options.to} cannot be pushed to", hint="name a tag")
    packed = _bytes(Path(options.file or ""))
    contents = archive.unpack(packed, options.file)
    if not options.unverified:
        _verified(contents, options)
    _prove(archive.read(contents, options.file))
    digest = asyncio.run(pushed(packed, reference, insecure=options.insecure_registry))
    sys.stdout.write(f"{reference.name}@{digest}\n")
    return 0


def _pull(options: argparse.Namespace) -> int:
    from elfgate.errors import InputError
    from elfgate.policy import archive
    from elfgate.settings.images import Registries
    from elfgate.wiring.bundles import pulled
    from elfgate.wiring.locator import Locator
    from elfgate.wiring.reading import Reading

    if not options.file:
        raise InputError("bundle pull needs to be told where the bundle is")
    registries = Registries(insecure=tuple(options.insecure_registry), loopback=True)
    locator = Locator(Reading(registries=registries))
    try:
        packed = pulled(locator, options.file)
    finally:
        locator.close()
    contents = archive.unpack(packed, options.file)
    _verified(contents, options)
    _write(options, contents)
    sys.stdout.write(f"{archive.read(contents, options.file).revision}\n")
    return 0


_ACTIONS: "Mapping[str, Callable[[argparse.Namespace], int]]" = {
    "build": _build,
    "sign": _sign,
    "verify": _verify,
    "inspect": _inspect,
    "test": _test,
    "eval": _eval,
    "push": _push,
    "pull": _pull,
}


def _signed(contents: "dict[str, bytes]", options: argparse.Namespace) -> "dict[str, bytes]":
    from elfgate.policy import archive, signing

    key = _key(options)
    return contents | {archive.SIGNATURES: signing.sign(contents, key, options.key_id)}


def _verified(contents: "dict[str, bytes]", options: argparse.Namespace) -> None:
    from elfgate.policy import signing

    signing.verify(contents, _key(options), options.key_id)


def _prove(bundle: "Bundle") -> None:
    """Refuse what every webhook would refuse."""
    import asyncio

    from elfgate.wiring import policies

    asyncio.run(policies.prove_bundle(bundle))


def _serial(text: str) -> int:
    from elfgate.policy.archive import MAX_SERIAL

    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MAX_SERIAL:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 2^53")
    return int(text)


def _key(options: argparse.Namespace) -> bytes:
    from elfgate.errors import InputError

    if options.key is None or not options.key_id:
        raise InputError(f"bundle {options.action} needs --key and --key-id")
    return _bytes(options.key)


def _contents(options: argparse.Namespace) -> "dict[str, bytes]":
    from elfgate.errors import InputError
    from elfgate.policy import archive

    if not options.file:
        raise InputError(f"bundle {options.action} needs a FILE")
    return archive.unpack(_bytes(Path(options.file)), options.file)


def _bytes(path: Path) -> bytes:
    from elfgate.given_file import contents
    from elfgate.policy.archive import MAX_PACKED

    return contents(path, MAX_PACKED)


def _write(options: argparse.Namespace, contents: "dict[str, bytes]") -> None:
    from elfgate.errors import InputError
    from elfgate.policy import archive

    if options.output is None:
        raise InputError(f"bundle {options.action} needs -o FILE")
    try:
        options.output.write_bytes(archive.pack(contents))
    except OSError as error:
        raise InputError(f"{options.output}: {error.strerror}") from None
