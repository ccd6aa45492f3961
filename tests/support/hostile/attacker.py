"""An attacker, as a process of its own: ``python -m support.hostile.attacker NAME TARGET``, until it is killed."""

import asyncio
import os
import resource
import sys
from pathlib import Path

from support.hostile.attacks import attack
from support.hostile.target import Target


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(5)  # what the attack costs its own machine is not what is measured
    asyncio.run(attack(sys.argv[1], Target.read(Path(sys.argv[2]))))


if __name__ == "__main__":
    main()
