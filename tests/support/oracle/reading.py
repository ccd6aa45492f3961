"""The pod, its places, the settings that hold, and what is found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .facts import PREDICTED, Facts, Finding
from .texts import (
    architecture,
    matches,
    names,
    quoted,
    weaker,
)


@dataclass
class Reading:
    """The reading of one document under some settings."""

    document: Facts
    config: Facts
    unheld: bool = False

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
        layers += [by_name[key] for _, key in sorted(self._selecting())]
        layers += [by_name[name] for name in sorted(patterns, key=lambda name: (len(name), name))]
        layers += [by_name.get(namespace, {})]
        merged: dict[str, Any] = {}
        for layer in layers:
            for key, value in layer.items():
                is_map = isinstance(value, dict)
                merged[key] = {**merged.get(key, {}), **value} if is_map else value
        return merged

    def _selecting(self) -> Iterator[tuple[int, str]]:
        """The keys of namespaces that are labels which this one has, with how many they are."""
        labels = self.document["request"].get("namespace_labels", {})
        for key in self.config["namespaces"]:
            wanted = [each.split("=") for each in key.split(",") if "=" in each]
            has = (name in labels and matches(value, labels[name]) for name, value in wanted)
            if wanted and all(has):
                yield len(wanted), key

    @property
    def is_unlabelled(self) -> bool:
        """Settings go by labels that are not known."""
        is_known = "namespace_labels" in self.document["request"]
        return not is_known and any("=" in key for key in self.config["namespaces"])

    def mode(self, code: str) -> str:
        return str(self.settings["rules"].get(code, "deny"))

    def level(self, finding: Finding) -> str:
        """What a finding leads to."""
        mode = self.mode(finding.code)
        if self.unheld and mode in {"warn", "dryrun"}:
            mode = "deny"
        level = self._meant(finding, mode)
        if self.unheld:
            return level
        most = "warn" if self.is_unlabelled else "deny"
        return weaker(level, weaker(most, self.settings.get("most", "deny")))

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
                    "not supported here; supported: "
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
