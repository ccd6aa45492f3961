"""containerd's certs.d folders: who is asked for a registry's images, and what each host is told."""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.dial import Dial
from elfgate.images.docker_config import DockerConfig
from elfgate.images.durations import seconds_of
from elfgate.images.hosts import Capability, Host, HostsFolders
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions, Repository
from elfgate.images.source import Descriptor
from support.elf_file import elf_file
from support.oci import image
from support.registry import Answer, Registry
from support.tarball import program, tarball

APP = image([tarball({"bin/sh": program(elf_file("amd64"))})])
LAYER = APP.children[1]
IMAGES = {"example/app": {"1.0": APP}}
SECRET = "s3cret"


def written(root: Path, registry: str, text: str) -> HostsFolders:
    (root / registry).mkdir(parents=True)
    (root / registry / "hosts.toml").write_text(text)
    return HostsFolders([root])


@contextmanager
def asking(
    root: Path, name: str = "registry.example/example/app", credentials: DockerConfig | None = None
) -> Iterator[Repository]:
    registries = Registries(
        credentials, options=RegistryOptions(config_path=(root,), read_seconds=2.0)
    )
    try:
        yield registries.repository(Reference.parse(name))
    finally:
        registries.close()


# --- what the files say


def test_without_a_file_the_registry_itself_is_asked(tmp_path: Path) -> None:
    folders = HostsFolders([tmp_path], plain_http=frozenset({"plain.example"}))
    assert folders.of("registry.example:5000") == (Host("https", "registry.example:5000"),)
    assert folders.of("plain.example") == (Host("http", "plain.example", configured=True),)


def test_mirrors_come_in_the_file_s_order_and_the_server_last(tmp_path: Path) -> None:
    folders = written(
        tmp_path,
        "docker.io",
        """
        server = "https://registry-1.docker.io"
        [host."https://b.example"]
          capabilities = ["Pull"]
        [host."http://a.example:5000/hub"]
          capabilities = ["pull", "resolve", "push"]
        [host."c.example/root"]
          override_path = true
          header = { X-Team = "a", X-Many = ["1", "2"] }
        """,
    )
    first, second, third, server = folders.of("docker.io")
    assert (first.address, first.capabilities) == ("b.example", frozenset({Capability.PULL}))
    assert (second.scheme, second.address, second.path) == ("http", "a.example:5000", "/hub/v2")
    assert second.capabilities == frozenset(Capability)
    assert (third.scheme, third.path) == ("https", "/root")
    assert third.headers == (("X-Team", "a"), ("X-Many", "1"), ("X-Many", "2"))
    assert (server.address, server.path) == ("registry-1.docker.io", "/v2")


def test_a_file_without_a_server_ends_with_the_registry_itself(tmp_path: Path) -> None:
    folders = written(tmp_path, "quay.io", 'skip_verify = true\n[host."https://m.example"]')
    assert [(host.address, host.dial.skip_verify) for host in folders.of("quay.io")] == [
        ("m.example", False),
        ("quay.io", True),
    ]
    hub = written(tmp_path, "docker.io", '[host."https://m.example"]')
    assert hub.of("docker.io")[-1].address == "registry-1.docker.io"


def test_certificates_are_named_from_the_file_s_own_folder(tmp_path: Path) -> None:
    folders = written(
        tmp_path,
        "a.example",
        'ca = "ca.pem"\nclient = [["c.pem", "/abs/k.pem"], "both.pem"]\ndial_timeout = "1m500ms"',
    )
    here = tmp_path / "a.example"
    assert folders.of("a.example")[0].dial == Dial(
        ca=(str(here / "ca.pem"),),
        client=((str(here / "c.pem"), "/abs/k.pem"), (str(here / "both.pem"), None)),
        connect_seconds=60.5,
    )


def test_a_port_may_be_written_for_file_systems_that_take_no_colon(tmp_path: Path) -> None:
    folders = written(tmp_path, "a.example_5000_", 'server = "https://one.example"')
    written(tmp_path, "a.example:5000", 'server = "https://two.example"')
    assert folders.of("a.example:5000")[0].address == "one.example"


