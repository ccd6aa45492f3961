"""The settings of ``elfgate serve``: a YAML file, checked whole before anything starts.

What is not written has a default that is safe for a cluster: nothing is denied but what is certain, and a review that
cannot be judged is admitted with a warning. Paths are taken from the folder in which elfgate was started.
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
from pydantic_core import ErrorDetails

from elfgate.cluster.outlook import Outlook
from elfgate.cluster.plan import SelfMade
from elfgate.cluster.template import Template
from elfgate.errors import InputError
from elfgate.images.source import Limits
from elfgate.linkage.inputs import Snapshotter
from elfgate.policy.config import ArchitectureName, PolicyConfig
from elfgate.settings_file import document
from elfgate.store.address import parse as parse_store_url


def default_store() -> Path | None:
    """The file of facts unless a setting says otherwise (XDG base directories); None without a home."""
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
        description="TCP port for the kubelet's probes, over plain HTTP and on a thread of its own: `/livez` and "
        "`/readyz`; 0 takes a free one.",
    )
    connections: PositiveInt = Field(
        default=1024,
        description="How many connections there may be, as far as the process may have descriptors; one client gets "
        "half of them at most.",
    )


class Tls(Model):
    """The certificate that the API server verifies with its `caBundle`: files, or one that is self-made."""

    certificate: Path | None = Field(
        default=None, description="PEM file: the certificate, then its intermediates."
    )
    key: Path | None = Field(
        default=None, description="PEM file: the certificate's private key, unencrypted."
    )
    self_made: SelfMade | None = Field(default=None, description=SelfMade.__doc__)
    client_ca: Path | None = Field(
        default=None,
        description="PEM file: reviews are only answered to clients with this authority's certificates; probes to all.",
    )
    client_names: tuple[str, ...] = Field(
        default=(),
        description="Common names of such clients; any, if none is named. Needs `client_ca`.",
    )
    reload_seconds: PositiveFloat = Field(
        default=10.0,
        description="How often the files are looked at; changed ones are served without a restart. SIGHUP: at once.",
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
        description="Follow the cluster's nodes instead; takes the rights to list and watch nodes.",
    )
    stale_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="How long the nodes may not be followed; then nothing is refused only because of which there are.",
    )
    injected_libraries: tuple[str, ...] = Field(
        default=(),
        description="Patterns of libraries that nodes put into containers (`libmydriver.so*`), besides NVIDIA's.",
    )
    snapshotter: Snapshotter | None = Field(
        default=None,
        description="How nodes unpack layers, by containerd's name of it (`overlayfs`, `native`, `devmapper` …); "
        "`native` for rootless nodes. Unset, an image that comes out differently is unknown where that matters.",
    )
    extra_architectures: tuple[ArchitectureName, ...] = Field(
        default=(),
        description="Architectures that count although no node has them yet (autoscalers, scale from zero).",
    )
    passing_taints: tuple[str, ...] = Field(
        default=(),
        description="Further patterns of taints' keys (`example.com/starting`) that nodes have for a while only.",
    )
    ordinary_runtimes: tuple[str, ...] = Field(
        default=(),
        description="Further patterns of RuntimeClasses whose containers start as the node's own do.",
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
        description="Else `$KUBECONFIG`, `~/.kube/config`, or in a pod its service account.",
    )
    context: str = Field(
        default="", description="A context of the kubeconfig; else its current one."
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
        description="The SQLite file; made when it is not there. Default: `elfgate/facts.db` in the user's cache, or "
        "none where `url` is set.",
    )
    size_cap: ByteSize = Field(
        default=ByteSize(1 << 30), description="What is used least recently goes beyond this size."
    )
    url: Annotated[str, AfterValidator(_store_url)] | None = Field(
        default=None,
        description="A Valkey or Redis server on which replicas share facts: `valkey://[USER@]HOST[:PORT][/DATABASE]`, "
        "`valkeys://` for TLS, or `unix:///SOCKET`. Its password: in the environment, `ELFGATE_STORE_PASSWORD`; "
        "so are the keys that facts there are sealed with, the newest first: `ELFGATE_STORE_KEYS`.",
    )


class CredentialProviders(Model):
    """The kubelet's credential provider plug-ins, for registries of clouds."""

    config: Path = Field(
        description="A CredentialProviderConfig (the kubelet's `--image-credential-provider-config`)."
    )
    folder: Path = Field(
        description="Where its programs are (`--image-credential-provider-bin-dir`)."
    )


