"""The policies as one bundle: Rego modules, data and a revision that tells one from another.

The folder is OPA's own bundle format (OPA docs, "Bundles"): ``.manifest``, ``data.json`` and
``*.rego``, so that ``opa run --bundle policies`` reads the very same files.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

from elfgate.errors import InputError
from elfgate.likely import meant
from elfgate.policy.annotation import annotation
from elfgate.policy.config import PolicyConfig
from elfgate.policy.parameters import parameters

RULES = "elfgate.rules"
AGGREGATOR = "elfgate/main/found.rego"
_AGGREGATED = "# Written by `make docs` from the folders in policies/rules."
_SHIPPED = """\
shipped := object.union(others, taken)

taken := predicted if count(by_code) > 0

default taken := {}

by_code := data.elfgate.lib.found.by_code
"""
_PACKAGE = re.compile(r"^package\s+(\S+)", re.MULTILINE)
_MAX_BYTES = 4 << 20  # one file of a bundle
_MAX_FILES = 2_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bundle that an engine loads.

    Attributes:
        modules: Rego sources by their path in the bundle, in the order of the paths.
        data: The document under ``data``, with the revision in ``data.elfgate.revision``.
        revision: The manifest's revision and a digest of modules and data: equal if and only if
            these are.
        own: The names of rules that did not come with elfgate.
    """

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    own: tuple[str, ...] = ()

    def json(self) -> str:
        """The data as JSON, its keys sorted."""
        return orjson.dumps(self.data, option=orjson.OPT_SORT_KEYS).decode()


def load(
    folder: Path | None = None,
    *,
    config: PolicyConfig | None = None,
    rules: Path | None = None,
    tests: bool = False,
    followed: bool = False,
) -> Bundle:
    """Read a bundle's folder.

    Args:
        folder: Where; None for the bundle that comes with elfgate.
        config: Laid over ``data.elfgate.config``, key by key.
        rules: A folder of further rules, each in a package ``elfgate.rules.NAME``.
        tests: Take ``*_test.rego`` too.
        followed: Another bundle follows, which may have rules that this one lacks: settings of
            those are passed over.

    Raises:
        InputError: if a file is missing, too large, not UTF-8 or not JSON, a rule's package is not
            its own, or the settings speak of a rule that is not there.
    """
    root = shipped() if folder is None else folder
    modules = dict(_modules(root, tests=tests))
    own: tuple[str, ...] = ()
    if rules is not None:
        added = _own_rules(rules, {_package(text) for text in modules.values()}, tests=tests)
        own = tuple(sorted({_rule(text) for path, text in added.items() if _is_rule(path, text)}))
        modules |= added
    if config is not None and followed:
        config = config.only({_rule(text) for text in modules.values()})
    try:
        name, settings = (
            str(_json(root / ".manifest")["revision"]),
            _json(root / "data.json")["elfgate"]["config"],
        )
        if AGGREGATOR in modules or rules is not None:
            laid = configured(settings, config)
            # As rules that were changed since would have it written. Tests turn rules on that the
            # settings have off.
            modules[AGGREGATOR] = aggregated(modules, None if tests else laid, own)
        return sealed(name, modules, settings, own, config=config)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{root} is not a policy bundle: no revision in .manifest, or no settings in data.json"
        ) from None


def sealed(
    name: str,
    modules: Mapping[str, str],
    settings: Mapping[str, Any],
    own: tuple[str, ...] = (),
    *,
    config: PolicyConfig | None = None,
) -> Bundle:
    """Make a bundle of its parts, with the revision that follows from them.

    Args:
        name: What the revision begins with.
        modules: Rego sources by path.
        settings: ``data.elfgate.config``.
        own: Names of the rules that did not come with elfgate.
        config: Laid over the settings, key by key.

    Raises:
        InputError: if ``config`` speaks of a rule that is not there, or has a parameter that its
            rule does not take.
    """
    known = {_rule(text) for text in modules.values()}
    if config is not None and (missing := config.codes() - known):
        raise InputError(
            f"the policy settings name unknown rules: {', '.join(sorted(missing))}",
            hint=meant(min(missing), sorted(code for code in known if "." not in code)),
        )
    laid = configured(settings, config)
    laid["parameters"] = parameters(modules, laid.get("parameters") or {})
    revision = f"{name}-{_digest(modules, laid)}"
    return Bundle(modules, {"elfgate": {"revision": revision, "config": laid}}, revision, own)


