"""What is told of a decision, and the ways out."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from .decision import Decision
from .facts import BLANK, ROLES, Group, Told
from .texts import (
    architecture,
    display,
    listed,
    ordered,
    series,
)


class Oracle(Decision):
    """The whole verdict on one document under some settings."""

    # The words.

    def label(self, name: str) -> str:
        found = self.containers.get(name)
        if found is None:
            return name or "this pod"
        return f"{ROLES[found['role']]}{name} ({found['image']})"

    def located(self, platforms: Iterable[str]) -> str:
        return series([f"{display(each)}{self._behind(each)}" for each in sorted(platforms)])

    def _behind(self, platform: str) -> str:
        targets = {
            str(each): each for each in self.document["targets"] if each["platform"] == platform
        }.values()
        names = sorted({name for each in targets for name in each["names"]})
        if not names:
            return ""
        total = max(sum(each["nodes"] for each in targets), len(names))
        more = f" and {total - len(names[:3])} more" if total > len(names[:3]) else ""
        return f" ({', '.join(names[:3])}{more})"

    def headline(self, group: Group, platforms: set[str]) -> str:
        where = f" on {self.located(platforms)}" if platforms and "" not in platforms else ""
        name = self.label(group.container)
        if group.effect == "fails":
            return f"{name} cannot start{where}"
        if group.effect == "violates":
            verb = "should not run" if group.level == "warn" else "is not allowed"
            return f"{name} {verb}{where}"
        if group.effect == "unknown" and group.level == "deny":
            return f"{name} is refused while it is not known whether it starts{where}"
        if group.effect == "unknown":
            return f"it is not known whether {name} starts{where}"
        real = platforms - {""}
        starts = real and all(group.container in self.starting.get(each, ()) for each in real)
        return f"{name} starts{where}, with a note" if starts else f"note on {name}{where}"

    def filled(self, text: str, code: str, container: str, platforms: set[str]) -> str:
        words = {
            each.differs
            for each in self.findings()
            if (each.code, each.container) == (code, container)
            and each.platform in platforms
            and each.differs
        }
        return text.replace(BLANK, series(sorted(words)).replace(" and ", " or "))

    def lines(self, group: Group, platforms: set[str]) -> list[str]:
        shown = [
            f"{self.filled(message, code, group.container, platforms)}  [{code}]"
            for _, code, message, _ in group.parts[:6]
        ]
        rest = len(group.parts) - 6
        shown += [f"and {rest} more like it"] if rest > 0 else []
        if group.effect == "fails" and group.level == "warn" and self.reprieved:
            shown += self.reasons[:1]
        return shown

    @property
    def reasons(self) -> list[str]:
        """Why it is not refused, the best reason first."""
        left = [
            each
            for each in sorted(self.hopeful, key=ordered)
            if each["standing"] == "possible" and each["platform"] not in self.bad
        ]
        found = [f"{display(each['platform'])} is left: {each['because']}" for each in left]
        found += [each["because"] for each in sorted(self.openings, key=ordered)]
        found += ["this update leaves its images as they were"] if self.unaltered else []
        return [f"it is not refused, as {why}" for why in found]

    # The ways out.

    @cached_property
    def safe(self) -> list[str]:
        """Architectures on all of whose platforms every container is known to start."""
        places = self.landing | {each["platform"] for each in self.document["linkages"]}
        shunned = self.bad | {
            platform for (_, platform, _, effect, _) in self.graded if effect == "violates"
        }
        by_architecture = defaultdict(set)
        for place in places:
            by_architecture[architecture(place)].add(place)
        return sorted(
            name
            for name, all_of_it in by_architecture.items()
            if name and all_of_it <= self.complete and not all_of_it & shunned
        )

    @property
    def elsewhere(self) -> list[str]:
        linux = {each for each in self.landing if each.startswith("linux/")}
        if self.failing and linux and not self.failing & linux:
            return ["set nodeSelector {kubernetes.io/os: linux}"]
        if len(self.safe) == 1:
            return [f"set nodeSelector {{kubernetes.io/arch: {self.safe[0]}}}"]
        if self.safe:
            return [f"add a node affinity: kubernetes.io/arch in ({', '.join(self.safe)})"]
        unsafe = {architecture(each) for each in self.failing} - {""}
        left = {architecture(each) for each in self.landing} - unsafe
        if not self.refused and unsafe and left:
            return [f"add a node affinity: kubernetes.io/arch notin ({', '.join(sorted(unsafe))})"]
        return []

    @property
    def apart(self) -> bool:
        return self.refused and len(self.containers) > 1

    @property
    def goal(self) -> str:
        """The first platform on which each container starts, or has an image that does."""
        replaced = {
            (platform, name)
            for (level, platform, name, effect, image) in self.graded
            if level == "deny" and effect == "fails" and image
        }
        for place in sorted(self.failing):
            at_hand = self.starting.get(place, set())
            if all(name in at_hand or (place, name) in replaced for name in self.containers):
                return place
        return ""

    def remedy(self, group: Group, platforms: set[str]) -> str:
        if group.effect == "unknown" and group.level == "deny":
            advised = self.advised(group, platforms)
            return " and ".join([*advised, "apply it again when that is known"])
        ways = self._instead_of(group, platforms)
        if group.effect in {"fails", "violates"} and "" not in platforms and platforms:
            ways = [*ways, *self.elsewhere]
        return ", or ".join(ways)

    def _instead_of(self, group: Group, platforms: set[str]) -> list[str]:
        named = set() if "" in platforms else platforms
        if group.effect != "fails" or not named:
            return self.advised(group, named)
        image, goal = group.image, self.goal
        if image and (not self.apart or goal in named):
            return [f"use {image}, which starts on {listed(named)}{self._doubt(group, named)}"]
        if not image and self.settings.get("support") and self.advice(group.container, named):
            return [self.advice(group.container, named)]
        return self.advised(group, named)

    def _doubt(self, group: Group, platforms: set[str]) -> str:
        others = {
            each["platform"]
            for each in self.document["linkages"]
            if each["container"] == group.container
            and each["platform"] in self.failing - platforms
            and each["verdict"] != "starts"
            and group.image not in each["alternatives"]
        }
        is_told = others and not self.apart
        return f" but is not known to on {listed(others)}" if is_told else ""

    def advised(self, group: Group, platforms: set[str]) -> list[str]:
        found = [(code, remedy) for _, code, _, remedy in group.parts if remedy]
        return [self.filled(remedy, code, group.container, platforms) for code, remedy in found[:1]]

    # The verdict.

    def told(self, kind: str) -> set[Told]:
        found = set()
        for group, platforms in self.groups.items():
            if group.level == kind:
                named = set() if "" in platforms else platforms
                found.add(
                    Told(
                        group.parts[0][1],
                        group.container,
                        tuple(sorted(platforms - {""})),
                        self.headline(group, platforms),
                        tuple(self.lines(group, named or platforms)),
                        self.remedy(group, platforms),
                    )
                )
        return found

    @property
    def disjoint(self) -> set[Told]:
        """No platform starts all containers, though each has one that starts it."""
        failing = self.failing
        places = sorted(failing)
        reached = {name for place in places for name in self.starting.get(place, ())}
        is_so = (
            self.refused
            and failing == self.landing
            and len(self.containers) > 1
            and not failing & self.complete
            and set(self.containers) <= reached
        )
        if not is_so:
            return set()
        lines = tuple(
            f"{self.label(name)} starts only on "
            + series([display(each) for each in places if name in self.starting.get(each, ())])
            for name in self.containers
        )
        headline = "no platform is left that starts every container of this pod"
        remedy = "use images that share an architecture"
        return {Told("no_common_platform", "", tuple(places), headline, lines, remedy)}

    @property
    def denials(self) -> set[Told]:
        return self.told("deny") | self.disjoint

    @property
    def is_unknown(self) -> bool:
        verdicts = {
            (each["platform"], each["container"]): each["verdict"]
            for each in self.document["linkages"]
        }
        asked = [(place, name) for place in self.landing for name in self.containers]
        at_places = any(
            each["verdict"] == "unknown" and each["platform"] in self.landing
            for each in self.document["linkages"]
        )
        return at_places or any(pair not in verdicts for pair in asked)

    @property
    def steer(self) -> list[str]:
        """The architectures that are left when those are kept off on which it fails."""
        if not self.failing:
            return []
        unsafe = {architecture(each) for each in self.failing}
        return sorted({architecture(each) for each in self.landing} - unsafe - {""})
