"""What is exempt, and what is refused."""

from collections import defaultdict
from functools import cached_property

from .facts import Facts, Finding, Group
from .reading import Reading
from .texts import (
    lasting,
    matches,
    of_image,
    opened,
)


class Decision(Reading):
    """The decision on one document."""

    # Exemptions.

    def exemptions(self, name: str) -> list[tuple[int, Facts]]:
        """Those for a container of this object that have not ended; of "" for the whole pod."""
        request, found = self.document["request"], []
        if ":" in request["namespace"]:
            return []
        for position, each in enumerate(self.settings.get("exemptions", [])):
            if request["today"] > each["ends"] or not matches(
                each["namespace"], request["namespace"]
            ):
                continue
            called = {request["name"], f"{request['kind']}/{request['name']}"}
            for owner in request["owners"]:
                called |= {owner, owner.partition("/")[2]}
            if not any(matches(each["workload"], one) for one in called):
                continue
            containers = self.document["containers"]
            met = [(one["name"], of_image(each["image"], one)) for one in containers]
            is_for_it = (name, True) in met
            if is_for_it or (name == "" and all(is_met for _, is_met in met)):
                found.append((position, each))
        return found

    def spared(self, finding: Finding, level: str) -> tuple[str, str, set[int]]:
        """The level that exemptions leave, what is said of them, and which they are."""
        if level not in {"deny", "warn"}:
            return level, "", set()
        covering = [
            (position, each)
            for position, each in self.exemptions(finding.container)
            if not each["rules"] or finding.code in each["rules"]
        ]
        positions = {position for position, _ in covering}
        today = self.document["request"]["today"]
        if any(today <= each["expires"] for _, each in covering):
            return "dryrun", "", positions
        if level == "deny" and covering:
            last = max((each for _, each in covering), key=lasting)
            words = (
                f"; exempt until {last['expires']} ({last['owner']}: {last['reason']}), "
                f"the exemption ends on {last['ends']}"
            )
            return "warn", words, positions
        return level, "", set()

    # The decision.

    @cached_property
    def graded(self) -> dict[tuple[str, str, str, str, str], set[tuple[int, str, str, str]]]:
        """By level, platform, container, effect and image: what is told."""
        cells = defaultdict(set)
        self.used: set[int] = set()
        for finding in self.findings():
            level, words, positions = self.spared(finding, self.level(finding))
            self.used |= positions
            if level != "off":
                cell = (level, finding.platform, finding.container, finding.effect, finding.image)
                message = opened(finding.message, finding.differs) + words
                remedy = opened(finding.remedy, finding.differs)
                cells[cell].add((finding.position, finding.code, message, remedy))
        return cells

    @cached_property
    def bad(self) -> set[str]:
        return {platform for (level, platform, *_), _ in self.graded.items() if level == "deny"}

    @property
    def failing(self) -> set[str]:
        return self.landing & self.bad

    @property
    def hopeless(self) -> set[str]:
        denying = {"deny", "dryrun"} if self.unheld else {"deny"}
        return {reason for reason, what in self.settings["unknown"].items() if what in denying}

    @property
    def hopeful(self) -> list[Facts]:
        """Targets that are not certain, and for whose reason the settings leave hope."""
        targets = self.document["targets"]
        return [
            each
            for each in targets
            if each["standing"] != "certain" and each["reason"] not in self.hopeless
        ]

    @property
    def openings(self) -> list[Facts]:
        return [each for each in self.document["openings"] if each["reason"] not in self.hopeless]

    @property
    def pinned(self) -> bool:
        return bool(self.failing) and self.places("certain") <= self.failing

    @property
    def nowhere(self) -> bool:
        was_looked_at = bool(self.places("open"))
        return self.pinned and (not self.openings or was_looked_at)

    @property
    def strict(self) -> bool:
        is_daemon_set = bool(self.document["request"]["every_node"])
        counts = self.settings.get("daemonsets", "all") == "all"
        return bool(self.settings["require"] == "all") or (is_daemon_set and counts)

    @property
    def unaltered(self) -> bool:
        before = {each["verdict"] for each in self.document["before"]}
        return bool(self.document["request"]["same_images"]) and before == {"cannot-start"}

    @cached_property
    def refused(self) -> bool:
        hoped = {each["platform"] for each in self.hopeful}
        open_places = {each["platform"] for each in self.hopeful if each["standing"] == "open"}
        started = {
            each["platform"] for each in self.document["before"] if each["verdict"] == "starts"
        }
        taken_away = self.places("certain") & self.failing & started
        if self.strict and taken_away and not self.openings:
            return True
        if not self.nowhere or self.unaltered:
            return False
        if hoped <= self.bad:
            return True
        gone = bool(self.present & self.failing) and self.present <= self.failing
        return self.strict and gone and open_places <= self.bad

    @property
    def reprieved(self) -> bool:
        return self.pinned and not self.refused and "" not in self.bad

    @property
    def causes(self) -> set[str]:
        left = {each["reason"] for each in self.hopeful if each["platform"] not in self.bad}
        return left | {each["reason"] for each in self.openings}

    @property
    def quiet(self) -> bool:
        unknown = self.settings["unknown"]
        silent = {reason for reason, what in unknown.items() if what in {"allow", "dryrun"}}
        return self.reprieved and bool(self.causes) and self.causes <= silent

    def outcome(self, level: str, platform: str) -> str:
        """What becomes of a finding: what would deny only warns as long as a platform is left."""
        if level != "deny" or platform == "" or self.refused:
            return level
        return "dryrun" if self.quiet else "warn"

    @cached_property
    def groups(self) -> dict[Group, set[str]]:
        found: dict[Group, set[str]] = defaultdict(set)
        for (level, platform, container, effect, image), parts in self.graded.items():
            if platform != "" and platform not in self.landing:
                continue
            outcome = self.outcome(level, platform)
            group = Group(outcome, container, effect, image, tuple(sorted(parts)))
            found[group] |= {platform} if platform else self.landing | {""}
        return found
