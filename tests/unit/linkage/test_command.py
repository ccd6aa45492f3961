"""What is started: Kubernetes' container spec, the OCI image config, runc's search along PATH."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import ImageDefaults, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.programs.first import DEFAULT_PATH, first_exec
from elfgate.linkage.report import Code, Outcome
from elfgate.platforms import Platform
from elfgate.rootfs.contents import TEXT_BYTES
from support import tarball
from support.image import Files, failures, start, static_program, tree, words

IMAGE = ImageDefaults(
    ("/entry",), ("run", "--all"), {"PATH": "/opt/bin", "MODE": "image"}, "/srv", "app:staff"
)


def test_entrypoint_and_cmd_are_joined() -> None:
    assert first_exec(IMAGE, Overrides()).argv == ("/entry", "run", "--all")


def test_a_pods_command_drops_the_images_cmd() -> None:
    assert first_exec(IMAGE, Overrides(command=("/other",))).argv == ("/other",)


def test_a_pods_args_replace_cmd_alone() -> None:
    assert first_exec(IMAGE, Overrides(args=("check",))).argv == ("/entry", "check")


def test_empty_lists_count_as_not_given() -> None:
    assert first_exec(IMAGE, Overrides(command=(), args=())).argv == ("/entry", "run", "--all")


def test_the_pods_environment_is_put_over_the_images() -> None:
    env = first_exec(IMAGE, Overrides(env={"MODE": "pod"})).env
    assert {name: text for name, text, _ in env.texts()} == {"PATH": "/opt/bin", "MODE": "pod"}


def test_without_a_path_the_runtimes_default_is_used() -> None:
    assert first_exec(ImageDefaults(), Overrides()).env.get("PATH") == DEFAULT_PATH


def test_the_pods_working_directory_wins_and_the_root_is_the_default() -> None:
    assert first_exec(IMAGE, Overrides()).cwd == "/srv"
    assert first_exec(IMAGE, Overrides(working_dir="/tmp")).cwd == "/tmp"
    assert first_exec(ImageDefaults(), Overrides()).cwd == "/"


@pytest.mark.parametrize(
    ("overrides", "user"),
    [
        (Overrides(), "app:staff"),
        (Overrides(user=7), "7"),
        (Overrides(user=7, group=8), "7:8"),
        (Overrides(group=8), "app:8"),
    ],
)
def test_run_as_user_and_group_replace_the_images_user(overrides: Overrides, user: str) -> None:
    assert first_exec(IMAGE, overrides).user == user


def test_env_outranks_a_wildcard_of_env_from() -> None:
    known = first_exec(IMAGE, Overrides(env={"PATH": "/bin"}, unknown_env=frozenset({"*", "PATH"})))
    assert {name: text for name, text, _ in known.env.texts()} == {"PATH": "/bin", "MODE": "image"}
    assert known.env.is_open


def test_nothing_to_start_is_a_missing_command() -> None:
    assert failures(start({"etc/x": ""})) == [Code.COMMAND_MISSING]


def test_a_command_is_the_first_executable_file_along_path() -> None:
    files = {
        "usr/local/bin/tool/": tarball.directory(),
        "usr/bin/tool": tarball.text("data"),
        "bin/tool": static_program(),
    }
    assert start(files, "tool").outcome is Outcome.STARTS


def test_a_command_that_is_nowhere_along_path_is_missing() -> None:
    prediction = start({"opt/tool": static_program()}, "tool")
    assert failures(prediction) == [Code.COMMAND_MISSING]
    assert "tool is not on PATH" in words(prediction)


def test_a_candidate_without_an_execute_bit_is_named() -> None:
    prediction = start({"usr/bin/tool": tarball.text("x")}, "tool")
    assert failures(prediction) == [Code.COMMAND_MISSING]
    assert "/usr/bin/tool is there, but has no execute bit" in words(prediction)


def test_a_command_with_a_slash_is_relative_to_the_working_directory() -> None:
    files = {"srv/bin/tool": static_program()}
    assert start(files, "bin/tool", working_dir="/srv").outcome is Outcome.STARTS
    assert failures(start(files, "bin/tool")) == [Code.COMMAND_MISSING]


def test_an_empty_element_of_path_is_the_working_directory_where_some_runtimes_refuse_what_is_found() -> (
    None
):
    """Go's LookPath (runc) answers ErrDot; crun's find_executable takes it."""
    prediction = start(
        {"srv/tool": static_program()}, "tool", working_dir="/srv", env={"PATH": "/bin:"}
    )
    assert [finding.reason for finding in prediction.findings] == [UnknownReason.NODE_FACT_UNKNOWN]
    assert failures(
        start({"srv/x": static_program()}, "tool", working_dir="/srv", env={"PATH": ""})
    ) == [Code.COMMAND_MISSING]


def test_a_working_directory_that_is_a_file_keeps_everything_from_starting() -> None:
    """runc's MkdirAll and every chdir: ENOTDIR."""
    prediction = start(
        {"srv": tarball.text("x"), "tool": static_program()}, "/tool", working_dir="/srv"
    )
    assert failures(prediction) == [Code.COMMAND_MISSING]
    assert "/srv, which is a file" in words(prediction)


