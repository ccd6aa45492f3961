"""Settings of the webhook's own process: its address, its certificate, its log."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from elfgate.cluster.plan import SelfMade
from elfgate.settings.model import Model


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
        if self.client_names and self.client_ca is None:
            raise ValueError("`client_names` needs `client_ca`: without it, any client is answered")
        return self


class Log(Model):
    """The log, as JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`info` logs denials and failures; `debug` every review."
    )