class Registries(Model):
    """How registries are reached."""

    insecure: tuple[str, ...] = Field(
        default=(), description="Hosts (with port) that are spoken to over plain HTTP."
    )
    config_path: tuple[Path, ...] = Field(
        default=(),
        description="Folders like `/etc/containerd/certs.d`: mirrors, authorities and more, by `hosts.toml`.",
    )
    docker_config: Path | None = Field(
        default=None,
        description="Docker's `config.json`; else the one in `DOCKER_CONFIG` or `~/.docker`. All who ask share it.",
    )
    credential_providers: CredentialProviders | None = Field(
        default=None, description=CredentialProviders.__doc__
    )
    pull_secrets: bool = Field(
        default=False,
        description="Read workloads' pull secrets, so that each namespace is told only of images that it may pull. "
        "Needs `tls.client_ca`: without it, whoever asks may be anybody, and no secret is used.",
    )
    loopback: bool = Field(
        default=False,
        description="Let pods name registries on this machine, besides those in `insecure` and `config_path`.",
    )
    by_table: bool = Field(
        default=False,
        description="Believe the tables of contents of eStargz and zstd:chunked layers, and read only what may matter.",
    )
    concurrency: PositiveInt | None = Field(
        default=None,
        description="How many look-ups, and how many layers, of one registry are under way at a time "
        "for one namespace; eight, and two, if unset.",
    )


class BundleKey(Model):
    """A key that may sign a bundle. Two keys at a time let one be exchanged without a gap."""

    key: Path = Field(description="PEM file of the public key.")
    key_id: str = Field(min_length=1, description="The key's name in signatures.")


class PolicyBundle(Model):
    """A signed bundle that is looked for now and then. Until the first is in force, the other policy settings apply."""

    location: str = Field(
        description="An https URL, or an image whose only layer it is: in a registry, `oci:DIR` or an archive."
    )
    keys: tuple[BundleKey, ...] = Field(
        min_length=1, description="Public keys. A bundle is signed with one of them (ES256)."
    )
    poll_seconds: PositiveFloat = Field(default=60.0, description="From one look to the next.")
    keep: Path | None = Field(
        default=None,
        description="Folder of the last good bundle. A restart judges by it while the location is away.",
    )
    required: bool = Field(
        default=False, description="The webhook is not ready before a bundle is in force."
    )
    allow_rollback: bool = Field(
        default=False, description="A bundle with a lower serial than the one in force is taken."
    )


