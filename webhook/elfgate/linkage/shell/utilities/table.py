"""The table of tools.

A row a command, with what it may change, whether it can fail, what it prints.

A tool that is not in the table may do anything. Of those that are, none brings a program or a
library into the image, or changes how one is searched.

Source: POSIX.1-2017, "Utilities"; the manuals of coreutils, util-linux and busybox.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from elfgate.linkage.shell.utilities import effects, outcomes, outputs
from elfgate.linkage.values import Fields, Scalar, Unknown


@dataclass(frozen=True, slots=True)
class Utility:
    """One tool.

    Attributes:
        outcome: Whether it succeeds.
        output: What it prints.
        changes: The files that it may change.
        alters: What it changes may be taken away, or opened to others.
        of_no_files: What it prints does not depend on files.
    """

    outcome: outcomes.Outcome = outcomes.perhaps
    output: outputs.Output = outputs.unknown
    changes: effects.Effect = effects.nothing
    alters: bool = False
    of_no_files: bool = False


_PLAIN = Utility()
_INTEGER = r"\d{1,9}"
_NAMES = (
    "addgroup adduser awk base64 cksum cmp comm cut df diff du egrep envsubst expr fgrep free"
    " getconf getent getopt gawk groupadd groupmod groups head hexdump ip jq kill less locale"
    " logger mawk md5sum mktemp mountpoint nc nslookup od openssl paste pgrep pidof ping printenv"
    " ps rev sha1sum sha256sum sha512sum stat stty tac tail tput tty uniq uptime useradd userdel"
    " usermod wc who xxd"
)
UTILITIES: Mapping[str, Utility] = {
    **dict.fromkeys(_NAMES.split(), _PLAIN),
    "[": _PLAIN,
    "test": _PLAIN,
    ":": Utility(outcomes.always, outputs.silent),
    "true": Utility(outcomes.always, outputs.silent),
    "false": Utility(outcomes.never, outputs.silent),
    "basename": Utility(outcomes.matching(r"[^-].*"), outputs.basename, of_no_files=True),
    "dirname": Utility(outcomes.matching(r"[^-].*"), outputs.dirname, of_no_files=True),
    "cat": Utility(outcomes.reads, outputs.contents),
    "chgrp": Utility(outcomes.chgrp, outputs.silent, effects.behind_first, alters=True),
    "chmod": Utility(outcomes.chmod, outputs.silent, effects.behind_first, alters=True),
    "chown": Utility(outcomes.chown, outputs.silent, effects.behind_first, alters=True),
    "cp": Utility(changes=effects.placed, alters=True),
    "date": Utility(outcomes.matching(r"-u|\+[^%]*(%[a-zA-Z%][^%]*)*", least=0)),
    "echo": Utility(outcomes.always, outputs.echo),
    "env": Utility(outcomes.without_arguments),
    "find": Utility(changes=effects.found, alters=True),
    "grep": Utility(outcomes.grep),
    "hostname": Utility(outcomes.without_arguments),
    "id": Utility(outcomes.matching(r"-[ug]", least=0), outputs.identity, of_no_files=True),
    "ln": Utility(changes=effects.placed, alters=True),
    "ls": Utility(outcomes.lists, outputs.listing),
    "mkdir": Utility(outcomes.mkdir, outputs.silent, effects.operands),
    "mv": Utility(changes=effects.placed, alters=True),
    "nproc": Utility(outcomes.without_arguments),
    "printf": Utility(output=outputs.printf),
    "pwd": _PLAIN,
    "readlink": Utility(outcomes.readlink, outputs.readlink),
    "realpath": Utility(outcomes.real, outputs.real),
    "rm": Utility(outcomes.rm, outputs.silent, effects.operands, alters=True),
    "rmdir": Utility(changes=effects.operands, alters=True, output=outputs.silent),
    "sed": Utility(changes=effects.in_place),
    "seq": Utility(outcomes.matching(_INTEGER)),
    "sleep": Utility(outcomes.matching(_INTEGER), outputs.silent),
    "sort": Utility(outcomes.without_arguments),
    "sync": Utility(outcomes.without_arguments, outputs.silent),
    "tee": Utility(changes=effects.operands),
    "touch": Utility(outcomes.touch, outputs.silent, effects.operands),
    "tr": Utility(outcomes.perhaps),
    "truncate": Utility(changes=effects.operands, alters=True),
    "unlink": Utility(changes=effects.operands, alters=True, output=outputs.silent),
    "uname": Utility(outcomes.matching(r"-[amnrs]", least=0), outputs.uname, of_no_files=True),
    "which": Utility(outcomes.which, outputs.which),
    "whoami": _PLAIN,
    "xargs": Utility(changes=effects.anywhere, alters=True),
}
# Applets that a busybox may run though no file of that name is there (FEATURE_SH_STANDALONE).
_APPLETS = (
    "ar arping ash bunzip2 bzcat bzip2 cal chpst chroot chrt clear cp cpio crond crontab dd deluser"
    " dmesg dnsdomainname dos2unix ed env expand factor fallocate flock fold fsync fuser gunzip"
    " gzip halt httpd ifconfig init install ionice iostat ipcalc join killall last link ln losetup"
    " lsof lzma mkfifo mknod more mount mv netstat nice nl nohup nsenter openvt patch"
    " pipe_progress pivot_root pkill pmap pstree pwdx rdate renice reset rev route run-parts runsv"
    " runsvdir sendmail setpriv setsid setuidgid sh shred shuf shutdown split start-stop-daemon"
    " strings su sum sv swapoff swapon switch_root sysctl syslogd tar taskset telnet time timeout"
    " top traceroute ts uncompress unexpand unix2dos unlink unlzma unshare unxz unzip usleep"
    " uudecode uuencode vi vlock watch watchdog wget xz xzcat yes zcat"
)
_ALL_APPLETS = frozenset(UTILITIES) | frozenset(_APPLETS.split())


def may_be_applet(name: str) -> bool:
    """Tell whether busybox may run a command though there is no such file."""
    return name in _ALL_APPLETS


def utility(fields: Fields) -> Utility | None:
    """Give the row of a command; None if it may do anything.

    Args:
        fields: Its words, the name first.
    """
    first = fields.values[0] if fields.values else ""
    name = posixpath.basename(first) if isinstance(first, str) else ""
    if name not in UTILITIES:
        return None
    rest = fields.values[1:]
    if name == "env":
        return _of_env(rest, fields.more)
    if name == "xargs":
        return _of_xargs(rest)
    if name == "find" and (fields.more is not None or not all(map(_is_safe, _run(rest)))):
        return None
    return UTILITIES[name]


def _of_env(rest: tuple[Scalar, ...], more: Unknown | None) -> Utility | None:
    plain = all(isinstance(one, str) and (one.startswith("-") or "=" in one) for one in rest)
    if plain and more is None:
        return UTILITIES["env"]
    return None


def _of_xargs(rest: tuple[Scalar, ...]) -> Utility | None:
    named = [one for one in rest if isinstance(one, str) and not one.startswith("-")]
    if any(name in UTILITIES for name in named):
        return UTILITIES["xargs"]
    return None


def _run(rest: tuple[Scalar, ...]) -> list[Scalar]:
    """The programs that ``find`` is told to run."""
    marks = {"-exec", "-execdir", "-ok", "-okdir"}
    return [
        rest[number + 1] if number + 1 < len(rest) else ""
        for number, one in enumerate(rest)
        if isinstance(one, Unknown) or one in marks
    ]


def _is_safe(name: Scalar) -> bool:
    return isinstance(name, str) and posixpath.basename(name) in UTILITIES
