"""The command line, as a person or a pipeline uses it: in a process of its own, on real files."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import founding

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def one_line(stderr: str) -> str:
    assert stderr.count("\n") == 1, stderr
    assert "Traceback" not in stderr
    return stderr


def test_scan_says_what_the_alpine_image_lacks_on_ppc64le(elfgate: Run) -> None:
    ran = elfgate("scan", "oci:layout:2-alpine", "--platform", "linux/ppc64le", "-o", "json")
    output = json.loads(ran.stdout)
    (platform,) = output["platforms"]
    assert ran.returncode == 1
    assert platform["platform"] == "linux/ppc64le"
    assert platform["verdict"] == "cannot-start"
    assert platform["variant"] == {"id": "alpine", "version": "3.20.3", "libc": "musl"}
    assert platform["argv"] == ["/entrypoint.sh", "server"]
    (finding,) = platform["findings"]
    assert finding["code"] == "loader_missing"
    assert finding["path"] == "/usr/local/bin/server"
    assert "/lib64/ld64.so.2" in finding["message"]


def test_scan_takes_every_platform_that_the_image_offers(elfgate: Run) -> None:
    ran = elfgate("scan", "oci:layout:2", "-o", "json")
    verdicts = {each["platform"]: each["verdict"] for each in json.loads(ran.stdout)["platforms"]}
    assert ran.returncode == 1
    assert verdicts == {
        "linux/amd64": "starts",
        "linux/arm64": "starts",
        "linux/ppc64le": "cannot-start",
        "linux/s390x": "cannot-start",
    }


def test_scan_exits_with_0_when_all_start(elfgate: Run) -> None:
    ran = elfgate("scan", "oci:layout:2-debian")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "linux/s390x" in ran.stdout


def test_scan_starts_another_command_than_the_images_own(elfgate: Run) -> None:
    ran = elfgate(
        "scan",
        "oci:layout:2-alpine",
        "--platform",
        "ppc64le",
        "-o",
        "json",
        "--",
        "/bin/sh",
        "-c",
        "true",
    )
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["platforms"][0]["argv"] == ["/bin/sh", "-c", "true"]


def test_scan_leaves_the_commands_own_words_alone(elfgate: Run) -> None:
    command = ["/entrypoint.sh", "--", "--platform", "s390x", "", "--", "-o"]
    ran = elfgate(
        "scan", "oci:layout:2-debian", "--platform", "amd64", "-o", "json", "--", *command
    )
    assert json.loads(ran.stdout)["platforms"][0]["argv"] == command


def test_scan_finds_a_command_on_the_path_that_the_environment_sets(elfgate: Run) -> None:
    ran = elfgate(
        "scan", "oci:layout:2-debian", "--platform", "amd64", "--env", "PATH=/nowhere", "-o", "json"
    )
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["platforms"][0]["findings"][0]["code"] == "command_missing"


def test_scan_writes_yaml_too(elfgate: Run) -> None:
    import yaml

    ran = elfgate("scan", "oci:layout:2-debian", "-o", "yaml")
    assert yaml.safe_load(ran.stdout)["platforms"][0]["verdict"] == "starts"


def test_scan_explains_each_look_up(elfgate: Run) -> None:
    ran = elfgate("scan", "oci:layout:2-debian", "--platform", "s390x", "--explain")
    assert "libc.so.6" in ran.stdout
    assert "/lib/ld64.so.1" in ran.stdout


def test_scan_lists_what_else_would_fail_without_changing_the_verdict(elfgate: Run) -> None:
    words = ["oci:layout:2-alpine", "--platform", "ppc64le", "--all", "-o", "json", "--", "/bin/sh"]
    ran = elfgate("scan", *words)
    (platform,) = json.loads(ran.stdout)["platforms"]
    assert (ran.returncode, platform["verdict"]) == (0, "starts")
    assert [other["path"] for other in platform["others"]] == ["/usr/local/bin/server"]


def test_a_layer_that_does_not_match_its_digest_is_refused_and_not_kept(
    elfgate: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "spoilt"
    founding.write(folder)
    for blob in (folder / "blobs" / "sha256").iterdir():
        data = bytearray(blob.read_bytes())
        if data[:2] == b"\x1f\x8b":
            data[4] ^= 1  # the gzip header's time, which no decompressor minds
            blob.write_bytes(data)
    first = elfgate("scan", f"oci:{folder}:2", "--platform", "amd64")
    assert first.returncode == 2
    assert "sha256" in one_line(first.stderr)
    assert elfgate("scan", f"oci:{folder}:2", "--platform", "amd64").returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["oci:nowhere"], "nowhere"),
        (["oci-archive:nowhere.tar"], "nowhere.tar"),
        (["docker-archive:nowhere.tar"], "nowhere.tar"),
        (["dir:/nowhere", "--platform", "amd64"], "/nowhere"),
        (["dir:/"], "--platform"),
        (["oci:layout:9"], "9"),
        (["example/Case"], "lower case"),
        (["oci:layout:2", "--platform", "linux/vax"], "vax"),
        (["oci:layout:2", "--env", "NOVALUE"], "--env"),
        (["oci:layout:2", "--page-size", "5000"], "--page-size"),
        (["oci:layout:2", "--kernel", "new"], "--kernel"),
        (["oci:layout:2", "--user", "nobody"], "--user"),
        (["oci:layout:2", "--user", "1000:"], "--user"),
        (["oci:layout:2", "--cpu-level", "v3"], "--cpu-level"),
        (["oci:layout:2", "--emulates", "vax"], "--emulates"),
        (["oci:layout:2", "--nonsense"], "unknown option --nonsense ("),
        (
            ["--plaform", "amd64", "oci:layout:2"],
            "unknown option --plaform; did you mean --platform?",
        ),
        (["oci:layout:2", "--platform", "amd46"], 'did you mean "amd64"?'),
        (["oci:layout:2", "--snapshotter", "overlay"], 'did you mean "overlayfs"?'),
    ],
)
def test_bad_input_is_one_line_and_exit_2(elfgate: Run, words: list[str], said: str) -> None:
    ran = elfgate("scan", *words)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert said in one_line(ran.stderr)


def test_matrix_shows_images_down_and_platforms_across(elfgate: Run) -> None:
    ran = elfgate(
        "matrix", "oci:layout:2", "oci:layout:2-alpine", "oci:layout:2-debian", "-o", "json"
    )
    output = json.loads(ran.stdout)
    verdicts = [[cell["verdict"] for cell in row["platforms"]] for row in output["images"]]
    assert ran.returncode == 1
    assert output["platforms"] == ["linux/amd64", "linux/arm64", "linux/ppc64le", "linux/s390x"]
    assert verdicts == [
        ["starts", "starts", "cannot-start", "cannot-start"],
        ["starts", "starts", "cannot-start", "cannot-start"],
        ["starts", "starts", "starts", "starts"],
    ]


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_matrix_says_why_under_each_cell_that_cannot_start(elfgate: Run, form: str) -> None:
    ran = elfgate("matrix", "oci:layout:2-alpine", "oci:layout:2-debian", "-o", form)
    assert "loader_missing [1]" in ran.stdout
    assert "[1] /usr/local/bin/server needs the loader /lib64/ld64.so.2" in ran.stdout


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "example/server:2-alpine"}]
"""
OVERRIDE = ["--image", "example/server:2-alpine=oci:layout:2-alpine"]


