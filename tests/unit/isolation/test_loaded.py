"""Code that works on strangers' bytes is loaded by the processes that do the work, and by no other."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support import founding

WORK = (
    "elfgate.linkage.predict",
    "elfgate.linkage.shell",
    "elfgate.linkage.loaders",
    "elfgate.images.unpack",
    "elfgate.elf.read",
)
PROGRAM = """
import json, sys
from elfgate.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: app}
spec: {containers: [{name: app, image: "registry.example/app:1-alpine"}]}
"""


def run(folder: Path) -> tuple[int, list[str]]:
    """Check a pod of the founding image; return the exit code, and the modules loaded for it."""
    locations = founding.write(folder / "images")
    pod = folder / "pod.yaml"
    pod.write_text(POD)
    image = locations[f"{founding.REPOSITORY}:2-alpine"]
    words = ["check", str(pod), "--arch=ppc64le", f"--store={folder / 'facts.db'}"]
    given = f"--image=registry.example/app:1-alpine={image}"
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, given],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(folder)},
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    code, modules = json.loads(ran.stderr.splitlines()[-1])
    return code, modules


def test_the_process_that_judges_an_image_does_not_load_what_reads_it(tmp_path: Path) -> None:
    code, modules = run(tmp_path)
    assert code == 1  # the pod is denied: another process has read the image
    assert not set(WORK) & set(modules)


def test_the_webhook_loads_none_of_it_either() -> None:
    program = (
        "import json, sys, elfgate.wiring.serve, elfgate.server.run, elfgate.isolation.pool; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert not set(WORK) & set(json.loads(ran.stdout))