def test_a_command_under_a_volume_is_unknown() -> None:
    prediction = start({"bin/sh": static_program()}, "/data/run", mounts=("/data",))
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT


def test_a_symlink_that_leads_under_a_volume_is_unknown() -> None:
    prediction = start(
        {"run": tarball.link("/data/run"), "data/run": static_program()}, "/run", mounts=("/data/",)
    )
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT


def test_a_volume_whose_name_only_begins_alike_does_not_matter() -> None:
    assert (
        start({"database/run": static_program()}, "/database/run", mounts=("/data",)).outcome
        is Outcome.STARTS
    )


def test_a_command_missing_along_a_path_with_a_volume_is_unknown() -> None:
    prediction = start({"bin/sh": static_program()}, "tool", mounts=("/usr/local/bin",))
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT


def test_a_path_that_comes_from_elsewhere_is_unknown() -> None:
    prediction = start({"bin/tool": static_program()}, "tool", unknown_env=frozenset({"PATH"}))
    assert prediction.findings[0].reason is UnknownReason.VALUE_UNKNOWN


def test_a_path_that_comes_from_elsewhere_does_not_matter_for_a_command_with_a_slash() -> None:
    assert (
        start({"bin/tool": static_program()}, "/bin/tool", unknown_env=frozenset({"PATH"})).outcome
        is Outcome.STARTS
    )


def test_a_config_map_that_might_set_path_leaves_what_is_found_and_lifts_what_is_missing() -> None:
    files, anything = {"bin/tool": static_program()}, frozenset({"*"})
    assert start(files, "tool", unknown_env=anything).outcome is Outcome.STARTS
    assert start(files, "other", unknown_env=anything).outcome is Outcome.UNKNOWN


def test_the_users_execute_bit_counts() -> None:
    files = {"run": tarball.program(static_program().data, 0o700)}
    assert start(files, "/run").outcome is Outcome.STARTS
    assert failures(start(files, "/run", user=1000)) == [Code.COMMAND_NOT_EXECUTABLE]


def test_a_group_that_the_pod_adds_lifts_a_refusal() -> None:
    files = {"run": tarball.program(static_program().data, 0o750, gid=77)}
    assert failures(start(files, "/run", user=1000)) == [Code.COMMAND_NOT_EXECUTABLE]
    assert start(files, "/run", user=1000, group=77).outcome is Outcome.STARTS
    assert start(files, "/run", user=1000, groups=frozenset({77})).outcome is Outcome.STARTS
    assert start(files, "/run", user=1000, other_groups=True).outcome is Outcome.UNKNOWN


def test_a_group_may_take_away_what_others_have() -> None:
    """The bits of the group count for its members, though they be fewer."""
    files = {"run": tarball.program(static_program().data, 0o705, gid=77)}
    assert start(files, "/run", user=1000).outcome is Outcome.STARTS
    assert failures(start(files, "/run", user=1000, groups=frozenset({77}))) == [
        Code.COMMAND_NOT_EXECUTABLE
    ]
    assert start(files, "/run", user=1000, other_groups=True).outcome is Outcome.UNKNOWN


