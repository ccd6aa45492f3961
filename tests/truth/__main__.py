"""Starts the made cases that a pattern names, and says what happened and what was predicted.

    PYTHONPATH=tests:. python -m truth 'kernel-users/*' [--all]

A pattern (fnmatch) is of CHAPTER/CASE. Without ``--all`` only what does not agree is told.
"""

import sys
from fnmatch import fnmatchcase

from elfgate.trial.agreement import Agreement
from elfgate.trial.observed import observe
from truth import made
from truth.compare import compare, table
from truth.run import run


def main() -> None:
    pattern, everything = sys.argv[1], "--all" in sys.argv
    cells = made.cells(lambda name: fnmatchcase(name, pattern))
    compared = compare(
        {cell: observe(outcome, cell.argv[0]) for cell, outcome in run(cells).items()}
    )
    for comparison in sorted(compared, key=str):
        if everything or comparison.agreement is not Agreement.AGREES:
            print(comparison)  # noqa: T201 (it is a program)
    print(table(compared))  # noqa: T201


if __name__ == "__main__":
    main()