def test_check_denies_what_can_start_nowhere(elfgate: Run) -> None:
    ran = elfgate("check", "-", "--arch", "ppc64le", *OVERRIDE, text=POD)
    assert ran.returncode == 1
    assert "denied: web (example/server:2-alpine) cannot start on ppc64le" in ran.stdout
    assert "[loader_missing]" in ran.stdout


def test_check_names_no_variant_that_was_never_pushed(elfgate: Run) -> None:
    debian = ["--image", "example/server:2-debian=oci:layout:2-debian"]
    assert elfgate("scan", "example/server:2-debian", *debian).returncode == 0
    ran = elfgate("check", "-", "--arch", "ppc64le", *OVERRIDE, text=POD)
    assert ran.returncode == 1
    assert "2-debian" not in ran.stdout


def test_check_warns_where_only_some_platforms_can_start_it(elfgate: Run) -> None:
    ran = elfgate("check", "-", "--arch", "amd64,ppc64le", "-o", "json", *OVERRIDE, text=POD)
    (result,) = json.loads(ran.stdout)["results"]
    assert ran.returncode == 0
    assert result["verdict"] == "warned"
    assert "kubernetes.io/arch" in result["warnings"][0]["remedy"]


def test_check_takes_what_kubectl_get_nodes_prints(elfgate: Run, tmp_path: Path) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "power-1",
            "labels": {"kubernetes.io/arch": "ppc64le", "kubernetes.io/os": "linux"},
        },
    }
    nodes = tmp_path / "nodes.json"
    nodes.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [node]}))
    ran = elfgate("check", "-", "--nodes", str(nodes), *OVERRIDE, text=POD)
    assert ran.returncode == 1
    assert "ppc64le (power-1)" in ran.stdout


