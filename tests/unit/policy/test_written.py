"""A rule of one's own that would do nothing is refused where it is written, by file and line, without OPA."""

from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.policy import written
from elfgate.wiring.policies import Judging

ROOT = Path(__file__).parents[3]
LOOKING = "# METADATA\n# custom:\n#   looks_at: [{looks}]\n"
HEAD = "package elfgate.rules.mine\n\n"
ONE = 'findings contains {"message": "no"} if {\n'


def told(folder: Path, source: str) -> list[str]:
    """The complaints about a rule, each without the file's path."""
    (folder / "mine.rego").write_text(source)
    return [line.removeprefix(f"{folder / 'mine.rego'}:") for line in written.complaints(folder)]


def of_body(folder: Path, body: str) -> list[str]:
    return told(folder, f"{HEAD}{ONE}\t{body}\n}}\n")


@pytest.mark.parametrize("folder", ["policies/rules", "docs/rules"])
def test_nothing_is_wrong_with_rules_that_work(folder: str) -> None:
    assert written.complaints(ROOT / folder) == []


def test_libraries_refer_to_nothing_that_is_not_there() -> None:
    found = [line for line in written.complaints(ROOT / "policies") if "`findings`" not in line]
    assert found == []


def test_a_rule_without_findings_is_told_of(tmp_path: Path) -> None:
    source = f'{HEAD}deny contains "no" if true\n'
    assert told(tmp_path, source) == ["1: the rule has no `findings`, so that it finds nothing"]


def test_a_packages_findings_may_stand_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.rego").write_text(f"{HEAD}{ONE}\tnew\n}}\n")
    assert told(tmp_path, f"{HEAD}new := true\n") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("input.container", "the document has no container there; there are before, containers, "),
        ("input.containers[_].imag", "the document has no imag there"),
        ('input.containers[0]["imag"]', "the document has no imag there"),
        ("some c in input.containers\n\tc.imag", "the document has no imag there"),
        ("c := input.containers[_]\n\tc.imag", "the document has no imag there"),
        ("some i, c in input.containers\n\tc.imag", "the document has no imag there"),
        ("every c in input.containers { c.imag }", "the document has no imag there"),
        ("count({c.imag | some c in input.containers}) > 0", "the document has no imag there"),
        ("some l in input.linkages\n\tsome f in l.findings\n\tf.kind", "has no kind there"),
        ("input.containers.name", "the document has no name there; it is of the type array"),
        ("input.request.name.first", "has no first there; it is of the type string"),
        ("input.pod.labels.owner", "labels is not shown: add labels to looks_at"),
        ("data.mine.list", "data.mine is nothing that rules have"),
        ('some c in input.containers\n\t{"imag": i} = c', "the document has no imag there"),
        ('input.containers[0] = {"imag": i}', "the document has no imag there"),
        ('input.request.nmespace = "prod"', "the document has no nmespace there"),
        ('"prod" = input.request.nmespace', "the document has no nmespace there"),
        ("input.containers[_] = c\n\tc.imag", "the document has no imag there"),
        ('some "imag", _ in input.containers[0]', "the document has no imag there"),
        ('some key in ["name", "tomorrow"]\n\tinput.request[key]', "has no tomorrow there"),
        ('key := "tomorrow"\n\tinput.request[key]', "the document has no tomorrow there"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_of(tmp_path: Path, body: str, said: str) -> None:
    [complaint] = of_body(tmp_path, body)
    line, _, what = complaint.partition(": ")
    assert said in what
    assert int(line) == 4 + body.count("\n")


@pytest.mark.parametrize(
    "body",
    [
        "some c in input.containers\n\tc.image",
        "some c in input.containers\n\tsome d in input.linkages\n\tc.name == d.container",
        "some x in input.containers\n\tcount({x | some x in input.targets; x.nodes > 0}) > 0\n\tx.image",
        "some [a, b] in [[1, 2]]\n\ta.anything",
        "some key, entry in input.request\n\tentry.anything",
        "object.get(input.request, input.request.name, 1) == 1",
        "some rule\n\tdata.elfgate.config.parameters[rule].most",
        "some x\n\tinput.containers[x].name",
        'some c in input.containers\n\t{"image": i} = c',
        'some key in ["name", "namespace"]\n\tinput.request[key]',
        'mine := {"imag": 1}\n\t{"imag": i} = mine',
    ],
)
def test_what_may_lead_somewhere_is_let_be(tmp_path: Path, body: str) -> None:
    assert of_body(tmp_path, body) == []


def test_what_is_looked_at_is_shown(tmp_path: Path) -> None:
    body = f"{HEAD}{ONE}\tinput.pod.labels.owner\n}}\n"
    assert told(tmp_path, LOOKING.format(looks="labels") + body) == []
    [odd] = told(tmp_path, LOOKING.format(looks="lables") + body)
    assert odd.startswith("3: looks_at has lables; write one of annotations, ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('strings.count("aa", "a") > 1', "strings.count is no function that both engines have"),
        ('nosuch("aa")', "nosuch is no function that both engines have"),
        ('sprintf("%d", [1]) == ""', "sprintf has %d, on which the engines disagree"),
        ('sprintf("%-5s", [1]) == ""', "sprintf has %-, on which the engines disagree"),
        ('sprintf("%s %s", [1]) == ""', "sprintf has 1 values for 2 verbs"),
        ('sprintf(input.version, [1]) == ""', "sprintf needs a literal format"),
        (r'regex.match("\\d", "1")', r"the pattern has \d, on which the engines disagree"),
        (r"regex.match(`\w+`, `1`)", r"the pattern has \w, on which the engines disagree"),
        ('regex.match("a{1,1001}", "1")', "the pattern has {1,1001"),
        ("regex.match(input.request.name, `1`)", "the pattern has to be a literal"),
        ("0.1 + 0.2 == 0.3", "the engines disagree on sums with 0.1: count in whole numbers"),
        ("input.version * 0.7 < 1", "the engines disagree on sums with 0.7"),
        ("sum([0.1, 1]) == 1.1", "the engines disagree on sums with 0.1"),
    ],
)
def test_a_function_on_which_the_engines_disagree_is_told_of(
    tmp_path: Path, body: str, said: str
) -> None:
    [complaint] = of_body(tmp_path, body)
    assert complaint.startswith(f"4: {said}")


