"""How a host is connected to: whom its certificate may be from, and what this side shows."""

import os
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

import httpcore2 as httpcore

_MOST_FILES = 1_000  # of a folder of authorities


@dataclass(frozen=True, slots=True)
class Dial:
    """How a host is connected to; the default is as the machine is set up.

    Attributes:
        ca: PEM files of authorities, besides the machine's own.
        client: This side's certificates: PEM files of the certificate and its key; None if both are
            in one file.
        skip_verify: Take any certificate. What is read is still verified against its digest.
        connect_seconds: How long the host may take to take a connection, if not as long as usual.
        own: It may be at an address of this machine's interfaces; who asks may know what is there.
    """

    ca: tuple[str, ...] = ()
    client: tuple[tuple[str, str | None], ...] = ()
    skip_verify: bool = False
    connect_seconds: float | None = None
    own: bool = False

    def elsewhere(self) -> Self:
        """For hosts that this one leads to.

        Its authorities count there too, its leniency and certificates do not.
        """
        return replace(self, client=(), skip_verify=False)

    def tls(self) -> ssl.SSLContext:
        """A context for it.

        Raises:
            OSError: if a file cannot be read, or is not what it should be (``ssl.SSLError``).
        """
        context = httpcore.default_ssl_context()
        # The machine's authorities, and SSL_CERT_FILE, besides certifi's.
        context.load_default_certs()
        for folder in filter(None, os.environ.get("SSL_CERT_DIR", "").split(":")):
            _load_all(context, Path(folder))
        for file in self.ca:
            context.load_verify_locations(file)
        for certificate, key in self.client:
            context.load_cert_chain(certificate, key)
        if self.skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _load_all(context: ssl.SSLContext, folder: Path) -> None:
    """Trust every certificate of a folder, whatever its files are called, as Go does.

    OpenSSL wants them hashed.
    """
    with suppress(OSError):
        for file in islice(sorted(folder.iterdir()), _MOST_FILES):
            with suppress(OSError):
                context.load_verify_locations(file)


AS_USUAL = Dial()
