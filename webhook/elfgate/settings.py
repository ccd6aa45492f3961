"""The settings of ``elfgate serve``: a YAML file, checked whole before anything starts.

What is not written has a default that is safe for a cluster: nothing is denied but what is certain,
and a review that cannot be judged is admitted with a warning. Paths are taken from the folder in
which elfgate was started.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from elfgate import chart_values
from elfgate.cluster.outlook import Outlook
from elfgate.cluster.plan import SelfMade
from elfgate.cluster.template import Template
from elfgate.errors import InputError
from elfgate.images.source import Limits
from elfgate.linkage.inputs import Snapshotter
from elfgate.policy.config import ArchitectureName
from elfgate.policy.settings import Policies
from elfgate.settings_file import document, problem
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


class Model(BaseModel):
    """Frozen, and closed: a misspelt key is an error, never silently without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Listen(Model):
    """The address where the webhook listens."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; `0.0.0.0` or `::` for every interface.",
    )
    port: int = Field(
        default=8443,
        ge=0,
        le=65535,
        description="TCP port; 0 takes a free one, which the log names.",
    )
    probe_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="TCP port for the kubelet's probes (`/livez`, `/readyz`): plain HTTP, on a "
        "thread of its own. 0 takes a free one.",
    )
    connections: PositiveInt = Field(
        default=1024,
        description="Most connections at a time, as far as the process may have descriptors. "
        "One client gets at most half of them.",
    )


class Tls(Model):
    """The certificate that the API server verifies with its `caBundle`.

    Files, or one that is self-made.
    """

    certificate: Path | None = Field(
        default=None, description="PEM file: the certificate, then its intermediates."
    )
    key: Path | None = Field(
        default=None, description="PEM file: the certificate's private key, unencrypted."
    )
    self_made: SelfMade | None = Field(default=None, description=SelfMade.__doc__)
    client_ca: Path | None = Field(
        default=None,
        description="PEM file of an authority: only clients with its certificates get reviews "
        "answered. Probes need none.",
    )
    client_names: tuple[str, ...] = Field(
        default=(),
        description="Common names that such clients may have; empty allows any. Needs `client_ca`.",
    )
    reload_seconds: PositiveFloat = Field(
        default=10.0,
        description="Seconds between checks of the files. Changed files are served without a "
        "restart; SIGHUP checks at once.",
    )

    @model_validator(mode="after")
    def _files_or_self_made(self) -> Self:
        if self.self_made and (self.certificate or self.key):
            raise ValueError(
                "a certificate is self-made, or comes from `certificate` and `key`, not both"
            )
        if not self.self_made and not (self.certificate and self.key):
            raise ValueError("set `certificate` and `key`, or `self_made`")
        return self


class Nodes(Model):
    """The source of facts about the cluster's nodes."""

    file: Path | None = Field(
        default=None, description="A NodeList, as `kubectl get nodes -o json` prints it."
    )
    watch: bool = Field(
        default=False,
        description="Follow the cluster's nodes instead of a file. Needs the rights to list and "
        "watch nodes.",
    )
    stale_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="Seconds without news of the nodes, after which only what fails on any node "
        "is refused.",
    )
    injected_libraries: tuple[str, ...] = Field(
        default=(),
        description="Patterns of libraries that nodes add to containers (`libmydriver.so*`). "
        "NVIDIA's are known.",
    )
    snapshotter: Snapshotter | None = Field(
        default=None,
        description="Snapshotter of the nodes, by containerd's name (`overlayfs`, `native`, "
        "`devmapper` …); `native` for rootless nodes. Unset, an image that snapshotters unpack "
        "differently is unknown where that matters.",
    )
    extra_architectures: tuple[ArchitectureName, ...] = Field(
        default=(),
        description="Architectures that an autoscaler may add: they count although no node has "
        "them yet.",
    )
    passing_taints: tuple[str, ...] = Field(
        default=(),
        description="Further patterns of keys of taints that nodes lose again "
        "(`example.com/starting`), or that namespaces let their pods tolerate.",
    )
    ordinary_runtimes: tuple[str, ...] = Field(
        default=(),
        description="Further patterns of RuntimeClasses whose containers start as ordinary ones "
        "do.",
    )

    @property
    def outlook(self) -> Outlook:
        """The facts that these settings add to those known of the cluster."""
        return Outlook(self.extra_architectures, self.passing_taints, self.ordinary_runtimes)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.watch and self.file is not None:
            raise ValueError("nodes come from `file` or from `watch`, not from both")
        return self


class Cluster(Model):
    """How the cluster's API server is reached, for what is asked of it."""

    kubeconfig: Path | None = Field(
        default=None,
        description="Default: `$KUBECONFIG`, then `~/.kube/config`; in a pod, its service account.",
    )
    context: str = Field(
        default="", description="Context of the kubeconfig. Default: the current one."
    )


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

    repositories: tuple[str, ...] = Field(
        min_length=1,
        description="Patterns of repositories (`registry.example/team/*`).",
    )
    key: str = Field(
        max_length=4096, description="The public key (PEM, ECDSA on P-256) that signs for them."
    )