def test_check_passes_over_kinds_without_a_pod_template(elfgate: Run) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"
        '{"apiVersion": "v1", "kind": "List", "items": []}'
    )
    ran = elfgate("check", "-", "--arch", "ppc64le", text=text)
    assert ran.returncode == 0
    assert "1 skipped" in ran.stdout


@pytest.mark.parametrize(
    "image", ["dir:/", "oci:layout:2", "oci-archive:layout:2", "docker-archive:layout:2"]
)
def test_a_pod_cannot_have_this_machines_files_read(elfgate: Run, image: str) -> None:
    ran = elfgate(
        "check",
        "-",
        "--arch",
        "amd64",
        "--strict",
        text=POD.replace("example/server:2-alpine", image),
    )
    assert ran.returncode == 3
    assert "is not valid" in ran.stdout


def test_check_exits_with_3_for_unknowns_only_if_told_to_be_strict(elfgate: Run) -> None:
    missing = ["--image", "example/server:2-alpine=oci:nowhere"]
    assert elfgate("check", "-", "--arch", "amd64", *missing, text=POD).returncode == 0
    for strict in (["--strict"], ["--fail-on", "unknown"], ["--fail-on", "warning"]):
        ran = elfgate("check", "-", "--arch", "amd64", *strict, *missing, text=POD)
        assert ran.returncode == 3
        assert ran.stdout.endswith("1 warned, 1 unknown\n")


def test_all_of_a_pod_with_many_containers_is_judged_in_confined_processes(elfgate: Run) -> None:
    containers = [
        {"name": f"c{n}", "image": "example/server:2-alpine", "args": ["server", f"-{n}"]}
        for n in range(100)
    ]
    spec = {"containers": containers}
    text = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "m"}, "spec": spec})
    where = ["--arch", "amd64,arm64", "--isolation", "required"]
    ran = elfgate("check", "-", *where, "--strict", "-o", "json", *OVERRIDE, text=text)
    (result,) = json.loads(ran.stdout)["results"]
    assert (ran.returncode, result["unknown"]) == (0, False)


def test_check_fails_on_warnings_if_told_to(elfgate: Run) -> None:
    judged = ["check", "-", "--arch", "amd64,ppc64le", *OVERRIDE]
    assert elfgate(*judged, "--fail-on", "unknown", text=POD).returncode == 0
    assert elfgate(*judged, "--fail-on", "warning", text=POD).returncode == 1


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        (["nowhere.yaml", "--arch", "amd64"], "", "nowhere.yaml"),
        (["-", "--nodes", "nowhere.json"], "", "nowhere.json"),
        (["-", "--nodes", "-"], "", "--nodes"),
        (["-", "--arch", "vax"], "", "vax"),
        (["-"], "", "required"),
        (["-", "--arch", "amd64", "-n", "Shop"], "", "'Shop' is no namespace"),
        (["-", "--arch", "amd64", "-n", "team-*"], "", "'team-*' is a pattern"),
        (["-", "--arch", "amd64"], "a: [", "standard input"),
        (
            ["-", "--arch", "amd64"],
            "kind: Pod\napiVersion: v1\nspec: {containers: 7}",
            "containers",
        ),
    ],
)
def test_check_refuses_bad_input_in_one_line(
    elfgate: Run, words: list[str], text: str, said: str
) -> None:
    ran = elfgate("check", *words, text=text)
    assert ran.returncode == 2
    assert said in one_line(ran.stderr)