def own_sources(folder: Path) -> dict[str, str]:
    """The user's rules in a folder, without their tests, by their path in it.

    Raises:
        InputError: if they cannot be read.
    """
    return dict(_modules(folder, tests=False))


def sources(folder: Path) -> bytes:
    """The Rego in a folder, as bytes that differ when any of it does.

    What keeps it from being read, if that is so.
    """
    try:
        return orjson.dumps(_modules(folder, tests=False))
    except InputError as error:
        return str(error).encode()


def configured(settings: Mapping[str, Any], config: PolicyConfig | None) -> dict[str, Any]:
    """Lay settings over a bundle's own, key by key.

    Exemptions and support rows hold beside the bundle's own.
    """
    given = config.overlay() if config else {}
    laid = overlay(settings, given)
    for rows in ("exemptions", "support"):
        laid[rows] = [*settings.get(rows, []), *_list(given.get(rows))]
    return laid


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another.

    Objects are merged, anything else is replaced (as ``object.union``).
    """
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            overlay(under, value)
            if isinstance(under, Mapping) and isinstance(value, Mapping)
            else value
        )
    return merged


def aggregated(
    modules: Mapping[str, str], settings: Mapping[str, Any] | None, own: Iterable[str] = ()
) -> str:
    """Write the aggregator of a bundle: without rules that cannot find anything under its settings.

    Args:
        modules: Rego sources by path.
        settings: ``data.elfgate.config``, as it will be; None to ask every rule.
        own: The names of the user's own rules.
    """
    codes = [_rule(text) for path, text in modules.items() if _is_rule(path, text)]
    asked = [
        code
        for code in sorted(set(codes) - set(own))
        if settings is None or not _is_idle(code, modules, settings)
    ]
    takers = [code for code in asked if _says(code, modules, "asks") == "prediction"]
    return _aggregator(asked, takers, sorted(own))


def _aggregator(asked: Sequence[str], takers: Sequence[str], own: Sequence[str]) -> str:
    """Write the module that names each rule's package.

    The engines agree only on static references: one of them invents findings where packages are
    iterated over.

    Args:
        asked: The shipped rules to ask; each is a package ``elfgate.rules.NAME`` with a set
            ``findings``.
        takers: Those of them that only take the prediction's findings: not asked where it has none.
        own: The user's own. Each can be left out by name (``input.request.without``), so that one
            that fails takes no other with it.
    """
    others = [
        f'\t"{code}": data.{RULES}.{code}.findings,' for code in asked if code not in set(takers)
    ]
    listed = ["others := {", *others, "}"] if others else ["others := {}"]
    taken = [
        f'predicted["{code}"] := data.{RULES}.{code}.findings if by_code.{code}\n'
        for code in takers
    ]
    ours = [_SHIPPED, *listed, "", *(taken or ["predicted := {}"])]
    head = [_AGGREGATED, "package elfgate.main", ""]
    if not own:
        return "\n".join([*head, "own := {}", "", "malformed := {}", "", *ours])
    own_set = orjson.dumps(own).decode()
    theirs = [line for code in own for line in _own_lines(code)]
    left_out = (
        f'left_out := {own_set} if "*" in input.request.without'
        ' else := object.get(input.request, "without", [])'
    )
    return "\n".join([*head, left_out, "", *theirs, *ours])


def _is_idle(code: str, modules: Mapping[str, str], settings: Mapping[str, Any]) -> bool:
    """Whether a rule cannot find anything that counts.

    That is so at every enforcement point and in every namespace.

    Settings are part of a bundle and do not change while it is in force. An idle rule is not asked,
    as it takes tens of microseconds in regorus. Whatever is not certain counts as a rule that may
    find something.
    """
    try:
        needs = _says(code, modules, "needs")
        unmet = needs != "" and not any(layer.get(needs) for layer in layers(settings))
        return unmet or is_off(code, settings)
    except AttributeError:  # settings of another shape, which other places refuse
        return False


def is_off(code: str, settings: Mapping[str, Any]) -> bool:
    """Whether a rule's mode is ``off`` in the settings and wherever something is laid over them."""
    modes = [layer.get("rules", {}).get(code) for layer in layers(settings)]
    return modes[0] == "off" and set(modes) <= {"off", None}


