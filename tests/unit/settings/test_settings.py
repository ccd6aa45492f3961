"""Settings from YAML: defaults, and problems told a line each."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from elfgate.errors import InputError
from elfgate.given_file import SETTING_BYTES
from elfgate.settings import Settings
from elfgate.settings.images import default_store
from elfgate.wiring.images import Reading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "elfgate.yaml"


def read(file: Path, text: str) -> Settings:
    file.write_text(text)
    return Settings.read(file)


def problems(file: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        read(file, text)
    return str(raised.value).replace(str(file), "FILE").splitlines()


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "---\n"])
def test_an_empty_file_leaves_every_default(file: Path, text: str) -> None:
    assert read(file, text) == Settings()


def test_what_is_written_replaces_the_default_and_nothing_else(file: Path) -> None:
    settings = read(
        file, "listen: {port: 9443}\nstore: {size_cap: 2GiB}\nimages: {app:1: 'oci:build/app'}\n"
    )
    assert settings.listen.port == 9443
    assert settings.listen.host == Settings().listen.host
    assert settings.store.size_cap == 2 << 30
    assert settings.images == {"app:1": "oci:build/app"}
    assert settings.limits.limits() == Settings().limits.limits()


def test_by_default_elfgate_never_takes_the_cluster_down() -> None:
    admission = Settings().admission
    assert admission.fail == "allow"
    assert (
        admission.first_sight_seconds + admission.margin_seconds < admission.default_timeout_seconds
    )


def test_every_problem_is_a_line_with_its_key(file: Path) -> None:
    text = "listen: {port: 99999, hots: x}\ntls: {key: a}\nadmission: {fail: maybe}\nlog: 3\n"
    assert problems(file, text) == [
        "FILE: listen.port: input should be less than or equal to 65535",
        'FILE: listen.hots: no such setting; did you mean "host"?',
        "FILE: tls: set `certificate` and `key`, or `self_made`",
        "FILE: admission.fail: input should be 'allow' or 'deny'",
        "FILE: log: must be a mapping of settings",
    ]


def test_a_store_on_a_server_is_named_by_its_url(file: Path) -> None:
    settings = read(file, "store: {url: 'valkeys://elfgate@facts:6380/1'}\n")
    reading = Reading.of_settings(settings)
    assert (reading.store, reading.store_url) == (None, "valkeys://elfgate@facts:6380/1")
    assert Reading.of_settings(Settings()).store == default_store()


def test_what_is_no_url_of_a_store_is_told_without_its_password(file: Path) -> None:
    (line,) = problems(file, "store: {url: 'valkey://me:secret@facts:port'}\n")
    assert line.startswith("FILE: store.url: the store facts:port is not the URL of a store")


def test_an_architecture_that_nobody_knows_is_told(file: Path) -> None:
    (line,) = problems(file, "nodes: {extra_architectures: [ppc64le, ppc64el]}")
    assert line.startswith(
        "FILE: nodes.extra_architectures.1: no architecture is called ppc64el: there are 386, amd64,"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("listen:\n  port: [1\n", "FILE:3: invalid YAML: "),
        ("a: &x [*x]\nb: \t@", "FILE:2: invalid YAML: "),
        ("\x00", "FILE: invalid YAML: unacceptable character"),
        ("[" * 2000, "FILE: invalid YAML: nested too deep"),
        ("- listen", "FILE: must be a mapping of settings"),
        ("false", "FILE: must be a mapping of settings"),
        ("a: 2021-99-99", "FILE: invalid YAML: month must be in 1..12"),
        ("# " + "x" * SETTING_BYTES, "FILE: larger than 1 MiB"),
    ],
)
def test_what_is_no_settings_file_is_told_in_a_line(file: Path, text: str, line: str) -> None:
    (told,) = problems(file, text)
    assert told.startswith(line)


def test_a_file_that_is_not_there_is_told_in_a_line(file: Path) -> None:
    with pytest.raises(InputError, match=rf"^{re.escape(str(file))}: No such file or directory$"):
        Settings.read(file)


def test_a_bare_off_is_the_mode_and_not_a_boolean(file: Path) -> None:
    settings = read(file, "policies:\n  rules:\n    page_size: off\n    loader_missing: warn\n")
    assert settings.policies.overlay() == {"rules": {"page_size": "off", "loader_missing": "warn"}}


def test_nothing_is_laid_over_the_policies_that_was_not_written() -> None:
    assert Settings().policies.overlay() == {}


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    fields = [field.annotation for field in model.model_fields.values()]
    return [
        model,
        *(
            each
            for kind in fields
            if isinstance(kind, type) and issubclass(kind, BaseModel)
            for each in models(kind)
        ),
    ]


@pytest.mark.parametrize("model", models(Settings))
def test_every_setting_is_described(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no description"


SELF_MADE = "self_made: {names: [elfgate.elfgate.svc], webhooks: [elfgate]}"


def test_a_certificate_is_self_made_or_in_files(file: Path) -> None:
    assert read(file, f"tls: {{{SELF_MADE}}}").tls
    both = f"tls: {{certificate: a, key: b, {SELF_MADE}}}"
    told = "FILE: tls: a certificate is self-made, or comes from `certificate` and `key`, not both"
    assert problems(file, both) == [told]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("group: x, path: [spec]", "admission.kinds.0.kind: must be set"),
        (
            'group: x, kind: "", path: []',
            "admission.kinds.0.kind: must not be empty",
        ),
        (
            "group: x, kind: widget, path: []",
            "admission.kinds.0.kind: 'widget' is no kind: a kind begins with a",
        ),
        (
            "group: x/v1, kind: A, path: []",
            "admission.kinds.0.group: 'x/v1' is no API group: write it without",
        ),
        (
            "group: X.io, kind: A, path: []",
            "admission.kinds.0.group: 'X.io' is no API group: write it without",
        ),
        (
            "group: x, kind: A, path: [spec.template]",
            "admission.kinds.0.path: 'spec.template' is no field: write",
        ),
        ("group: x, kind: A, path: 7", "admission.kinds.0.path: must be a list"),
        ("group: x, kind: A, path: [], each: true", "admission.kinds.0.each: no such setting"),
    ],
)
def test_a_kind_that_cannot_be_is_told_in_a_line(file: Path, kind: str, problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"{file}: {problem}")):
        read(file, f"admission: {{kinds: [{{{kind}}}]}}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "admission: {exempt_namespaces: [Shop]}",
            "admission.exempt_namespaces.0: 'Shop' is no namespace: a name has",
        ),
        (
            "admission: {exempt_namespaces: ['team-*']}",
            "admission.exempt_namespaces.0: 'team-*' is a pattern: name each namespace here",
        ),
        (
            "nodes: {passing_taints: ['example.com/new:NoSchedule']}",
            "nodes.passing_taints.0: 'example.com/new:NoSchedule' is not a taint's key: leave its value",
        ),
        ("nodes: {passing_taints: [a=b]}", "nodes.passing_taints.0: 'a=b' is not a taint's key"),
        (
            "nodes: {passing_taints: [Example.com/new]}",
            "nodes.passing_taints.0: 'Example.com/new' is not a taint's key: what is before /",
        ),
        (
            "nodes: {ordinary_runtimes: [Kata]}",
            "nodes.ordinary_runtimes.0: 'Kata' is not a Runtime",
        ),
        (
            "nodes: {injected_libraries: [/usr/lib/libx.so]}",
            "nodes.injected_libraries.0: '/usr/lib/libx.so' is not a library's name: write the name alone",
        ),
        (
            "registries: {insecure: ['http://reg:5000']}",
            "registries.insecure.0: 'http://reg:5000' is not a registry: write its host and port",
        ),
        (
            "registries: {insecure: [reg/team]}",
            "registries.insecure.0: 'reg/team' is not a registry",
        ),
        (
            "registries: {attested: [{repositories: ['https://reg/*'], key: x}]}",
            "registries.attested.0.repositories.0: 'https://reg/*' is not a repository; it is written",
        ),
        (
            "registries: {attested: [{repositories: [docker.io/library/app], key: x}]}",
            (
                "registries.attested.0.repositories.0: 'docker.io/library/app' is not a repository; it is "
                "written app"
            ),
        ),
        ("images: {'https://reg/app': 'oci:a'}", "is not an image: 'https:' is not a host name"),
        (
            "tls: {certificate: a, key: b, client_names: [api]}",
            "tls: `client_names` needs `client_ca`: without it, any client is answered",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused(file: Path, text: str, line: str) -> None:
    assert line in "\n".join(problems(file, text))


def test_patterns_of_what_there_may_be_are_taken(file: Path) -> None:
    settings = read(
        file,
        "nodes:\n"
        "  passing_taints: [example.com/*, '*/not-ready', NodeStarting]\n"
        "  ordinary_runtimes: ['my-runc*', io.example.runc]\n"
        "  injected_libraries: ['libmine*.so.[0-9]']\n"
        "registries:\n"
        "  insecure: ['reg:5000', localhost, '[::1]:5000', Reg.example]\n",
    )
    assert len(settings.registries.insecure) == 4
    assert len(settings.nodes.passing_taints) == 3


def test_a_step_of_a_path_may_be_a_number(file: Path) -> None:
    kind = 'group: x, kind: A, path: [spec, tasks, "0", template]'
    read_in = read(file, f"admission: {{kinds: [{{{kind}}}]}}")
    assert read_in.admission.kinds[0].path == ("spec", "tasks", "0", "template")


@pytest.mark.parametrize("pattern", ["registry.example/*/app", "nginx", "*", "*/app", "reg:50*"])
def test_a_pattern_of_attested_repositories_is_taken(file: Path, pattern: str) -> None:
    said = f"registries: {{attested: [{{repositories: ['{pattern}'], key: x}}]}}"
    assert read(file, said).registries.attested[0].repositories == (pattern,)
