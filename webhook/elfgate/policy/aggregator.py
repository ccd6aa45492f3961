"""The module that asks each rule: written for the rules that there are, and their settings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from elfgate.policy.annotation import annotation
from elfgate.policy.files import unchanged
from elfgate.policy.layers import is_off, layers
from elfgate.policy.packages import RULES, is_rule, rule_of

AGGREGATOR = "elfgate/main/found.rego"
_NEEDED = {
    "namespace_labels": (
        "input.request.namespace_labels",
        "the labels of the namespace are not known",
    ),
    "image_labels": ("data.elfgate.lib.own.labelled", "the labels of an image are not known"),
}
"""By look: what is there if what it needs is known, and what is said if it is not."""
_AGGREGATED = "# Written by `make docs` from the folders in policies/rules."
_SHIPPED = """\
shipped := object.union(others, taken)

taken := predicted if count(by_code) > 0

default taken := {}

by_code := data.elfgate.lib.found.by_code
"""


def aggregated(
    modules: Mapping[str, str], settings: Mapping[str, Any] | None, own: Iterable[str] = ()
) -> str:
    """Write the aggregator of a bundle: without rules that cannot find anything under its settings.

    Args:
        modules: Rego sources by path.
        settings: ``data.elfgate.config``, as it will be; None to ask every rule.
        own: The names of the user's own rules.
    """
    codes = [rule_of(text) for path, text in modules.items() if is_rule(path, text)]
    asked = [
        code
        for code in sorted(set(codes) - set(own))
        if settings is None or not _is_idle(code, modules, settings)
    ]
    takers = [code for code in asked if _says(code, modules, "asks") == "prediction"]
    return _aggregator(asked, takers, {code: _needs(code, modules) for code in sorted(own)})


def _needs(code: str, modules: Mapping[str, str]) -> list[str]:
    """Name the looks of a rule that are not known at times."""
    said = [annotation(text) for text in modules.values() if rule_of(text) == code]
    looks = {look for each in said if each is not None for look in each.looks_at}
    return [look for look in _NEEDED if look in looks]


def _aggregator(
    asked: Sequence[str], takers: Sequence[str], own: Mapping[str, Sequence[str]]
) -> str:
    """Write the module that names each rule's package.

    The engines agree only on static references: one of them invents findings where packages are
    iterated over.

    Args:
        asked: The shipped rules to ask; each is a package ``elfgate.rules.NAME`` with a set
            ``findings``.
        takers: Those of them that only take the prediction's findings: not asked where it has none.
        own: The user's own, each with what it needs (of ``_NEEDED``). Each can be left out by name
            (``input.request.without``), so that one that fails takes no other with it.
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
    own_set = orjson.dumps(list(own)).decode()
    theirs = [line for code, needs in own.items() for line in _own_lines(code, needs)]
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


def _says(code: str, modules: Mapping[str, str], field: str) -> str:
    """A field of a shipped rule's METADATA.

    Empty if the rule was changed since, as the METADATA may be wrong then.
    """
    path = f"rules/{code}/{code}.rego"
    text = modules.get(path, "")
    said = annotation(text) if unchanged(path, text) else None
    return str(said.custom.get(field, "")) if said else ""


def _own_lines(code: str, needs: Sequence[str]) -> Iterator[str]:
    findings = f"data.{RULES}.{code}.findings"
    asked = [f'not "{code}" in left_out']
    for needed, said in (_NEEDED[look] for look in needs):
        yield from _rule(f'malformed["{code}"] := "{said}"', *asked, f"not {needed}")
        asked.append(needed)
    yield from _rule(f'own["{code}"] := data.elfgate.lib.own.completed({findings})', *asked)
    fault = f"fault := data.elfgate.lib.own.wrong({findings})"
    yield from _rule(f'malformed["{code}"] := fault', *asked, fault, 'fault != ""')
    silent = f'malformed["{code}"] := "it has no set `findings`"'
    yield from _rule(silent, *asked, f"not {findings}")


def _rule(head: str, *body: str) -> Iterator[str]:
    """A rule of Rego, line by line."""
    yield f"{head} if {{"
    yield from (f"\t{line}" for line in body)
    yield from ("}", "")
