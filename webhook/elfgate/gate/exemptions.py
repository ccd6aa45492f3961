"""Exemptions that namespaces grant themselves, by a ConfigMap, where the administrator lets them.

An entry has the form of an exemption in the settings, without ``namespace``: it is for the
namespace of its ConfigMap alone. What cannot be used is left out with a warning; the rest holds.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from pydantic import ValidationError

from elfgate.cluster.told import mapping, text
from elfgate.cluster.yamldoc import documents
from elfgate.errors import InputError
from elfgate.policy.config import Exemption
from elfgate.policy.document import ExemptionEntry
from elfgate.policy.names import matches

log = logging.getLogger(__name__)

CONFIG_MAP = "elfgate-exemptions"
KEY = "exemptions"
MOST_BYTES = 64 << 10  # of one ConfigMap's text
MOST = 100  # of one namespace
MOST_IN_ALL = 10_000

Entries = tuple[ExemptionEntry, ...]


class NamespaceExemptions:
    """Keeps the exemptions of each namespace (``cluster.configmaps.Keeper``).

    Args:
        allowed: Patterns of the namespaces that may have some.

    Attributes:
        generation: Raised with every change.
        left_out: How many entries and ConfigMaps could not be used, by namespace.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self.generation = 0
        self.left_out: dict[str, int] = {}
        self._allowed = tuple(allowed)
        self._kept: dict[str, Entries] = {}

    @classmethod
    def given(
        cls, allowed: Iterable[str], objects: Iterable[Mapping[str, Any]], namespace: str
    ) -> Self:
        """The exemptions of the ConfigMaps among some objects.

        Args:
            allowed: Patterns of the namespaces that may have some.
            objects: Kubernetes objects.
            namespace: Of objects that name none.
        """
        kept = cls(allowed)
        for obj in objects:
            metadata = mapping(obj.get("metadata"))
            if obj.get("kind") == "ConfigMap" and metadata.get("name") == CONFIG_MAP:
                data = mapping(obj.get("data"))
                texts = {key: text(value) for key, value in data.items()}
                kept.put(text(metadata.get("namespace")) or namespace, texts)
        return kept

    def of(self, namespace: str) -> Entries:
        """The exemptions of a namespace."""
        return self._kept.get(namespace, ())

    def count(self) -> int:
        """How many exemptions are kept, of all namespaces."""
        return sum(map(len, self._kept.values()))

    def put(self, namespace: str, data: Mapping[str, str]) -> None:
        """Take what a namespace's ConfigMap says."""
        if not self._may(namespace):
            return
        complaints: list[str] = []
        entries = tuple(_entries(namespace, data, complaints))
        room = MOST_IN_ALL - self.count() + len(self.of(namespace))
        if len(entries) > room:
            complaints.append(f"all namespaces together have more than {MOST_IN_ALL} exemptions")
            entries = entries[:room]
        for complaint in complaints:
            log.warning(
                "an exemption is left out: %s",
                complaint,
                extra={"namespace": namespace, "config_map": CONFIG_MAP},
            )
        self._keep(namespace, entries, len(complaints))

    def remove(self, namespace: str) -> None:
        """Forget what a namespace's ConfigMap said."""
        self._keep(namespace, (), 0)

    def keep_only(self, namespaces: set[str]) -> None:
        """Forget what the ConfigMaps of all other namespaces said."""
        for namespace in {*self._kept, *self.left_out} - namespaces:
            self.remove(namespace)

    def _may(self, namespace: str) -> bool:
        return any(matches(pattern, namespace) for pattern in self._allowed)

    def _keep(self, namespace: str, entries: Entries, left_out: int) -> None:
        self.left_out.pop(namespace, None)
        if left_out:
            self.left_out[namespace] = left_out
        if entries == self.of(namespace):
            return
        self._kept.pop(namespace, None)
        if entries:
            self._kept[namespace] = entries
        self.generation += 1


def _entries(
    namespace: str, data: Mapping[str, str], complaints: list[str]
) -> Iterator[ExemptionEntry]:
    """Read the entries that can be used, and say of the others why not."""
    try:
        found = _listed(data)
    except InputError as error:
        complaints.append(str(error))
        return
    if len(found) > MOST:
        complaints.append(f"the ConfigMap has {len(found)} exemptions: only the first {MOST} count")
    for position, entry in enumerate(found[:MOST]):
        try:
            yield _entry(namespace, entry)
        except (InputError, ValidationError) as error:
            complaints.append(f"{KEY}[{position}]: {_why(error)}")


def _listed(data: Mapping[str, str]) -> list[Any]:
    """The list under the ConfigMap's key.

    Raises:
        InputError: if there is no list, or its text is too long or not YAML.
    """
    if KEY not in data:
        raise InputError(f"the ConfigMap has no key {KEY}")
    written = data[KEY].encode()
    if len(written) > MOST_BYTES:
        raise InputError(f"{KEY} has more than {MOST_BYTES >> 10} KiB")
    read = [each.value for each in documents(written, KEY)]
    if not read or read == [None]:
        return []
    if len(read) > 1 or not isinstance(read[0], list):
        raise InputError(f"{KEY} is not a list of exemptions")
    return read[0]


def _entry(namespace: str, entry: object) -> ExemptionEntry:
    """An exemption for a namespace.

    Raises:
        InputError: if the entry is no mapping, or for another namespace.
        ValidationError: if it is not in an exemption's form.
    """
    if not isinstance(entry, dict):
        raise InputError("an exemption is a mapping with owner, reason and expires")
    if entry.get("namespace", namespace) != namespace:
        raise InputError(f"the ConfigMap exempts in {namespace} alone: leave namespace out")
    exemption = Exemption.model_validate({**entry, "namespace": namespace})
    return ExemptionEntry.model_validate(exemption.data())


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field else said
