"""The description that rules give of themselves.

The METADATA above each package (OPA docs, "Annotations").

For whoever wants to know what a code means: the command line and the documentation.
"""

from dataclasses import dataclass

from elfgate.errors import InputError
from elfgate.policy.annotation import Annotation, annotation
from elfgate.policy.bundle import Bundle
from elfgate.policy.config import DECISION
from elfgate.policy.packages import RULES


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        code: Its stable name.
        title: What it finds, in a few words.
        description: What that means.
        remedy: The way out.
        mode: What its findings lead to by this bundle's settings, in words.
        own: It did not come with elfgate.
    """

    code: str
    title: str
    description: str
    remedy: str
    mode: str
    own: bool = False


_OWN_TITLE = "One of this cluster's own rules"  # of one whose METADATA has no title
NO_COMMON_PLATFORM = Rule(
    DECISION,
    "No platform starts every container",
    "Each container of the pod starts on some platform that it may land on, but there is none "
    "on which all of them do. The decision itself says so, before the findings of the "
    "containers.",
    "use images that share an architecture",
    "deny",
)


def rules(bundle: Bundle) -> list[Rule]:
    """Every rule of a bundle, by code.

    Raises:
        InputError: naming the rule that does not say what it is.
    """
    found = {}
    for path, text in bundle.modules.items():
        said = annotation(text)
        if said and said.package.startswith(f"{RULES}."):
            rule = _rule(bundle, said, path)
            found[rule.code] = rule
    for code in bundle.own:
        found.setdefault(
            code,
            Rule(code, _OWN_TITLE, "", "", _mode(bundle, code), own=True),
        )
    return [found[code] for code in sorted(found)]


def _rule(bundle: Bundle, said: Annotation, path: str) -> Rule:
    code = said.package.removeprefix(f"{RULES}.")
    own = code in bundle.own
    title, description = _words(said, "title"), _words(said, "description")
    if not (own or (title and description)):
        raise InputError(f"{path}: the METADATA lacks a title or a description")
    remedy, named = str(said.custom.get("remedy", "")), said.custom.get("code", code)
    mode = said.custom.get("mode") or _mode(bundle, code)
    if named != code:
        raise InputError(f"{path}: the METADATA is of {named}, not {code}")
    return Rule(code, title or _OWN_TITLE, description, remedy, mode, own)


def _words(said: Annotation, name: str) -> str:
    """A text of the METADATA on one line; empty if it is not there."""
    return " ".join(str(said.fields.get(name, "")).split())


def _mode(bundle: Bundle, code: str) -> str:
    config = bundle.data["elfgate"]["config"]
    mode = str(config["rules"].get(code, "deny"))
    return f"{mode}; its notes {config['notes'][code]}" if code in config.get("notes", {}) else mode