class Policies(PolicyConfig):
    """Which policies judge, and what they decide by where that differs from the bundle's own configuration."""

    folder: Path | None = Field(
        default=None, description="A policy bundle's folder; else the one that comes with elfgate."
    )
    own_rules: Path | None = Field(
        default=None,
        description="A folder (such as a ConfigMap's volume) of further rules, in Rego.",
    )
    bundle: PolicyBundle | None = Field(default=None, description=PolicyBundle.__doc__)
    engine: Literal["embedded", "opa"] = Field(
        default="embedded", description="What evaluates: this process, or an OPA server beside it."
    )
    opa_socket: Path | None = Field(
        default=None, description="The unix socket on which that OPA listens."
    )
    seconds: PositiveFloat = Field(
        default=1.0,
        le=30,
        description="How long OPA, or rules of your own, may take for a review; a rule that takes longer is left out.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "opa" and self.opa_socket is None:
            raise ValueError("the engine opa needs opa_socket")
        if self.bundle is not None and (self.engine == "opa" or self.own_rules is not None):
            raise ValueError("a bundle has its own rules, and OPA looks for its bundles itself")
        return self


class Admission(Model):
    """How a review is answered."""

    fail: Literal["allow", "deny"] = Field(
        default="allow",
        description="The answer when elfgate itself fails or runs out of time; `allow` comes with a warning.",
    )
    exempt_namespaces: tuple[str, ...] = Field(
        default=(),
        description="Namespaces of which everything is admitted unjudged, besides `kube-system` and the webhook's own.",
    )
    kinds: tuple[Template, ...] = Field(
        default=(),
        description="Further kinds that hold a pod template: `group`, `kind`, `path` to it (a list, such as "
        "`[spec, template]`; empty for the object itself), and `every_node` if it runs on each, as a DaemonSet does.",
    )
    steer: bool = Field(
        default=False,
        description="Answer `POST /mutate`: pods get a required node affinity for the architectures they can start on.",
    )
    first_sight_seconds: NonNegativeFloat = Field(
        default=2.0,
        description="How long a review waits for an image that was never read; then it is unknown, and read on.",
    )
    bindings: bool = Field(
        default=False,
        description="Judge bindings too, where the webhook is asked about them; takes the right to get pods.",
    )
    events: bool = Field(
        default=False,
        description="Tell by an Event on an object and its owner when it was admitted unknown and is then found unable "
        "to start; takes the rights to create and patch events.",
    )
    margin_seconds: NonNegativeFloat = Field(
        default=0.5,
        description="How long before the API server's own deadline the answer is given.",
    )
    default_timeout_seconds: PositiveFloat = Field(
        default=10.0,
        le=30,
        description="The deadline of a review that comes without `?timeout=` (Kubernetes' own default).",
    )
    body_bytes: PositiveInt = Field(
        default=3 << 20, description="Larger reviews are refused unread (413)."
    )
    in_flight: PositiveInt = Field(
        default=256, description="Beyond so many reviews at a time, one more is answered by `fail`."
    )
    drain_seconds: NonNegativeFloat = Field(
        default=5.0,
        description="After SIGTERM, how long the webhook is not ready but still answers, so that endpoints drain.",
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
        description="Unpacked to packed bytes, beyond the first 64 MiB unpacked.",
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
        description="Where to read an image instead of its registry: reference → `oci:DIR`, `docker-archive:FILE`, …",
    )
    registries: Registries = Field(default=Registries(), description=Registries.__doc__)
    policies: Policies = Field(default=Policies(), description=Policies.__doc__)
    admission: Admission = Field(default=Admission(), description=Admission.__doc__)
    limits: ImageLimits = Field(default=ImageLimits(), description=ImageLimits.__doc__)
    isolation: Literal["required", "preferred", "none"] = Field(
        default="preferred",
        description="Look into images in confined processes of their own: `required` does not "
        "start where this system has none, `preferred` says so and goes on, `none` never tries.",
    )
    log: Log = Field(default=Log(), description=Log.__doc__)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a YAML (or JSON) file.

        Raises:
            InputError: if the file cannot be read, is no YAML, or says what cannot be: one line a problem, each with
                the file, the key and what is wrong.
        """
        written = document(path)
        try:
            return cls.model_validate({} if written is None else written)
        except ValidationError as error:
            problems = (f"{path}: {_problem(detail)}" for detail in error.errors(include_url=False))
            raise InputError("\n".join(problems)) from None


_PLAIN = {
    "extra_forbidden": "no such setting",
    "unexpected_keyword_argument": "no such setting",
    "missing": "must be set",
    "model_type": "must be a mapping of settings",
}


def _problem(detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    message = detail["msg"].removeprefix("Value error, ")
    text = _PLAIN.get(detail["type"]) or message[:1].lower() + message[1:]
    return f"{key}: {text}" if key else text
