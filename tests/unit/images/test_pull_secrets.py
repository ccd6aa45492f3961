"""Pull secrets as the kubelet matches them: which entry is meant for an image, and which is tried first."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.keyring import Keyring, matches
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries
from support.elf_file import elf_file
from support.oci import image
from support.registry import Registry
from support.tarball import program, tarball

APP = image([tarball({"bin/sh": program(elf_file("amd64"))})])
IMAGES = {"example/app": {"1.0": APP}}
SECRET = "s3cret"


def secret(entries: Any, *, kind: str = "dockerconfigjson") -> dict[str, Any]:
    document = {"auths": entries} if kind == "dockerconfigjson" else entries
    data = base64.b64encode(json.dumps(document).encode()).decode()
    return {
        "metadata": {"name": "pull"},
        "type": f"kubernetes.io/{kind}",
        "data": {f".{kind}": data},
    }


def user(name: str) -> dict[str, str]:
    return {"username": name, "password": "p"}


def users(found: Sequence[Credential]) -> list[str]:
    return [credential.username for credential in found]


@pytest.mark.parametrize(
    ("pattern", "name", "matching"),
    [
        ("a.example", "a.example/app", True),
        ("a.example", "b.example/app", False),
        ("a.example", "a.example:5000/app", False),
        ("a.example:5000", "a.example:5000/app", True),
        ("a.example:5000", "a.example/app", False),
        ("*.example", "a.example/app", True),
        ("*.example", "b.a.example/app", False),
        ("*.*.example", "b.a.example/app", True),
        ("*.example:5000", "a.example:5000/app", True),
        ("a*.example", "abc.example/app", True),
        ("[ab].example", "b.example/app", True),
        ("[^ab].example", "b.example/app", False),
        ("?.example", "ab.example/app", False),
        ("a.example/team", "a.example/team/app", True),
        (
            "a.example/team",
            "a.example/teammate/app",
            True,
        ),  # the kubelet compares beginnings, not path segments
        ("a.example/team", "a.example/other", False),
        ("a.example/*", "a.example/team", False),  # globs are for hosts only
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000/app", True),
    ],
)
def test_patterns_match_as_the_kubelet_s_do(pattern: str, name: str, matching: bool) -> None:
    assert matches(pattern, name) is matching
    found = Keyring.of_secrets([secret({pattern: user("u")})]).find(name)
    assert users(found) == (["u"] if matching else [])


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*", "registry/app"),
        ("registry.*", "registry.evil/app"),
        ("127.0.0.*", "127.0.0.9/app"),
        ("10.*.0.1:5000", "10.66.0.1:5000/app"),
        ("*.*.*.9", "127.0.0.9/app"),
        ("registry.*.svc", "registry.evil.svc/app"),
        ("*.*.svc.cluster.local", "registry.evil.svc.cluster.local/app"),
    ],
)
def test_a_glob_that_does_not_say_whose_hosts_it_means_holds_no_credential(
    pattern: str, name: str
) -> None:
    """Whoever names the image could name a host of its own."""
    assert matches(pattern, name)
    assert Keyring.of_secrets([secret({pattern: user("u")})]).find(name) == ()


def test_every_matching_entry_is_tried_the_more_specific_first() -> None:
    entries = {
        "quay.io": user("a"),
        "quay.io/team": user("b"),
        "*.io": user("c"),
        "quay.io/team/app": user("d"),
    }
    assert users(Keyring.of_secrets([secret(entries)]).find("quay.io/team/app")) == [
        "d",
        "b",
        "a",
        "c",
    ]


@pytest.mark.parametrize(
    "entry",
    ["https://index.docker.io/v1/", "index.docker.io", "https://index.docker.io/v2/", "docker.io"],
)
def test_docker_hub_is_matched_by_each_of_its_names(entry: str) -> None:
    assert users(
        Keyring.of_secrets([secret({entry: user("u")})]).find("docker.io/library/alpine")
    ) == ["u"]


def test_a_path_behind_the_api_s_version_counts() -> None:
    keyring = Keyring.of_secrets([secret({"https://a.example/v1/team": user("u")})])
    assert users(keyring.find("a.example/team/app")) == ["u"]
    assert keyring.find("a.example/other") == ()


def test_both_types_of_secret_are_read_and_others_hold_nothing() -> None:
    objects = [
        secret({"a.example": user("new")}),
        secret({"a.example": user("old")}, kind="dockercfg"),
    ]
    assert users(Keyring.of_secrets(objects).find("a.example/app")) == ["new", "old"]
    assert (
        Keyring.of_secrets([{**secret({"a.example": user("u")}), "type": "Opaque"}]).find(
            "a.example/app"
        )
        == ()
    )
    assert (
        Keyring.of_secrets([{"type": "kubernetes.io/dockerconfigjson"}]).find("a.example/app") == ()
    )


@pytest.mark.parametrize("auth", ["dTpw", "dTpw=", " dTpw\n"])
def test_a_name_and_password_in_base64_are_read(auth: str) -> None:
    assert Keyring.of_secrets([secret({"a.example": {"auth": auth}})]).find("a.example/x") == (
        Credential("u", "p"),
    )


@pytest.mark.parametrize(
    "broken",
    [
        secret([]),
        secret({"a.example": 5}),
        secret({"a.example": {"auth": SECRET + "!"}}),
        secret({"a.example": {"auth": "AAAA"}}),
        {**secret({}), "data": {".dockerconfigjson": "!"}},
        {**secret({}), "data": {".dockerconfigjson": base64.b64encode(b"[]").decode()}},
        {**secret({}), "data": []},
    ],
)
def test_a_malformed_secret_is_one_line_without_what_is_in_it(broken: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError, match="pull secret pull is malformed") as raised:
        Keyring.of_secrets([broken])
    assert raised.value.reason is UnknownReason.NO_CREDENTIALS
    assert SECRET not in str(raised.value)


def test_who_asks_is_told_apart_by_credentials_for_that_image_only() -> None:
    one = Keyring.of_secrets([secret({"a.example": user("u"), "b.example": user("x")})])
    same = Keyring.of_secrets([secret({"a.example": user("u")})])
    other = Keyring.of_secrets([secret({"a.example": user("v")})])
    assert (
        one.identity("a.example/app")
        == same.identity("a.example/app")
        != other.identity("a.example/app")
    )
    assert one.identity("c.example/app") == ""
    assert SECRET not in one.identity("a.example/app")


def test_credentials_are_tried_until_one_opens() -> None:
    with Registry(IMAGES, auth="basic", username="user", password=SECRET) as registry:
        entries = [
            (registry.host, Credential("old", "x")),
            (f"{registry.host}/example", Credential("user", SECRET)),
        ]
        registries = Registries()
        keyring = Keyring([*entries, (f"{registry.host}/example/app", Credential("gone", "y"))])
        source = registries.repository(Reference.parse(registry.reference("example/app")), keyring)
        assert source.resolve("1.0").digest == APP.digest
        assert registry.seen[-1].authorization == registry.basic
        count = len(registry.seen)
        source.resolve("1.0")
        assert len(registry.seen) == count + 1  # what opened it is tried first from then on
        registries.close()


def test_keyrings_do_not_share_what_they_open() -> None:
    with Registry(IMAGES, auth="bearer", username="user", password=SECRET) as registry:
        registries = Registries()
        reference = Reference.parse(registry.reference("example/app"))
        registries.repository(
            reference, Keyring([(registry.host, Credential("user", SECRET))])
        ).resolve("1.0")
        for keyring in (None, Keyring([]), Keyring([(registry.host, Credential("user", "wrong"))])):
            with pytest.raises(UnreadableError) as raised:
                registries.repository(reference, keyring).resolve("1.0")
            assert raised.value.reason is UnknownReason.NO_CREDENTIALS
        registries.close()
