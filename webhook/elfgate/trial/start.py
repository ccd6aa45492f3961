"""A start that is asked for, and its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Start:
    """One start.

    Attributes:
        layers: Directories that make up the root, the uppermost first.
        argv: The command line.
        env: The whole environment; PATH is where a command without a slash is looked for.
        cwd: The working directory.
        program: The program that ``argv[0]`` starts in its turn, if it does.
        volumes: Directories that are mounted into it: where they are, and where it has them. An
            empty one is made where the first is an empty name.
        files: What is written into it before: a path, and a text.
        read_only: Nothing can be written to the root.
        user: Who it is started as, ``USER`` or ``USER:GROUP``, each a number or a name of the
            root's /etc/passwd and /etc/group; empty for root.
        home: HOME is set as runtimes do, where the environment does not have it.
        groups: Supplementary groups, besides those that the root's /etc/group gives to the user.
        capabilities: Numbers of those that its processes may have; None for all.
        no_new_privileges: Set-user-ID and capabilities of files count for nothing.
        first: It is the first process of its PID namespace, as in a container.
        cpu: The level of the CPU (``x86-64-v2``, ``power9``) to emulate; empty for whatever there
            is.
        release: What uname(2) is to say, such as ``3.2.0``; empty for the truth. Emulated
            architectures only.
        timeout: Seconds after which a program counts as running.
        ready: What shows that it is ready, such as ``tcp:8080`` (``ready.Probe``); empty for
            nothing.
        output: How many characters of each of its outputs are kept.
        processes: How many it may have at a time; 0 for any number.
        memory: How many bytes of memory of their own they may have together; 0 for any number.
        disk: How many bytes it may write to its root, and to each empty volume; 0 for half of the
            machine's memory.
        kept: A directory whose ``upper`` receives what is written (beside a ``work``); empty if it
            is to be lost.
    """

    layers: tuple[str, ...]
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    cwd: str = "/"
    program: str = ""
    user: str = ""
    home: bool = False
    groups: tuple[int, ...] = ()
    capabilities: tuple[int, ...] | None = None
    no_new_privileges: bool = False
    first: bool = False
    cpu: str = ""
    release: str = ""
    timeout: float = 20.0
    ready: str = ""
    output: int = 1500
    processes: int = 0
    memory: int = 0
    disk: int = 0
    kept: str = ""
    volumes: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a start.

    Attributes:
        errno: execve's own error, such as ``ENOENT``; empty if the kernel took the program.
        culprit: Which file a refusal is about: ``command``, ``script_interpreter`` or ``loader``,
            or ``user`` if that is not there; of ``argv[0]`` if execve refused that, else of
            ``Start.program``, if there is one.
        status: The exit status; None if a signal ended it.
        signal: The signal that ended it, such as ``SIGSEGV``; empty if none did.
        timed_out: It was still running when its time was up.
        ready: It showed that it was ready, and was ended then.
        exceeded: The bound that it went beyond, such as ``256 processes``, for which it was ended;
            empty if none.
        stdout: What it wrote (the beginning).
        stderr: What it, or its loader, wrote (the beginning).
        seconds: How long it took.
        failed: Why it could not be tried; empty if it was.
    """

    errno: str = ""
    culprit: str = ""
    status: int | None = None
    signal: str = ""
    timed_out: bool = False
    ready: bool = False
    exceeded: str = ""
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    failed: str = ""
