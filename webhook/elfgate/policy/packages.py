"""The packages of modules of Rego, and the rules that they hold."""

import re

RULES = "elfgate.rules"
_PACKAGE = re.compile(r"^package\s+(\S+)", re.MULTILINE)


def package_of(text: str) -> str:
    """The package of a module; empty if it says none."""
    match = _PACKAGE.search(text)
    return match.group(1) if match else ""


def rule_of(text: str) -> str:
    """The name of the rule that a module holds, or something that is no rule's name."""
    return package_of(text).removeprefix(f"{RULES}.")


def is_rule(path: str, text: str) -> bool:
    """Whether a module is a rule's, and no test."""
    return not path.endswith("_test.rego") and package_of(text).startswith(f"{RULES}.")
