"""What is known of commands without running them: what they leave behind, and sometimes what they say.

Sources: POSIX.1-2017, "Utilities"; the manuals of bash, dash, busybox and coreutils.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from elfgate.linkage.attempt import Process
from elfgate.linkage.report import Outcome
from elfgate.linkage.shell.conditions import both
from elfgate.linkage.shell.expand import Expander, UnsetError
from elfgate.linkage.shell.grammar import Redirect, Simple, parse
from elfgate.linkage.shell.state import Fields, State, Status
from elfgate.linkage.shell.words import NotUnderstoodError
from elfgate.linkage.shell.world import ScriptWorld, Shell


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Commands that neither bring a program or library into the image nor change how one is searched.
HARMLESS = _names(
    ": [ [[ addgroup adduser awk base64 basename break cat chgrp chmod chown cksum cmp comm continue cut date df diff"
    " dirname du echo egrep envsubst expr false fgrep find free getconf getent getopt getopts grep groupadd groupmod"
    " groups head hexdump hostname id ip jq kill less locale logger ls md5sum mkdir mktemp mountpoint nc nproc nslookup"
    " od paste pgrep pidof ping printenv printf ps pwd read readlink realpath rm rmdir sed seq sha1sum sha256sum shopt"
    " sleep sort stat stty sync tac tail tee test touch tput tr true truncate tty type ulimit umask uname uniq useradd"
    " usermod wait wc which whoami xxd"
)
# What a shell does by itself, or as a word of its grammar: there is no program to find.
_POSIX = _names(
    ". : [ alias bg break cd command continue echo eval exec exit export false fc fg getopts hash jobs kill local"
    " printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait"
)
_KEYWORDS = _names("! { } case do done elif else esac fi for if in then until while")
_OF_BASH = _names(
    "(( [[ bind builtin caller chdir compgen complete compopt coproc declare dirs disown enable help history let logout"
    " mapfile popd print pushd readarray select shopt source suspend time typeset whence"
)
# Applets that a busybox may run though no file of that name is there (FEATURE_SH_STANDALONE).
_APPLETS = HARMLESS | _names(
    "ar arping ash bunzip2 bzcat bzip2 cal chpst chroot chrt clear cp cpio crond crontab dd deluser dmesg"
    " dnsdomainname dos2unix ed env expand factor fallocate flock fold fsync fuser gunzip gzip halt httpd ifconfig"
    " init install ionice iostat ipcalc join killall last link ln losetup lsof lzma md5sum mkfifo mknod more mount"
    " mv netstat nice nl nohup nsenter openvt patch pipe_progress pivot_root pkill pmap pstree pwdx rdate renice"
    " reset rev route run-parts runsv runsvdir sendmail setpriv setsid setuidgid sh sha512sum shred shuf shutdown"
    " split start-stop-daemon strings su sum sv swapoff swapon switch_root sysctl syslogd tar taskset telnet time"
    " timeout top traceroute ts uncompress unexpand unix2dos unlink unlzma unshare unxz unzip uptime usleep"
    " uudecode uuencode vi vlock watch watchdog wget xargs xz xzcat yes zcat"
)
_WITHOUT_PROGRAMS = (
    "/tmp/",  # noqa: S108 - named, not used
    "/run/",
    "/var/",
    "/data/",
    "/dev/",
    "/proc/",
    "/etc/",
    "/home/",
    "/mnt/",
    "/srv/",
)
_WRITES = _names("chgrp chmod chown mkdir rm rmdir tee touch truncate")
_SURE = {  # commands that do not fail when root gives them these options
    "mkdir": "p",
    "rm": "f",
    "touch": "",
    "date": "",
    "sleep": "",
    "uname": "",
    "whoami": "",
    "hostname": "",
    "umask": "",
    "seq": "",
    "sort": "",
    "tr": "",
    "sync": "",
}
_OF_NO_FILES = _names(
    "basename dirname id uname"
)  # what they say does not depend on what files there are


# What every container has, and descriptors.
_OPENS = re.compile(
    r"\d+-?|-|/dev/(null|zero|full|u?random|stdin|stdout|stderr|fd/\d+)|/proc/(self|1|\$\$)/fd/\d+"
)

# No function may have these names (POSIX.1-2017, 2.9.5); bash takes them.
SPECIAL = _names(
    ". : break continue eval exec exit export readonly return set shift times trap unset"
)


def is_builtin(name: str, shell: Shell) -> bool:
    """Tell whether a shell has a command of its own of that name, or may have."""
    if shell is Shell.DASH:
        return name in _POSIX or name == "chdir"
    return name in _POSIX or name in _OF_BASH


def may_be_applet(name: str) -> bool:
    """Tell whether busybox may run a command though there is no such file."""
    return name in _APPLETS


def may_be_within(name: str, shell: Shell) -> bool:
    """Tell whether a shell may run a command though there is no such file."""
    return shell in {Shell.BUSYBOX, Shell.OTHER} and may_be_applet(name)


def is_harmless(values: tuple[str | None, ...]) -> bool:
    """Tell whether a command brings nothing that a later one may need; None stands for a word that is not known."""
    name = posixpath.basename(values[0] or "")
    if name == "env":
        return all(
            value is not None and (value.startswith("-") or "=" in value) for value in values[1:]
        )
    if name == "xargs":
        return any(
            value in HARMLESS
            for value in values[1:]
            if value is not None and not value.startswith("-")
        )
    if name == "find":
        run = [
            values[at + 1]
            for at, value in enumerate(values[:-1])
            if value in {"-exec", "-execdir", "-ok"}
        ]
        return all(inner in HARMLESS for inner in run)
    return name in HARMLESS


def touched(values: tuple[str | None, ...], state: State) -> frozenset[str]:
    """The paths that a harmless command may make, change or remove."""
    name = posixpath.basename(values[0] or "")
    inside = name in {"find", "xargs"} and bool(
        {"-exec", "-execdir", "-delete", "-ok", *_WRITES} & set(values)
    )
    in_place = name == "sed" and any(
        value is None or re.match(r"-\w*i|--in-place", value) for value in values[1:]
    )
    if not (name in _WRITES or inside or in_place):
        return frozenset()
    if None in values or name == "xargs":
        return frozenset({"/"})
    known = [value for value in values[1:] if value is not None]
    below = (
        "/" if inside or any(re.match(r"-\w*[rR]|--recursive", value) for value in known) else ""
    )
    operands = [value for value in known if not value.startswith("-")]
    if name == "find":
        operands = list(takewhile(lambda value: value[:1] not in "-!(\\", known)) or ["."]
    elif name in {"chmod", "chown", "chgrp"}:
        operands = operands[1:]
    paths = (posixpath.normpath(posixpath.join(state.cwd, value)) for value in operands)
    return frozenset(path.rstrip("/") + below if path != "/" else "/" for path in paths)


def left_behind(values: tuple[str | None, ...], state: State) -> State:
    """Note what a harmless command does to files: what it takes away, or opens to others, leaves a doubt.

    Only where no programs or libraries are wont to be, it does not.
    """
    paths = touched(values, state)
    name = posixpath.basename(values[0] or "")
    alters = name not in {"mkdir", "touch", "tee", "sed"}
    for path in sorted(paths):
        if _may_be_library(path) or (alters and not f"{path}/".startswith(_WITHOUT_PROGRAMS)):
            state = state.doubted(f"the script runs {name} on {path} before")
    return replace(state, touched=state.touched | paths)


def _may_be_library(path: str) -> bool:
    return ".so" in path or path.startswith("/etc/ld") or path == "/"


def redirected(
    redirects: Iterable[Redirect], state: State, world: ScriptWorld, expander: Expander
) -> State:
    """Note the files that redirections write to; one that may not be opened fails its command, or ends the script.

    Raises:
        UnsetError: if the shell would end there.
    """
    for redirect in redirects:
        if redirect.operator.startswith("<<") or redirect.word.raw.startswith(("<(", ">(")):
            continue
        path = expander.value(redirect.word, state)
        opens = path is not None and (
            bool(_OPENS.fullmatch(path)) or world.opens(path, redirect.operator, state)
        )
        if not opens:
            state = state.doubted(f"the script opens {path or 'a file that is not known'} before")
        if ">" not in redirect.operator:
            continue
        if path is None:
            state = replace(state, touched=frozenset({"/"}))
        elif not path.startswith(("/dev/", "&")) and not path.isdecimal() and path != "-":
            state = replace(state, touched=state.touched | touched(("touch", path), state))
        if path is not None and _may_be_library(path):
            state = state.doubted(f"the script writes {path} before")
    return state


def status(values: Fields, state: State, world: ScriptWorld) -> bool | None:
    """Tell a harmless program's exit status where it hardly can be another."""
    known = values.known
    if known is None or world.uid != 0:
        return None
    name, args = posixpath.basename(known[0]), known[1:]
    if name in {"true", "false"}:
        return name == "true"
    if name in {"chown", "chgrp"}:
        paths = [arg for arg in args if not arg.startswith("-")]
        owner = paths[0].replace(".", ":").partition(":")[0] if paths else ""
        there = all(world.test("e", path, state) for path in paths[1:])
        return (
            True if len(paths) > 1 and there and name == "chown" and world.has_user(owner) else None
        )
    if name == "find":
        paths = list(takewhile(lambda arg: arg[0] not in "-!(\\", filter(None, args)))
        return (
            True
            if paths and "-exec" not in args and all(world.test("e", path, state) for path in paths)
            else None
        )
    if name not in _SURE:
        return None
    options = "".join(arg for arg in args if arg.startswith("-") and not arg.startswith("--"))
    return True if all(letter in options for letter in _SURE[name]) else None