def test_what_no_folder_is_for_falls_to_the_default_folder(tmp_path: Path) -> None:
    folders = written(tmp_path, "_default", '[host."https://mirror.example"]')
    assert [host.address for host in folders.of("ghcr.io")] == ["mirror.example", "ghcr.io"]


def test_the_first_folder_that_knows_a_registry_counts(tmp_path: Path) -> None:
    written(tmp_path / "a", "quay.io", 'server = "https://a.example"')
    written(tmp_path / "b", "quay.io", 'server = "https://b.example"')
    assert (
        HostsFolders([tmp_path / "none", tmp_path / "a", tmp_path / "b"]).of("quay.io")[0].address
        == "a.example"
    )


def test_docker_s_certificate_files_stand_in_for_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "a.example"
    folder.mkdir()
    for name in ("ca.crt", "client.cert", "client.key"):
        (folder / name).touch()
    host = HostsFolders([tmp_path]).of("a.example")[0]
    assert host.dial.ca == (str(folder / "ca.crt"),)
    assert host.dial.client == ((str(folder / "client.cert"), str(folder / "client.key")),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server = ", "nvalid value"),
        ('server = "https://"', "not the URL"),
        ('server = "https://u:p@a.example"', "not the URL"),
        ('[host."https://m.example"]\ncapabilities = ["fly"]', "unknown capability 'fly'"),
        ('[host."https://m.example"]\nca = 5', "host.https://m.example.ca"),
        ('dial_timeout = "soon"', "not a duration"),
        ('client = [["a", "b", "c"]]', "client"),
        ("x" * (2 << 20), "larger than"),
    ],
)
def test_a_file_that_cannot_be_used_is_unknown_in_one_line(
    tmp_path: Path, text: str, words: str
) -> None:
    folders = written(tmp_path, "a.example", text)
    with pytest.raises(UnreadableError, match=words) as raised:
        folders.of("a.example")
    assert "hosts.toml cannot be used" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.reason is UnknownReason.REGISTRY_UNREACHABLE


def test_a_changed_file_counts_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = written(tmp_path, "a.example", 'server = "https://old.example"')
    assert folders.of("a.example")[0].address == "old.example"
    (tmp_path / "a.example" / "hosts.toml").write_text('server = "https://new.example"')
    assert folders.of("a.example")[0].address == "old.example"
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert folders.of("a.example")[0].address == "new.example"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("1h30m", 5400), ("1.5s", 1.5), ("10ms", 0.01), (".5m", 30)]
)
def test_durations_are_read_as_go_writes_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "-1s", "1s ", "s", "1d", "1" * 200])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


# --- what is asked of whom


def test_a_mirror_is_asked_first_and_told_whose_image_is_meant(tmp_path: Path) -> None:
    with Registry(IMAGES) as mirror:
        written(tmp_path, "registry.example", f'[host."{mirror.url}"]')
        with asking(tmp_path) as source:
            assert source.resolve("1.0").digest == APP.digest
            source.layer(Descriptor(LAYER.media_type, LAYER.digest, len(LAYER.data)))
        assert [seen.path for seen in mirror.seen] == [
            "/v2/example/app/manifests/1.0?ns=registry.example",
            f"/v2/example/app/blobs/{LAYER.digest}?ns=registry.example",
        ]


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_what_a_mirror_does_not_have_is_asked_of_the_next(tmp_path: Path, status: int) -> None:
    with Registry({}) as mirror, Registry(IMAGES) as server:
        mirror.answer("/v2/example/app/manifests/1.0", Answer(status, {"Retry-After": "99"}))
        written(tmp_path, "registry.example", f'server = "{server.url}"\n[host."{mirror.url}"]')
        with asking(tmp_path) as source:
            assert source.resolve("1.0").digest == APP.digest
        methods = [seen.method for seen in mirror.seen]
        assert methods == (["HEAD"] if status in {401, 429} else ["HEAD", "GET"])


