"""``elfgate rules``, ``explain`` and ``bundle``, as they are called."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from elfgate.cli.main import main
from elfgate.policy import archive, bundle
from support import opa
from support.oci import Blob
from support.pushed import Pushed
from support.registry import Registry

RULES = Path(__file__).parents[2] / "docs" / "rules"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with ``key.pem`` and ``key.pub``."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "key.pub").write_bytes(key.public_key().public_bytes(pem, info))
    return tmp_path


def run(capsys: Capture, *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_explain_tells_the_meaning_an_example_and_the_way_out(capsys: Capture) -> None:
    code, out, _ = run(capsys, "explain", "exec_format")
    assert code == 0
    assert out.startswith("exec_format: The kernel does not take the file (deny; its notes warn)\n")
    assert "For example:\n" in out
    assert "[exec_format]" in out
    assert "What to do: build the program for this architecture" in out


def test_every_rule_is_explained_with_an_example(capsys: Capture) -> None:
    _, out, _ = run(capsys, "rules", "-o", "json")
    listed = json.loads(out)["rules"]
    assert {"exec_format", "support_matrix", "no_common_platform"} < {
        rule["code"] for rule in listed
    }
    untold = {rule["code"] for rule in listed if not rule["example"] or not rule["remedy"]}
    assert untold <= {"no_common_platform"}  # the decision's own, of which no case is kept
    assert run(capsys, "explain", "no_common_platform")[0] == 0


def test_an_unknown_code_is_told_with_those_that_there_are(capsys: Capture) -> None:
    code, _, err = run(capsys, "explain", "exec_fromat")
    assert code == 2
    assert err == ("elfgate explain: unknown rule 'exec_fromat': did you mean \"exec_format\"?\n")
    code, _, err = run(capsys, "explain", "zzz")
    assert code == 2
    assert err.startswith("elfgate explain: unknown rule 'zzz': there are addon_mismatch, ")


@pytest.mark.parametrize("written", ["[loader_missing]", "LOADER_MISSING"])
def test_a_code_is_taken_as_it_is_copied(capsys: Capture, written: str) -> None:
    assert run(capsys, "explain", written)[0] == 0


def test_rules_lists_exemptions_and_how_long_they_hold(tmp_path: Path, capsys: Capture) -> None:
    exemption = {"namespace": "shop", "owner": "team-a", "reason": "moves", "expires": "2020-01-01"}
    config = tmp_path / "elfgate.yaml"
    lasting = exemption | {"namespace": "bank", "expires": "9999-12-31"}
    config.write_text(json.dumps({"policies": {"exemptions": [exemption, lasting]}}))

    _, text, _ = run(capsys, "rules", "--config", config)
    assert "ended" in text
    assert "holds" in text
    _, told, _ = run(capsys, "rules", "--config", config, "-o", "json")
    states = [(each["namespace"], each["state"]) for each in json.loads(told)["exemptions"]]
    assert states == [("shop", "ended"), ("bank", "holds")]


def test_rules_ends_with_what_the_settings_owner_should_know(
    capsys: Capture, tmp_path: Path
) -> None:
    config = tmp_path / "elfgate.yaml"
    config.write_text("policies: {unknown: {registry_unreachable: deny}}")
    _, text, _ = run(capsys, "rules", "--config", config)
    assert "caution: unknown.registry_unreachable: deny refuses workloads" in text
    _, told, _ = run(capsys, "rules", "--config", config, "-o", "json")
    assert len(json.loads(told)["cautions"]) == 1


def test_the_page_on_policies_names_each_of_its_rules() -> None:
    page = (RULES.parent / "policies.md").read_text()
    names = {path.stem for path in RULES.glob("*.rego") if not path.stem.endswith("_test")}
    assert len(names) == 12
    assert {name for name in names if f"(rules/{name}.rego)" not in page} == set()


def test_rules_shows_the_modes_that_settings_give_and_rules_of_ones_own(
    capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "elfgate.yaml").write_text(
        "policies: {rules: {exec_format: warn, old_glibc: dryrun}}"
    )
    code, out, _ = run(capsys, "rules", "--rules", RULES, "--config", tmp_path / "elfgate.yaml")
    assert code == 0
    modes = {line.split()[0]: line.split()[1] for line in out.splitlines()}
    assert (modes["exec_format"], modes["old_glibc"], modes["ubi_on_s390x"]) == (
        "warn;",
        "dryrun",
        "deny",
    )


def test_a_bundle_is_built_signed_verified_and_inspected(capsys: Capture, keys: Path) -> None:
    built, signing = keys / "bundle.tar.gz", ("--key-id", "release", "--key")
    code, out, _ = run(
        capsys, "bundle", "build", "--rules", RULES, "-o", built, *signing, keys / "key.pem"
    )
    assert (code, out) == (0, bundle.load(rules=RULES).revision + "\n")
    first = built.read_bytes()
    assert run(capsys, "bundle", "verify", built, *signing, keys / "key.pub")[:2] == (0, out)
    assert run(capsys, "bundle", "sign", built, *signing, keys / "key.pem")[0] == 0
    assert built.read_bytes() == first
    _, told, _ = run(capsys, "bundle", "inspect", built)
    own = ", ".join(bundle.load(rules=RULES).own)
    assert f"signed by  release\nserial     none\nown rules  {own}\n" in told
    assert "  own/old_glibc.rego\n" in told


def test_a_bundle_that_is_not_signed_is_refused_in_a_line(capsys: Capture, keys: Path) -> None:
    built = keys / "bundle.tar.gz"
    run(capsys, "bundle", "build", "-o", built)
    code, _, err = run(
        capsys, "bundle", "verify", built, "--key", keys / "key.pub", "--key-id", "release"
    )
    assert (code, err) == (2, "elfgate bundle: the bundle is not signed\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["verify", "none.tar.gz"], "none.tar.gz: No such file or directory"),
        (["verify"], "bundle verify needs a FILE"),
        (["build"], "bundle build needs -o FILE"),
        (["pull", "-o", "x"], "bundle pull needs to be told where the bundle is"),
    ],
)
def test_what_is_missing_is_told_in_a_line(
    capsys: Capture, words: list[str], complaint: str
) -> None:
    assert run(capsys, "bundle", *words)[::2] == (2, f"elfgate bundle: {complaint}\n")


def test_the_examples_of_the_documentation_pass_their_tests_and_leave_the_shipped_ones_alone(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if opa.OPA:
        monkeypatch.setenv("PATH", str(Path(opa.OPA).parent), prepend=":")
    code, out, _ = run(capsys, "bundle", "test", "--rules", RULES)
    assert code == 0, out
    assert ", 0 failures; " in out


def test_a_rule_whose_test_fails_or_that_misspells_a_field_is_told_of(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.rego").write_text(
        "package elfgate.rules.a\nfindings contains 1 if input.request.nmespace\n"
    )
    (tmp_path / "a_test.rego").write_text("package elfgate.rules.a_test\ntest_it if 1 == 2\n")
    if opa.OPA:
        monkeypatch.setenv("PATH", str(Path(opa.OPA).parent), prepend=":")
    code, out, _ = run(capsys, "bundle", "test", "--rules", tmp_path)
    assert code == 1
    assert "FAIL data.elfgate.rules.a_test.test_it" in out
    assert opa.OPA is None or "undefined ref: input.request.nmespace" in out


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ("rules: {nosuch: warn}", "unknown rules: nosuch"),
        ("parameters: {few_containers: {mots: 3}}", "no parameter mots"),
        ("parameters: {few_containers: {most: many}}", "is not like its default"),
    ],
)
def test_settings_are_held_against_the_rules_that_are_tested(
    tmp_path: Path, capsys: Capture, policies: str, said: str
) -> None:
    config = tmp_path / "elfgate.yaml"
    config.write_text(f"policies: {{{policies}}}")
    code, _, err = run(capsys, "bundle", "test", "--rules", RULES, "--config", config)
    assert (code, said in err) == (2, True)


def test_a_bundle_is_pulled_from_a_registry_and_verified(capsys: Capture, keys: Path) -> None:
    built = keys / "bundle.tar.gz"
    run(capsys, "bundle", "build", "-o", built, "--key", keys / "key.pem", "--key-id", "release")
    with Registry({"team/policies": {"1": artefact(built.read_bytes())}}) as registry:
        words = (
            "bundle",
            "pull",
            registry.reference("team/policies:1"),
            "-o",
            keys / "pulled.tar.gz",
        )
        code, out, err = run(capsys, *words, "--key", keys / "key.pub", "--key-id", "release")
        assert (code, out, err) == (0, bundle.load().revision + "\n", "")
        assert (keys / "pulled.tar.gz").read_bytes() == built.read_bytes()
        code, _, err = run(capsys, *words, "--key", keys / "key.pub", "--key-id", "other")
        assert (code, err) == (
            2,
            "elfgate bundle: the bundle is signed with the key 'release', not 'other'\n",
        )


def artefact(packed: bytes) -> Blob:
    """An OCI artefact with a bundle in it."""
    config, layer = Blob("application/vnd.oci.image.config.v1+json", b"{}"), Blob(LAYER, packed)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    }
    return Blob(MANIFEST, json.dumps(manifest).encode(), (config, layer))


def test_an_image_is_no_bundle(capsys: Capture, keys: Path) -> None:
    config = Blob("application/vnd.oci.image.config.v1+json", b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [],
    }
    with Registry(
        {"app": {"1": Blob(MANIFEST, json.dumps(manifest).encode(), (config,))}}
    ) as registry:
        words = ("bundle", "pull", registry.reference("app:1"), "-o", keys / "pulled.tar.gz")
        code, _, err = run(capsys, *words, "--key", keys / "key.pub", "--key-id", "release")
    assert code == 2
    assert "is not a policy bundle" in err
    assert archive.SIGNATURES not in err


def test_a_bundle_is_pushed_with_the_users_credentials(
    capsys: Capture, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = keys / "bundle.tar.gz"
    words = ("--key-id", "release", "--key")
    run(capsys, "bundle", "build", "-o", built, *words, keys / "key.pem")
    with Pushed() as registry:
        host = registry.host
        login = {"auths": {host: {"auth": base64.b64encode(b"who:secret").decode()}}}
        (keys / "config.json").write_text(json.dumps(login))
        monkeypatch.setenv("DOCKER_CONFIG", str(keys))
        where = ("--to", f"{host}/team/policies:1")
        code, out, err = run(capsys, "bundle", "push", built, *where, *words, keys / "key.pub")
    path = "/v2/team/policies/manifests/1"
    media_type, content = registry.manifests[path]
    assert (code, err) == (0, "")
    assert out == f"{host}/team/policies@sha256:{hashlib.sha256(content).hexdigest()}\n"
    assert media_type == MANIFEST
    [layer] = json.loads(content)["layers"]
    assert layer["mediaType"] == LAYER
    assert registry.blobs[layer["digest"]] == built.read_bytes()
    assert registry.scopes == ["repository:team/policies:pull,push"]


def test_a_registry_that_takes_nothing_is_told_in_a_line(capsys: Capture, keys: Path) -> None:
    built = keys / "bundle.tar.gz"
    run(capsys, "bundle", "build", "-o", built)
    with Registry({}) as registry:
        code, _, err = run(
            capsys,
            "bundle",
            "push",
            built,
            "--unverified",
            "--to",
            registry.reference("team/policies:1"),
        )
    assert code == 2
    assert err.startswith(
        f"elfgate bundle: {registry.host} answers 404 to POST /v2/team/policies/blobs/uploads/"
    )


BROKEN = "package elfgate.rules.broken\n\nfindings contains finding if {\n"


@pytest.mark.parametrize("action", ["build", "sign"])
def test_a_bundle_that_no_webhook_would_load_is_not_signed(
    capsys: Capture, keys: Path, action: str
) -> None:
    (keys / "rules").mkdir()
    (keys / "rules" / "broken.rego").write_text(BROKEN)
    built = keys / "bundle.tar.gz"
    words = ("--key", keys / "key.pem", "--key-id", "release", "-o", built)
    if action == "sign":
        broken = bundle.load(rules=keys / "rules")
        built.write_bytes(archive.pack(archive.files(broken)))
        before = built.read_bytes()
        code, _, err = run(capsys, "bundle", "sign", built, *words)
        assert built.read_bytes() == before
    else:
        code, _, err = run(capsys, "bundle", "build", "--rules", keys / "rules", *words)
        assert not built.exists()
    assert code in (2, 4)
    assert "broken" in err


def test_a_bundle_that_nobody_or_a_stranger_has_signed_is_not_pushed(
    capsys: Capture, keys: Path
) -> None:
    built = keys / "bundle.tar.gz"
    where = ("--to", "127.0.0.1:1/team/policies:1")
    run(capsys, "bundle", "build", "-o", built)
    assert run(capsys, "bundle", "push", built, *where)[0] == 2
    words = ("--key", keys / "key.pub", "--key-id", "release")
    code, _, err = run(capsys, "bundle", "push", built, *where, *words)
    assert (code, err) == (2, "elfgate bundle: the bundle is not signed\n")


def test_a_serial_is_in_what_is_signed(capsys: Capture, keys: Path) -> None:
    built = keys / "bundle.tar.gz"
    words = ("--serial", "7", "--key", keys / "key.pem", "--key-id", "release")
    run(capsys, "bundle", "build", "-o", built, *words)
    assert "serial     7\n" in run(capsys, "bundle", "inspect", built)[1]
    with pytest.raises(SystemExit):
        run(capsys, "bundle", "build", "-o", built, "--serial", "0")
    assert "no whole number from 1 to 2^53" in capsys.readouterr().err


def test_a_new_rule_passes_its_tests_and_is_not_written_over(
    capsys: Capture, tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "rules", "new", "ours", "--rules", tmp_path / "rules")
    written = [tmp_path / "rules" / "ours.rego", tmp_path / "rules" / "ours_test.rego"]
    assert (code, out) == (0, "".join(f"{path}\n" for path in written))
    code, out, _ = run(capsys, "bundle", "test", "--rules", tmp_path / "rules")
    assert code == 0, out
    assert "2 of your own" in out
    code, _, err = run(capsys, "rules", "new", "ours", "--rules", tmp_path / "rules")
    assert (code, err) == (2, f"elfgate rules: {written[0]}: File exists\n")


@pytest.mark.parametrize("name", ["", "Ours", "our-rule", "../x"])
def test_a_new_rule_needs_a_name_for_a_rule(capsys: Capture, tmp_path: Path, name: str) -> None:
    assert run(capsys, "rules", "new", name, "--rules", tmp_path)[0] == 2
    assert list(tmp_path.iterdir()) == []


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod, labels: {app: web}}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.invalid/team/app:1}]}
"""
OWNED = """\
# METADATA
# custom:
#   looks_at: [labels]
package elfgate.rules.owned

findings contains {"message": "no owner"} if not input.pod.labels.owner
"""


