"""Clients' names: an API server may show a client certificate.

Source: Kubernetes, "Authenticate API servers" (``kubeConfigFile``). The handshake requests a
certificate but does not insist on it: the kubelet has none when it probes. One that is shown must
be the authority's, or there is no connection; whether one was shown matters to reviews only.
"""

import asyncio

from elfgate.settings.doors import Tls


def common_name(transport: asyncio.BaseTransport) -> str | None:
    """The common name in the certificate that the client showed, which may be empty.

    None if it showed none.
    """
    shown = transport.get_extra_info("peercert")
    if not shown:
        return None
    names = [
        str(value)
        for part in shown.get("subject", ())
        for key, value in part
        if key == "commonName"
    ]
    return names[0] if names else ""


def may_ask(client: str | None, tls: Tls | None) -> bool:
    """Whether a client of that common name may have reviews answered."""
    if tls is None or tls.client_ca is None:
        return True
    return client is not None and (not tls.client_names or client in tls.client_names)
