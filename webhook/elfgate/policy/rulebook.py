"""All rules by code, for whoever names one: its title, and where it is explained."""

from collections.abc import Mapping
from dataclasses import dataclass

from elfgate import SITE
from elfgate.policy.bundle import Bundle, load
from elfgate.policy.metadata import NO_COMMON_PLATFORM, Rule, rules


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules that are known.

    Attributes:
        rules: Each by its code, in the codes' order.
    """

    rules: Mapping[str, Rule]

    @classmethod
    def of(cls, bundle: Bundle) -> "Rulebook":
        """The rules of a bundle, and that of the decision itself.

        Raises:
            InputError: naming the rule that does not say what it is.
        """
        found = {rule.code: rule for rule in (*rules(bundle), NO_COMMON_PLATFORM)}
        return cls({code: found[code] for code in sorted(found)})

    def title(self, code: str) -> str:
        """The title of a rule, in a few words; empty for one that is not known."""
        rule = self.rules.get(code)
        return rule.title if rule else ""

    def link(self, code: str) -> str:
        """The page that explains a rule; empty for one that did not come with elfgate."""
        rule = self.rules.get(code)
        return link_to(code) if rule and not rule.own else ""


def shipped() -> Rulebook:
    """The rules that come with elfgate."""
    return Rulebook.of(load())


def link_to(code: str) -> str:
    """The place where a rule's code is explained."""
    return f"{SITE}/docs/codes.md#{code}"
