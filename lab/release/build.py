"""Puts a release together: one folder with everything that a version publishes."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elfgate.attest import dsse
from lab.layout import Layout
from lab.release import bom, chart, distribution, installers, manual, provenance, signing, version


@dataclass(frozen=True, slots=True)
class Plan:
    """A release to make.

    Attributes:
        version: The version.
        image: The layout of the image, as ``make image`` writes it.
        registry: The registry and path that users pull from; the image is ``REGISTRY/elfgate``.
        folder: The folder to write; made anew.
        downloads: The address that the release's files are downloaded from.
        key: The key to sign with, or None.
    """

    version: str
    image: Path
    registry: str
    folder: Path
    downloads: str
    key: signing.Key | None = None

    @property
    def repository(self) -> str:
        """The image's repository."""
        return f"{self.registry}/elfgate"


def release(plan: Plan) -> list[Path]:
    """Make a release; the files written.

    Raises:
        LabError: if the version is not the one here, or a part cannot be built.
    """
    version.check(plan.version)
    commit, seconds = version.commit()
    shutil.rmtree(plan.folder, ignore_errors=True)
    layout = Layout(plan.folder / "oci")
    wheel, sdist = distribution.build(plan.folder, seconds=seconds)
    manual.write(plan.folder, version=plan.version, seconds=seconds)
    _installers(plan, wheel, sdist, seconds=seconds)
    image = layout.adopt(plan.image, f"elfgate:{plan.version}")["digest"]
    helm = _chart(plan, layout, image, seconds=seconds)
    _bills(plan, image)
    statement = provenance.statement(
        _digests(plan.folder) | {"image": image, "chart": helm},
        commit=commit,
        version=plan.version,
    )
    _write(plan.folder / "provenance.intoto.json", _json(statement))
    _write(plan.folder / "SHA256SUMS", _sums(plan.folder))
    if plan.key is not None:
        artifacts = {"elfgate": image, "charts/elfgate": helm}
        _sign(plan, plan.key, layout, artifacts, statement)
    layout.finish()
    return _files(plan.folder)


def _chart(plan: Plan, layout: Layout, image: str, *, seconds: int) -> str:
    """Package the chart, and put it into the layout; its digest there."""
    packed = chart.package(
        repository=plan.repository,
        digest=image,
        seconds=seconds,
    )
    _write(plan.folder / f"elfgate-chart-{plan.version}.tgz", packed)
    name = f"charts/elfgate:{plan.version}"
    artifact = chart.artifact(layout, name, packed)
    return str(artifact["digest"])


def _json(statement: Mapping[str, object]) -> bytes:
    text = json.dumps(statement, indent=1)
    return f"{text}\n".encode()


def _sums(folder: Path) -> bytes:
    """The checksums of a folder's files, as sha256sum(1) writes them."""
    digests = sorted(_digests(folder).items())
    lines = [f"{digest}  {name}\n" for name, digest in digests]
    return "".join(lines).encode()


def _installers(plan: Plan, wheel: Path, sdist: Path, *, seconds: int) -> None:
    """Write what krew and Homebrew install from."""
    archive = f"kubectl-elfgate-{plan.version}.tar.gz"
    plugin = installers.plugin(wheel, seconds=seconds)
    krew = installers.krew(
        plan.version,
        archive,
        plugin,
        downloads=plan.downloads,
    )
    formula = installers.formula(
        sdist.name,
        _digests(plan.folder),
        downloads=plan.downloads,
    )
    _write(plan.folder / archive, plugin)
    _write(plan.folder / installers.KREW, krew.encode())
    _write(plan.folder / installers.FORMULA, formula.encode())


def _bills(plan: Plan, image: str) -> None:
    """Write the bills of materials."""
    of_wheel = bom.of_wheel(plan.version)
    _write(plan.folder / f"elfgate-{plan.version}.cdx.json", of_wheel)
    of_chart = bom.of_chart(
        plan.version,
        repository=plan.repository,
        digest=image,
    )
    _write(plan.folder / f"elfgate-chart-{plan.version}.cdx.json", of_chart)


def _sign(
    plan: Plan,
    key: signing.Key,
    layout: Layout,
    artifacts: Mapping[str, str],
    statement: Mapping[str, object],
) -> None:
    """Sign the checksums, and each artifact of the layout beside it, in its own repository."""
    sums = (plan.folder / "SHA256SUMS").read_bytes()
    _write(plan.folder / "SHA256SUMS.sig", key.sign(sums).encode())
    _write(plan.folder / "cosign.pub", key.public)
    _write(plan.folder / "provenance.dsse.json", dsse.envelope(key, dict(statement)))
    for name, digest in artifacts.items():
        signing.sign_image(layout, key, name, digest, f"{plan.registry}/{name}")
        signing.attest(layout, key, name, digest, dict(statement))


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by name."""
    digests = {}
    for path in _files(folder):
        digest = hashlib.sha256(path.read_bytes())
        digests[path.name] = digest.hexdigest()
    return digests


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
