"""The images and registries that attacks need."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from support.elf_file import elf_file
from support.image import alpine, debian, glibc_program, lib
from support.oci import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Blob, image, json_blob, manifest_of
from support.registry import Answer, Registry
from support.tarball import Item, program, tarball

ON = "ppc64le"
REGISTRIES = 11


def of_script(script: str) -> Blob:
    """An image of Alpine's shell and an entrypoint."""
    files = alpine(ON) | {"entrypoint.sh": program(script.encode())}
    return image([tarball(files)], platform=f"linux/{ON}", entrypoint=["/entrypoint.sh"])


def cuts() -> Blob:
    """A script of which each line tries thousands of cuts of a string against a pattern."""
    pattern = "*a" * 249 + "b"
    lines = ["#!/bin/sh", f"x={'a' * 4990}", f"p={pattern}", *["y=${x##$p}"] * 100, 'exec "$@"', ""]
    return of_script("\n".join(lines))


def letters() -> Blob:
    """A script with a word that is looked through anew from each of its letters."""
    return of_script(f'#!/bin/sh\n{"x" * 64_000} y\nexec "$@"\n')


def many_libraries(number: int = 20) -> Blob:
    """A program that needs many libraries, all of which are there."""
    names = [f"libmany{place}.so" for place in range(number)]
    found = {lib(ON, name): program(elf_file(ON, type=3, soname=name)) for name in names}
    files = {**debian(ON), **found, "app": glibc_program(ON, needed=["libc.so.6", *names])}
    return image([tarball(files)], platform=f"linux/{ON}", entrypoint=["/app"])


def heavy_manifest(number: int) -> Blob:
    """A manifest of 3 MB, nearly all of it an annotation of its only layer."""
    layer = Blob(f"{OCI_LAYER}+gzip", tarball({"app": program(elf_file(ON, type=2))}))
    settings = {"architecture": ON, "os": "linux", "config": {"Entrypoint": ["/app"]}}
    config = json_blob(OCI_CONFIG, settings | {"created-by": f"{number}"})
    manifest = manifest_of(OCI_MANIFEST, config, [layer])
    manifest["layers"][0]["annotations"] = {"x": f"{number}" + "y" * 3_000_000}
    return json_blob(OCI_MANIFEST, manifest, [config, layer])


def many_names(number: int = 100_000) -> Blob:
    """A layer of many empty files."""
    files: dict[str, Item | str | bytes] = {f"d{at // 1000}/f{at}": "" for at in range(number)}
    return image(
        [tarball(files | {"app": program(elf_file(ON, type=2))})],
        platform=f"linux/{ON}",
        entrypoint=["/app"],
    )


def layered(number: int, layers: int = 3) -> Blob:
    """An image of layers that no other has."""
    contents = [tarball({f"l{place}": f"{number}-{place}"}) for place in range(layers - 1)]
    app = tarball({"app": program(elf_file(ON, type=2)), "number": f"{number}"})
    return image([*contents, app], platform=f"linux/{ON}", entrypoint=["/app"])


def at_hand() -> dict[str, Blob]:
    """Images that are what they are, on the registry that all share."""
    shared = {
        "good": image(
            [tarball({"app": program(elf_file(ON, type=2))})],
            platform=f"linux/{ON}",
            entrypoint=["/app"],
        ),
        "script": of_script('#!/bin/sh\nset -e\nexec "$@"\n'),
        "glibc": many_libraries(),
        "cuts": cuts(),
        "letters": letters(),
        "names": many_names(),
        "slow": layered(0),
    }
    return shared | {f"manifest {number}": heavy_manifest(number) for number in range(30)}


def drip(registry: Registry, repository: str, blob: Blob, *, silent: bool = False) -> None:
    """Have a registry send an image's layers so slowly that they never end, or not at all."""
    for layer in blob.children[1:]:
        length = {"Content-Length": str(len(layer.data))}
        body = registry.drip(layer.data[:1], b"", 1.0) if silent else _slowly(registry, layer.data)
        registry.answer(f"/v2/{repository}/blobs/{layer.digest}", *[Answer(200, length, body)])


def _slowly(registry: Registry, data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        if registry.stopping.wait(0.3):
            return
        yield data[at : at + 1]


def strangers(
    stack: ExitStack, other_tenants: Mapping[str, Blob]
) -> tuple[dict[str, str], list[str]]:
    """Registries of the attacker's: the references of their images by name, and their hosts."""
    references, hosts = dict[str, str](), list[str]()
    for number in range(REGISTRIES):
        mine = {f"{kind}/x": {"1": layered(1000 * (number + 1))} for kind in ("drip", "silent")}
        false = {f"false/{name}": {"1": blob} for name, blob in other_tenants.items()}
        registry = stack.enter_context(Registry({**mine, **(false if not number else {})}))
        hosts.append(registry.host)
        for repository, tags in registry.images.items():
            drip(registry, repository, tags["1"], silent=repository.startswith("silent"))
            kind = repository.partition("/")[0]
            name = f"{kind} {number}" if kind != "false" else repository.replace("/", " ")
            digest = f"@{tags['1'].digest}" if kind == "false" else ":1"
            references[name] = f"{registry.host}/{repository}{digest}"
    return references, hosts
