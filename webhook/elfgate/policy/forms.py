"""The forms of the document's texts, and what none of them is, begins with, ends in or contains.

A form is told only where it is certain: what Kubernetes, a registry or elfgate itself holds texts to.

Sources: Kubernetes, "Object Names and IDs"; its API conventions (kinds in CamelCase) and the
validation of CustomResourceDefinitions; distribution/reference.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from elfgate.errors import InputError
from elfgate.images.reference import Reference
from elfgate.platforms import ARCHITECTURES
from elfgate.policy.machines import architecture, platform
from elfgate.policy.names import GOLDEN_NAMESPACE, kind_of

_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9][-.a-z0-9]{0,252}")  # one that is to be made ends in - still
_VARIANT = re.compile(r"[a-z0-9._-]+")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_CAPABILITY = re.compile(r"(?!CAP_)[A-Z][A-Z0-9_]*")
_FIELD = re.compile(r"[a-z][A-Za-z0-9]*")
_OF_KERNELS = re.compile(r"x86|x64|aarch|i[3-6]86|arm32|armv|arm64v|ppc64el|[A-Z]")
_HUB = frozenset(("docker.io", "index.docker.io", "registry-1.docker.io"))
_LETTERS = ("", "a")
_SHORT = {  # as kubectl has them
    "cj": "CronJob",
    "deploy": "Deployment",
    "ds": "DaemonSet",
    "po": "Pod",
    "rs": "ReplicaSet",
    "sts": "StatefulSet",
}
_VOLUMES = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi"),
    *("downwardAPI", "emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk"),
    *("gitRepo", "glusterfs", "hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim"),
    *("photonPersistentDisk", "portworxVolume", "projected", "quobyte", "rbd", "scaleIO", "secret"),
    *("storageos", "vsphereVolume"),
)
_BY_LETTERS = {field.lower(): field for field in _VOLUMES}


class Part(Enum):
    """The part of a text that is compared with a literal one."""

    WHOLE = "is never"
    BEGIN = "never begins with"
    END = "never ends in"
    INSIDE = "never contains"
    ORDER = "is compared in vain with"


@dataclass(frozen=True, slots=True)
class Form:
    """A form that texts have.

    Attributes:
        holds: Whether a whole text has it.
        example: A text of the form.
        meant: The text that is meant by one that has not; empty if that is not known.
        around: Texts that, put before or behind a part, make a whole one of each part that one has.
        over: Whole texts of one length, of which a part may take a place.
    """

    holds: Callable[[str], bool]
    example: str
    meant: Callable[[str], str] = lambda _: ""
    around: tuple[str, ...] = ("",)
    over: tuple[str, ...] = ()

    def fault(self, text: str, part: Part) -> str:
        """The reason for which no text of the form has this part; empty if one may."""
        if not text or any(map(self.holds, self._wholes(text, part))):
            return ""
        instead = self.meant(text)
        if instead and any(map(self.holds, self._wholes(instead, part))):
            return f"it is written {instead}"
        return f"it is written as in {self.example}"

    def _wholes(self, text: str, part: Part) -> Iterator[str]:
        begins = self.around if part in {Part.END, Part.INSIDE} else ("",)
        ends = self.around if part in {Part.BEGIN, Part.INSIDE} else ("",)
        yield from (f"{begin}{text}{end}" for begin in begins for end in ends)
        if part is Part.WHOLE:
            return
        for whole in self.over:
            places = range(len(whole) - len(text) + 1)
            first, last = places[:1], places[-1:]
            at = {Part.END: last, Part.INSIDE: places}.get(part, first)
            yield from (f"{whole[:i]}{text}{whole[i + len(text) :]}" for i in at)


def _namespace(text: str) -> bool:
    return text == GOLDEN_NAMESPACE or bool(_LABEL.fullmatch(text))


def _kind(text: str) -> bool:
    return bool(_KIND.fullmatch(text)) and kind_of(text) in {"", text}


def _owner(text: str) -> bool:
    kind, _, name = text.partition("/")
    return _kind(kind) and bool(_NAME.fullmatch(name))


def _owner_meant(text: str) -> str:
    kind, slash, name = text.partition("/")
    return f"{_kind_meant(kind)}{slash}{name.lower()}"


def _kind_meant(text: str) -> str:
    return kind_of(text) or _SHORT.get(text) or text[:1].upper() + text[1:]


def _repository(text: str) -> bool:
    try:
        return Reference.parse(text).familiar_name == text and not text.startswith("library/")
    except InputError:
        return False


def _repository_meant(text: str) -> str:
    host, slash, rest = text.partition("/")
    if slash and host in _HUB and rest.removeprefix("library/") == "":
        return "nginx"
    try:
        return Reference.parse(text).familiar_name
    except InputError:
        return ""


def _day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _platform(text: str) -> bool:
    system, _, rest = text.partition("/")
    if not (system and rest) or system.startswith(tuple(ARCHITECTURES)):
        return False
    return not (platform(text) or _OF_KERNELS.search(text))


def _architecture(text: str) -> bool:
    return not ("/" in text or architecture(text) or _OF_KERNELS.search(text))


def _field_meant(text: str) -> str:
    if text == "pvc":
        return "persistentVolumeClaim"
    return _BY_LETTERS.get(text.lower(), "")


def _field(text: str) -> bool:
    """Whether a volume may have a field of this name."""
    if not _FIELD.fullmatch(text):
        return False
    return _field_meant(text) in {"", text}


def _variant(text: str) -> bool:
    return text != "ubi" and bool(_VARIANT.fullmatch(text))


def _variant_meant(text: str) -> str:
    return "rhel" if text == "ubi" else text.lower()


def _scheduler(text: str) -> bool:
    return text != "default-scheduler"


def _capability_meant(text: str) -> str:
    return text.upper().removeprefix("CAP_")


def _of(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Whether a text is of a pattern."""

    def holds(text: str) -> bool:
        return pattern.fullmatch(text) is not None

    return holds


