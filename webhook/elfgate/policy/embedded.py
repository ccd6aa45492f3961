"""Policies evaluated in this process, by regorus: the engine that needs nothing beside it."""

import os
import threading
import weakref
from typing import Any

import orjson

from elfgate.policy.bundle import Bundle
from elfgate.policy.document import Document
from elfgate.policy.engine import EngineError, accept
from elfgate.policy.verdict import Verdict

VERDICT = "data.elfgate.main.verdict"


class _Engines(threading.local):
    """This thread's regorus engines, each with the one that it serves.

    A regorus engine may be used, and dropped, on the thread that made it only, but whoever it
    serves may be collected on any. So each thread keeps its own, and drops those that serve nobody
    any more when it next looks.
    """

    def __init__(self) -> None:
        self.held: list[tuple[weakref.ref[EmbeddedEngine], Any]] = []

    def of(self, served: "EmbeddedEngine") -> Any:
        self.held = [(who, engine) for who, engine in self.held if who() is not None]
        return next((engine for who, engine in self.held if who() is served), None)

    def drop(self, served: "EmbeddedEngine") -> None:
        self.held = [(who, engine) for who, engine in self.held if who() is not served]


_ENGINES = _Engines()


class EmbeddedEngine:
    """Evaluates one bundle with regorus.

    Each thread that asks gets a regorus engine of its own. Evaluation holds the interpreter's lock
    for its whole length, about a millisecond: a pool of threads would gain nothing over the
    caller's.

    Args:
        bundle: What to evaluate.

    Raises:
        EngineError: if regorus has no wheel for this machine, or does not take the bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._engine()

    @property
    def revision(self) -> str:
        """The bundle's revision."""
        return self._bundle.revision

    async def evaluate(self, document: Document) -> Verdict:
        """Judge a document.

        Raises:
            EngineError: if there is no verdict that can be trusted.
        """
        return accept(
            orjson.loads(self.query(VERDICT, document.json_bytes().decode())), self.revision
        )

    def query(self, rule: str, document: str) -> str:
        """Evaluate a rule (``data.…``) on a document, both as JSON.

        Raises:
            EngineError: if the rule is undefined or fails.
        """
        answer, complaint = _answer(self._engine(), rule, document)
        if complaint:
            raise EngineError(f"cannot evaluate {rule}: {complaint}")
        return answer

    async def close(self) -> None:
        """Drop this thread's engine."""
        _ENGINES.drop(self)

    def _engine(self) -> Any:
        engine = _ENGINES.of(self)
        if engine is None:
            engine, complaint = _load(self._bundle)
            if complaint:
                raise EngineError(
                    f"the policies of revision {self.revision} do not load: {complaint}"
                )
            _ENGINES.held.append((weakref.ref(self), engine))
        return engine


def settle() -> None:
    """Have regorus open now what it opens once in a process, before files are out of reach.

    Its memory of patterns is as wide as the processors are many, which ``/proc`` and cgroups tell.
    """
    import regorus  # noqa: PLC0415

    regorus.Engine().eval_query('regex.match("a", "a")')


def parsed(path: str, text: str) -> tuple[Any, str]:
    """Parse a module.

    Args:
        path: As errors are to name it.
        text: Its source.

    Returns:
        The tree, and what is wrong with the source; no tree and nothing wrong where there is no
        engine on this machine.
    """
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    try:
        import regorus  # noqa: PLC0415
    except ImportError:
        return None, ""
    try:
        engine = regorus.Engine()
        engine.add_policy(path, text)
        [found] = orjson.loads(engine.get_ast_as_json())
    except BaseException as error:  # noqa: BLE001  (a panic of regorus is no Exception)
        return None, _complaint(error)
    return found["ast"], ""


# No exception that has seen an engine leaves these two: its traceback would keep the engine alive
# until a collection of cycles, which may run on a thread that the engine must not be dropped on.


def _load(bundle: Bundle) -> tuple[Any, str]:
    # Where RUST_BACKTRACE is set, each rule that comes out empty would walk the stack, for tens of
    # microseconds.
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    try:
        # Not every architecture has it, and not every verb needs it.
        import regorus  # noqa: PLC0415
    except ImportError:
        return None, "the embedded engine has no wheel for this machine; use an OPA server"
    try:
        engine = regorus.Engine()
        for path, text in bundle.modules.items():
            engine.add_policy(path, text)
        engine.add_data_json(bundle.json())
        engine.eval_query("true")  # compiles, so that clones need not
    except BaseException as error:  # noqa: BLE001  (a panic of regorus is no Exception)
        return None, _complaint(error)
    return engine, ""


def _answer(base: Any, rule: str, document: str) -> tuple[str, str]:
    try:
        engine = base.clone()  # 0.02 ms, and nothing of one evaluation is left for the next
        engine.set_input_json(document)
        return str(engine.eval_rule_as_json(rule)), ""
    except BaseException as error:  # noqa: BLE001  (a panic of regorus is no Exception)
        return "", _complaint(error)


def _complaint(error: BaseException) -> str:
    """Make one line of a regorus error; let what is none of its pass.

    A panic in regorus arrives as PyO3's ``PanicException``, which cannot be imported.
    """
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    return " ".join(str(error).partition("Stack backtrace:")[0].split())
