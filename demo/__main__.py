"""``python -m demo``: the main job, on a real program and real images, in plain text.

Exit code 0 if all is as told.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from demo import program
from demo.cluster import NODES, review
from demo.images import LAYOUT, VARIANTS, Images, make
from demo.roots import choose
from demo.story import Outcome, applies, kubectl
from demo.webhook import serving
from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from lab.fetched import LabError


def main() -> int:
    """Tell the story, step by step."""
    started = time.monotonic()
    say(
        "elfgate predicts whether an image can start on each architecture, and refuses pods that cannot."
    )
    try:
        programs = fetch_program()
        images = make_images(programs)
        with tempfile.TemporaryDirectory(prefix="elfgate-demo-") as folder:
            show_matrix(images, Path(folder, "facts.db"))
            told = ask_webhook(images, Path(folder))
    except LabError as error:
        say(f"The demo cannot go on: {error}")
        return 1
    say(f"{told}  ({time.monotonic() - started:.0f} s)")
    return 0 if told.startswith("As it should be") else 1


def fetch_program() -> dict[str, bytes]:
    """Step 1: the program."""
    heading(
        1,
        f"A real program: {program.NAME} {program.VERSION}, in the builds that its project publishes",
    )
    programs = {}
    for architecture in program.WHEELS:
        programs[architecture] = program.fetch(architecture)
        loader = read(excerpt(programs[architecture])).interp
        detail(
            f"{architecture:9}{f'dynamically linked, started by {loader}' if loader else 'statically linked'}"
        )
    return programs


def make_images(programs: dict[str, bytes]) -> Images:
    """Step 2: the images."""
    heading(2, "Three images of it, each for these four architectures")
    roots = choose(list(programs))
    details(roots.source)
    images = make(programs, roots)
    detail(
        f"an OCI image layout, {'written to' if images.fresh else 'kept in'} {images.folder / LAYOUT}"
    )
    return images


def show_matrix(images: Images, store: Path) -> None:
    """Step 3: what starts where."""
    heading(3, "What starts where")
    references = [images.reference(variant) for variant in VARIANTS]
    detail(f"$ elfgate matrix {' '.join(references)}")
    sources = [
        f"--image={images.reference(variant)}={images.location(variant)}" for variant in VARIANTS
    ]
    command = [
        sys.executable,
        "-m",
        "elfgate",
        "matrix",
        *references,
        *sources,
        "--store",
        str(store),
    ]
    done = subprocess.run(command, cwd=images.folder, capture_output=True, text=True, check=False)
    if done.stderr or not done.stdout:
        raise LabError(f"elfgate matrix: {done.stderr.strip() or f'exit code {done.returncode}'}")
    details(done.stdout.splitlines())


def ask_webhook(images: Images, folder: Path) -> str:
    """Step 4: what a cluster would see. Returns the story's last sentence."""
    heading(4, f"What a cluster with the nodes {', '.join(NODES)} would see")
    locations = {
        images.reference(v): images.location(v).replace("oci:", f"oci:{images.folder}/", 1)
        for v in VARIANTS
    }
    outcomes, surprises = [], []
    with serving(locations, store=folder / "facts.db", folder=folder) as webhook:
        detail(
            f"elfgate serve answers at {webhook.url}/validate. What kubectl would print of its answers:"
        )
        for apply in applies(images):
            answer = webhook.ask(review(apply.obj))
            detail("")
            detail(f"$ kubectl apply -f {apply.file}    # {apply.about}")
            details(kubectl(apply, answer))
            outcomes.append(Outcome.of(answer))
            if outcomes[-1] is not apply.expected:
                surprises.append(f"{apply.file} was {outcomes[-1]}, not {apply.expected}")
    if surprises:
        return f"Not as it should be: {'; '.join(surprises)}."
    return f"As it should be: {', '.join(outcomes)}."


def heading(number: int, text: str) -> None:
    """Begin a step."""
    say(f"{number}  {text}")


def say(text: str) -> None:
    """Print a line after an empty one."""
    print(f"\n{text}", flush=True)


def details(lines: Iterable[str]) -> None:
    """Print lines of a step."""
    for line in lines:
        detail(line)


def detail(line: str) -> None:
    """Print a line of a step."""
    print(f"   {line}".rstrip(), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
