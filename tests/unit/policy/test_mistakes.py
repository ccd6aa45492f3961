"""Mistakes that people make in rules of their own: each is told where it is written, without OPA."""

from pathlib import Path

import pytest

from elfgate.errors import InputError
from elfgate.policy import bundle, written
from elfgate.policy.annotation import LOOKS

HEAD = "package elfgate.rules.mine\n"
SOME = "\tsome c in input.containers\n\t{}\n}}"
NAMED = 'findings contains {{"message": "m", "container": c.name}} if {{\n' + SOME
LINKED = 'findings contains {{"message": "m"}} if {{\n\tsome l in input.linkages\n\t{}\n}}'
FOUND = LINKED.replace("\t{}", "\tsome f in l.findings\n\t{}")
WHOLE = 'findings contains {{"message": "m"}} if {{\n\t{}\n}}'
FORM = "write `findings contains {…} if {…}`"


def told(folder: Path, source: str) -> str:
    (folder / "mine.rego").write_text(source + "\n")
    return "\n".join(written.complaints(folder))


@pytest.mark.parametrize(
    "body",
    [
        'findings := [{"message": "m"}]',
        'findings := {"message": "m"}',
        'findings := "m"',
        "findings if input.version == 2",
        'findings(x) := {"message": "m"} if x',
        'findings["a"] := {"message": "m"}',
        'default findings := []\nfindings contains {"message": "m"} if input.version == 2',
    ],
)
def test_findings_that_are_no_set(tmp_path: Path, body: str) -> None:
    assert f"`findings` is no set of findings: {FORM}" in told(tmp_path, HEAD + body)