def test_a_mirror_that_is_down_is_passed_over(tmp_path: Path) -> None:
    with Registry(IMAGES) as server:
        written(
            tmp_path, "registry.example", f'server = "{server.url}"\n[host."http://127.0.0.1:1"]'
        )
        with asking(tmp_path) as source:
            assert source.resolve("1.0").digest == APP.digest


def test_a_mirror_that_may_not_resolve_tags_is_asked_for_content_only(tmp_path: Path) -> None:
    with Registry(IMAGES) as mirror, Registry(IMAGES) as server:
        written(
            tmp_path,
            "registry.example",
            f'server = "{server.url}"\n[host."{mirror.url}"]\ncapabilities = ["pull"]',
        )
        with asking(tmp_path) as source:
            found = source.resolve("1.0")
            source.document(found)
            source.resolve(APP.digest)
        assert [seen.method for seen in server.seen] == ["HEAD"]
        assert [seen.method for seen in mirror.seen] == ["GET", "HEAD"]


def test_where_no_host_may_be_asked_that_is_said(tmp_path: Path) -> None:
    written(tmp_path, "registry.example", 'server = "http://127.0.0.1:1"\ncapabilities = ["push"]')
    with (
        asking(tmp_path) as source,
        pytest.raises(UnreadableError, match="no host that may be asked"),
    ):
        source.resolve("1.0")


def test_the_most_telling_error_is_the_one_that_is_told(tmp_path: Path) -> None:
    with Registry({}) as mirror:
        mirror.answer("/v2/example/app/manifests/1.0", Answer(403))
        written(
            tmp_path, "registry.example", f'server = "http://127.0.0.1:1"\n[host."{mirror.url}"]'
        )
        with asking(tmp_path) as source, pytest.raises(UnreadableError) as raised:
            source.resolve("1.0")
        assert raised.value.reason is UnknownReason.NO_CREDENTIALS


def test_a_lie_of_a_mirror_is_not_asked_of_others(tmp_path: Path) -> None:
    with Registry({}) as mirror, Registry(IMAGES) as server:
        mirror.answer(f"/v2/example/app/blobs/{LAYER.digest}", Answer(body=b"x" * len(LAYER.data)))
        written(tmp_path, "registry.example", f'server = "{server.url}"\n[host."{mirror.url}"]')
        with asking(tmp_path) as source, pytest.raises(UnreadableError) as raised:
            source.layer(Descriptor(LAYER.media_type, LAYER.digest, len(LAYER.data)))
        assert raised.value.reason is UnknownReason.IMAGE_INVALID
        assert server.seen == []


def test_an_overridden_path_is_the_api_s_root(tmp_path: Path) -> None:
    with Registry(IMAGES) as mirror:
        mirror.answer("/odd/root/example/app/manifests/1.0", Answer(404))
        text = f'server = "{mirror.url}"\n[host."{mirror.url}/odd/root"]\noverride_path = true'
        written(tmp_path, "registry.example", text)
        with asking(tmp_path) as source:
            source.resolve("1.0")
        assert mirror.seen[0].path.startswith("/odd/root/example/app/")


def test_headers_go_to_their_host_only(tmp_path: Path) -> None:
    with Registry(IMAGES) as store, Registry(IMAGES) as server:
        path = f"/v2/example/app/blobs/{LAYER.digest}"
        server.answer(path, Answer(307, {"Location": store.url + path}))
        written(
            tmp_path,
            "registry.example",
            f'server = "{server.url}"\nheader = {{ X-Key = "{SECRET}" }}',
        )
        with asking(tmp_path) as source:
            source.layer(Descriptor(LAYER.media_type, LAYER.digest, len(LAYER.data)))
        assert server.seen[0].headers["X-Key"] == SECRET
        assert "X-Key" not in store.seen[0].headers


