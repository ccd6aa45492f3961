"""The sentences of findings.

One line each, concrete, in the words of the people who build images.
"""

from collections.abc import Sequence

from elfgate.elf.facts import ElfFacts
from elfgate.linkage.credentials import Credentials
from elfgate.linkage.report import Distro
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.tree import Missing

FIX_ELSEWHERE = (
    "point the program to the image's own loader (patchelf --set-interpreter), link it statically, "
    "or copy the loader's directory into the image"
)
FIX_REACH = "let this user search the directory (chmod o+x), or run as a user that may"
FIX_SLASH = "name the program by a path"
FIX_TARGET = "copy what the link leads to into the image, or correct the link"
FIX_LOADER_MODE = "set the loader's execute bit in the build (chmod 0755)"
FIX_COMMAND = "name a program that the image contains, or copy it there"
FIX_NO_COMMAND = "set ENTRYPOINT or CMD in the image, or command in the pod"
FIX_DIRECTORY = "name a directory as WORKDIR in the image, or workingDir in the pod"
FIX_ENV = "name the program directly, or install coreutils"
FIX_CAPABILITY = (
    "add the capability in the container's securityContext, or take it off the file (setcap -r)"
)
FIX_LENGTH = "mount what is long as a file (a ConfigMap's volume) and pass its path"
FIX_MODE = "set the execute bit in the build (chmod 0755), or run as a user that has it"
FIX_FORMAT = "build or copy the file for this architecture"
FIX_SHELL = "call the program itself, and no shell before it"
FIX_BUILD = "build the file anew, or copy it unchanged"
FIX_NO_SHEBANG = "begin the script with #!/bin/sh, or run it through a shell"
FIX_LINE_ENDS = "save the script with Unix line ends (eol=lf in .gitattributes)"
FIX_INTERPRETER = "name an interpreter that the image contains in the script's first line"
FIX_TRUNCATED = "copy the whole file into the image"
FIX_PAGES = "link with -z max-page-size=65536"
FIX_ALLOCATOR = "build jemalloc with --with-lg-page=16"
FIX_LIBRARY = "install the library in the image, or link statically"
FIX_READ = "let this user read the file (chmod o+r), or run as a user that may"
FIX_SEARCH = "correct the link there, or take that directory out of the search path"
FIX_PATH_FILE = "list the libraries' directories in that file, or remove it"
FIX_ORIGIN = "name the library without the token, or take the program's set-user-ID bit away"
FIX_MISMATCH = "replace the library by one built for this architecture"
FIX_VERSION = "build on a system no newer than the image's, or use an image with a newer libc"
FIX_STRAY = "keep the library among those that the file needs (DT_NEEDED)"
FIX_VDSO = "take that need away (patchelf --remove-needed), as no file stands for the library"
FIX_SYMBOL = "use the release of the library that the program was built with"
FIX_MUSL_SYMBOL = (
    "build the program against this musl, link it statically, "
    "or use an image with the libc it was built for"
)
FIX_MUSL_LOADER = "install musl, or use an image with the libc that the program was built for"
FIX_RELR = (
    "link with -z nopack-relative-relocs, or use an image with musl 1.2.4 or later, or glibc 2.36"
)
FIX_BEHIND = "link it anew for musl, rather than rewrite it with patchelf"
FIX_CPU = "use a build for an older CPU level, or restrict the pod to nodes that have it"
FIX_KERNEL = "use an older base image, or nodes with a newer kernel"

_MANY = 3


def fix_loader(facts: ElfFacts, distro: Distro) -> str:
    """Tell what to do about a loader that is not there."""
    path = facts.interp or ""
    if not path.startswith("/"):
        return "link the program with the absolute path of its loader (--dynamic-linker)"
    libc = "musl" if "ld-musl" in path else "glibc"
    if libc == distro.libc:
        return FIX_ELSEWHERE
    return f"link the program statically, or use an image with {libc}"


def fix_base(architecture: str) -> str:
    """Tell what to do about the loader of another machine."""
    return f"build the image from a base image for {architecture}"


def named(path: str, real: str) -> str:
    """Name a file as it was asked for, and where that leads if elsewhere."""
    if path == real:
        return path
    return f"{path} ({real})"


def listed(names: Sequence[str]) -> str:
    """List a few names, and say how many more there are."""
    shown = ", ".join(names[:_MANY])
    if len(names) <= _MANY:
        return shown
    return f"{shown} and {len(names) - _MANY} more"


def may_be_secure(path: str) -> str:
    """Say what hangs on whether a set-user-ID program gains a privilege."""
    return (
        f"{path} may gain a privilege by its file (set-user-ID, set-group-ID, capabilities); its "
        "loader ignores"
        " LD_LIBRARY_PATH, LD_PRELOAD and $ORIGIN then, and that makes a difference here"
    )


def capabilities_missing(path: str, names: Sequence[str]) -> str:
    """Say which capabilities keep a file from being executed."""
    shown = listed([f"cap_{name.lower()}" for name in names])
    return f"{path} demands {shown}, which this container may not have: execve answers EPERM"