MEMBERS: dict[str, tarball.Item | str | bytes] = {
    "etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n",
    "etc/group": "app:x:1000:\nstaff:x:77:root,app\n",
    "run": tarball.program(static_program().data, 0o750, gid=77),
}


@pytest.mark.parametrize(
    ("user", "outcome"),
    [
        ("app", Outcome.STARTS),
        ("1000", Outcome.STARTS),
        (
            "1001",
            Outcome.CANNOT_START,
        ),  # /etc/passwd does not know it, nor by what name it might be a member
        ("1000:1000", Outcome.UNKNOWN),  # runtimes differ where a group is written too
        ("1001:77", Outcome.STARTS),
        ("1001:staff", Outcome.STARTS),
    ],
)
def test_the_image_s_groups_are_those_of_its_members(user: str, outcome: Outcome) -> None:
    defaults = ImageDefaults(("/run",), user=user)
    assert (
        predict(tree(MEMBERS), defaults, Overrides(), Platform("linux", "amd64")).outcome is outcome
    )


def test_a_pod_s_own_group_leaves_the_image_s_groups() -> None:
    assert start(MEMBERS, "/run", user=1000, group=5).outcome is Outcome.STARTS


def test_the_image_s_groups_may_not_count() -> None:
    """``supplementalGroupsPolicy: Strict``, which older nodes do not know."""
    assert start(MEMBERS, "/run", user=1000, image_groups=False).outcome is Outcome.UNKNOWN


def test_groups_that_could_not_be_read_are_not_guessed_at() -> None:
    unread = {**MEMBERS, "etc/group": "x" * (TEXT_BYTES + 1)}
    assert start(unread, "/run", user=1000).outcome is Outcome.UNKNOWN


def test_an_image_user_is_looked_up_in_passwd_and_group() -> None:
    files: Files = {
        "etc/passwd": "app:x:1000:1000::/:/bin/sh\n",
        "etc/group": "staff:x:50:\n",
        "run": tarball.program(static_program().data, 0o700, uid=1000),
        "other": tarball.program(static_program().data, 0o700, uid=2000),
    }
    image = tree(files)
    for user, command, outcome in [
        ("app", "/run", Outcome.STARTS),
        ("app:staff", "/other", Outcome.CANNOT_START),
        ("1000:50", "/other", Outcome.CANNOT_START),
        ("nobody", "/other", Outcome.UNKNOWN),  # a pod may name another
    ]:
        defaults = ImageDefaults((command,), user=user)
        assert predict(image, defaults, Overrides(), Platform("linux", "amd64")).outcome is outcome


def test_a_directory_that_the_user_may_not_search_ends_the_way() -> None:
    files = {"root/": tarball.directory(0o700), "root/run": static_program()}
    assert start(files, "/root/run").outcome is Outcome.STARTS
    assert failures(start(files, "/root/run", user=1000)) == [Code.COMMAND_NOT_EXECUTABLE]


def test_a_directory_that_an_added_group_searches_does_not() -> None:
    files = {"srv/": tarball.directory(0o750, gid=77), "srv/run": static_program()}
    assert failures(start(files, "/srv/run", user=1000)) == [Code.COMMAND_NOT_EXECUTABLE]
    assert start(files, "/srv/run", user=1000, groups=frozenset({77})).outcome is Outcome.STARTS
    assert start(files, "/srv/run", user=1000, other_groups=True).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("directory", "command"),
    [
        ("/not/there", "../../run"),
        ("/link/not", "../run2"),
        ("/link/not", "../../run"),
        ("/not", "/run"),
    ],
)
def test_a_working_directory_that_is_missing_is_made(directory: str, command: str) -> None:
    """T: runc makes it, and links on the way to it lead where they lead."""
    files = {"run": static_program(), "here/run2": static_program(), "link": tarball.link("/here")}
    assert start(files, command, working_dir=directory).outcome is Outcome.STARTS
    assert failures(start(files, "./run", working_dir="/not")) == [Code.COMMAND_MISSING]


@pytest.mark.parametrize("command", ["/app/p", "p"])
def test_a_program_in_a_directory_that_could_not_be_listed_is_unknown(command: str) -> None:
    files = {"app": tarball.Item("unreadable")}
    prediction = start(files, command, env={"PATH": "/app"})
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.LIMIT_EXCEEDED
