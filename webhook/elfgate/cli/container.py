"""A pod's container, as options describe it."""

import argparse
from typing import TYPE_CHECKING

from elfgate.cli.options import pairs

if TYPE_CHECKING:
    from elfgate.linkage.inputs import Overrides


def add_container(parser: argparse.ArgumentParser) -> None:
    """Add the options that stand for a pod's container."""
    group = parser.add_argument_group(
        "what a pod says of the container (default: what the image says)"
    )
    group.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set this variable for the program (env)",
    )
    group.add_argument(
        "--user", metavar="UID[:GID]", help="run the program as this user (runAsUser, runAsGroup)"
    )
    group.add_argument(
        "--group",
        action="append",
        default=[],
        type=int,
        metavar="GID",
        dest="groups",
        help="add this group to the process (supplementalGroups, fsGroup); may be repeated",
    )
    group.add_argument(
        "--working-dir",
        default="",
        metavar="DIR",
        help="start the program in this folder (workingDir)",
    )
    group.add_argument(
        "--volume",
        action="append",
        default=[],
        metavar="PATH",
        dest="volumes",
        help="a volume is mounted at PATH and hides the image's files there (volumeMounts); may "
        "be repeated",
    )
    group.add_argument(
        "--allow-privilege-escalation",
        choices=("true", "false"),
        default="true",
        help="whether files give their user or capabilities to a program "
        "(allowPrivilegeEscalation; default: true)",
    )


def overrides(options: argparse.Namespace) -> "Overrides":
    """The container that those options describe.

    Raises:
        InputError: if one of them has another form.
    """
    from elfgate.linkage.inputs import Overrides

    user, group = _user(options.user)
    return Overrides(
        command=tuple(options.command) if options.command else None,
        env=pairs("--env", options.env),
        working_dir=options.working_dir,
        user=user,
        group=group,
        groups=frozenset(options.groups),
        mounts=tuple(options.volumes),
        no_new_privileges=options.allow_privilege_escalation == "false",
    )


def _user(text: str | None) -> tuple[int | None, int | None]:
    from elfgate.errors import InputError

    user, colon, group = (text or "").partition(":")
    if text is not None and not (user.isdecimal() and (group.isdecimal() or not colon)):
        raise InputError(
            f"--user {text!r} is not UID or UID:GID", hint="write numbers, like 1000 or 1000:1000"
        )
    return (int(user) if user else None), (int(group) if group else None)