def capabilities_unknown(path: str) -> str:
    """Say that a file's capabilities decide."""
    return f"{path} demands capabilities that only some runtimes and pods give a container"


def too_long(path: str, what: str, size: int, limit: int) -> str:
    """Say that the kernel does not pass on a command line or an environment."""
    return (
        f"{path} is to be passed {what}, {size} bytes, where the kernel takes {limit} (E2BIG,"
        " argument list too long)"
    )


def too_costly(name: str) -> str:
    """Say that a prediction has been given up."""
    return f"what becomes of {name} takes too long to find out"


def image(distro: Distro) -> str:
    """Name the image, with its nature as far as that is known."""
    nature = distro.libc if distro.id == "unknown" else str(distro)
    if nature:
        return f"this image ({nature})"
    return "this image"


def not_executable(entry: Entry, who: Credentials) -> str:
    """Say why an entry cannot be executed."""
    if entry.kind is Kind.DIRECTORY:
        return "is a directory"
    if entry.kind is not Kind.FILE:
        return "is not a regular file"
    if entry.mode & 0o111:
        return f"may not be executed by user {who.uid} (mode {entry.mode & 0o777:04o})"
    return f"has no execute bit (mode {entry.mode & 0o777:04o})"


def nature(entry: Entry) -> str:
    """Say what a file is that should have been a program."""
    if not entry.size:
        return "is empty"
    if entry.head.startswith(b"\x7fELF"):
        return "is cut off within its ELF header"
    if entry.head.startswith(b"#!"):
        return (
            "has a first line that names no interpreter, or a longer one than the 255 bytes allowed"
        )
    if b"\0" in entry.head:
        return "is neither an ELF file nor a script"
    return "is a text file without a #! line"


def fix_interpreter(path: str, missing: Missing) -> str:
    """Tell what to do about a script's interpreter that is not there."""
    if path.endswith("\r"):
        return FIX_LINE_ENDS
    if missing.errno == "EACCES":
        return FIX_REACH
    if missing.symlinks:
        return FIX_TARGET
    return FIX_INTERPRETER


def command_missing(path: str, missing: Missing, distro: Distro, cwd: str = "/") -> str:
    """Say that what is to be started is not there."""
    if missing.errno == "ELOOP":
        return f"{path} cannot be resolved: its symbolic links form a loop"
    dangling = f" ({missing.path} is missing)" if missing.symlinks else ""
    where = "" if path.startswith("/") or cwd == "/" else f" (in the working directory {cwd})"
    return f"{path}{where} does not exist in {image(distro)}{dangling}"


def interpreter_missing(script: str, path: str, missing: Missing, distro: Distro) -> str:
    """Say that a script's interpreter is not there."""
    if path.endswith("\r"):
        return f"{script} is run by {path}: its first line ends in a carriage return (CRLF)"
    if missing.errno == "EACCES":
        return (
            f"{script} is run by {path}, which cannot be reached: {missing.path} has no x bit for "
            "this user"
        )
    if missing.symlinks and missing.errno == "ENOENT":
        ends = f"whose link ends at {missing.path}, which does not exist in {image(distro)}"
        return f"{script} is run by {path}, {ends}"
    return f"{script} is run by {path or 'nothing'}, which {image(distro)} does not contain"


def loader_missing(program: str, path: str, missing: Missing, distro: Distro) -> str:
    """Say that the loader of a program is not there."""
    if missing.errno == "EACCES":
        return (
            f"{program} needs the loader {path}, but {missing.path} may not be searched by this "
            "user"
        )
    if missing.symlinks:
        ends = f"whose link ends at {missing.path}, which does not exist in {image(distro)}"
        return f"{program} needs the loader {path}, {ends}"
    return f"{program} needs the loader {path}, which {image(distro)} does not contain"


def page_size(path: str, size: int) -> str:
    """Say that a file cannot be mapped."""
    return f"{path} is linked for smaller memory pages than the {size} bytes of this node"


def page_size_note(path: str, size: int) -> str:
    """Say that a file cannot be mapped on some nodes."""
    return (
        f"{path} is linked for smaller memory pages: it fails on nodes with pages of {size} bytes"
    )


def no_library(entry: Entry) -> str:
    """Say what a file is that should have been a library."""
    if not entry.size:
        return "is empty"
    if entry.head.startswith(b"\x7fELF"):
        return "is cut off within its ELF header"
    return "is not an ELF file"


def symbols_missing(path: str, names: Sequence[str], who: str) -> str:
    """Say which symbols nothing defines."""
    plural = "symbols" if len(names) > 1 else "symbol"
    return f"{path} needs the {plural} {listed(names)}, which {who}"


def kernel_too_old(path: str, floor: tuple[int, int, int], kernel: tuple[int, int, int]) -> str:
    """Say that a glibc does not start on a kernel."""
    return (
        f"{path} (glibc) needs Linux {'.'.join(map(str, floor))}, but the node's is "
        f"{'.'.join(map(str, kernel))}"
    )


def allocator_note(path: str, size: int) -> str:
    """Say that a file holds an allocator that is built for one page size."""
    return (
        f"{path} contains jemalloc, which aborts where pages are larger than it was built for (up "
        f"to {size} bytes)"
    )
