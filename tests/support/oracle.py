"""What docs/policies.md and policies/README.md say, read once more and written down in Python.

It knows no Rego. It is slow and plain, and judges one document by one set of settings; tests hold
both engines to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from elfgate.linkage.report import Code

Facts = Mapping[str, Any]
STRENGTH = ["off", "dryrun", "warn", "deny"]
SEVERITY = ["fails", "violates", "unknown", "note"]
PREDICTED = {code.value for code in Code}
ROLES = {
    "main": "",
    "init": "init container ",
    "sidecar": "sidecar ",
    "ephemeral": "ephemeral container ",
}
BLANK = "\ue003"


@dataclass(frozen=True)
class Finding:
    """A finding, whichever rule it is of."""

    code: str
    container: str
    platform: str
    position: int
    effect: str
    reason: str
    message: str
    remedy: str
    image: str = ""
    differs: str = ""


@dataclass(frozen=True)
class Told:
    """A violation."""

    code: str
    container: str
    platforms: tuple[str, ...]
    headline: str
    lines: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Group:
    """One finding of a container, or several that are alike, and where."""

    level: str
    container: str
    effect: str
    image: str
    parts: tuple[tuple[int, str, str, str], ...]


@dataclass
class Oracle:
    """The reading of one document under some settings."""

    document: Facts
    config: Facts
    unheld: bool = False
    said: dict[str, set[Told]] = field(default_factory=dict)

    # The pod and its places.

    @cached_property
    def containers(self) -> dict[str, Facts]:
        """By name, the first of each."""
        found: dict[str, Facts] = {}
        for container in self.document["containers"]:
            found.setdefault(container["name"], container)
        return found

    def places(self, *standings: str) -> set[str]:
        """Platforms of targets of these standings."""
        targets = self.document["targets"]
        return {each["platform"] for each in targets if each["standing"] in standings}

    @property
    def landing(self) -> set[str]:
        return self.places("certain", "possible")

    @property
    def present(self) -> set[str]:
        targets = self.document["targets"]
        there = (each for each in targets if each["standing"] != "open" and each["nodes"] > 0)
        return {each["platform"] for each in there}

    @cached_property
    def starting(self) -> dict[str, set[str]]:
        """By platform: the containers that are known to start there."""
        found = defaultdict(set)
        for linkage in self.document["linkages"]:
            if linkage["verdict"] == "starts":
                found[linkage["platform"]].add(linkage["container"])
        return found

    @property
    def complete(self) -> set[str]:
        """Platforms on which every container is known to start."""
        return {place for place, names in self.starting.items() if set(self.containers) <= names}

    # The settings.

    @cached_property
    def points(self) -> list[Facts]:
        names = [self.document["request"]["point"]]
        names += ["check"] if self.document["request"]["checked"] else []
        return [self.config["points"].get(name, {}) for name in names]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What holds here: everywhere, at the point, by patterns from short to long, by name."""
        namespace, by_name = self.document["request"]["namespace"], self.config["namespaces"]
        patterns = [name for name in by_name if "*" in name and matches(name, namespace)]
        layers = [self.config, *self.points]
        layers += [by_name[name] for name in sorted(patterns, key=lambda name: (len(name), name))]
        layers += [by_name.get(namespace, {})]
        merged: dict[str, Any] = {}
        for layer in layers:
            for key, value in layer.items():
                is_map = isinstance(value, dict)
                merged[key] = {**merged.get(key, {}), **value} if is_map else value
        return merged

    def mode(self, code: str) -> str:
        return str(self.settings["rules"].get(code, "deny"))

    def level(self, finding: Finding) -> str:
        """What a finding leads to."""
        mode = self.mode(finding.code)
        if self.unheld and mode in {"warn", "dryrun"}:
            mode = "deny"
        level = self._meant(finding, mode)
        most = "deny" if self.unheld else self.settings.get("most", "deny")
        return weaker(level, most)

    def _meant(self, finding: Finding, mode: str) -> str:
        code, reason = finding.code, finding.reason
        if finding.effect == "fails":
            return mode
        if finding.effect == "note":
            return weaker(mode, weaker("warn", self.settings["notes"].get(code, "dryrun")))
        if finding.effect == "violates":
            insisted = any(each.get("rules", {}).get(code) == "deny" for each in self.points)
            return self._spared(mode, insisted=insisted)
        denying = {"deny", "dryrun"} if self.unheld else {"deny"}
        unknown = self.settings["unknown"].get(reason, "warn")
        unknown = "deny" if unknown in denying else {"allow": "off"}.get(unknown, unknown)
        insisted = any(each.get("unknown", {}).get(reason) in denying for each in self.points)
        return self._spared(weaker(mode, unknown), insisted=insisted)

    def _spared(self, level: str, *, insisted: bool) -> str:
        """A controller's pod is refused only for what cannot start, unless the point insists."""
        request = self.document["request"]
        is_controlled = request["kind"] == "Pod" and request["controlled"]
        return "warn" if level == "deny" and is_controlled and not insisted else level

    # The findings.

    def findings(self) -> Iterator[Finding]:
        yield from self._predicted()
        predicted = {(each["platform"], each["container"]) for each in self.document["linkages"]}
        for platform in self.landing:
            for name in self.containers:
                if (platform, name) not in predicted:
                    message = "the image has not been read for this platform yet"
                    yield Finding(
                        "linkage_unknown", name, platform, 0, "unknown", "not_scanned", message, ""
                    )
        yield from self._named()
        yield from self._unsupported()

    def _predicted(self) -> Iterator[Finding]:
        for linkage in self.document["linkages"]:
            for position, found in enumerate(linkage["findings"]):
                if found["code"] in PREDICTED:
                    yield Finding(
                        found["code"],
                        linkage["container"],
                        linkage["platform"],
                        position,
                        found["effect"],
                        found["reason"],
                        found["message"],
                        found["remedy"],
                        self._instead(linkage),
                        found["differs"],
                    )

    def _instead(self, linkage: Facts) -> str:
        """Another image: rather one that starts wherever the container needs another."""
        others = [
            set(each["alternatives"])
            for each in self.document["linkages"]
            if each["container"] == linkage["container"] and each["alternatives"]
        ]
        shared = set.intersection(*others) if others else set()
        images: list[str] = linkage["alternatives"]
        return next((image for image in images if image in shared), (images or [""])[0])

    def _named(self) -> Iterator[Finding]:
        for name, container in self.containers.items():
            if container["digest"]:
                continue
            image = container["image"]
            if self.mode("unpinned_tag") != "off":
                message, remedy = f"{image} has no digest", "name it with its digest"
                yield Finding("unpinned_tag", name, "", 2000, "violates", "", message, remedy)
            if self.mode("latest_tag") != "off" and container["tag"] in {"", "latest"}:
                words = (
                    "is whatever"
                    if image.endswith(":latest")
                    else "has no tag, which means latest: whatever"
                )
                message, remedy = (
                    f"{image} {words} was pushed last",
                    "name a release, or its digest",
                )
                yield Finding("latest_tag", name, "", 2001, "violates", "", message, remedy)

    def rows(self, name: str) -> list[Facts]:
        repositories = {
            each["repository"] for each in self.document["containers"] if each["name"] == name
        }
        rows = self.settings.get("support", [])
        return [row for row in rows if any(names(row["repository"], each) for each in repositories)]

    def _unsupported(self) -> Iterator[Finding]:
        for linkage in self.document["linkages"]:
            name, platform = linkage["container"], linkage["platform"]
            rows = self.rows(name)
            if not rows:
                continue
            kind = linkage["variant"]["id"]
            if kind not in {"", "unknown"}:
                kind = "ubi" if kind == "rhel" else kind
                spoken = [row for row in rows if row["variant"] in {"*", kind}]
                spoken += [row for row in rows if kind == "ubi" and row["variant"] == "rhel"]
                effect, reason, message = "violates", "", f"{kind} is not supported here: "
            else:
                words = self.containers[name]["tag"].replace(".", "-").split("-")
                hinted = [row for row in rows if row["variant"] in words]
                if not hinted:
                    continue
                spoken = [*hinted, *(row for row in rows if row["variant"] == "*")]
                effect, reason = "unknown", "shape_unknown"
                message = (
                    "the image does not say what it is, and its tag speaks of a variant that is "
                    "not supported here: "
                )
            if any(architecture(platform) in row["architectures"] for row in spoken):
                continue
            quotes = "; ".join(sorted({quoted(row) for row in spoken or rows}))
            remedy = self.advice(name, {platform})
            yield Finding(
                "support_matrix", name, platform, 1000, effect, reason, message + quotes, remedy
            )

    def advice(self, name: str, platforms: Iterable[str]) -> str:
        """The variants that a support matrix has for a container on all of some platforms."""
        wanted = {architecture(platform) for platform in platforms}
        running = {
            "ubi" if each["variant"]["id"] == "rhel" else each["variant"]["id"]
            for each in self.document["linkages"]
            if each["container"] == name and each["platform"] in platforms
        }
        variants = sorted(
            {
                row["variant"]
                for row in self.rows(name)
                if row["variant"] != "*"
                and {"rhel": "ubi"}.get(row["variant"], row["variant"]) not in running
                and wanted <= set(row["architectures"])
            }
        )
        if not variants:
            return ""
        repositories = sorted(
            {each["repository"] for each in self.document["containers"] if each["name"] == name}
        )
        of = f"use the {' or '.join(variants)} variant of {' or '.join(repositories)}"
        return f"{of}, supported on {' and '.join(sorted(wanted))}"

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
            met = {one["name"]: of_image(each["image"], one) for one in containers}
            if met.get(name) or (name == "" and all(met.values())):
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
            last = max((each for _, each in covering), key=_lasting)
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
        if self.strict and self.present & self.failing & started:
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
            for each in sorted(self.hopeful, key=_ordered)
            if each["standing"] == "possible" and each["platform"] not in self.bad
        ]
        found = [f"{display(each['platform'])} is left: {each['because']}" for each in left]
        found += [each["because"] for each in sorted(self.openings, key=_ordered)]
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