@pytest.mark.parametrize("finding", ['"no"', "1", '["no"]', "true", '{"a", "b"}'])
def test_a_finding_that_is_no_object(tmp_path: Path, finding: str) -> None:
    said = told(tmp_path, f"{HEAD}findings contains {finding}")
    assert f"a finding is an object: {FORM}" in said


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        ('{"message": 1}', "the finding's message is not a text"),
        ('{"message": ""}', "the finding's message is empty"),
        ('{"message": "m", "container": ["a"]}', "the finding's container is not a text"),
        ('{"message": "m", "position": "1"}', "the finding's position is not a number"),
        ('{"message": "m", "effect": "deny"}', "the finding's effect is never deny; write one of"),
        ('{"message": "m", "reason": "why"}', "no setting of `unknown` is for the reason why;"),
        ('{"message": "m", "platform": "arm64"}', "the platform arm64 is written linux/arm64"),
        ('{"message": "m", "platform": "x86_64"}', "the platform x86_64 is written linux/amd64"),
        ('{"message": "m", "platform": "linux/aarch64"}', "is written linux/arm64"),
        ('{"message": "m", "platform": "arm/v7"}', "is written linux/arm/v7"),
        ('{"message": "m", "platform": "Linux/amd64"}', "is written linux/amd64"),
        (
            '{"message": "m", "platform": "linux/*"}',
            "leave platform out to mean wherever the pod lands",
        ),
    ],
)
def test_a_finding_of_another_form(tmp_path: Path, finding: str, said: str) -> None:
    assert said in told(tmp_path, f"{HEAD}findings contains {finding}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (NAMED.format('c.role == "initContainer"'), 'role is never "initContainer"; write one of'),
        (NAMED.format('c.role in {"main", "inits"}'), 'role is never "inits"'),
        (NAMED.format('c.role != "job"'), 'role is never "job"'),
        (NAMED.format("c.image > 3"), "image is a text, and never 3"),
        (NAMED.format("c.command == true"), "command is a list, and never true"),
        (WHOLE.format('"check" == input.request.point'), 'point is never "check"'),
        (WHOLE.format('input.request.namespace == "Prod"'), "it is written prod"),
        (WHOLE.format('input.request.namespace == "team-*"'), "it is written as in team-a"),
        (WHOLE.format('input.request.kind == "deployments"'), "it is written Deployment"),
        (WHOLE.format('input.request.operation in {"create"}'), "write one of CREATE, UPDATE"),
        (NAMED.format('c.tag == ":latest"'), "tag is never"),
        (NAMED.format("c.digest == null"), "digest is a text, and never null"),
        (NAMED.format('c.digest == "SHA256:0"'), "digest is never"),
        (NAMED.format('c.repository == "nginx:1"'), "it is written nginx"),
        (NAMED.format('c.repository == "docker.io/library/nginx"'), "it is written nginx"),
        (NAMED.format('c.repository == "Team/App"'), "it is written as in nginx"),
        (NAMED.format('startswith(c.repository, "docker.io/library/")'), "never begins with"),
        (LINKED.format('l.variant.id == "Debian"'), "it is written debian"),
        (LINKED.format('l.variant.id == "ubi"'), "it is written rhel"),
        (FOUND.format('f.code == "loader_mising"'), 'did you mean "loader_missing"?'),
        (FOUND.format('f.reason == "registry_away"'), 'did you mean "registry_unreachable"?'),
        (WHOLE.format('input.request.today > "30.06.2026"'), "it is written as in 2026-06-30"),
        (WHOLE.format('input.request.today >= "2026-7-1"'), "it is written as in 2026-06-30"),
        (WHOLE.format('input.version == "2"'), 'version is a number, and never "2"'),
        (WHOLE.format('input.targets[_].platform == "arm/v7"'), "is written linux/arm/v7"),
        (WHOLE.format('input.targets[_].architecture == "x86_64"'), "is written amd64"),
        (WHOLE.format('input.targets[_].architecture == "linux/arm64"'), "is written arm64"),
        (WHOLE.format('input.linkages[_].verdict == "fails"'), 'verdict is never "fails"'),
        (WHOLE.format('"deployment/web" in input.request.owners'), "it is written Deployment/web"),
        (WHOLE.format('input.request.owners[_] == "Deployment"'), "as in Deployment/web"),
        (WHOLE.format('some o in input.request.owners\n\to == "Pods/web"'), "is written Pod/web"),
        (WHOLE.format('startswith(input.request.owners[_], "deployment/")'), "never begins with"),
        (WHOLE.format('startswith(input.request.namespace, "Team")'), "it is written team"),
        (WHOLE.format('endswith(input.request.namespace, "_prod")'), "never ends in"),
        (WHOLE.format(f'input.request.namespace == "{"a" * 64}"'), "namespace is never"),
        (WHOLE.format('input.request.name == "Web"'), "it is written web"),
        (WHOLE.format('input.request.kind == "sts"'), "it is written StatefulSet"),
        (WHOLE.format('input.request.kind == "apps/v1/Deployment"'), "as in Deployment"),
        (WHOLE.format('input.request.scheduler == "default-scheduler"'), "empty for Kubernetes'"),
        (WHOLE.format('input.request.today == "2026-02-30"'), "it is written as in 2026-06-30"),
        (WHOLE.format('input.targets[_].architecture == "AMD64"'), "is written amd64"),
        (WHOLE.format('input.targets[_].architecture == "amd46"'), "is written amd64"),
        (WHOLE.format('input.targets[_].architecture == "arm64v8"'), "is written arm64"),
        (WHOLE.format('input.targets[_].platform == "linux/arm64/v8"'), "is written linux/arm64"),
        (WHOLE.format('input.targets[_].platform == "linux-amd64"'), "is written linux/amd64"),
        (WHOLE.format('startswith(input.targets[_].platform, "amd64")'), "linux/amd64"),
        (WHOLE.format('"amd64" in input.targets[_].platform'), "is a text, which `in` finds"),
        (NAMED.format('startswith(c.repository, "https://")'), "never begins with"),
        (NAMED.format('endswith(c.repository, ":latest")'), "never ends in"),
        (NAMED.format('strings.any_prefix_match(c.repository, ["library/"])'), "never begins"),
        (NAMED.format('c.digest == "sha256:0"'), "with 64 digits"),
        (NAMED.format('c.security.run_as_user == "0"'), 'is a number, and never "0"'),
        (NAMED.format('c.security.seccomp == "runtime/default"'), "one of RuntimeDefault"),
        (NAMED.format('"CAP_SYS_ADMIN" in c.security.capabilities_added'), "written SYS_ADMIN"),
        (WHOLE.format('input.pod.volumes[_].kind == "HostPath"'), "is written hostPath"),
        (WHOLE.format('input.pod.volumes[_].kind == "pvc"'), "is written persistentVolumeClaim"),
        (LINKED.format('l.variant.libc == "gnu"'), "write one of glibc, musl"),
        (WHOLE.format('v := input.linkages[_].verdict\n\tv == "fails"'), 'v is never "fails"'),
    ],
)
def test_a_comparison_with_what_is_never_said(tmp_path: Path, body: str, said: str) -> None:
    looks = ", ".join(sorted(LOOKS))
    looking = f"# METADATA\n# custom:\n#   looks_at: [{looks}]\n"
    assert said in told(tmp_path, looking + HEAD + body)


