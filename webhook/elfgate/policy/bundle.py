"""The policies as one bundle: Rego modules, data and a revision that tells one from another.

The folder is OPA's own bundle format (OPA docs, "Bundles"): ``.manifest``, ``data.json`` and
``*.rego``, so that ``opa run --bundle policies`` reads the very same files.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from re import escape, fullmatch
from typing import Any

import orjson

from elfgate.errors import InputError
from elfgate.likely import meant
from elfgate.policy.aggregator import AGGREGATOR, aggregated
from elfgate.policy.config import DECISION, PolicyConfig
from elfgate.policy.files import json_of, modules_of, shipped
from elfgate.policy.layers import configured
from elfgate.policy.packages import RULES, is_rule, package_of, rule_of
from elfgate.policy.parameters import parameters


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bundle that an engine loads.

    Attributes:
        modules: Rego sources by their path in the bundle, in the order of the paths.
        data: The document under ``data``, with the revision in ``data.elfgate.revision``.
        revision: The manifest's revision and a digest of modules and data: equal if and only if
            these are.
        own: The names of rules that did not come with elfgate.
        awaited: Rules that the settings speak of and only a bundle that follows may have.
    """

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    own: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()

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
    modules = dict(modules_of(root, tests=tests))
    own: tuple[str, ...] = ()
    if rules is not None:
        added = _own(rules, {package_of(text) for text in modules.values()}, tests=tests)
        own = tuple(sorted({rule_of(text) for path, text in added.items() if is_rule(path, text)}))
        modules |= added
    awaited: tuple[str, ...] = ()
    if config is not None and followed:
        known = {rule_of(text) for text in modules.values()}
        awaited = tuple(sorted(config.codes() - known - {DECISION}))
        config = config.only(known)
    try:
        name, settings = (
            str(json_of(root / ".manifest")["revision"]),
            json_of(root / "data.json")["elfgate"]["config"],
        )
        if AGGREGATOR in modules or rules is not None:
            laid = configured(settings, config)
            # As rules that were changed since would have it written. Tests turn rules on that the
            # settings have off.
            modules[AGGREGATOR] = aggregated(modules, None if tests else laid, own)
        loaded = sealed(name, modules, settings, own, config=config)
        return replace(loaded, awaited=awaited)
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
    if config is not None:
        _check_codes(config, {rule_of(text) for text in modules.values()})
    laid = configured(settings, config)
    laid["parameters"] = parameters(modules, laid.get("parameters") or {})
    revision = f"{name}-{_digest(modules, laid)}"
    return Bundle(modules, {"elfgate": {"revision": revision, "config": laid}}, revision, own)


def _check_codes(config: PolicyConfig, known: set[str]) -> None:
    missing = sorted(config.codes() - known)
    if DECISION in missing:
        raise InputError(
            f"{DECISION} is no rule: the decision itself says it of what rules deny",
            hint="set the modes of those rules; of settings by code it has `rule_help` alone",
        )
    if missing:
        raise InputError(
            f"the policy settings name unknown rules: {', '.join(missing)}",
            hint=meant(missing[0], sorted(code for code in known if "." not in code)),
        )


def _own(folder: Path, taken: set[str], *, tests: bool) -> dict[str, str]:
    """Read a user's rules: each in a package of its own, and none in one of ours."""
    modules = {}
    for path, text in modules_of(folder, tests=tests):
        package = package_of(text)
        if not package:
            raise InputError(f"{folder / path} has no package: begin with package {RULES}.NAME")
        if not fullmatch(rf"{escape(RULES)}\.[a-z][a-z0-9_]*", package):
            raise InputError(f"{folder / path}: package {package} is not {RULES}.NAME")
        if package in taken or package == f"{RULES}.{DECISION}":
            raise InputError(f"{folder / path}: package {package} is one of elfgate's own")
        modules[f"own/{path}"] = text
    return modules


def _digest(modules: Mapping[str, str], config: object) -> str:
    content = orjson.dumps([sorted(modules.items()), config], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:16]
