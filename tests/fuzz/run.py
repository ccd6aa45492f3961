"""Fuzzes one target after the other, guided by coverage, for as long as is asked.

    python tests/fuzz/run.py [--seconds 3600] [--keep DIRECTORY] [TARGET ...]

The seconds are divided among the targets; the CPU that each took is printed. What breaks a promise is written to
tests/data/fuzz/TARGET/ and ends the run of that target; the exit code is then 1. Inputs that reached something new are
kept for the next run in DIRECTORY (by default in the user's cache). Needs atheris: ``make fuzz`` installs it.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate/fuzz"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--keep", type=Path, default=CACHE)
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    if os.environ.get("ELFGATE_FUZZ_TARGET"):
        return _fuzz(os.environ["ELFGATE_FUZZ_TARGET"], options.seconds, options.keep)

    from support.fuzzing import TARGETS

    names = options.targets or list(TARGETS)
    failed = []
    for name in names:
        share = max(1, options.seconds // len(names))
        arguments = [sys.executable, __file__, "--seconds", str(share), "--keep", str(options.keep)]
        before = _cpu()
        done = subprocess.run(
            arguments, check=False, env={**os.environ, "ELFGATE_FUZZ_TARGET": name}
        )
        outcome = "broken" if done.returncode else "nothing found"
        print(f"{name}: {outcome}, {_cpu() - before:.0f} s of CPU", flush=True)  # noqa: T201  (it is a program)
        failed += [name] * bool(done.returncode)
    return bool(failed)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fuzz(name: str, seconds: int, keep: Path) -> int:
    """Fuzz one target in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["elfgate"]):
        from support import fuzzing

    corpus = keep / name
    corpus.mkdir(parents=True, exist_ok=True)
    (fuzzing.KEPT / name).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(fuzzing.seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    arguments = [
        name,
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={fuzzing.LARGEST}",
        f"-artifact_prefix={keep}/",
        "-timeout=10",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    watched = fuzzing.Watched(name)

    def kept_if_broken(data: bytes) -> None:
        # libFuzzer writes what crashed it only where a sanitizer is linked in.
        try:
            watched(data)
        except BaseException:
            (fuzzing.KEPT / name / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise

    atheris.Setup(arguments, kept_if_broken)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