FORMS = {
    "namespace": Form(
        _namespace,
        "team-a",
        meant=str.lower,
        around=_LETTERS,
        over=(GOLDEN_NAMESPACE,),
    ),
    "name": Form(
        _of(_NAME),
        "web",
        meant=str.lower,
        around=_LETTERS,
    ),
    "container": Form(
        _of(_LABEL),
        "web",
        meant=str.lower,
        around=_LETTERS,
    ),
    "kind": Form(
        _kind,
        "Deployment",
        meant=_kind_meant,
        around=(*_LETTERS, "A"),
    ),
    "owner": Form(
        _owner,
        "Deployment/web",
        meant=_owner_meant,
        around=(*_LETTERS, "A", "/a", "a/a", "A/", "A/a"),
    ),
    "repository": Form(
        _repository,
        "nginx, or registry.example/team/app",
        meant=_repository_meant,
        around=(
            *(*_LETTERS, "/a", "a/", "a/a", ".a/a", "a.a/", "a.", ":1/a", "1/a", "a.a:"),
            *("::1]/a", "]/a", "]:1/a", "[::1]/", "[::1]:", "[::"),
        ),
    ),
    "tag": Form(
        _of(_TAG),
        "1.27",
        around=_LETTERS,
    ),
    "digest": Form(
        _of(_DIGEST),
        "sha256:0123…, with 64 digits",
        over=(f"sha256:{'0' * 64}", f"sha512:{'0' * 128}"),
    ),
    "day": Form(
        _day,
        "2026-06-30",
        over=("2024-01-01", "2024-02-29", "2024-10-10", "2024-12-31", "2024-11-30"),
    ),
    "platform": Form(
        _platform,
        "linux/amd64",
        meant=platform,
        around=(*_LETTERS, "/a", "a/a", "linux/", "linux/a", "a/"),
    ),
    "architecture": Form(
        _architecture,
        "arm64",
        meant=architecture,
        around=_LETTERS,
    ),
    "variant": Form(
        _variant,
        "alpine",
        meant=_variant_meant,
        around=_LETTERS,
    ),
    "scheduler": Form(
        _scheduler,
        "volcano, and empty for Kubernetes' own",
    ),
    "capability": Form(
        _of(_CAPABILITY),
        "NET_ADMIN",
        meant=_capability_meant,
        around=("", "A"),
    ),
    "volume": Form(
        _field,
        "hostPath",
        meant=_field_meant,
        around=(*_LETTERS, "A"),
    ),
}
"""By the name that the document's schema has for each."""
