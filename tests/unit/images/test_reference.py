"""References as distribution/reference reads them, and the locations of the command line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elfgate.errors import InputError
from elfgate.images.reference import Location, Reference, Transport, spellings

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "normalised", "familiar"),
    [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
        ("library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("index.docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("example/app", "docker.io/example/app:latest", "example/app:latest"),
        ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"),
        ("host:5000/app", "host:5000/app:latest", "host:5000/app:latest"),
        (
            "quay.io/a/b/c__d.e-f--g:T_1.2-x",
            "quay.io/a/b/c__d.e-f--g:T_1.2-x",
            "quay.io/a/b/c__d.e-f--g:T_1.2-x",
        ),
        ("Registry/app", "Registry/app:latest", "Registry/app:latest"),
        ("EXAMPLE.com/app", "EXAMPLE.com/app:latest", "EXAMPLE.com/app:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"),
        (f"alpine@{DIGEST}", f"docker.io/library/alpine@{DIGEST}", f"alpine@{DIGEST}"),
        (f"a.io/b:1@{DIGEST}", f"a.io/b:1@{DIGEST}", f"a.io/b:1@{DIGEST}"),
        (
            "app@sha512:" + "a" * 128,
            "docker.io/library/app@sha512:" + "a" * 128,
            "app@sha512:" + "a" * 128,
        ),
    ],
)
def test_a_reference_is_completed_as_the_runtimes_complete_it(
    written: str, normalised: str, familiar: str
) -> None:
    reference = Reference.parse(written)
    assert str(reference) == normalised
    assert reference.familiar == familiar
    assert Reference.parse(familiar) == reference


def test_a_digest_decides_over_the_tag() -> None:
    assert Reference.parse(f"app:1@{DIGEST}").target == DIGEST
    assert Reference.parse("app:1").target == "1"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "empty"),
        ("Alpine", "lower case"),
        ("example/App", "lower case"),
        ("a" * 64, "identifier"),
        ("app:", "'' is not a tag"),
        ("app:-x", "'-x' is not a tag"),
        ("app:" + "x" * 129, "is not a tag"),
        ("app@sha256:abc", "is not a sha256 or sha512 digest"),
        ("app@md5:" + "a" * 32, "is not a sha256 or sha512 digest"),
        (f"app@{DIGEST.upper()}", "digest"),
        ("a//b", "is not a repository's name"),
        ("a/b/", "is not a repository's name"),
        ("/a", "is not a repository's name"),
        ("a___b", "is not a repository's name"),
        ("-host.io/a", "is not a host name"),
        ("host:port/a", "is not a host name"),
        ("https://docker.io/alpine", "is not a host name"),
        ("a.io/../../etc", "is not a repository's name"),
        ("a b", "is not a repository's name"),
        ("app\n", "is not a repository's name"),
        ("a.io/" + "b/" * 130 + "c", "at most 255"),
        ("a" * 5000, "longer than"),
    ],
)
def test_what_is_no_reference_is_refused_in_one_line_that_says_why(written: str, why: str) -> None:
    with pytest.raises(InputError, match="image reference") as raised:
        Reference.parse(written)
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InputError:
        return
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@pytest.mark.parametrize(
    ("written", "location"),
    [
        ("oci:out/app", Location(Transport.OCI, "out/app")),
        ("oci:out/app:1.0", Location(Transport.OCI, "out/app", "1.0")),
        (f"oci:/out:{DIGEST}", Location(Transport.OCI, "/out", DIGEST)),
        ("oci-archive:app.tar", Location(Transport.OCI_ARCHIVE, "app.tar")),
        (
            "docker-archive:app.tar:alpine:3.20",
            Location(Transport.DOCKER_ARCHIVE, "app.tar", "alpine:3.20"),
        ),
        ("dir:/root:fs", Location(Transport.DIR, "/root:fs")),
    ],
)
def test_a_location_is_a_path_behind_a_transport(written: str, location: Location) -> None:
    assert Location.parse(written) == location
    assert str(location) == written


@pytest.mark.parametrize("tag", ["", ":1.0"])
@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive"])
def test_a_digest_behind_a_path_counts(transport: str, tag: str) -> None:
    location = Location.parse(f"{transport}:out/app{tag}@{DIGEST}")
    assert location == Location(Transport(transport), "out/app", DIGEST)


@pytest.mark.parametrize("written", ["alpine:3.20", f"registry:1@{DIGEST}", "localhost:5000/oci:1"])
def test_any_other_location_is_a_registrys_reference(written: str) -> None:
    location = Location.parse(written)
    assert location.transport is Transport.REGISTRY
    assert location.reference == Reference.parse(written)
    assert location.name == Reference.parse(written).target
    assert str(location) == str(Reference.parse(written))


@pytest.mark.parametrize("written", ["oci:", "oci::1.0", "dir:", "docker-archive:"])
def test_a_transport_without_a_path_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="names no path"):
        Location.parse(written)


def test_an_image_answers_to_every_spelling_of_its_name() -> None:
    assert spellings("1.0") == {"1.0"}
    assert spellings("docker.io/library/alpine:3.20") == {
        "docker.io/library/alpine:3.20",
        "alpine:3.20",
        "3.20",
    }
    assert spellings("No Reference: at all") == {"No Reference: at all"}
