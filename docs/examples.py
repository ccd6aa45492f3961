"""The page of worked values files, written from the files themselves."""

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path("charts", "elfgate", "examples")
PAGE = _ROOT / "docs" / "examples.md"
_TITLES = {
    "small": "A small cluster",
    "production": "Production",
    "openshift": "OpenShift",
    "air-gapped": "Air-gapped",
    "gitops": "GitOps",
}
_HEAD = """# Values by example

Five files to begin with, in [charts/elfgate/examples](../charts/elfgate/examples). Each sets only
what differs from the defaults; replace the addresses and names in it. Each value is described in
[the chart's README](../charts/elfgate/README.md), the topics in [install.md](install.md), and the
way into a cluster that people use in [rollout.md](rollout.md).

```console
$ helm install elfgate charts/elfgate --namespace elfgate --create-namespace \\
    --values charts/elfgate/examples/small-values.yaml
```

Written by `make docs`. In the tests, Helm 3 and 4 render each file, the result is held against
Kubernetes' own schemas, and `make e2e` installs each in a real control plane, has the webhook of its
settings refuse a pod, and removes it.
"""


def page() -> str:
    """The page: a heading an example.

    Raises:
        SystemExit: if a file has no title, or a title no file.
    """
    names = {path.name.removesuffix("-values.yaml") for path in (_ROOT / FOLDER).iterdir()}
    if odd := names ^ _TITLES.keys():
        raise SystemExit(f"docs/examples.py and {FOLDER} differ: {', '.join(sorted(odd))}")
    parts = [part for name, title in _TITLES.items() for part in _parts(name, title)]
    return "\n".join((_HEAD, *parts))


def _parts(name: str, title: str) -> Iterator[str]:
    text = (_ROOT / FOLDER / f"{name}-values.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    comment = [line for line in lines if line.startswith("#")]
    values = lines[len(comment) :]
    yield f"## {title}\n"
    yield "\n".join(line.removeprefix("#").strip() for line in comment) + "\n"
    yield "\n".join(("```yaml", *values, "```\n"))
