"""What one stranger, or one tenant, may try. Each runs until it is stopped.

What needs images has them prepared (``images``), and asks about them as ``image(target, name)``.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from support.hostile.target import Line, Target
from support.judging import review_of
from support.objects import container, pod

Run = Callable[[Target], Awaitable[None]]


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        name: What the table calls it.
        run: Attacks until it is cancelled.
        aims: At images of the other tenant's that the attacker knows of.
    """

    name: str
    run: Run
    aims: bool = False


async def again(target: Target, once: Callable[[int], Awaitable[None]], at_a_time: int) -> None:
    """Do it again and again, so many times at a time on each replica, whatever comes of it."""

    tried: Counter[str] = Counter()

    async def always(port: int) -> None:
        while True:
            try:
                await once(port)
                tried["done"] += 1
            except (OSError, ValueError, EOFError) as error:
                tried[f"{type(error).__name__}: {error}"] += 1
            await asyncio.sleep(0.001)

    async def told() -> None:
        while True:
            await asyncio.sleep(0.2)
            print(dict(tried), flush=True)  # noqa: T201  # for whoever wonders what became of it

    each = (always(port) for port in target.ports for _ in range(at_a_time))
    await asyncio.gather(told(), *each)


# --- connections -----------------------------------------------------------------------------


async def endless_header(target: Target) -> None:
    context = target.trust()

    async def once(port: int) -> None:
        line = await Line.open(port, context)
        await line.send(b"GET /healthz HTTP/1.1\r\nx: ")
        try:
            while True:
                await line.send(b"y" * 65536)
        finally:
            line.drop()

    await again(target, once, 2)


def held(data: bytes, number: int, *, tls: bool = True) -> Run:
    """Hold so many connections on which nothing but this is ever sent."""

    async def run(target: Target) -> None:
        context = target.trust() if tls else None
        lines: list[Line] = []

        async def hold(port: int) -> None:
            with suppress(OSError, EOFError):
                line = await Line.open(port, context)
                lines.append(line)
                await line.send(data)

        while True:
            for _ in range(number // 20):
                await asyncio.gather(*(hold(port) for port in target.ports for _ in range(20)))
                print({"open": len(lines)}, flush=True)  # noqa: T201
            await asyncio.sleep(2)
            for line in lines[: -number * len(target.ports)]:
                line.drop()
            del lines[: -number * len(target.ports)]

    return run


async def bodies_that_trickle(target: Target) -> None:
    context, size = target.trust(), 3_000_000
    start = b"POST /validate?timeout=30s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size

    async def once(port: int) -> None:
        line = await Line.open(port, context)
        try:
            await line.send(start)
            for _ in range(28):
                await line.send(b" " * 100_000)
            await line.answer()
        finally:
            line.drop()

    await again(target, once, 75)


async def chunks_without_end(target: Target) -> None:
    context = target.trust()

    async def once(port: int) -> None:
        line = await Line.open(port, context)
        try:
            await line.send(
                b"POST /validate?timeout=30s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            while True:
                await line.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
        finally:
            line.drop()

    await again(target, once, 20)


async def requests_behind_one_another(target: Target) -> None:
    context = target.trust()

    async def once(port: int) -> None:
        line = await Line.open(port, context)
        try:
            await line.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 5000)
            await line.answer()
        finally:
            line.drop()

    await again(target, once, 4)


async def handshakes(target: Target) -> None:
    context = target.trust()

    async def once(port: int) -> None:
        (await Line.open(port, context)).drop()

    await again(target, once, 8)


async def noise(target: Target) -> None:
    context = target.trust()

    async def once(port: int) -> None:
        line = await Line.open(port, context)
        try:
            await line.send(b"\x00\xff" * 100)
            await line.answer()
        finally:
            line.drop()

    await again(target, once, 4)


# --- reviews ---------------------------------------------------------------------------------


def reviews(body: Callable[[Target, int], bytes], at_a_time: int = 4) -> Run:
    """Post reviews, each by its number."""

    async def run(target: Target) -> None:
        context, numbers = target.trust(), count()

        async def once(port: int) -> None:
            line = await Line.open(port, context)
            try:
                await line.post(body(target, next(numbers)))
            finally:
                line.drop()

        await again(target, once, at_a_time)

    return run


def once_made(make: Callable[[Target], bytes]) -> Callable[[Target, int], bytes]:
    """The same body each time, but for the object's name, which is part of what is judged."""
    made: list[bytes] = []

    def body(target: Target, number: int) -> bytes:
        if not made:
            made.append(make(target))
        return made[0].replace(b"NUMBER", b"%06d" % number)

    return body


def of_pod(*containers: dict[str, Any], on: str = "ppc64le") -> bytes:
    """The review of a pod whose containers' names are new in each."""
    spec = pod(*containers, nodeSelector={"kubernetes.io/arch": on})
    spec["metadata"] |= {"name": "NUMBER", "namespace": "stranger"}
    return review_of(spec, uid="uNUMBER", namespace="stranger")


def with_environment(image: str, number: int = 1, **environment: str) -> Callable[[Target], bytes]:
    """A pod of an image with a long environment."""
    env = [{"name": name, "value": value} for name, value in environment.items()]

    def make(target: Target) -> bytes:
        made = [
            container(f"c{place}-NUMBER", target.images[image], env=env, command=["nothing"])
            for place in range(number)
        ]
        return of_pod(*made)

    return make


def with_volumes(number: int) -> Callable[[Target], bytes]:
    """A pod with so many volumes, of an image each."""

    def make(target: Target) -> bytes:
        obj = pod(container("cNUMBER", target.images["good"]))
        obj["metadata"] |= {"name": "NUMBER"}
        obj["spec"]["volumes"] = [{"image": {"reference": f"i{each}"}} for each in range(number)]
        return review_of(obj, uid="uNUMBER")

    return make


def with_arguments(target: Target) -> bytes:
    """A pod with 300,000 arguments, in each of which a variable is looked for."""
    return of_pod(container("cNUMBER", target.images["good"], args=["$(A)"] * 300_000))


def with_groups(target: Target) -> bytes:
    """A pod whose process is to have 200,000 groups."""
    obj = pod(container("cNUMBER", target.images["good"]))
    obj["metadata"] |= {"name": "NUMBER"}
    obj["spec"]["securityContext"] = {"supplementalGroups": list(range(200_000))}
    return review_of(obj, uid="uNUMBER")


def with_templates(_target: Target) -> bytes:
    """An Argo Workflow of 60,000 templates, none of which has a container."""
    obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "NUMBER", "namespace": "stranger"},
        "spec": {"templates": [{"name": "t", "steps": []}] * 60_000},
    }
    return review_of(obj, uid="uNUMBER")