def test_a_shared_store_that_is_gone_costs_a_line_and_no_verdict(elfgate: Run) -> None:
    ran = elfgate(
        "scan",
        "oci:layout:2-debian",
        "--platform",
        "amd64",
        "--store",
        "unix:///nowhere/valkey.sock",
    )
    assert ran.returncode == 0
    assert "starts" in ran.stdout
    assert "nowhere" in one_line(ran.stderr)


def test_warm_reads_a_list_once_and_then_knows_it(elfgate: Run) -> None:
    images = "oci:layout:2  # static\n\noci:layout:2-debian\noci:layout:2\n"
    first = elfgate("warm", "-", text=images)
    assert first.returncode == 0
    assert first.stdout.endswith("2 images: 2 read, 0 known, 0 failed\n")
    again = json.loads(elfgate("warm", "-", "-o", "json", text=images).stdout)
    assert (again["read"], again["known"], again["failed"]) == (0, 2, 0)


def test_warm_reads_what_manifests_name_and_exits_with_3_for_what_cannot_be_read(
    elfgate: Run,
) -> None:
    ran = elfgate(
        "warm", "-f", "-", *OVERRIDE, text=f"{POD}---\n{POD.replace('2-alpine', '9-alpine')}"
    )
    assert ran.returncode == 3
    assert "read    example/server:2-alpine: amd64, arm64, ppc64le, s390x" in ran.stdout
    assert "2 images: 1 read, 0 known, 1 failed" in ran.stdout


def test_warm_takes_no_folder_of_this_machine_for_a_pods_image(elfgate: Run) -> None:
    ran = elfgate("warm", "-f", "-", text=POD.replace("example/server:2-alpine", "dir:/"))
    assert "0 images" in ran.stdout
    assert "dir:/" in one_line(ran.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to read"),
        (["oci:layout:2", "--shard", "2/2"], "2/2"),
        (["oci:layout:2", "--parallel", "0"], "--parallel"),
        (["oci:layout:2", "--platform", "linux/vax"], "vax"),
        (["-", "-f", "-"], "only once"),
        (["-f", "nowhere.yaml"], "nowhere.yaml"),
        (["oci:layout:2", "--store", "valkey://127.0.0.1:1"], "cannot be used"),
        (["oci:layout:2", "--store", "http://127.0.0.1"], "URL of a store"),
    ],
)
def test_warm_refuses_bad_input_in_one_line(elfgate: Run, words: list[str], said: str) -> None:
    ran = elfgate("warm", *words)
    assert ran.returncode == 2
    assert said in one_line(ran.stderr)


def test_cache_carries_facts_from_one_store_to_another(elfgate: Run, tmp_path: Path) -> None:
    elfgate("warm", "oci:layout:2-debian")
    facts = str(tmp_path / "facts.zst")
    assert elfgate("cache", "export", facts).returncode == 0
    other = ["--store", str(tmp_path / "other.db")]
    imported = json.loads(elfgate("cache", "import", facts, "-o", "json", *other).stdout)
    assert imported["layers"] == 8
    assert imported["facts_carried"] == imported["layers"] + imported["documents"]
    assert (
        json.loads(elfgate("warm", "oci:layout:2-debian", "-o", "json", *other).stdout)["known"]
        == 1
    )


