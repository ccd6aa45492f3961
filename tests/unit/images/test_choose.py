"""The entry of an index that containerd pulls on a node. Expectations are containerd/platforms' own."""

import pytest

from elfgate.images.choose import accepted, accepts, choose, normalise
from elfgate.images.source import Descriptor
from elfgate.platforms import Platform


def platform(text: str) -> Platform:
    return Platform(*text.split("/"))


def chosen(node: str, *offers: str) -> str | None:
    """Which of the platforms offered in an index is pulled; an offer ``-`` says nothing of its platform."""
    entries = [
        Descriptor("m", f"sha256:{number}", platform=None if offer == "-" else platform(offer))
        for number, offer in enumerate(offers)
    ]
    entry = choose(entries, platform(node))
    return None if entry is None else offers[entries.index(entry)]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("Linux/AArch64/V8", "linux/arm64"),
        ("linux/arm64/9", "linux/arm64/v9"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386/sse2", "linux/386"),
        ("linux/ppc64le", "linux/ppc64le"),
    ],
)
def test_platforms_are_compared_in_one_spelling(written: str, normal: str) -> None:
    assert str(normalise(platform(written))) == normal


@pytest.mark.parametrize(
    ("node", "best_first"),
    [
        ("linux/amd64", ["linux/amd64", "linux/386"]),
        ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"]),
        ("linux/386", ["linux/386"]),
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v6", ["linux/arm/v6", "linux/arm/v5"]),
        (
            "linux/arm64",
            ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
        ),
        ("linux/ppc64le", ["linux/ppc64le"]),
        ("linux/s390x", ["linux/s390x"]),
        ("windows/amd64", ["windows/amd64", "windows/386"]),
    ],
)
def test_a_node_accepts_what_its_processor_runs_the_best_first(
    node: str, best_first: list[str]
) -> None:
    assert [str(one) for one in accepted(platform(node))] == best_first


def test_a_newer_arm64_accepts_older_ones() -> None:
    names = [str(one) for one in accepted(platform("linux/arm64/v9.1"))]
    assert names[:4] == [
        "linux/arm64/v9.1",
        "linux/arm64/v9",
        "linux/arm64/v8.6",
        "linux/arm64/v8.5",
    ]
    assert names[-5:] == [
        "linux/arm64",
        "linux/arm/v8",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/arm/v5",
    ]
    assert "linux/arm64/v8.9" in [str(one) for one in accepted(platform("linux/arm64/v9.7"))]


@pytest.mark.parametrize(
    ("node", "offers", "pulled"),
    [
        ("linux/amd64", ["linux/386", "linux/amd64"], "linux/amd64"),
        ("linux/amd64", ["linux/386", "linux/arm64"], "linux/386"),
        ("linux/amd64", ["linux/amd64/v3", "linux/arm64"], None),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"),
        ("linux/arm64", ["linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"),
        ("linux/ppc64le", ["linux/amd64", "linux/ppc64"], None),
        ("linux/ppc64le", ["linux/ppc64le", "linux/ppc64le"], "linux/ppc64le"),
        ("linux/amd64", ["windows/amd64"], None),
        ("linux/amd64", ["-", "linux/386"], "linux/386"),
        ("linux/amd64", ["linux/arm64", "-"], "-"),
        ("linux/arm64/x", ["linux/arm64"], None),
        ("linux/amd64", [], None),
    ],
)
def test_the_best_ranked_entry_is_pulled(node: str, offers: list[str], pulled: str | None) -> None:
    assert chosen(node, *offers) == pulled


def test_of_equal_entries_the_first_is_pulled() -> None:
    entries = [
        Descriptor("m", f"sha256:{number}", platform=platform("linux/amd64")) for number in range(3)
    ]
    assert choose(entries, platform("linux/amd64")) is entries[0]


def test_a_platform_is_accepted_in_any_spelling() -> None:
    assert accepts(platform("linux/arm64"), platform("linux/aarch64/v8"))
    assert not accepts(platform("linux/ppc64le"), platform("linux/amd64"))


def chosen_by_cri_o(node: str, *offers: str) -> str | None:
    entries = [
        Descriptor("m", f"sha256:{number}", platform=None if offer == "-" else platform(offer))
        for number, offer in enumerate(offers)
    ]
    entry = choose(entries, platform(node), "cri-o")
    return None if entry is None else offers[entries.index(entry)]


@pytest.mark.parametrize(
    ("node", "offers", "pulled"),
    [
        ("linux/amd64", ["linux/386"], None),
        ("linux/amd64", ["linux/amd64/v2"], None),
        ("linux/amd64", ["linux/x86_64"], None),  # names are compared as written
        ("linux/arm64", ["linux/arm/v7"], None),
        ("linux/arm64", ["linux/arm64", "linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm64", ["linux/arm64"], "linux/arm64"),
        ("linux/arm64/v9", ["linux/arm64/v8", "linux/arm64"], "linux/arm64"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"),
        ("linux/arm", ["linux/arm/v5", "linux/arm"], "linux/arm/v5"),
        ("linux/ppc64le", ["-", "linux/ppc64le"], "linux/ppc64le"),
        ("linux/ppc64le", ["linux/amd64", "-"], "-"),
    ],
)
def test_cri_o_chooses_as_containers_image_does(
    node: str, offers: list[str], pulled: str | None
) -> None:
    assert chosen_by_cri_o(node, *offers) == pulled


def test_of_equals_cri_o_pulls_the_one_compressed_with_zstd() -> None:
    node = platform("linux/ppc64le")
    plain = Descriptor("m", "sha256:0", platform=node)
    zstd = Descriptor(
        "m",
        "sha256:1",
        platform=node,
        annotations={"io.github.containers.compression.zstd": "true"},
    )
    assert choose([plain, zstd], node, "cri-o") is zstd
    assert choose([plain, zstd], node) is plain


def test_cri_o_takes_an_entry_without_a_platform_whatever_its_config_says() -> None:
    assert accepts(platform("linux/ppc64le"), platform("linux/amd64"), "cri-o")
    assert not accepts(platform("linux/ppc64le"), platform("linux/amd64"), "containerd")
