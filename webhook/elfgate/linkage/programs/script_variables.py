"""The variables of a script's environment, and those that its shell sets at its start.

Sources: the Kubernetes documentation of service links; runc, which sets HOME; bash(1), "Shell
Variables".
"""

import re
from collections.abc import Callable

from elfgate.linkage.programs.script_texts import inner, outer
from elfgate.linkage.shell.state import SEARCHED
from elfgate.linkage.shell.syntax.dialect import Dialect
from elfgate.linkage.shell.values import Value
from elfgate.linkage.shell.world import Absent, Thing
from elfgate.linkage.values import UNSET, Unknown, Unset
from elfgate.linkage.world import Process

# Set by the kubelet (service links), runtimes, device plug-ins or shells, whatever else is said.
_SET_BY_OTHERS = re.compile(
    r"KUBERNETES_\w*|\w+_SERVICE_(?:HOST|PORT\w*)|\w+_PORT(?:_\d+_\w+)?|NVIDIA_\w*|CUDA_\w*"
    r"|(?i:https?_proxy|no_proxy)|BASH\w*|HOME|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|OLDPWD"
    r"|PPID|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|LINENO|OPT(?:ARG|ERR)|PS\d|TERM|UID|EUID"
    r"|GROUPS|USER|LOGNAME|_|EPOCH\w+|PIPESTATUS|DIRSTACK|REPLY|container"
)
_SET_BY_SHELLS = re.compile(r"HOME|PWD|IFS|PPID|OPTIND|PS[124]|PATH|LINENO")
_SET_BY_BASH = re.compile(
    r"BASH\w*|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|RANDOM|SECONDS|SHLVL|SHELL|SHELLOPTS|E?UID|GROUPS"
    r"|TERM|EPOCH\w+|DIRSTACK|_"
)
_NUMBERS = re.compile(r"RANDOM|SECONDS|SHLVL|LINENO|PPID|E?UID|OPTIND|EPOCHSECONDS")
_OF_A_SERVICE = re.compile(r"[A-Z0-9_]*")
_WITHOUT_BASH = frozenset({"dash", "busybox"})
_ELSEWHERE = Unknown("a value comes from elsewhere")
_OTHERS = Unknown("a value is set by the cluster, the runtime or the shell")
_NUMBER = Unknown("a value is set by the shell", number=True)


class ScriptVariables:
    """The variables that a script finds.

    Args:
        process: The shell that runs it.
        dialect: Its dialect.
        uid: The user; None if that is not known.
        look: Follows a path from a directory.
    """

    def __init__(
        self,
        process: Process,
        dialect: Dialect,
        uid: int | None,
        look: Callable[[str, str], Thing | Absent | Unknown],
    ) -> None:
        self._process = process
        self._dialect = dialect
        self._uid = uid
        self._look = look

    def variable(self, name: str) -> Value:
        """A variable of the environment, or one that the shell sets at its start."""
        if name in {"UID", "EUID"} and self._dialect.is_bash and self._uid is not None:
            return str(self._uid)
        if name in {"IFS", "OPTIND", "PWD"}:
            return self._set_by_shell(name)
        value = self._process.env.get(name)
        if isinstance(value, Unset):
            return self._set_by_others(name)
        if isinstance(value, str):
            return inner(value)
        guess = value.guess if SEARCHED.fullmatch(name) else ""
        return Unknown(_ELSEWHERE.because, guess=inner(guess))

    def _set_by_others(self, name: str) -> Value:
        if name.startswith("BASH") and self._dialect.name in _WITHOUT_BASH:
            return UNSET
        if name == "KSH_VERSION" and not self._dialect.counts_as_c:
            return _OTHERS
        if not _SET_BY_OTHERS.fullmatch(name):
            return UNSET
        if self._dialect.is_bash and _NUMBERS.fullmatch(name):
            return _NUMBER
        return _OTHERS

    def _set_by_shell(self, name: str) -> Value:
        if name == "IFS":
            return " \t\n"
        if name == "OPTIND":
            return "1"
        there = self._look(".", inner(self._process.cwd))
        given = self._process.env.get("PWD")
        if not isinstance(given, Unset) or not isinstance(there, Thing):
            return _OTHERS
        return there.path

    def is_surely_set(self, name: str) -> bool:
        """Tell whether a variable whose value is not known has one for sure."""
        if self._process.env.names(name):
            return True
        of_bash = self._dialect.is_bash and _SET_BY_BASH.fullmatch(name)
        return bool(of_bash or _SET_BY_SHELLS.fullmatch(name))

    def names(self, prefix: str) -> frozenset[str] | Unknown:
        """The names of the environment's variables that begin so; services may add others."""
        env = self._process.env
        if env.is_open or _OF_A_SERVICE.fullmatch(prefix):
            return _ELSEWHERE
        return frozenset(map(inner, env.beginning(outer(prefix))))
