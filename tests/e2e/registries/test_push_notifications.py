"""The real registry of distribution tells the webhook of a push, and the image is known before its first pod."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import httpx

from elfgate.images.reference import Reference
from elfgate.images.upload import Upload
from elfgate.store.sqlite import SqliteStore
from support.distribution import Distribution
from support.elf_file import elf_file
from support.notified import TOKEN, review_of, serving
from support.oci import Blob, image
from support.tarball import program, tarball

STATIC = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
BROKEN = image(
    [tarball({"app": program(elf_file("amd64", interp="/lib64/ld-linux-x86-64.so.2"))})],
    entrypoint=["/app"],
)


@contextmanager
def _told(folder: Path) -> Iterator[tuple[Distribution, httpx.Client]]:
    """A registry, and the webhook that it tells."""
    first = Distribution(folder / "registry")
    with serving(folder, first.host) as client:
        endpoint = {
            "name": "elfgate",
            "url": str(client.base_url.join("/notify")),
            "headers": {"Authorization": [f"Bearer {TOKEN}"]},
            "timeout": "5s",
            "threshold": 3,
            "backoff": "1s",
        }
        first.tell(endpoint, authority=folder / "ca.crt")
        with first:
            yield first, client


def _push(host: str, tag: str, top: Blob) -> None:
    async def main() -> None:
        reference = Reference.parse(f"{host}/team/app:{tag}")
        async with aiohttp.ClientSession() as session:
            upload = Upload(session, reference, None, plain_http=True)
            for child in top.children:
                await upload.put_blob(child.data)
            await upload.put_manifest(top.data, media_type=top.media_type)

    asyncio.run(main())


def _layers(facts: Path) -> int:
    """How many layers' facts the webhook has written."""
    with closing(SqliteStore(facts)) as store:
        return store.statistics()["layers"]


def _wait_until(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < until, "it was not read"
        time.sleep(0.1)


def test_what_is_pushed_is_read_once_before_its_first_pod(tmp_path: Path) -> None:
    with _told(tmp_path) as (registry, client):
        _push(registry.host, "1", STATIC)
        _push(registry.host, "2", BROKEN)
        _wait_until(lambda: _layers(tmp_path / "facts.db") == 2)
        reviews = [review_of(f"{registry.host}/team/app:{tag}") for tag in "12"]
        starts, fails = (
            client.post("/validate", json=review).json()["response"] for review in reviews
        )
        log = registry.log()
    assert (starts["allowed"], fails["allowed"]) == (True, False)
    assert "warnings" not in starts
    assert "loader_missing" in fails["status"]["message"]
    for top in (STATIC, BROKEN):
        asked = f'"GET /v2/team/app/blobs/{top.children[-1].digest} '
        assert log.count(asked) == 1
