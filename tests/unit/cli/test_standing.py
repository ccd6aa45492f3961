"""Options that stand in variables and in a project's file."""

from pathlib import Path

import pytest

from elfgate.cli.main import verb_parser
from elfgate.cli.standing import FILE, standing
from elfgate.errors import InputError


def words(folder: Path, *given: str, verb: str = "check", **variables: str) -> list[str]:
    parser = verb_parser(verb)
    environment = {f"ELFGATE_{name}": value for name, value in variables.items()}
    return standing(parser, verb, given, environment=environment, folder=folder)


def test_a_variable_is_an_option(tmp_path: Path) -> None:
    assert words(tmp_path, "x.yaml", FAIL_ON="unknown") == ["--fail-on=unknown", "x.yaml"]
    assert words(tmp_path, SHOW_DOCUMENT="true") == ["--show-document"]
    assert words(tmp_path, SHOW_DOCUMENT="false") == []
    assert words(tmp_path, OUTPUT="text sarif=a") == ["--output=text", "--output=sarif=a"]


def test_the_command_line_wins_over_a_variable_and_a_variable_over_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("check: {fail-on: warning, arch: amd64, image: [a=b, c=d]}")
    found = words(tmp_path, "--arch", "ppc64le", FAIL_ON="unknown")
    assert found == ["--fail-on=unknown", "--image=a=b", "--image=c=d", "--arch", "ppc64le"]


def test_what_excludes_an_option_on_the_command_line_wins_too(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("check: {arch: amd64}")
    assert words(tmp_path, "--nodes=nodes.json") == ["--nodes=nodes.json"]


def test_the_file_is_found_above_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("check: {arch: amd64}")
    repository = tmp_path / "repository"
    below = repository / "charts" / "app"
    below.mkdir(parents=True)
    assert words(below) == ["--arch=amd64"]
    (repository / ".git").mkdir()
    assert words(below) == []


def test_a_file_of_another_user_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / FILE
    file.write_text("check: {arch: amd64}")
    monkeypatch.setattr("os.getuid", lambda: 4711)
    expected = ["--arch=amd64"] if file.stat().st_uid == 0 else []
    assert words(tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chek: {}", 'did you mean "check"?'),
        ("check: {fail-onn: unknown}", 'did you mean "fail-on"?'),
        ("check: {store: valkey://x}", "is not for a file"),
        ("check: {arch: {a: b}}", "neither a word nor a number"),
        ("check: {show-document: perhaps}", "true or false"),
        ("check: [1]", "not a mapping"),
        ("[]", "not a mapping"),
        ("check: {", "invalid YAML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(InputError) as error:
        words(tmp_path)
    assert FILE in str(error.value)
    assert said in str(error.value)


def test_verbs_that_change_something_take_no_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("check: {arch: amd64}")
    assert words(tmp_path, verb="cache") == []
    assert words(tmp_path, verb="doctor", YES="true", BREAKGLASS="true") == []


def test_variables_of_services_are_no_options(tmp_path: Path) -> None:
    assert words(tmp_path, verb="ui", PORT="tcp://10.0.0.1:443") == []
    assert words(tmp_path, verb="ui", PORT="8080") == ["--port=8080"]