def test_cache_export_to_standard_output_can_be_piped(elfgate: Run, tmp_path: Path) -> None:
    elfgate("warm", "oci:layout:2")
    command = f"{sys.executable} -m elfgate cache"
    pipe = f"{command} export - --store {tmp_path}/facts.db | {command} import - --store {tmp_path}/other.db -o json"
    ran = subprocess.run(
        ["bash", "-c", pipe], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(ran.stdout)["layers"] == 4


def test_cache_prunes_and_tells_what_is_left(elfgate: Run) -> None:
    elfgate("warm", "oci:layout:2")
    pruned = json.loads(elfgate("cache", "prune", "--to", "0", "-o", "json").stdout)
    assert (pruned["pruned"], pruned["layers"], pruned["documents"]) == (13, 0, 0)
    assert "layers     0" in elfgate("cache", "info").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import"], "needs FACTS"),
        (["info", "facts.zst"], "takes no FACTS"),
        (["import", "nowhere.zst"], "nowhere.zst"),
        (["import", "layout/oci-layout"], "not a file of facts"),
        (["export", "nowhere/facts.zst"], "nowhere/facts.zst"),
        (["prune"], "--to"),
        (["prune", "--to", "much"], "much"),
        (["info", "--to", "1"], "--to"),
        (["info", "--store", "valkey://127.0.0.1:1"], "cannot be used"),
        (["dance"], "dance"),
    ],
)
def test_cache_refuses_bad_input_in_one_line(elfgate: Run, words: list[str], said: str) -> None:
    ran = elfgate("cache", *words)
    assert ran.returncode == 2
    assert said in one_line(ran.stderr)


def test_serve_without_a_certificate_says_what_to_set(elfgate: Run) -> None:
    ran = elfgate("serve")
    assert ran.returncode == 2
    assert "tls" in one_line(ran.stderr)


@pytest.mark.parametrize(
    "verb", ["scan", "matrix", "check", "audit", "compare", "warm", "cache", "serve"]
)
def test_every_verb_has_help_with_an_example(elfgate: Run, verb: str) -> None:
    ran = elfgate(verb, "--help")
    assert ran.returncode == 0
    assert f"elfgate {verb}" in ran.stdout
    assert "example" in ran.stdout
    assert "exit codes" in ran.stdout


def program(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "elfgate", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_unknown_verb_is_told_with_the_one_that_was_probably_meant() -> None:
    ran = program("scna", "oci:layout")
    assert ran.returncode == 2
    assert "unknown verb 'scna': did you mean \"scan\"?" in one_line(ran.stderr)


def test_version_and_help_are_taken_as_verbs() -> None:
    assert program("version").stdout == program("--version").stdout
    assert program("help", "audit").stdout == program("audit", "--help").stdout
    assert program("help").stdout == program("--help").stdout


@pytest.mark.parametrize(
    ("written", "platform"), [("x86_64", "linux/amd64"), ("linux/aarch64", "linux/arm64")]
)
def test_kernels_names_of_architectures_are_understood(
    elfgate: Run, written: str, platform: str
) -> None:
    ran = elfgate("scan", "oci:layout:2", "--platform", written, "-o", "json")
    assert json.loads(ran.stdout)["platforms"][0]["platform"] == platform


@pytest.mark.parametrize("verb", ["check", "audit"])
def test_an_image_that_no_workload_names_is_refused(elfgate: Run, verb: str) -> None:
    where = ["-f", "-"] if verb == "audit" else ["-"]
    typo = ["--image", "example/sever:2-alpine=oci:layout:2-alpine"]
    ran = elfgate(verb, *where, "--arch", "amd64", *typo, text=POD)
    assert ran.returncode == 2
    assert 'example/server:2-alpine"?' in one_line(ran.stderr)


def test_an_image_that_no_workload_names_is_warned_of_beside_one_that_is_named(
    elfgate: Run,
) -> None:
    typo = ["--image", "example/sever:2-alpine=oci:layout:2-alpine"]
    ran = elfgate("check", "-", "--arch", "ppc64le", *OVERRIDE, *typo, text=POD)
    assert ran.returncode == 1
    said = one_line(ran.stderr)
    assert "warning: --image example/sever:2-alpine is in no workload" in said
    assert 'did you mean "docker.io/example/server:2-alpine"?' in said


def test_no_verb_prints_the_verbs() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "elfgate"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert "scan" in ran.stderr