def external(fields: Fields, state: State, temporary: State, world: ScriptWorld) -> State:
    """Run a program, and go on with what is known of its status and of what it leaves behind.

    Args:
        fields: Its words, expanded.
        state: Where the script stands.
        temporary: The same, with the variables that stand before the command.
        world: What is around it.
    """
    values = fields.values
    argv = values[: values.index(None)] if None in values else values
    process = world.started(tuple(value for value in argv if value is not None), temporary)
    outcome = _outcome(process, temporary, world)
    if outcome is Outcome.CANNOT_START:
        return replace(state, failed=process).ended(Status(ok=False, by=process))
    if is_harmless(values) and not fields.more:
        after = left_behind(values, state)
        ok = status(fields, state, world)
    else:
        after, ok = state.doubted(f"the script runs {process.argv[0]} before"), None
    return after.ended(Status(ok, None if ok or outcome is Outcome.STARTS else process))


def _outcome(process: Process, state: State, world: ScriptWorld) -> Outcome:
    """Tell what comes of a command; of a plain tool, only whether it is there."""
    name = process.argv[0]
    if "/" in name or not is_harmless((name,)):
        if (
            "/" not in name
            and may_be_within(name, world.shell)
            and world.find(name, state) is False
        ):
            return Outcome.STARTS
        return world.outcome(process)
    missing = world.find(name, state) is False and not may_be_within(name, world.shell)
    return Outcome.CANNOT_START if missing else Outcome.STARTS