@pytest.mark.parametrize(
    "body",
    [
        'sprintf("100%% of %s and %v", ["a", 1]) == ""',
        'regex.match("^a{1,3}[0-9]+\\\\.x$", "1")',
        "mine(1)",
        "input.version * 0.5 + 2.25 > 1",
        "count(input.targets) / 3 > 0.3",
        'p.starts("a")',
    ],
)
def test_other_calls_are_let_be(tmp_path: Path, body: str) -> None:
    imports = "import data.elfgate.lib.patterns as p\n\nmine(x) := x\n\n"
    assert told(tmp_path, f"{HEAD}{imports}{ONE}\t{body}\n}}\n") == []


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        ('{"container": "web"}', "the finding has no message"),
        ('{"message": "no", "mode": "warn"}', "a finding has no mode; write one of container, "),
        ('{"message": "no", "platform": "amd64"}', "the platform amd64 is written linux/amd64"),
    ],
)
def test_a_finding_that_is_written_wrongly_is_told_of(
    tmp_path: Path, finding: str, said: str
) -> None:
    inline = f"{HEAD}findings contains {finding} if input.version\n"
    bound = f"{HEAD}findings contains one if {{\n\tone := {finding}\n}}\n"
    for source, line in ((inline, 3), (bound, 4)):
        [complaint] = told(tmp_path, source)
        assert complaint.startswith(f"{line}: {said}")


def test_a_file_that_does_not_parse_is_told_of_by_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(f"{HEAD}findings contains {{\n")
    with pytest.raises(InputError, match=r"mine.rego is not valid Rego: .*/mine.rego:4:"):
        written.complaints(tmp_path)


def test_a_file_that_does_not_parse_is_told_of_in_few_words(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(f'{HEAD}findings contains {{"message" if {{')
    with pytest.raises(InputError, match=r"mine.rego:3: expecting `}` while parsing set$"):
        written.complaints(tmp_path)


@pytest.mark.parametrize("name", ["data.json", "data.yaml"])
def test_data_beside_rules_are_not_passed_over_in_silence(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.rego").write_text(f"{HEAD}{ONE}\tinput.version\n}}\n")
    (tmp_path / name).write_text('{"mine": {"x": 1}}')
    with pytest.raises(InputError, match=rf"{name}:1: no rule reads this data"):
        written.hold(tmp_path)


def test_every_verb_refuses_such_a_rule(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(f"{HEAD}{ONE}\tinput.a\n\tinput.b\n}}\n")
    with pytest.raises(InputError, match=r"mine.rego:4: the document has no a there.*and 1 more"):
        Judging(rules=tmp_path).bundle()
