"""Settings of how images are read, and where facts about images are kept."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ByteSize, Field, PositiveFloat, PositiveInt

from elfgate.errors import InputError
from elfgate.images.source import Limits
from elfgate.settings.model import Model
from elfgate.settings.names import RegistryHost, RepositoriesPattern
from elfgate.store.address import parse as parse_store_url


def default_store() -> Path | None:
    """The file of facts unless a setting says otherwise (XDG base directories).

    None without a home.
    """
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(cache) if cache else Path.home() / ".cache") / "elfgate" / "facts.db"
    except RuntimeError:  # nobody knows the user that runs this
        return None


def _store_url(url: str) -> str:
    try:
        parse_store_url(url)
    except InputError as error:
        raise ValueError(str(error)) from None
    return url


class Store(Model):
    """The store of facts about images."""

    path: Path | None = Field(
        default=None,
        description="SQLite file, created if missing. Default: `elfgate/facts.db` in the user's "
        "cache; none where `url` is set.",
    )
    size_cap: ByteSize = Field(
        default=ByteSize(1 << 30),
        description="Above this size, the least recently used facts are evicted.",
    )
    url: Annotated[str, AfterValidator(_store_url)] | None = Field(
        default=None,
        description="Valkey or Redis server on which replicas share facts: "
        "`valkey://[USER@]HOST[:PORT][/DATABASE]`, `valkeys://` for TLS, or `unix:///SOCKET`. "
        "`ELFGATE_STORE_PASSWORD` holds its password, and `ELFGATE_STORE_KEYS` the keys that "
        "seal its facts, newest first.",
    )


class CredentialProviders(Model):
    """The kubelet's credential provider plug-ins, for registries of clouds."""

    config: Path = Field(
        description="A CredentialProviderConfig (the kubelet's "
        "`--image-credential-provider-config`)."
    )
    folder: Path = Field(
        description="Folder of the provider programs (`--image-credential-provider-bin-dir`)."
    )


class AttestedRepositories(Model):
    """Repositories of which attested facts are believed, and whose."""

    repositories: tuple[RepositoriesPattern, ...] = Field(
        min_length=1,
        description="Patterns of repositories (`registry.example/team/*`).",
    )
    key: str = Field(
        max_length=4096, description="The public key (PEM, ECDSA on P-256) that signs for them."
    )


class Registries(Model):
    """How registries are reached."""

    insecure: tuple[RegistryHost, ...] = Field(
        default=(), description="Registries (host and port) to reach over plain HTTP."
    )
    config_path: tuple[Path, ...] = Field(
        default=(),
        description="Folders of `hosts.toml` files, such as `/etc/containerd/certs.d`: mirrors, "
        "authorities and more.",
    )
    docker_config: Path | None = Field(
        default=None,
        description="Docker's `config.json`; its credentials serve every namespace. Default: in "
        "`DOCKER_CONFIG` or `~/.docker`.",
    )
    credential_providers: CredentialProviders | None = Field(
        default=None, description=CredentialProviders.__doc__
    )
    pull_secrets: bool = Field(
        default=False,
        description="Read workloads' pull secrets: each namespace then learns only of images "
        "that it may pull. Needs `tls.client_ca`, as unverified clients must not have secrets "
        "used for them.",
    )
    loopback: bool = Field(
        default=False,
        description="Let pods name registries on this machine. Those in `insecure` and "
        "`config_path` are allowed anyway.",
    )
    by_table: bool = Field(
        default=False,
        description="Trust the tables of contents of eStargz and zstd:chunked layers, and read "
        "only the files that may matter.",
    )
    attested: tuple[AttestedRepositories, ...] = Field(
        default=(),
        description="Believe the facts that `elfgate attest` has attached to images of these "
        "repositories, signed by these keys: their layers need not be read.",
    )
    concurrency: PositiveInt | None = Field(
        default=None,
        description="Most look-ups, and most layers, of one registry at a time for one namespace. "
        "Default: eight look-ups and two layers.",
    )


class Notifications(Model):
    """Push notifications of registries (`POST /notify`): images are read before their first pod."""

    tokens: Path = Field(
        description="A file of tokens, one a line, of 16 characters or more; two let one be "
        "exchanged without a gap. A registry shows one in the path (`/notify/TOKEN`) or as its "
        "`Authorization`."
    )


_LIMITS = Limits()


class ImageLimits(Model):
    """How much of an image is read before it counts as hostile, and is unknown."""

    manifest_bytes: PositiveInt = Field(
        default=_LIMITS.manifest_bytes, description="Bytes of one manifest, index or config."
    )
    layer_bytes: PositiveInt = Field(
        default=_LIMITS.layer_bytes, description="Bytes of one layer, unpacked."
    )
    layer_entries: PositiveInt = Field(
        default=_LIMITS.layer_entries, description="Names in one layer."
    )
    layer_ratio: PositiveInt = Field(
        default=_LIMITS.layer_ratio,
        description="Most bytes unpacked for one byte packed, after the first 64 MiB unpacked.",
    )
    index_entries: PositiveInt = Field(
        default=_LIMITS.index_entries, description="Manifests in one index."
    )
    seconds: PositiveFloat = Field(default=_LIMITS.seconds, description="Seconds for one layer.")

    def limits(self) -> Limits:
        """The form that the sources take."""
        return Limits(**self.model_dump())