@pytest.mark.parametrize(
    "condition",
    [
        "some c in input.containers\n\tc.repository in banned",
        "banned[input.containers[_].repository]",
        "some b in banned\n\tinput.containers[_].repository == b",
        "input.containers[_].repository == banned[_]",
        "startswith(input.containers[_].repository, banned[_])",
    ],
)
@pytest.mark.parametrize(
    "names",
    ['banned := {"docker.io/library/nginx"}', 'banned contains "docker.io/library/nginx"'],
)
def test_a_name_that_is_never_said_is_told_of_where_it_stands(
    tmp_path: Path, names: str, condition: str
) -> None:
    said = told(tmp_path, f"{HEAD}{names}\n{WHOLE.format(condition)}")
    assert said.startswith(f"{tmp_path / 'mine.rego'}:2: repository ")


def test_a_finding_may_have_its_words_by_a_name(tmp_path: Path) -> None:
    named = 'at := "amd64"\nfindings contains {"message": "m", "platform": at}'
    assert "the platform amd64 is written linux/amd64" in told(tmp_path, HEAD + named)
    listed = 'findings contains {"message": "m", "platform": p} if some p in ["linux/s390x", "arm"]'
    assert "the platform arm is written linux/arm" in told(tmp_path, HEAD + listed)
    bound = 'findings contains f if {\n\te := "deny"\n\tf := {"message": "m", "effect": e}\n}'
    assert "the finding's effect is never deny" in told(tmp_path, HEAD + bound)


def test_a_name_that_a_rule_binds_itself_is_not_the_constant_of_that_name(tmp_path: Path) -> None:
    source = 'names := {"Deployment"}\n' + WHOLE.format(
        "names := input.request.owners\n\tinput.request.namespace in names"
    )
    assert told(tmp_path, HEAD + source) == ""


@pytest.mark.parametrize(
    "body",
    [
        # A variable of another scope, or of the rule's own, is not the one that has the literals.
        WHOLE.format(
            'count({k | some k in {"x/y"}}) > 0\n\tsome k in ks\n\tinput.request.kind == k'
        ),
        WHOLE.format("some names\n\tinput.request.owners[names] == input.request.namespace"),
        WHOLE.format("every names in input.containers { names.name in input.request.owners }"),
        WHOLE.format("[names, _] := [input.pod, 1]\n\tinput.request.kind in names.labels"),
        "has(names) if input.request.kind in names\n" + WHOLE.format("has(input.request.owners)"),
    ],
)
def test_a_variable_is_not_taken_for_another_of_its_name(tmp_path: Path, body: str) -> None:
    constant = 'names := {"x/y"}\nks contains input.request.kind\n'
    looking = "# METADATA\n# custom:\n#   looks_at: [labels, pod_names, container_names]\n"
    assert told(tmp_path, looking + HEAD + constant + body) == ""


def test_whether_a_name_is_empty_is_asked_without_a_look_at_it(tmp_path: Path) -> None:
    looking = "# METADATA\n# custom:\n#   looks_at: []\n"
    assert told(tmp_path, looking + HEAD + NAMED.format('c.name != ""')) == ""


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('input.containers[_].name == "web"', "name is a mark instead of a name: add container_n"),
        ('startswith(input.containers[_].image, "a/")', "add image_names to looks_at"),
        ('split(input.linkages[_].container, "-")[0] == "a"', "add container_names to looks_at"),
        ('input.containers[_].tag == "latest"', "tag is not shown: add image_names to looks_at"),
        ('input.request.owners[_] == "Job/a"', "owners is not shown: add pod_names to looks_at"),
        ('input.linkages[_].variant.id == "alpine"', "variant is not shown: add variants"),
    ],
)
def test_a_name_that_the_rule_does_not_look_at(tmp_path: Path, condition: str, said: str) -> None:
    looking = "# METADATA\n# custom:\n#   looks_at: [labels]\n"
    assert said in told(tmp_path, looking + HEAD + WHOLE.format(condition))


