"""Programs of glibc on musl by way of gcompat, whose stub stands where glibc's loader would.

Source: gcompat's README. The stub executes musl's loader with the program, and has it preload ``libgcompat.so.0``,
which defines what glibc has and musl lacks. That libraries and symbols are all there tells that the program starts.
What is missing is not held against it: versions of gcompat differ, and none of them was observed.
"""

from dataclasses import replace

from elfgate.elf.facts import LoaderFacts
from elfgate.errors import UnknownReason
from elfgate.linkage import musl
from elfgate.linkage.attempt import Attempt
from elfgate.linkage.kernel import Image, Program
from elfgate.linkage.report import Effect
from elfgate.rootfs.tree import Found

_LIBRARY = "libgcompat.so.0"


def load(attempt: Attempt, program: Program, _stub: Image, about: LoaderFacts) -> None:
    """Load and link a program; say that it is unknown unless nothing is missing.

    Args:
        attempt: The world.
        program: What the kernel has mapped.
        _stub: What its PT_INTERP leads to.
        about: What the stub's file says of itself.
    """
    trial = replace(attempt, findings=[], walk=[])
    loaded = _load(trial, program, about.default_directories[0])
    attempt.walk += trial.walk
    wrong = next((finding.message for finding in trial.findings if finding.effect is not Effect.NOTE), "")
    if wrong or not loaded:
        because = wrong or f"{about.default_directories[0]} is not musl's loader"
        message = f"{program.image.path} is run by gcompat, which may or may not make up for this: {because}"
        attempt.unknown(program.image.path, message, UnknownReason.SHAPE_UNKNOWN)


def _load(attempt: Attempt, program: Program, path: str) -> bool:
    found = attempt.lookup(path)
    facts = attempt.tree.facts(found) if isinstance(found, Found) else None
    if facts is None or facts.loader is None or facts.loader.libc != "musl":
        return False
    preloads = f"{_LIBRARY}:{program.process.env.get('LD_PRELOAD', '')}"
    process = replace(program.process, env={**program.process.env, "LD_PRELOAD": preloads})
    musl.load(attempt, replace(program, process=process), Image(path, path, facts), facts.loader)
    return True