class Registries(Model):
    """How registries are reached."""

    insecure: tuple[str, ...] = Field(
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


class Admission(Model):
    """How a review is answered."""

    fail: Literal["allow", "deny"] = Field(
        default="allow",
        description="The answer when elfgate itself fails or runs out of time; `allow` comes "
        "with a warning.",
    )
    exempt_namespaces: tuple[str, ...] = Field(
        default=(),
        description="Namespaces whose objects are admitted unjudged, as are `kube-system`'s and "
        "those of the webhook's own.",
    )
    kinds: tuple[Template, ...] = Field(
        default=(),
        description="Further kinds that hold a pod template: `group`, `kind`, the template's "
        "`path` (a list, such as `[spec, template]`; empty for the object itself), and "
        "`every_node` for kinds that run on each node.",
    )
    steer: bool = Field(
        default=False,
        description="Answer `POST /mutate`: pods get a required node affinity for the "
        "architectures they can start on.",
    )
    first_sight_seconds: NonNegativeFloat = Field(
        default=2.0,
        description="Seconds that a review waits for an image seen for the first time. Then the "
        "image is unknown; reading goes on.",
    )
    bindings: bool = Field(
        default=False,
        description="Judge bindings too, where the webhook receives them. Needs the right to "
        "get pods.",
    )
    events: bool = Field(
        default=False,
        description="Write an Event on an object and its owner if the object was admitted as "
        "unknown and then turns out unable to start. Needs the rights to create and patch "
        "events.",
    )
    namespace_labels: bool = Field(
        default=False,
        description="Tell your own rules the labels of namespaces, if they look at them. Needs the "
        "right to get namespaces.",
    )
    margin_seconds: NonNegativeFloat = Field(
        default=0.5,
        description="Seconds between the answer and the API server's own deadline.",
    )
    default_timeout_seconds: PositiveFloat = Field(
        default=10.0,
        le=30,
        description="Deadline of a review without `?timeout=`. Kubernetes' own default is the "
        "same.",
    )
    body_bytes: PositiveInt = Field(
        default=3 << 20, description="Most bytes of a review; larger ones are refused unread (413)."
    )
    in_flight: PositiveInt = Field(
        default=256,
        description="Most reviews judged at once; further ones get the answer set by `fail`.",
    )
    drain_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="Seconds after SIGTERM in which the webhook still answers, while endpoints drain.",
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


class Log(Model):
    """The log, as JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`info` logs denials and failures; `debug` every review."
    )


class Settings(Model):
    """All settings of ``elfgate serve``."""

    listen: Listen = Field(default=Listen(), description=Listen.__doc__)
    tls: Tls | None = Field(default=None, description=Tls.__doc__)
    nodes: Nodes = Field(default=Nodes(), description=Nodes.__doc__)
    cluster: Cluster = Field(default=Cluster(), description=Cluster.__doc__)
    store: Store = Field(default=Store(), description=Store.__doc__)
    images: dict[str, str] = Field(
        default={},
        description="Images to read from elsewhere than their registry: reference → `oci:DIR`, "
        "`docker-archive:FILE`, …",
    )
    registries: Registries = Field(default=Registries(), description=Registries.__doc__)
    notifications: Notifications | None = Field(default=None, description=Notifications.__doc__)
    policies: Policies = Field(default=Policies(), description=Policies.__doc__)
    admission: Admission = Field(default=Admission(), description=Admission.__doc__)
    limits: ImageLimits = Field(default=ImageLimits(), description=ImageLimits.__doc__)
    isolation: Literal["required", "preferred", "none"] = Field(
        default="preferred",
        description="Whether confined processes look into images. Where this system cannot "
        "confine, `required` refuses to start, and `preferred` logs a warning and goes on. "
        "`none` never confines.",
    )
    log: Log = Field(default=Log(), description=Log.__doc__)
    traces: str = Field(default="", description="URL of a collector of OpenTelemetry traces.")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML (or JSON) file.

        Raises:
            InputError: if the file cannot be read, is no YAML, or says what cannot be: one line a
                problem, each with the file, the key and what is wrong.
        """
        written = document(path)
        return cls.of(path, {} if written is None else written)

    @classmethod
    def read_values(cls, path: Path) -> Self:
        """Read a file of the chart's values, as far as verdicts follow from them.

        Raises:
            InputError: if the file cannot be read, is no YAML, or says what cannot be.
        """
        return cls.of(path, chart_values.of_file(path))

    @classmethod
    def of(cls, path: Path, written: object) -> Self:
        """Take what is written in a file.

        Raises:
            InputError: if it says what cannot be: one line a problem, each with the file, the key
                and what is wrong.
        """
        try:
            return cls.model_validate(written)
        except ValidationError as error:
            details = error.errors(include_url=False)
            problems = (f"{path}: {problem(detail, cls)}" for detail in details)
            raise InputError("\n".join(problems)) from None