def test_names_join_entries_and_stand_in_messages_without_a_look_at_them(tmp_path: Path) -> None:
    source = (
        "# METADATA\n# custom:\n#   looks_at: [labels]\n"
        f"{HEAD}"
        'findings contains {"message": sprintf("%s", [c.image]), "container": c.name} if {\n'
        "\tsome c in input.containers\n\tsome l in input.linkages\n\tl.container == c.name\n}"
    )
    assert told(tmp_path, source) == ""


@pytest.mark.parametrize(
    "condition",
    [
        'input.request.today > "2026-06-30"',
        'input.request.today >= "2026"',
        'input.request.today < "2026-07"',
        'input.targets[_].platform == "linux/arm"',
        'input.targets[_].platform != "windows/amd64"',
        'input.targets[_].architecture in {"amd64", "of-tomorrow"}',
        'input.linkages[_].verdict in ["starts", "unknown"]',
        "input.targets[_].nodes > 2.5",
        'input.containers[_].tag == ""',
        'input.containers[_].repository == ""',
        'input.containers[_].repository == "registry.example/team/app"',
        'startswith(input.containers[_].repository, "docker.")',
        'startswith(input.containers[_].digest, "sha256:0")',
        'endswith(input.containers[_].digest, "12ab")',
        'contains(input.containers[_].repository, "/team")',
        'endswith(input.containers[_].repository, "/nginx")',
        'startswith(input.containers[_].repository, "registry.example:50")',
        'startswith(input.containers[_].repository, "Registry.example/")',
        'startswith(input.containers[_].repository, "docker.io")',
        'startswith(input.containers[_].tag, "1.")',
        'endswith(input.containers[_].tag, "-debug")',
        'startswith(input.containers[_].image, "docker.io/library/")',
        'startswith(input.request.namespace, "team-")',
        'endswith(input.request.namespace, "-prod")',
        'startswith(input.request.today, "2026-02-2")',
        '"Rollout/web" in input.request.owners',
        'startswith(input.request.owners[_], "Stateful")',
        'endswith(input.request.owners[_], "/web")',
        'startswith(input.targets[_].platform, "linux/arm")',
        'endswith(input.targets[_].platform, "/v7")',
        'contains(input.targets[_].platform, "arm")',
        'input.targets[_].platform == "linux/of-tomorrow"',
        'input.targets[_].platform == "windows/amd64"',
        'startswith(input.targets[_].architecture, "mips64")',
        'input.request.scheduler == "volcano"',
        'input.request.namespace == ""',
        'input.request.kind == "Rollout"',
        'input.linkages[_].findings[_].reason == ""',
        'input.linkages[_].findings[_].code == "exec_format"',
        "input.linkages[_].needs_glibc > [2, 28]",
        'object.get(input.request, "namespace", "") == "shop"',
        'object.get(input, ["request", "kind"], "") == "Pod"',
    ],
)
def test_a_comparison_that_may_hold(tmp_path: Path, condition: str) -> None:
    assert told(tmp_path, HEAD + WHOLE.format(condition)) == ""


@pytest.mark.parametrize(
    "body",
    [
        "bad(c) if c.imagee\n" + NAMED.format("bad(c)"),
        "mine contains c if some c in input.containers\n"
        + WHOLE.format("some m in mine\n\tm.imagee"),
        "all := [c | some c in input.containers]\n" + WHOLE.format("all[_].imagee"),
        "asked := input.containers\n" + WHOLE.format("asked[0].imagee"),
        "import input.containers\n" + WHOLE.format("containers[_].imagee"),
        "import input.containers as all\n" + WHOLE.format("some c in all\n\tc.imagee"),
        NAMED.format('object.get(c, "imagee", "") == ""'),
        WHOLE.format('object.get(input, ["containers", "imagee"], "") == ""'),
        WHOLE.format('cs := object.get(input, "containers", [])\n\tcs[_].imagee'),
    ],
)
def test_a_field_that_is_misspelt_behind_a_name(tmp_path: Path, body: str) -> None:
    assert "the document has no imagee there" in told(tmp_path, HEAD + body)


