"""The webhook's certificate, and those of its clients: real TLS on loopback."""

import asyncio
import contextlib
import os
import signal
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import trustme

from elfgate.errors import InputError
from elfgate.server.metrics import Metrics
from elfgate.server.readiness import readiness
from elfgate.server.run import run, serve
from elfgate.server.tls import Certificate
from support.serving import REVIEW, Pki, Server, admit, against, until_metric


async def served_serial(pki: Pki, port: int) -> int:
    """The serial number of the certificate that a new connection is served."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=pki.trusting())
    certificate = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    with contextlib.suppress(ssl.SSLError):
        await writer.wait_closed()
    return int(certificate["serialNumber"], 16)


def test_a_changed_certificate_is_served_without_a_restart_whatever_kind_of_key_it_has(
    pki: Pki,
) -> None:
    async def check(server: Server) -> None:
        before = await served_serial(pki, server.port)
        assert await served_serial(pki, server.port) == before
        for number, kind in enumerate((trustme.KeyType.RSA, trustme.KeyType.ECDSA), 1):
            pki.issue(key_type=kind)
            os.kill(os.getpid(), signal.SIGHUP)
            await until_metric(
                server, f'elfgate_certificate_reloads_total{{result="accepted"}} {number}.0'
            )
            after = await served_serial(pki, server.port)
            assert after != before
            before = after

    against(pki, check)


def test_a_changed_certificate_that_cannot_serve_does_not_replace_one_that_can(pki: Pki) -> None:
    async def check(server: Server) -> None:
        before = await served_serial(pki, server.port)
        pki.issue(not_after=datetime.now(UTC) - timedelta(days=1))
        os.kill(os.getpid(), signal.SIGHUP)
        await until_metric(server, 'elfgate_certificate_reloads_total{result="refused"} 1.0')
        assert await served_serial(pki, server.port) == before
        assert (await server.client.get("/readyz")).text == "ready\n"

    against(pki, check)


def test_no_connection_is_made_below_tls_1_2(pki: Pki) -> None:
    async def check(server: Server) -> None:
        old = pki.trusting()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", server.port, ssl=old)

    against(pki, check)


def test_an_expired_certificate_is_not_served(pki: Pki) -> None:
    pki.issue(not_after=datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(InputError, match=r"^TLS certificate \S+tls.crt: certificate has expired$"):
        run(serve(settings=pki.settings(), judge=admit, ready=readiness({}), metrics=Metrics()))


def test_a_certificate_that_is_not_valid_yet_is_not_served(pki: Pki) -> None:
    pki.issue(
        not_before=datetime.now(UTC) + timedelta(days=1),
        not_after=datetime.now(UTC) + timedelta(days=2),
    )
    with pytest.raises(InputError, match=r"certificate is not yet valid$"):
        Certificate(pki.certificate, pki.key)


def test_the_key_of_another_certificate_is_told_apart(pki: Pki) -> None:
    stale = pki.certificate.read_bytes()
    pki.issue()
    pki.certificate.write_bytes(stale)
    with pytest.raises(
        InputError, match=r"^TLS key \S+tls.key does not belong to the certificate \S+tls.crt$"
    ):
        Certificate(pki.certificate, pki.key)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("tls.crt", None, "No such file or directory"),
        ("tls.key", None, "No such file or directory"),
        ("tls.crt", b"\xff\x00", "there is no PEM certificate in it"),
        ("tls.key", b"", "there is no PEM private key in it"),
        ("tls.key", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "the private key is encrypted"),
        ("tls.crt", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""),
    ],
)
def test_files_that_hold_no_certificate_or_key_are_named(
    pki: Pki, name: str, content: bytes | None, line: str
) -> None:
    (pki.folder / name).unlink()
    if content is not None:
        (pki.folder / name).write_bytes(content)
    with pytest.raises(InputError) as raised:
        Certificate(pki.certificate, pki.key)
    assert str(pki.folder / name) in str(raised.value)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def with_certificate(pki: Pki, ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = pki.trusting()
    ca.issue_cert("api.example", common_name=name).configure_cert(context)
    return context


def test_reviews_are_answered_to_the_api_servers_certificate_only(pki: Pki) -> None:
    ca, stranger = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(pki.folder / "client-ca.crt"))

    async def status(server: Server, context: ssl.SSLContext) -> int:
        async with httpx.AsyncClient(
            base_url=server.client.base_url, verify=context, trust_env=False
        ) as client:
            return (await client.post("/validate", json=REVIEW)).status_code

    async def check(server: Server) -> None:
        assert (await server.review()).status_code == 403
        assert (await server.client.get("/readyz")).text == "ready\n"
        assert (await server.client.get("/healthz")).status_code == 200
        assert await status(server, with_certificate(pki, ca, "kube-apiserver")) == 200
        assert await status(server, with_certificate(pki, ca, "somebody-else")) == 403
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await status(server, with_certificate(pki, stranger, "kube-apiserver"))

    against(pki, check, client_ca=pki.folder / "client-ca.crt", client_names=["kube-apiserver"])
