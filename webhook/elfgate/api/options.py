"""How a call reads images, and by which policies it judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elfgate.settings import Settings
from elfgate.settings.images import Registries
from elfgate.wiring.policies import Judging
from elfgate.wiring.reading import Reading
from elfgate.wiring.stores import store_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a call. Each has a default; nothing is taken from the environment.

    Attributes:
        images: Where references are to be had instead: reference → location, such as ``oci:DIR``.
        store: Where facts are kept: a SQLite file, or the URL of a server; empty to keep them for
            the call only.
        insecure_registries: Registries that speak plain HTTP, as ``HOST[:PORT]``.
        hosts_dirs: Folders of containerd's ``hosts.toml`` files.
        docker_config: The ``config.json`` with credentials.
        policies: A bundle's folder instead of the one that comes with elfgate.
        rules: A folder of own rules.
        settings: The settings of ``elfgate serve``: of policies, nodes, kinds and exemptions.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    insecure_registries: Sequence[str] = ()
    hosts_dirs: Sequence[Path] = ()
    docker_config: Path | None = None
    policies: Path | None = None
    rules: Path | None = None
    settings: Settings | None = None

    def reading(self) -> Reading:
        """How images are read.

        Raises:
            InputError: if the store is neither a file nor a URL.
        """
        file, url = store_at(self.store) if self.store else (None, "")
        registries = Registries(
            insecure=tuple(self.insecure_registries),
            loopback=True,
            config_path=tuple(self.hosts_dirs),
            docker_config=self.docker_config,
        )
        told = Reading(images=self.images, registries=registries, store=file, store_url=url)
        return told.beside(self.settings) if self.settings else told

    def judging(self) -> Judging:
        """By which policies it is judged."""
        told = Judging()
        if self.settings:
            told = Judging.of_settings(self.settings.policies, served=False)
        return told.beside(self.policies, self.rules)