@pytest.mark.parametrize(
    "body",
    [
        "bad(c) if c.tomorrow\n" + WHOLE.format('bad({"tomorrow": true})\n\tbad(input.request)'),
        'one := {"a": 1}\n' + WHOLE.format("one.a == 1"),
        "one := input.request\none := input.pod\n" + WHOLE.format("one.tomorrow"),
        "bad(c, _) if c.tomorrow\n" + WHOLE.format("bad(data.elfgate.lib.pod, 1)"),
    ],
)
def test_what_is_not_certain_is_not_told(tmp_path: Path, body: str) -> None:
    assert told(tmp_path, HEAD + body) == ""


@pytest.mark.parametrize(
    ("metadata", "number", "said"),
    [
        ("# custom:\n#   looks_at: labels\n", 3, "looks_at is a list"),
        ("# custom:\n#   look_at: [labels]\n", 3, 'has look_at, did you mean "looks_at"?'),
        ("# looks_at: [labels]\n", 2, "the METADATA has looks_at beside custom, and not under it"),
        ("# custom:\n#   parameters: [a]\n", 3, "parameters have defaults"),
        ("# title: mine\n\n", 1, "the METADATA does not count"),
    ],
)
def test_metadata_that_says_nothing(tmp_path: Path, metadata: str, number: int, said: str) -> None:
    source = f"# METADATA\n{metadata}{HEAD}" + WHOLE.format("input.version == 2")
    [line] = [line for line in told(tmp_path, source).splitlines() if said in line]
    assert line.startswith(f"{tmp_path / 'mine.rego'}:{number}: ")


def test_metadata_may_have_words_of_its_owner(tmp_path: Path) -> None:
    owned = "# METADATA\n# title: mine\n# authors: [me]\n# custom:\n#   severity: high\n"
    assert told(tmp_path, owned + HEAD + WHOLE.format("input.version == 2")) == ""


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("data.elfgate.config.parameters.mine.least", "the rule mine has no parameter least"),
        ("data.elfgate.config.parameters.other.most", "the rule other has no parameters"),
        ("data.elfgate.lib.podz.containers", "no package is called elfgate.lib.podz"),
        ("data.elfgate.rules.nosuch.findings", "no package is called elfgate.rules.nosuch"),
        ("data.own.most", "data.own is nothing that rules have"),
    ],
)
def test_data_that_there_is_none_of(tmp_path: Path, reference: str, said: str) -> None:
    taking = "# METADATA\n# custom:\n#   parameters: {most: 3}\n"
    source = taking + HEAD + WHOLE.format(f"{reference} == 3")
    assert said in told(tmp_path, source)


def test_a_function_is_given_as_much_as_it_takes(tmp_path: Path) -> None:
    short = HEAD + WHOLE.format('startswith("a")')
    assert "startswith takes 2 values, and is given 1" in told(tmp_path, short)
    assert told(tmp_path, HEAD + WHOLE.format('startswith("a", "b", true)')) == ""


@pytest.mark.parametrize(
    "value", ["1", "count(input.containers)", "input.targets[0].nodes", "1 + input.version"]
)
def test_a_number_is_no_text_in_a_format(tmp_path: Path, value: str) -> None:
    said = "sprintf has %s for a number, on which the engines disagree; use %v"
    assert said in told(tmp_path, HEAD + WHOLE.format(f'sprintf("%s", [{value}])'))
    assert told(tmp_path, HEAD + WHOLE.format(f'sprintf("%v", [{value}])')) == ""


@pytest.mark.parametrize("pattern", ["(?=a)", "(?i)a", "(?<!a)b", "(a"])
def test_a_pattern_that_not_both_engines_take(tmp_path: Path, pattern: str) -> None:
    assert "the pattern" in told(tmp_path, HEAD + WHOLE.format(f'regex.match("{pattern}", "a")'))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('findings contains {"message": "m"}', "has no package: begin with"),
        ("package elfgate.rules.no_common_platform\n", "is one of elfgate's own"),
        ("package elfgate.rules.a.b\n", "is not elfgate.rules.NAME"),
    ],
)
def test_a_package_that_no_rule_has(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "mine.rego").write_text(source)
    with pytest.raises(InputError, match=said):
        bundle.load(rules=tmp_path)
