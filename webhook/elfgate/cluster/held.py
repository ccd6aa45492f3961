"""The pod templates in an object, whatever its kind calls them.

Each is in the form of a PodTemplateSpec.

Sources: the Kubernetes API reference (PodTemplateSpec), Argo Workflows' (Template: ``container``,
``script``, ``containerSet``, ``sidecars``), Tekton's (TaskSpec: ``steps``, ``sidecars``,
``stepTemplate``).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from elfgate.cluster.kinds import EACH, Template
from elfgate.cluster.part import Part

_ARGO_PLACEMENT = ("nodeSelector", "affinity", "tolerations", "schedulerName", "volumes")


def held(root: Part, row: Template) -> Iterator[Part]:
    """Find what a row speaks of.

    The parts at its path, each as a PodTemplateSpec (or a whole object).

    Raises:
        InputError: if something on the way has a wrong type.
    """
    for part in _at(root, row.path):
        template = _as_template(part, row)
        if template:
            yield template


def _at(part: Part, path: tuple[str, ...]) -> Iterator[Part]:
    if not part:
        return
    if not path:
        yield part
        return
    for inner in _steps(part, path[0]):
        yield from _at(inner, path[1:])


def _steps(part: Part, step: str) -> Iterable[Part]:
    if step == EACH:
        return _each(part)
    if step.isdecimal() and isinstance(part.value, list):
        return islice(part.each(), int(step), int(step) + 1)
    return (part.get(step),)


def _each(part: Part) -> Iterator[Part]:
    if isinstance(part.value, list):
        return part.each()
    return (Part(value, part, str(key)) for key, value in part.mapping().items())


def _as_template(part: Part, row: Template) -> Part:
    if row.holds == "spec":
        return _part({"spec": part.mapping()}, part)
    if row.holds == "argo":
        return _part({"spec": _of_argo(part)}, part)
    if row.holds == "tekton":
        return _part({"spec": _of_tekton(part)}, part)
    return part


def _part(value: Mapping[str, object], origin: Part) -> Part:
    return Part(dict(value), origin.parent, origin.step)


def _of_argo(part: Part) -> dict[str, Any]:
    own = [_named(inner, "main") for inner in (part.get("container"), part.get("script")) if inner]
    several = part.get("containerSet", "containers").items()
    containers = [*own, *(item.mapping() for item in (*several, *part.get("sidecars").items()))]
    if not own and not several:
        return {}
    first = [item.mapping() for item in part.get("initContainers").items()]
    kept = {key: part.get(key).value for key in _ARGO_PLACEMENT if part.get(key)}
    return {"initContainers": first, "containers": containers, **kept}


def _of_tekton(part: Part) -> dict[str, Any]:
    usual = part.get("stepTemplate").mapping()
    steps = [
        {**usual, **step.mapping(), "name": step.get("name").text() or f"step-{number}"}
        for number, step in enumerate(part.get("steps").items(), 1)
    ]
    sidecars = [item.mapping() for item in part.get("sidecars").items()]
    return {"containers": steps + sidecars} if steps else {}


def _named(container: Part, name: str) -> dict[str, object]:
    return {"name": name, **container.mapping()}