def says(text: str, state: State, world: ScriptWorld, expander: Expander) -> str | None:
    """Tell what ``$(TEXT)`` stands for, if that is a plain question.

    Raises:
        UnsetError: if the shell would end there.
    """
    try:
        body = parse(text)
    except NotUnderstoodError:
        return None
    if not body:
        return ""
    if len(body) != 1 or not isinstance(body[0], Simple) or body[0].assignments:
        return None
    try:
        known = expander.fields(body[0].command, state).known
    except UnsetError:
        return None
    if not known or known[0] in state.functions:
        return None
    return _answer(known[0], known[1:], state, world)


def _answer(name: str, args: tuple[str, ...], state: State, world: ScriptWorld) -> str | None:
    if name == "echo":
        args = args[1:] if args[:1] == ("-n",) else args
        plain = not any("\\" in arg for arg in args) and not "".join(args).startswith("-")
        return " ".join(args).rstrip("\n") if plain else None
    if name == "pwd":
        return state.cwd
    if name == "command":
        return _where(args[-1], state, world) if args[:-1] == ("-v",) else None
    if (
        name not in {"id", "basename", "dirname", "uname", "which", "readlink", "realpath"}
        or not args
    ):
        return None
    found = world.find(name, state)
    if found is False and not may_be_within(name, world.shell):
        return ""
    if (
        name in _OF_NO_FILES and state.doubt
    ):  # a doubt is no reason to think that another program came in its place
        found = world.find(name, replace(state, doubt="", touched=frozenset()))
    return _answer_of_program(name, args, state, world) if found else None


def _answer_of_program(
    name: str, args: tuple[str, ...], state: State, world: ScriptWorld
) -> str | None:
    if name == "id":
        return str(world.uid) if args == ("-u",) and world.uid is not None else None
    if name == "uname":
        return {"-m": world.machine, "-s": "Linux"}.get(args[0]) if len(args) == 1 else None
    if name == "which":
        return _which(args[0], state, world) if len(args) == 1 else None
    if name in {"readlink", "realpath"}:
        options = args[:-1] == (("-f",) if name == "readlink" else ())
        return world.real(args[-1], state) if options else None
    if len(args) != 1 or args[0].startswith("-") or not args[0].strip("/"):
        return None
    path = args[0].rstrip("/")
    return (
        posixpath.basename(path)
        if name == "basename"
        else (re.sub(r"/+[^/]*$", "", path) or "/")
        if ("/" in path)
        else "."
    )


def _which(name: str, state: State, world: ScriptWorld) -> str | None:
    if "/" not in name:
        found = world.find(name, state)
        return found or ("" if found is False else None)
    there = is_executable(name, state, world)
    return None if there is None else name if there else ""


def is_executable(path: str, state: State, world: ScriptWorld) -> bool | None:
    """Tell whether a path leads to a file that may be executed."""
    return both(world.test("f", path, state), world.test("x", path, state))


def _where(name: str, state: State, world: ScriptWorld) -> str | None:
    """What ``command -v`` says."""
    is_there = asks(name, state, world)
    if is_there is None:
        return None
    if not is_there:
        return ""
    if "/" in name or is_builtin(name, world.shell) or name in state.functions:
        return name
    found = world.find(name, state)
    return found if isinstance(found, str) else None


def asks(name: str, state: State, world: ScriptWorld) -> bool | None:
    """Tell whether ``command -v NAME`` (or ``type``, ``which``) finds something.

    With a slash, dash and busybox are content with anything that is there (dash's ``find_command``); bash wants a file
    that may be executed.
    """
    if "/" in name:
        if world.shell in {Shell.DASH, Shell.BUSYBOX}:
            return world.test("e", name, state)
        return is_executable(name, state, world)
    if not name:
        return False
    if (
        name in state.functions
        or name in _KEYWORDS
        or (is_builtin(name, Shell.DASH) and name != "chdir")
    ):
        return True
    if is_builtin(name, world.shell) or may_be_within(name, world.shell):
        return True if world.find(name, state) or world.shell is Shell.BASH else None
    found = world.find(name, state)
    return None if found is None else bool(found)
