"""Exemptions of ConfigMaps as namespaces write them: what is taken, and what is left out and why."""

import json
import logging
from typing import Any

import pytest

from elfgate.gate.exemptions import MOST, MOST_BYTES, NamespaceExemptions

GOOD = {"image": "ex/*", "owner": "team-a", "reason": "moves", "expires": "2100-01-01"}


@pytest.fixture
def kept() -> NamespaceExemptions:
    return NamespaceExemptions(["team-*"])


def put(kept: NamespaceExemptions, text: object, namespace: str = "team-a") -> None:
    written = text if isinstance(text, str) else json.dumps(text)
    kept.put(namespace, {"exemptions": written})


def test_an_entry_is_for_its_own_namespace_and_has_the_usual_days_of_grace(
    kept: NamespaceExemptions,
) -> None:
    put(kept, "- {image: ex/web, owner: a, reason: moves, expires: 2030-06-30}")
    (entry,) = kept.of("team-a")
    assert (entry.namespace, entry.image, entry.workload) == ("team-a", "ex/web", "*")
    assert (entry.expires, entry.ends) == ("2030-06-30", "2030-07-14")
    assert kept.of("team-b") == ()


def test_each_change_raises_the_generation_and_what_stays_the_same_does_not(
    kept: NamespaceExemptions,
) -> None:
    put(kept, [GOOD])
    assert kept.generation == 1
    put(kept, [GOOD])
    assert kept.generation == 1
    kept.remove("team-a")
    assert (kept.generation, kept.count()) == (2, 0)


def test_a_list_anew_forgets_namespaces_that_are_not_in_it(kept: NamespaceExemptions) -> None:
    put(kept, [GOOD], "team-a")
    put(kept, "no list", "team-b")
    kept.keep_only({"team-c"})
    assert (kept.count(), kept.left_out) == (0, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "exemptions:2: invalid YAML"),
        ("a: 1", "exemptions is not a list of exemptions"),
        ("- 1", "exemptions[0]: an exemption is a mapping with owner, reason and expires"),
        ([GOOD | {"namespace": "shop"}], "the ConfigMap exempts in team-a alone"),
        ([GOOD | {"expires": "soon"}], "exemptions[0]: expires: write a day"),
        ([GOOD | {"images": "x"}], "exemptions[0]: images: Extra inputs"),
        ("#" * (MOST_BYTES + 1), "exemptions has more than 64 KiB"),
        ("&a [*a]", "an alias refers to something that it is a part of"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_why(
    kept: NamespaceExemptions, caplog: pytest.LogCaptureFixture, text: Any, complaint: str
) -> None:
    with caplog.at_level(logging.WARNING):
        put(kept, text)
    assert complaint in caplog.text
    assert kept.of("team-a") == ()
    assert kept.left_out == {"team-a": 1}


def test_a_config_map_without_the_key_is_warned_of(
    kept: NamespaceExemptions, caplog: pytest.LogCaptureFixture
) -> None:
    kept.put("team-a", {"exemption": "[]"})
    assert "the ConfigMap has no key exemptions" in caplog.text


def test_no_namespace_has_more_than_its_share(kept: NamespaceExemptions) -> None:
    put(kept, [{**GOOD, "image": f"ex/{number}"} for number in range(MOST + 1)])
    assert len(kept.of("team-a")) == MOST
    assert kept.left_out == {"team-a": 1}


def test_all_namespaces_together_are_bounded(
    kept: NamespaceExemptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elfgate.gate.exemptions.MOST_IN_ALL", 1)
    put(kept, [GOOD], "team-a")
    put(kept, [GOOD], "team-b")
    assert (kept.count(), kept.left_out) == (1, {"team-b": 1})