def layers(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings, and what is laid over them somewhere (``lib/config``)."""
    over = (settings.get(key, {}).values() for key in ("points", "namespaces"))
    return [settings, *(layer for layers in over for layer in layers)]


def _says(code: str, modules: Mapping[str, str], field: str) -> str:
    """A field of a shipped rule's METADATA.

    Empty if the rule was changed since, as the METADATA may be wrong then.
    """
    path = f"rules/{code}/{code}.rego"
    text = modules.get(path, "")
    said = annotation(text) if unchanged(path, text) else None
    return str(said.custom.get(field, "")) if said else ""


def unchanged(path: str, text: str) -> bool:
    """Whether a module is as it came with elfgate."""
    return _shipped_modules().get(path) == text


@cache
def _shipped_modules() -> Mapping[str, str]:
    return dict(_modules(shipped(), tests=False))


def _own_lines(code: str) -> tuple[str, ...]:
    findings = f"data.{RULES}.{code}.findings"
    return (
        f'own["{code}"] := data.elfgate.lib.own.completed({findings}) if not "{code}" in left_out',
        "",
        f'malformed["{code}"] := fault if {{',
        f'\tnot "{code}" in left_out',
        f"\tfault := data.elfgate.lib.own.wrong({findings})",
        '\tfault != ""',
        "}",
        "",
        f'malformed["{code}"] := "it has no set `findings`" if {{',
        f'\tnot "{code}" in left_out',
        f"\tnot {findings}",
        "}",
        "",
    )


def shipped() -> Traversable:
    """The folder of the bundle inside the installed package.

    In an editable install it is in the source tree.
    """
    packaged = files("elfgate") / "policies"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "policies"


def _modules(root: Traversable, *, tests: bool) -> list[tuple[str, str]]:
    found = [
        (path, _text(file))
        for path, file in _walk(root, "")
        if path.endswith(".rego") and (tests or not path.endswith("_test.rego"))
    ]
    if not found:
        raise InputError(f"{root} is not a policy bundle: no Rego files in it")
    return sorted(found)


def _walk(folder: Traversable, prefix: str) -> Iterable[tuple[str, Traversable]]:
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"cannot read the policies in {folder}: {error.strerror}") from None
    if len(entries) > _MAX_FILES:
        raise InputError(
            f"{folder} holds {len(entries)} files, more than the {_MAX_FILES} of a policy bundle"
        )
    for entry in entries:
        if entry.name.startswith(".."):
            continue  # where a ConfigMap's volume keeps the files that its links lead to
        path = f"{prefix}{entry.name}"
        if entry.is_dir() and prefix.count("/") < 8:
            yield from _walk(entry, f"{path}/")
        elif entry.is_file():
            yield path, entry


def _own_rules(folder: Path, taken: set[str], *, tests: bool) -> dict[str, str]:
    """Read a user's rules: each in a package of its own, and none in one of ours."""
    modules = {}
    for path, text in _modules(folder, tests=tests):
        package = _package(text)
        if not re.fullmatch(rf"{re.escape(RULES)}\.[a-z][a-z0-9_]*", package):
            raise InputError(f"{folder / path}: package {package} is not {RULES}.NAME")
        if package in taken:
            raise InputError(f"{folder / path}: package {package} is one of elfgate's own")
        modules[f"own/{path}"] = text
    return modules


def _package(text: str) -> str:
    match = _PACKAGE.search(text)
    return match.group(1) if match else "(none)"


def _rule(text: str) -> str:
    """The name of the rule that a module holds, or something that is no rule's name."""
    return _package(text).removeprefix(f"{RULES}.")


def _is_rule(path: str, text: str) -> bool:
    return not path.endswith("_test.rego") and _package(text).startswith(f"{RULES}.")


def _digest(modules: Mapping[str, str], config: object) -> str:
    content = orjson.dumps([sorted(modules.items()), config], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:16]


def _json(file: Traversable) -> dict[str, Any]:
    try:
        value = orjson.loads(_text(file))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{file} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{file} is not a JSON object")
    return value


def _text(file: Traversable) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
        return content.decode()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8") from None
