"""The stores learn which layers images share."""

import asyncio
import sqlite3
from pathlib import Path

from elfgate.store.protocol import Kind
from support.oci import image
from support.registry import Registry
from support.tarball import tarball
from support.tenants import reading


def _shares(folder: Path) -> dict[str, int]:
    """The images that were noted of each layer's fact."""
    question = "SELECT digest, images FROM fact WHERE kind = ?"
    with sqlite3.connect(folder / "facts.db") as connection:
        return dict(connection.execute(question, (Kind.LAYER.value,)))


def test_each_image_that_is_put_together_counts_once_for_each_of_its_layers(tmp_path: Path) -> None:
    files = [tarball({name: name}) for name in ("base", "own", "other")]
    base, own, other = files
    images = {"1": image([base, own]), "2": image([base, other])}
    with Registry({"app": images}) as registry:
        for tag in ("1", "1", "2"):
            asyncio.run(_read(tmp_path, registry.reference(f"app:{tag}")))
    noted = _shares(tmp_path)
    assert sorted(noted.values()) == [1, 1, 2]
    assert noted[images["1"].children[1].digest] == 2


async def _read(folder: Path, name: str) -> None:
    async with reading(folder) as tenants:
        await tenants.read(name)