def containers(number: int, image: str = "") -> Callable[[Target], bytes]:
    """A pod of so many containers, of one image or of one each."""

    def make(target: Target) -> bytes:
        name = target.images["good"]
        made = [
            container(f"c{place}-NUMBER", image.format(place) or name) for place in range(number)
        ]
        return of_pod(*made)

    return make


def large(_target: Target) -> bytes:
    """A review of nearly 3 MB, most of which decides nothing."""
    annotations = {f"a{number}": "x" * 100 for number in range(24_000)}
    obj = pod(container("cNUMBER"))
    obj["metadata"] |= {"name": "NUMBER", "annotations": annotations}
    return review_of(obj, uid="uNUMBER")


def deep(_target: Target) -> bytes:
    """A review nested as deeply as JSON is read."""
    obj = pod(container("cNUMBER"))
    obj["metadata"] |= {"name": "NUMBER"}
    whole = review_of(obj, uid="uNUMBER")
    return whole.replace(b'"spec": {', b'"spec": {"deep": ' + b"[" * 900 + b"]" * 900 + b", ", 1)


def image(name: str) -> Callable[[Target], bytes]:
    """A pod of an image that was prepared."""
    return lambda target: of_pod(container("cNUMBER", target.images[name]))


def images(prefix: str, at_a_time: int) -> Callable[[Target, int], bytes]:
    """Pods of the images whose names begin so, some in each pod, another container each time."""

    def body(target: Target, serial: int) -> bytes:
        names = [name for name in target.images if name.startswith(prefix)]
        chosen = [names[(serial + place) % len(names)] for place in range(at_a_time)]
        made = [container(f"c{n}-NUMBER", target.images[name]) for n, name in enumerate(chosen)]
        return of_pod(*made).replace(b"NUMBER", b"%06d" % serial)

    return body


ATTACKS = [
    Attack("endless header", endless_header),
    Attack("half a head on each connection", held(b"GET / HTTP/1.1\r\nhost:", 500)),
    Attack("connections that say nothing", held(b"", 1100)),
    Attack("half a handshake on each connection", held(b"\x16\x03\x01\x02", 1100, tls=False)),
    Attack("one handshake after another", handshakes),
    Attack("bodies of 3 MB that trickle", bodies_that_trickle),
    Attack("bodies without end, in chunks", chunks_without_end),
    Attack("5,000 requests in one write", requests_behind_one_another),
    Attack("noise instead of HTTP", noise),
    Attack("reviews of 3 MB", reviews(once_made(large))),
    Attack("reviews 900 deep", reviews(once_made(deep))),
    Attack("10,000 containers of one image", reviews(once_made(containers(10_000)), 1)),
    Attack("10,000 containers of an image each", reviews(
        once_made(containers(10_000, "registry.invalid/i:{}")), 1)),
    Attack("20,000 containers of no image", reviews(once_made(containers(20_000, "::{}")), 1)),
    Attack("volumes of 20,000 images", reviews(once_made(with_volumes(20_000)), 1)),
    Attack("300,000 arguments", reviews(once_made(with_arguments), 1)),
    Attack("200,000 groups", reviews(once_made(with_groups), 1)),
    Attack("60,000 templates without a container", reviews(once_made(with_templates), 1)),
    Attack("PATH of 120,000 elements", reviews(once_made(
        with_environment("script", PATH=":" * 120_000)), 2)),
    Attack("PATH of 1,000,000 elements", reviews(once_made(
        with_environment("script", PATH=":" * 1_000_000)), 2)),
    Attack("LD_LIBRARY_PATH of 19,000 elements, six times", reviews(once_made(
        with_environment("glibc", 6, LD_LIBRARY_PATH=":".join(["/a/b/c"] * 19_000))), 1)),
    Attack("script that cuts strings", reviews(once_made(image("cuts")), 2)),
    Attack("script with a word of 64,000 letters", reviews(once_made(image("letters")), 2)),
    Attack("manifests of 3 MB", reviews(images("manifest ", 10), 1)),
    Attack("layer of 100,000 names", reviews(once_made(image("names")), 1)),
    Attack("eleven registries that drip", reviews(images("drip ", 11), 1)),
    Attack("eleven registries that are silent", reviews(images("silent ", 11), 1)),
    Attack("another's digest from a false registry", reviews(images("false ", 1), 2), aims=True),
    Attack("three slow layers on the shared registry", reviews(once_made(image("slow")), 1)),
]  # fmt: skip


async def attack(name: str, target: Target) -> None:
    """Run the attack of that name."""
    (found,) = (each for each in ATTACKS if each.name == name)
    await found.run(target)
