"""Manifests by which others install a release: krew's for kubectl, Homebrew's formula.

Sources: krew's developer guide, "Plugin Manifest" (v1alpha2); Homebrew's Formula Cookbook. Both
name files of the release by address and SHA-256.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from string import Template

import yaml

from lab.release.manual import COMPLETIONS, MAN_PAGE
from lab.release.version import ROOT

KREW, FORMULA = "elfgate.krew.yaml", "elfgate.rb"

_SHORT = "Tells whether images can start on a cluster's nodes"
_LAUNCHER = Template("""\
#!/bin/sh
# Runs elfgate from the wheel beside this file, with whichever tool is there for that.
folder=$$(CDPATH= cd -- "$$(dirname -- "$$(readlink -f -- "$$0")")" && pwd)
wheel="$$folder/$wheel"
if command -v uvx >/dev/null; then
	exec uvx --from "$$wheel" elfgate "$$@"
elif command -v pipx >/dev/null; then
	exec pipx run --spec "$$wheel" elfgate "$$@"
fi
echo "kubectl elfgate needs uv or pipx, and Python 3.11 or later: install one of them" >&2
exit 2
""")
_FORMULA = Template("""\
class Elfgate < Formula
  desc "$short"
  homepage "$downloads"
  url "$downloads/$sdist"
  sha256 "$sdist_sum"
  license "Apache-2.0"
  depends_on "python@3.13"

$resources
  def install
    system "python3.13", "-m", "venv", libexec
    pip = [libexec/"bin/python", "-m", "pip", "install"]
    system(*pip, "--require-hashes", "--requirement", "requirements/runtime.txt")
    system(*pip, "--no-deps", buildpath)
    bin.install_symlink libexec/"bin/elfgate", libexec/"bin/kubectl-elfgate"
$installed
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/elfgate --version")
  end
end
""")
_RESOURCE = Template("""\
  resource "$name" do
    url "$downloads/$name"
    sha256 "$sum"
  end
""")
_PLACES = {
    MAN_PAGE: "man1.install",
    COMPLETIONS["bash"]: "bash_completion.install",
    COMPLETIONS["fish"]: "fish_completion.install",
    COMPLETIONS["zsh"]: "zsh_completion.install",
}


def plugin(wheel: Path, *, seconds: int) -> bytes:
    """The archive that krew unpacks: the wheel, what runs it, and the licence.

    Args:
        wheel: The wheel.
        seconds: The time that every member is dated.
    """
    launcher = _LAUNCHER.substitute(wheel=wheel.name).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content, mode in (
            ("LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
            (wheel.name, wheel.read_bytes(), 0o644),
            ("kubectl-elfgate", launcher, 0o755),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), seconds, mode
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def krew(version: str, archive: str, content: bytes, *, downloads: str) -> str:
    """Krew's manifest.

    Args:
        version: The version.
        archive: The name of the plug-in's archive.
        content: The archive.
        downloads: The address that the release's files are downloaded from.
    """
    platform = {
        "selector": {"matchExpressions": [{"key": "os", "operator": "In", "values": ["linux"]}]},
        "uri": f"{downloads}/{archive}",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bin": "kubectl-elfgate",
    }
    document = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "elfgate"},
        "spec": {
            "version": f"v{version}",
            "homepage": downloads,
            "shortDescription": _SHORT,
            "description": "Judges manifests and what runs in a cluster as the webhook would.",
            "caveats": "Needs uv or pipx, and Python 3.11 or later.",
            "platforms": [platform],
        },
    }
    return yaml.safe_dump(document, sort_keys=False)


def formula(sdist: str, sums: Mapping[str, str], *, downloads: str) -> str:
    """Homebrew's formula: what ``requirements/runtime.txt`` pins, and the sdist on top.

    Args:
        sdist: The sdist's name.
        sums: The SHA-256 of each of the release's files, by name.
        downloads: The address that the release's files are downloaded from.
    """
    resources = [
        _RESOURCE.substitute(name=name, downloads=downloads, sum=sums[name]) for name in _PLACES
    ]
    installed = [
        f'    resource("{name}").stage {{ {place} "{name}" }}' for name, place in _PLACES.items()
    ]
    return _FORMULA.substitute(
        short=_SHORT,
        downloads=downloads,
        sdist=sdist,
        sdist_sum=sums[sdist],
        resources="\n".join(resources),
        installed="\n".join(installed),
    )
