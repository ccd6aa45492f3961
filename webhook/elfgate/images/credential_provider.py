"""Credentials from the kubelet's credential provider plug-ins, run as the kubelet runs them.

Sources: the Kubernetes documentation "Configure a kubelet image credential provider"; the APIs
``kubelet.config.k8s.io/v1`` (CredentialProviderConfig) and ``credentialprovider.kubelet.k8s.io/v1``
(request and response); ``pkg/credentialprovider/plugin``.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from elfgate.errors import InputError, UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.dockerauth import MalformedError, read_object
from elfgate.images.durations import seconds_of
from elfgate.images.keyring import Keyring, matches
from elfgate.images.programs import ask

PLUGIN_SECONDS = 60.0  # the kubelet's own
_VERSION = "credentialprovider.kubelet.k8s.io/v1"
_CONFIG_BYTES = 1 << 20
_MOST_REMEMBERED = 1_024  # answers of one plug-in

Duration = Annotated[float, BeforeValidator(seconds_of)]


class _Variable(BaseModel):
    name: str
    value: str


class Plugin(BaseModel):
    """One plug-in, as the configuration names it."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=r"^[^/\\ ]+$")]
    match_images: Annotated[tuple[str, ...], Field(alias="matchImages", min_length=1)]
    default_cache_duration: Annotated[Duration, Field(alias="defaultCacheDuration")]
    api_version: Annotated[
        Literal["credentialprovider.kubelet.k8s.io/v1"], Field(alias="apiVersion")
    ]
    args: tuple[str, ...] | None = None
    env: tuple[_Variable, ...] | None = None
    token_attributes: Annotated[dict[str, Any] | None, Field(alias="tokenAttributes")] = None


class _Config(BaseModel):
    api_version: Annotated[Literal["kubelet.config.k8s.io/v1"], Field(alias="apiVersion")]
    kind: Literal["CredentialProviderConfig"]
    providers: Annotated[tuple[Plugin, ...], Field(min_length=1)]


class _Auth(BaseModel):
    username: str = ""
    password: Annotated[str, Field(repr=False)] = ""


class _Response(BaseModel):
    api_version: Annotated[
        Literal["credentialprovider.kubelet.k8s.io/v1"], Field(alias="apiVersion")
    ]
    kind: Literal["CredentialProviderResponse"]
    cache_key_type: Annotated[Literal["Image", "Registry", "Global"], Field(alias="cacheKeyType")]
    cache_duration: Annotated[Duration | None, Field(alias="cacheDuration")] = None
    auth: dict[str, _Auth] | None = None


class CredentialProviders:
    """The credentials that plug-ins hand out (``Credentials``).

    Of each whose ``matchImages`` match.

    Args:
        plugins: In the order in which they are asked.
        folder: Where their programs are.
        seconds: How long one may take.
    """

    def __init__(
        self, plugins: Sequence[Plugin], folder: Path, *, seconds: float = PLUGIN_SECONDS
    ) -> None:
        self._providers = tuple(_Provider(plugin, folder, seconds) for plugin in plugins)

    @classmethod
    def read(cls, config: Path, folder: Path) -> Self:
        """Read a CredentialProviderConfig.

        It is the file of the kubelet's ``--image-credential-provider-config``.

        Args:
            config: The file.
            folder: That of ``--image-credential-provider-bin-dir``.

        Raises:
            InputError: if it cannot be used; or a plug-in wants a service account's token, which is
                the pod's own.
        """
        try:
            with config.open("rb") as file:
                found = _Config.model_validate(yaml.safe_load(file.read(_CONFIG_BYTES)))
        except OSError as error:
            raise InputError(f"{config}: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"{config} is not valid YAML") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{config}: {where or 'document'}: {first['msg']}") from error
        for plugin in found.providers:
            if plugin.token_attributes:
                raise InputError(
                    f"{config}: plug-in {plugin.name} wants service accounts' tokens, which "
                    "elfgate has not"
                )
            if not (folder / plugin.name).is_file():
                raise InputError(f"{config}: there is no plug-in {folder / plugin.name}")
        return cls(found.providers, folder)

    def find(self, name: str) -> Sequence[Credential]:
        """The credentials for ``registry/repository``.

        Raises:
            UnreadableError: NO_CREDENTIALS if a plug-in fails.
        """
        return tuple(
            credential for provider in self._providers for credential in provider.find(name)
        )


class _Provider:
    """One plug-in with its remembered answers."""

    def __init__(self, plugin: Plugin, folder: Path, seconds: float) -> None:
        self._plugin = plugin
        self._program = str(folder.absolute() / plugin.name)
        self._seconds = seconds
        self._lock = threading.Lock()  # one run at a time: who waits finds the answer remembered
        self._remembered: dict[str, tuple[float, Keyring]] = {}

    def find(self, name: str) -> Sequence[Credential]:
        if not any(matches(pattern, name) for pattern in self._plugin.match_images):
            return ()
        with self._lock:
            keyring = self._known(name)
            if keyring is None:
                response = self._ask(name)
                entries = (response.auth or {}).items()
                keyring = Keyring(
                    (pattern, Credential(auth.username, auth.password)) for pattern, auth in entries
                )
                self._remember(name, response, keyring)
        return keyring.find(name)

    def _known(self, name: str) -> Keyring | None:
        now = time.monotonic()
        for key in (name, name.partition("/")[0], ""):
            until, keyring = self._remembered.get(key, (0.0, None))
            if keyring is not None and now < until:
                return keyring
        return None

    def _remember(self, name: str, response: _Response, keyring: Keyring) -> None:
        seconds = response.cache_duration
        if seconds is None:
            seconds = self._plugin.default_cache_duration
        if seconds <= 0:
            return
        key = {"Image": name, "Registry": name.partition("/")[0], "Global": ""}[
            response.cache_key_type
        ]
        self._remembered.pop(key, None)
        self._remembered[key] = time.monotonic() + seconds, keyring
        if len(self._remembered) > _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _ask(self, name: str) -> _Response:
        plugin = self._plugin
        request = {"apiVersion": _VERSION, "kind": "CredentialProviderRequest", "image": name}
        code, text = ask(
            [self._program, *(plugin.args or ())],
            orjson.dumps(request),
            seconds=self._seconds,
            environment={variable.name: variable.value for variable in plugin.env or ()},
        )
        if code != 0:
            message = f"credential provider {plugin.name} fails for {name} (exit code {code})"
            raise UnreadableError(message, reason=UnknownReason.NO_CREDENTIALS)
        try:
            return _Response.model_validate(read_object(text))
        except (MalformedError, ValidationError):  # whose words may quote a secret
            message = (
                f"credential provider {plugin.name} answers for {name} with no "
                "CredentialProviderResponse"
            )
            raise UnreadableError(message, reason=UnknownReason.NO_CREDENTIALS) from None
