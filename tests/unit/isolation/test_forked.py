"""A command line forks its zygote: that has nothing of the environment, and is not begun a second time."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elfgate.isolation.children import NoChildError, Zygote
from elfgate.isolation.pool import Pool
from elfgate.linkage.report import Outcome
from elfgate.scan.inquiry import BusyError, Inquiry
from support.control_plane import until

from .test_pool import AMD64, IMAGE, descriptors

SECRET = "a-secret-of-the-environment"
PROGRAM = """
import os
from pathlib import Path
from elfgate.isolation.children import Zygote
zygote = Zygote(forked=True)
child = zygote.fork("predictor", memory=96 << 20, settings=[])
child.channel.recv(4)
for pid in (zygote.pid, child.pid):
    print(Path(f"/proc/{pid}/environ").read_bytes().strip(b"\\0").decode())
    print(*(os.readlink(one).partition(":")[0] for one in Path(f"/proc/{pid}/fd").iterdir()))
print(os.environ["SECRET"])
child.end()
zygote.close()
"""


def test_it_has_no_environment_and_no_file() -> None:
    path = os.pathsep.join(place for place in sys.path if place)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": path, "SECRET": SECRET},
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    zygote, its, child, childs, own = ran.stdout.splitlines()
    assert (zygote, child, own) == ("", "", SECRET)
    assert set(its.split()) <= {"socket", "anon_inode"}
    assert childs == "socket"


def test_it_predicts_and_is_gone_with_its_children_afterwards() -> None:
    async def main() -> None:
        zygote = Zygote(forked=True)
        pool = Pool(zygote)
        answer = await pool.predict(IMAGE, Inquiry(AMD64))
        assert answer.prediction.outcome is Outcome.STARTS
        pid = zygote.pid
        await pool.close()
        zygote.close()
        until(lambda: not Path(f"/proc/{pid}").exists(), "the zygote lives on")

    before = descriptors()
    asyncio.run(main())
    assert descriptors() <= before


def test_once_it_has_ended_nothing_is_predicted() -> None:
    async def main() -> None:
        zygote = Zygote(forked=True)
        zygote.start()
        assert zygote.pid is not None
        os.kill(zygote.pid, signal.SIGKILL)
        with pytest.raises(NoChildError):
            zygote.fork("predictor", memory=96 << 20, settings=[])
        pool = Pool(zygote)
        with pytest.raises(BusyError):
            await pool.predict(IMAGE, Inquiry(AMD64))
        await pool.close()
        zygote.close()

    asyncio.run(main())