def test_what_rules_see_is_shown_and_can_be_judged_by_hand(capsys: Capture, tmp_path: Path) -> None:
    manifest, rules, document = tmp_path / "web.yaml", tmp_path / "rules", tmp_path / "shown.json"
    manifest.write_text(DEPLOYMENT)
    rules.mkdir()
    (rules / "owned.rego").write_text(OWNED)
    words = ("check", manifest, "--arch", "amd64", "--rules", rules, "--show-document")
    code, out, _ = run(capsys, *words)
    shown = json.loads(out.splitlines()[0])
    assert code == 1
    assert shown["pod"] == {"labels": {"app": "web"}}
    assert shown["containers"][0]["image"] != "registry.invalid/team/app:1"  # nobody looks at it
    document.write_text(out.splitlines()[0])
    code, out, _ = run(capsys, "bundle", "eval", document, "--rules", rules)
    assert (code, [denial["code"] for denial in json.loads(out)["denials"]]) == (1, ["owned"])
    shown["pod"]["labels"]["owner"] = "team-a"
    document.write_text(json.dumps(shown))
    assert run(capsys, "bundle", "eval", document, "--rules", rules)[0] == 0
    document.write_text('{"version": 2}')
    code, _, err = run(capsys, "bundle", "eval", document)
    assert (code, "is no document: request: " in err) == (2, True)


STAGED = """# METADATA
# custom:
#   looks_at: [namespace_labels]
package elfgate.rules.staged

findings contains {"message": "its namespace has no stage"} if {
	not input.request.namespace_labels.stage
}
"""
POD = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: "registry.invalid/web:1"}]}
"""
NAMESPACE = """---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {LABELS}}
"""


@pytest.mark.parametrize(
    ("namespace", "expected", "told"),
    [
        (NAMESPACE.replace("LABELS", "stage: prod"), 0, ""),
        (NAMESPACE.replace("LABELS", "team: a"), 1, "its namespace has no stage  [staged]"),
        ("", 0, "the rule staged failed and was left out"),
    ],
)
def test_check_knows_the_labels_of_the_namespaces_that_it_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, namespace: str, expected: int, told: str
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "staged.rego").write_text(STAGED)
    (tmp_path / "web.yaml").write_text(POD + namespace)
    asked = ("check", tmp_path / "web.yaml", "--arch", "amd64", "--rules", tmp_path / "rules")
    code, out, err = run(capsys, *asked)
    assert code == expected
    assert told in out + err
