"""A prediction: an outcome, the findings behind it, and the walk that led there."""

from dataclasses import dataclass
from enum import StrEnum

from elfgate.errors import UnknownReason


class Code(StrEnum):
    """Stable codes of findings; each has a rule of the same name in ``policies/rules``."""

    PLATFORM_MISSING = "platform_missing"
    COMMAND_MISSING = "command_missing"
    COMMAND_NOT_EXECUTABLE = "command_not_executable"
    ARGUMENTS_TOO_LONG = "arguments_too_long"
    EXEC_FORMAT = "exec_format"
    SCRIPT_INTERPRETER_MISSING = "script_interpreter_missing"
    LOADER_MISSING = "loader_missing"
    LOADER_MISMATCH = "loader_mismatch"
    LIBRARY_MISSING = "library_missing"
    LIBRARY_MISMATCH = "library_mismatch"
    SYMBOL_VERSION_MISSING = "symbol_version_missing"
    SYMBOL_MISSING = "symbol_missing"
    CPU_LEVEL = "cpu_level"
    PAGE_SIZE = "page_size"
    KERNEL_TOO_OLD = "kernel_too_old"
    RUN_AS_ROOT = "run_as_root"
    USER_MISSING = "user_missing"
    IMAGE_VOLUME = "image_volume"
    PROBE_CANNOT_START = "probe_cannot_start"
    LINKAGE_UNKNOWN = "linkage_unknown"
    PLATFORM_LABEL_WRONG = "platform_label_wrong"
    ADDON_MISMATCH = "addon_mismatch"


class Effect(StrEnum):
    """A finding's meaning for the start."""

    FAILS = "fails"  # the program does not start
    UNKNOWN = "unknown"  # it cannot be told
    # It starts, and this is worth saying (a label that lies, a need that a node may not meet).
    NOTE = "note"


class Outcome(StrEnum):
    """The verdict on one program on one platform."""

    STARTS = "starts"
    CANNOT_START = "cannot-start"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found on the way.

    Attributes:
        code: Which.
        path: The file it is about, as the container sees it (empty if none).
        message: One line: who needs what and does not find it, with the image's nature where that
            explains it.
        remedy: One line: what to change in the build, if nothing better is known.
        effect: What it means for the start.
        reason: Why it cannot be told, if the effect is UNKNOWN.
        versions: Symbol versions with which it would start: the newest of each family.
    """

    code: Code
    path: str
    message: str
    remedy: str = ""
    effect: Effect = Effect.FAILS
    reason: UnknownReason | None = None
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A file that would fail, and why."""

    path: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One look-up of the walk, for ``scan --explain``.

    Attributes:
        actor: ``kernel``, ``glibc``, ``musl`` or ``runtime``.
        text: What was looked up.
        result: Where it ended.
    """

    actor: str
    text: str
    result: str


class Role(StrEnum):
    """The part of a file in a start."""

    SCRIPT = "script"
    PROGRAM = "program"
    LOADER = "loader"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that a start takes, whether it succeeds or not.

    Attributes:
        role: Its part.
        path: Its real path.
        name: The name under which it was asked for; empty if by its path.
    """

    role: Role
    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Distro:
    """The image's nature, as its root file system tells.

    Attributes:
        id: os-release's ``ID``; ``scratch`` for a root without a libc, a shell or an os-release;
            else ``unknown``.
        version: os-release's ``VERSION_ID``, or None.
        libc: ``musl``, ``glibc`` or None: by the loader files found.
    """

    id: str
    version: str | None = None
    libc: str | None = None

    def __str__(self) -> str:
        name = {"alpine": "Alpine", "debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RHEL"}.get(
            self.id, self.id
        )
        titled = f"{name} {self.version}" if self.version else name
        if self.libc:
            return f"{titled}, {self.libc}"
        return titled


@dataclass(frozen=True, slots=True)
class Prediction:
    """The expected end of a start of this program here.

    Attributes:
        argv: The command line that the runtime would pass to ``execve``.
        findings: In the order found; the first that FAILS is what a user would see.
        walk: Every look-up, in order.
        taken: Every file that was taken, in order; as the walk, only if it is recorded.
        needs_glibc: The newest release of glibc that what is started and its libraries need, such
            as (2, 34); empty if none by version, or if it is not known.
    """

    argv: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    walk: tuple[Step, ...] = ()
    needs_glibc: tuple[int, ...] = ()
    taken: tuple[Taken, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """A failure outranks an unknown; notes change nothing."""
        effects = {finding.effect for finding in self.findings}
        if Effect.FAILS in effects:
            return Outcome.CANNOT_START
        if Effect.UNKNOWN in effects:
            return Outcome.UNKNOWN
        return Outcome.STARTS
