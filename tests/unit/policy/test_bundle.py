import asyncio
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.linkage.report import Code
from elfgate.policy import bundle
from elfgate.policy.config import Layer, PolicyConfig
from elfgate.policy.embedded import EmbeddedEngine
from elfgate.policy.messages import denial
from support.documents import pod

NOT_ABOUT_STARTING = {"latest_tag", "support_matrix", "unpinned_tag"}
POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped bundle."""
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


UBI_ONLY = """package elfgate.rules.ubi_only

findings contains finding if {
	some linkage in input.linkages
	linkage.platform == "linux/s390x"
	linkage.variant.id != "rhel"
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"position": 0,
		"effect": "violates",
		"reason": "",
		"message": "workloads on s390x use the UBI variant",
		"remedy": "use the tag that ends in -ubi",
	}
}
"""


def own(tmp_path: Path, text: str, name: str = "own.rego") -> Path:
    (tmp_path / "own").mkdir(exist_ok=True)
    (tmp_path / "own" / name).write_text(text)
    return tmp_path / "own"


def test_the_shipped_bundle_is_the_folder_of_the_source_tree() -> None:
    assert not (
        files("elfgate") / "policies"
    ).is_dir()  # an editable install keeps no copy that could be stale
    assert bundle.load() == bundle.load(POLICIES)


def test_every_code_has_a_rule_and_a_mode() -> None:
    policies = bundle.load()
    codes = {*Code, *NOT_ABOUT_STARTING}
    assert {path.split("/")[1] for path in policies.modules if path.startswith("rules/")} == codes
    assert set(policies.data["elfgate"]["config"]["rules"]) == codes


def test_no_test_is_loaded_unless_asked_for() -> None:
    assert not [path for path in bundle.load().modules if path.endswith("_test.rego")]
    assert [path for path in bundle.load(tests=True).modules if path.endswith("_test.rego")]


def test_the_same_content_has_the_same_revision(folder: Path) -> None:
    assert bundle.load(folder).revision == bundle.load().revision


def test_a_changed_rule_has_another_revision(folder: Path) -> None:
    with (folder / "lib" / "words" / "words.rego").open("a") as file:
        file.write("\n# changed\n")
    assert bundle.load(folder).revision != bundle.load().revision


def test_a_changed_setting_has_another_revision() -> None:
    assert bundle.load(config=PolicyConfig(require="all")).revision != bundle.load().revision
    assert bundle.load(config=PolicyConfig()).revision == bundle.load().revision


def test_the_revision_is_in_the_data() -> None:
    policies = bundle.load()
    assert policies.data["elfgate"]["revision"] == policies.revision


def test_settings_are_laid_over_the_bundles_own() -> None:
    config = PolicyConfig(rules={"cpu_level": "warn"}, namespaces={"prod": Layer(require="all")})
    settings = bundle.load(config=config).data["elfgate"]["config"]
    assert settings["rules"]["cpu_level"] == "warn"
    assert settings["rules"]["loader_missing"] == "deny"
    assert settings["namespaces"]["prod"] == {"require": "all"}
    assert len(settings["namespaces"]) == 2


def test_a_setting_for_no_rule_is_refused() -> None:
    with pytest.raises(
        InputError, match=r'unknown rules: loader_mising: did you mean "loader_missing"'
    ):
        bundle.load(config=PolicyConfig(namespaces={"prod": Layer(rules={"loader_mising": "off"})}))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        (".manifest", b"{", "is not JSON"),
        (".manifest", b"[]", "is not a JSON object"),
        (".manifest", b"{}", "no revision in .manifest"),
        ("data.json", b'{"elfgate": []}', "is not a policy bundle"),
        ("data.json", b'{"elfgate": {"config": 3}}', "is not a policy bundle"),
        ("data.json", b"\xff", "is not UTF-8"),
        ("data.json", b" " * (5 << 20), "is larger than 4 MiB"),
    ],
)
def test_a_broken_bundle_is_refused_in_one_line(
    folder: Path, name: str, content: bytes, complaint: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=complaint) as told:
        bundle.load(folder)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", [".manifest", "data.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"cannot read .*{name}: No such file"):
        bundle.load(folder)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the policies in .*/nowhere: No such file"):
        bundle.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no Rego files in it"):
        bundle.load(tmp_path)


def test_a_rule_of_ones_own_is_among_the_rules(tmp_path: Path) -> None:
    rules = own(tmp_path, UBI_ONLY)
    engine = EmbeddedEngine(bundle.load(rules=rules))
    verdict = asyncio.run(engine.evaluate(pod(starts=("s390x",))))
    assert denial(verdict) == (
        "app-0 (example/app:1) is not allowed on s390x:\n"
        "  workloads on s390x use the UBI variant  [ubi_only]\n"
        "  use the tag that ends in -ubi"
    )
    assert engine.revision != bundle.load().revision


def test_a_rule_of_ones_own_may_be_set_like_any_other(tmp_path: Path) -> None:
    engine = EmbeddedEngine(
        bundle.load(rules=own(tmp_path, UBI_ONLY), config=PolicyConfig(rules={"ubi_only": "warn"}))
    )
    verdict = asyncio.run(engine.evaluate(pod(starts=("s390x",))))
    assert verdict.allowed
    assert [warning.code for warning in verdict.warnings] == ["ubi_only"]


@pytest.mark.parametrize(
    ("package", "complaint"),
    [
        ("elfgate.rules.loader_missing", "is one of elfgate's own"),
        ("elfgate.main", "is not elfgate.rules.NAME"),
        ("elfgate.rules", "is not elfgate.rules.NAME"),
        ("elfgate.rules.a.b", "is not elfgate.rules.NAME"),
        ('elfgate.rules["x"]', "is not elfgate.rules.NAME"),
        ("system.authz", "is not elfgate.rules.NAME"),
    ],
)
def test_a_rule_in_a_package_that_is_not_its_own_is_refused(
    tmp_path: Path, package: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        bundle.load(rules=own(tmp_path, f"package {package}\nfindings := set()\n"))
