"""Credentials and challenges."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import InputError
from elfgate.images.auth import Challenge, Credential, challenges
from elfgate.images.docker_config import DockerConfig


def config(path: Path, content: Any) -> DockerConfig:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return DockerConfig.read(path)


def basic(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_the_most_specific_entry_of_docker_s_configuration_is_used(tmp_path: Path) -> None:
    auths = {
        "quay.io": basic("a", "1"),
        "quay.io/team": basic("b", "2"),
        "quay.io/team/app": basic("c", "3:4"),
    }
    read = config(tmp_path / "config.json", {"auths": auths})
    assert read.find("quay.io/other/app") == (Credential("a", "1"),)
    assert read.find("quay.io/team/other") == (Credential("b", "2"),)
    assert read.find("quay.io/team/app") == (Credential("c", "3:4"),)
    assert read.find("quay.io/teammate/app") == (Credential("a", "1"),)
    assert read.find("ghcr.io/team/app") == ()


@pytest.mark.parametrize(
    "entry",
    [
        "https://index.docker.io/v1/",
        "index.docker.io",
        "docker.io",
        "https://registry-1.docker.io/v2/",
    ],
)
def test_docker_hub_goes_by_each_of_its_names(tmp_path: Path, entry: str) -> None:
    read = config(tmp_path / "config.json", {"auths": {entry: basic("a", "1")}})
    assert read.find("docker.io/library/alpine") == (Credential("a", "1"),)


def test_a_name_and_a_password_may_be_written_apart(tmp_path: Path) -> None:
    read = config(
        tmp_path / "config.json",
        {"auths": {"http://host:5000": {"username": "a", "password": "1"}}},
    )
    assert read.find("host:5000/app") == (Credential("a", "1"),)


def test_entries_whose_secret_is_elsewhere_are_passed_over(tmp_path: Path) -> None:
    read = config(tmp_path / "config.json", {"auths": {"quay.io": {}}, "HttpHeaders": {}})
    assert read.find("quay.io/app") == ()


def test_no_file_is_no_credentials(tmp_path: Path) -> None:
    assert DockerConfig.read(tmp_path / "config.json").find("quay.io/app") == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        {"auths": []},
        {"auths": {"a": {"auth": "s3cret!"}}},
        {"auths": {"a": {"auth": "/w=="}}},
    ],
)
def test_a_malformed_file_is_one_line_without_its_secrets(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InputError, match=r"config\.json cannot be used") as raised:
        config(tmp_path / "config.json", content)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Basic realm=x", [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a.example/token",service="a b",scope="repository:x:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://a.example/token",
                        "service": "a b",
                        "scope": "repository:x:pull,push",
                    },
                )
            ],
        ),
        (
            'Negotiate, BEARER Realm = "a\\"b" , Basic realm="c"',
            [
                Challenge("negotiate", {}),
                Challenge("bearer", {"realm": 'a"b'}),
                Challenge("basic", {"realm": "c"}),
            ],
        ),
        ("", []),
        ('"', []),
        (",,,", []),
    ],
)
def test_challenges_are_read_in_every_form(header: str, expected: list[Challenge]) -> None:
    assert list(challenges(header)) == expected


@settings(deadline=None)
@given(st.text(max_size=100))
def test_any_header_is_read(header: str) -> None:
    assert all(challenge.scheme for challenge in challenges(header))


def test_a_long_header_is_read_in_little_time() -> None:
    assert len(list(challenges('Bearer realm="' + '\\"' * 50_000))) < 3
