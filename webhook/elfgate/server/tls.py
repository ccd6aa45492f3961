"""The certificate: checked before it is served, and replaced while connections go on.

It is checked as the API server will check it, by a handshake in memory: OpenSSL itself then says
whether the key belongs to it, whether it has expired, and whether it may serve at all.
"""

import ssl
import time
from pathlib import Path
from typing import Any

from elfgate.errors import InputError

Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate and its key, from two PEM files.

    Args:
        certificate: The file of the certificate, followed by its intermediates.
        key: The file of its private key, unencrypted.
        client_ca: The file of the authority whose certificates clients may show; None if they are
            not asked for any.

    Attributes:
        context: What to serve with. It stays the same object when the files change.
        expires: When the certificate that is served expires, in seconds since the epoch.

    Raises:
        InputError: if a file cannot be read, or the pair cannot serve (the key is another's, it has
            expired, …).
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        self._files = (certificate, key, client_ca)
        self._stamp = _stamp(self._files)
        self.context, self.expires = _load(*self._files)
        self._current = self.context
        # Loading a new pair into the context in use would add to it: OpenSSL keeps one for each
        # kind of key, and may go on serving an old RSA certificate beside a new ECDSA one. So each
        # handshake is handed the current context.
        self.context.sni_callback = self._hand_over

    def _hand_over(
        self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        connection.context = self._current

    def reload(self) -> bool:
        """Serve the files as they are now, from the next connection on. True if they have changed.

        Raises:
            InputError: if they have changed and cannot serve. The certificate in use stays, and the
                files are tried again when they change again.
        """
        stamp = _stamp(self._files)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self._current, self.expires = _load(*self._files)
        return True

    @property
    def expired(self) -> bool:
        """Whether the certificate that is served has expired by now."""
        return time.time() > self.expires


def _stamp(files: tuple[Path | None, ...]) -> Stamp:
    """A stamp that changes when a file is replaced or rewritten.

    It changes behind a symlink too, as a mounted Secret's is swapped.
    """
    return tuple(
        (state.st_mtime_ns, state.st_ino, state.st_size)
        for state in map(_stat, filter(None, files))
    )


def _stat(path: Path) -> Any:
    try:
        return path.stat()
    except OSError as error:
        raise InputError(f"TLS file {path}: {error.strerror}") from None


def _load(certificate: Path, key: Path, client_ca: Path | None) -> tuple[ssl.SSLContext, float]:
    """A context that serves this pair, and when it expires."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _readable(certificate, "CERTIFICATE-----", "certificate")
    _readable(key, "PRIVATE KEY-----", "private key")
    try:
        # An empty password: without one, OpenSSL would ask for an encrypted key's on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError(
                f"TLS key {key} does not belong to the certificate {certificate}"
            ) from None
        raise InputError(
            f"TLS certificate {certificate} with key {key}: {error.reason or error.args[0]}"
        ) from None
    if client_ca is not None:
        _ask_clients(context, client_ca)
    return context, _shake_hands(context, certificate)


def _ask_clients(context: ssl.SSLContext, authority: Path) -> None:
    _readable(authority, "CERTIFICATE-----", "certificate")
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError as error:
        raise InputError(
            f"TLS client authority {authority}: {error.reason or error.args[0]}"
        ) from None
    context.verify_mode = ssl.CERT_OPTIONAL


def _readable(path: Path, mark: str, what: str) -> None:
    try:
        text = path.read_text("ascii", "replace")
    except OSError as error:
        raise InputError(f"TLS file {path}: {error.strerror}") from None
    if mark not in text:
        raise InputError(f"TLS file {path}: there is no PEM {what} in it")
    if "ENCRYPTED" in text:
        raise InputError(
            f"TLS file {path}: the private key is encrypted",
            hint="store the key without a passphrase",
        )


def _shake_hands(server: ssl.SSLContext, certificate: Path) -> float:
    """Connect to ``server`` in memory, trusting the file's own certificates.

    When the served one expires.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = (
        False  # which names it is for is between the API server and its configuration
    )
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(certificate)
        return _handshake(server, client)
    except ssl.SSLCertVerificationError as error:
        raise InputError(f"TLS certificate {certificate}: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise InputError(
            f"TLS certificate {certificate}: {error.reason or error.args[0]}"
        ) from None


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> float:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far) * 3:  # TLS 1.3 takes three flights, TLS 1.2 four; more do nothing
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    peer = near.getpeercert()
    return float(ssl.cert_time_to_seconds(str(peer["notAfter"]))) if peer else 0.0