def matches(pattern: str, text: str) -> bool:
    """A pattern is a beginning and an end around at most one star."""
    begin, star, end = pattern.partition("*")
    if not star:
        return pattern == text
    return text.startswith(begin) and text.endswith(end) and len(text) >= len(begin) + len(end)


def names(pattern: str, repository: str, after: str = "") -> bool:
    """Docker Hub's repositories may be written with or without its name."""
    first, slash, _ = repository.partition("/")
    has_host = slash and ("." in first or ":" in first or first == "localhost")
    forms = [repository]
    if not has_host and pattern.startswith("docker.io/"):
        forms += [f"docker.io/{repository}"]
        forms += [] if slash else [f"docker.io/library/{repository}"]
    if not slash and pattern.startswith("library/"):
        forms += [f"library/{repository}"]
    return any(matches(pattern, form + after) for form in forms)


def of_image(pattern: str, container: Facts) -> bool:
    """REPOSITORY, REPOSITORY:TAG, or REPOSITORY@DIGEST, which a tag does not match."""
    digest = container["digest"]
    after = f"@{digest}" if digest else f":{container['tag']}"
    return any(names(pattern, container["repository"], each) for each in ("", after))


def opened(text: str, word: str) -> str:
    return text.replace(word, BLANK) if word else text


def weaker(one: str, other: str) -> str:
    return min(one, other, key=STRENGTH.index)


def architecture(platform: str) -> str:
    return "".join(platform.split("/")[1:2])


def display(platform: str) -> str:
    return platform.removeprefix("linux/")


def listed(platforms: Iterable[str]) -> str:
    return series([display(each) for each in sorted(platforms)])


def series(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]])) if items else ""


def quoted(row: Facts) -> str:
    name = " ".join(word for word in (row["repository"], row["variant"]) if word != "*")
    return f'"{name}: {", ".join(row["architectures"])}" ({row["source"]})'


def _lasting(exemption: Facts) -> tuple[object, ...]:
    return (exemption["ends"], *_ordered(exemption))


def _ordered(entry: Facts) -> tuple[object, ...]:
    """The order of objects in Rego: by keys, then by values."""
    return (sorted(entry), [str(entry[key]) for key in sorted(entry)])