def test_a_registry_s_credentials_do_not_go_to_its_mirrors(tmp_path: Path) -> None:
    with ExitStack() as stack:
        mirror = stack.enter_context(
            Registry(IMAGES, auth="basic", username="user", password=SECRET)
        )
        server = stack.enter_context(
            Registry(IMAGES, auth="basic", username="user", password=SECRET)
        )
        written(tmp_path, server.host, f'server = "{server.url}"\n[host."{mirror.url}"]')
        credentials = DockerConfig({server.host: Credential("user", SECRET)})
        stack.enter_context(asking(tmp_path, server.reference("example/app"), credentials)).resolve(
            "1.0"
        )
        assert [seen.authorization for seen in mirror.seen] == [""]
        assert server.seen[-1].authorization == server.basic


def test_a_mirror_is_asked_with_what_is_known_for_its_own_name(tmp_path: Path) -> None:
    with Registry(IMAGES, auth="bearer", username="user", password=SECRET) as mirror:
        written(tmp_path, "registry.example", f'[host."{mirror.url}"]')
        with asking(
            tmp_path, credentials=DockerConfig({mirror.host: Credential("user", SECRET)})
        ) as source:
            assert source.resolve("1.0").digest == APP.digest


# --- TLS


@contextmanager
def secured(authority: trustme.CA, *, demand: trustme.CA | None = None) -> Iterator[Registry]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    if demand:
        demand.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    with Registry(IMAGES, tls=context) as registry:
        yield registry


def test_a_private_authority_is_trusted_for_its_registry_only(tmp_path: Path) -> None:
    authority = trustme.CA()
    with secured(authority) as registry:
        url = f"https://localhost:{registry.port}"
        written(tmp_path, "trusting.example", f'server = "{url}"\nca = "ca.pem"')
        authority.cert_pem.write_to_path(str(tmp_path / "trusting.example" / "ca.pem"))
        written(tmp_path, "other.example", f'server = "{url}"')
        with asking(tmp_path, "trusting.example/example/app") as source:
            assert source.resolve("1.0").digest == APP.digest
        with (
            asking(tmp_path, "other.example/example/app") as source,
            pytest.raises(UnreadableError, match="certificate verify failed"),
        ):
            source.resolve("1.0")


def test_verification_is_skipped_where_a_file_says_so(tmp_path: Path) -> None:
    with secured(trustme.CA()) as registry:
        written(
            tmp_path,
            "registry.example",
            f'server = "https://localhost:{registry.port}"\nskip_verify = true',
        )
        with asking(tmp_path) as source:
            assert source.resolve("1.0").digest == APP.digest


def test_leniency_does_not_follow_a_redirect(tmp_path: Path) -> None:
    with secured(trustme.CA()) as registry, secured(trustme.CA()) as store:
        path = f"/v2/example/app/blobs/{LAYER.digest}"
        registry.answer(path, Answer(307, {"Location": f"https://localhost:{store.port}{path}"}))
        written(
            tmp_path,
            "registry.example",
            f'server = "https://localhost:{registry.port}"\nskip_verify = true',
        )
        with (
            asking(tmp_path) as source,
            pytest.raises(UnreadableError, match="certificate verify failed"),
        ):
            source.layer(Descriptor(LAYER.media_type, LAYER.digest, len(LAYER.data)))
        assert store.seen == []


def test_this_side_shows_a_certificate_where_a_file_names_one(tmp_path: Path) -> None:
    authority = trustme.CA()
    with secured(authority, demand=authority) as registry:
        text = f'server = "https://localhost:{registry.port}"\nca = "ca.pem"\nclient = [["c.pem", "k.pem"]]'
        written(tmp_path, "registry.example", text)
        folder = tmp_path / "registry.example"
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        mine = authority.issue_cert("elfgate.example")
        mine.cert_chain_pems[0].write_to_path(str(folder / "c.pem"))
        mine.private_key_pem.write_to_path(str(folder / "k.pem"))
        with asking(tmp_path) as source:
            assert source.resolve("1.0").digest == APP.digest


def test_a_certificate_that_cannot_be_read_is_unknown_in_one_line(tmp_path: Path) -> None:
    written(tmp_path, "registry.example", 'server = "https://localhost:1"\nca = "none.pem"')
    with (
        asking(tmp_path) as source,
        pytest.raises(UnreadableError, match=r"none\.pem cannot be used: No such file"),
    ):
        source.resolve("1.0")
