"""Envelopes and statements: what is believed, and what is passed over."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.attest.dsse import envelope, opened
from elfgate.attest.referrers import fallback_tag, with_entry
from elfgate.attest.statements import FACTS, FORM, VERDICT, facts, read_facts, statement
from elfgate.errors import InputError
from elfgate.images.source import Descriptor
from elfgate.keys import Signer, Verifier
from elfgate.settings import Settings
from elfgate.wiring.images import trusted

PAGE = Path(__file__).parents[3] / "docs" / "attest.md"
MANIFEST, OTHER, LAYER, INDEX = (f"sha256:{digit * 64}" for digit in "1234")
ABOUT = facts([(LAYER, Descriptor("", INDEX, 7))])


def signer() -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return Signer(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def payload(manifest: str = MANIFEST, kind: str = FACTS, **predicate: Any) -> bytes:
    return json.dumps(statement("team/app", manifest, kind, {**ABOUT, **predicate})).encode()


def test_a_statement_is_opened_by_its_key_and_by_no_other() -> None:
    ours, theirs = signer(), signer()
    sealed = envelope(ours, statement("team/app", MANIFEST, FACTS, ABOUT))
    keys = [Verifier(theirs.public), Verifier(ours.public)]
    found, key = opened(sealed, keys)
    assert (json.loads(found)["predicateType"], key) == (FACTS, keys[1])
    with pytest.raises(ValueError, match="not signed by a key"):
        opened(sealed, keys[:1])


def test_the_same_statement_is_sealed_alike() -> None:
    key, stated = signer(), statement("team/app", MANIFEST, FACTS, ABOUT)
    assert envelope(key, stated) == envelope(key, stated)


@pytest.mark.parametrize("field", ["payload", "payloadType", "signatures"])
def test_an_envelope_that_was_changed_is_not_opened(field: str) -> None:
    key = signer()
    sealed = json.loads(envelope(key, statement("team/app", MANIFEST, FACTS, ABOUT)))
    other = json.loads(envelope(key, statement("team/app", OTHER, FACTS, ABOUT)))
    sealed[field] = {"payloadType": "text/plain"}.get(field, other[field])
    with pytest.raises(ValueError, match="not"):
        opened(json.dumps(sealed).encode(), [Verifier(key.public)])


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"payload": 7}', b"\xff"])
def test_what_is_no_envelope_is_refused_as_such(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an envelope"):
        opened(data, [Verifier(signer().public)])


def test_facts_say_where_each_layer_s_index_is() -> None:
    found = read_facts(payload(), MANIFEST)
    assert {layer: (at.digest, at.size) for layer, at in found.items()} == {LAYER: (INDEX, 7)}


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (payload(OTHER), "another image"),
        (payload(form="0.0"), "another version"),
        (payload(kind=VERDICT), "not a statement of facts"),
        (payload(layers=[{"digest": "x", "index": {"digest": INDEX, "size": 1}}]), "not a"),
        (payload(layers=[{"digest": LAYER, "index": {"digest": INDEX, "size": 1 << 40}}]), "not a"),
        (b"{}", "not a statement"),
    ],
)
def test_other_facts_are_passed_over(stated: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_facts(stated, MANIFEST)


def test_the_form_names_this_program_s_own() -> None:
    assert re.fullmatch(r"\d+\.\d+", FORM)


def test_what_others_listed_under_the_fallback_tag_stays() -> None:
    one = with_entry(None, Descriptor("m", MANIFEST, 1), FACTS)
    two = with_entry(one, Descriptor("m", OTHER, 2), VERDICT)
    assert [entry["digest"] for entry in json.loads(two)["manifests"]] == [MANIFEST, OTHER]
    assert with_entry(two, Descriptor("m", MANIFEST, 1), FACTS) == two
    assert fallback_tag(MANIFEST) == MANIFEST.replace(":", "-")


def test_the_settings_that_the_page_shows_name_a_key() -> None:
    shown = re.search(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert shown is not None
    settings = Settings.model_validate(yaml.safe_load(shown[1]))
    (found,) = trusted(settings.registries.attested)
    assert found.covers("registry.example/team/app")
    assert not found.covers("registry.example/other/app")


def test_a_key_that_is_none_is_an_error_of_the_settings() -> None:
    attested = [{"repositories": ["*"], "key": "no key"}]
    settings = Settings.model_validate({"registries": {"attested": attested}})
    with pytest.raises(InputError, match="P-256"):
        trusted(settings.registries.attested)


def test_keys_are_made_as_the_page_shows(tmp_path: Path) -> None:
    shown = PAGE.read_text("utf-8").partition("## Keys")[2]
    for command in re.findall(r"^\$ (.*)$", shown, re.MULTILINE):
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    key = Signer((tmp_path / "attest.pem").read_bytes())
    public = Verifier((tmp_path / "attest.pub").read_bytes())
    assert public.accepts(key.sign(b"x"), b"x")
    assert not public.accepts(base64.b64encode(b"x").decode(), b"x")
    assert not public.accepts("no base64", b"x")


def blocks(kind: str) -> list[str]:
    """The page's fenced blocks of a kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_each_worked_policy_asks_for_a_verdict() -> None:
    policies = [yaml.safe_load(block) for block in blocks("yaml") if "kind:" in block]
    assert [policy["kind"] for policy in policies] == ["ClusterPolicy", "ClusterImagePolicy"]
    assert all(VERDICT in json.dumps(policy) for policy in policies)


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_the_worked_filter_makes_rules_of_what_a_program_needs(tmp_path: Path) -> None:
    (tmp_path / "nfd.jq").write_text(blocks("jq")[0])
    needs = [{"kernel": "4.18.0", "cpu_level": "x86-64-v3"}, {"kernel": None, "cpu_level": None}]
    platforms = [{"platform": "linux/amd64", "needs": one} for one in (*needs, None)]
    ran = subprocess.run(
        ["jq", "-f", tmp_path / "nfd.jq"],
        input=json.dumps({"predicate": {"platforms": platforms}}),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)["compatibilities"]
    names = [[rule["name"] for rule in one["rules"]] for one in told]
    assert names == [["kernel", "cpu"], [], []]
