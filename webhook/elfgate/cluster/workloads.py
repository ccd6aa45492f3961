"""Objects of manifests → what is to be judged of each."""

from collections.abc import Iterable, Iterator

from elfgate.cluster.kinds import TEMPLATES, Template
from elfgate.cluster.manifests import Manifest
from elfgate.cluster.template import workload
from elfgate.cluster.workload import Workload, within
from elfgate.errors import InputError


def workloads(
    found: Iterable[Manifest], templates: Iterable[Template] = TEMPLATES, namespace: str = ""
) -> Iterator[tuple[Manifest, Workload | None]]:
    """Each object, and what is to be judged of it, if anything.

    Args:
        found: The objects.
        templates: The kinds that hold a pod template.
        namespace: Of objects that name none.

    Raises:
        InputError: if what is read of an object has a wrong type.
    """
    known = tuple(templates)
    for manifest in found:
        try:
            held = workload(manifest.obj, templates=known)
        except InputError as error:
            raise InputError(f"{manifest.position}: {error.message}", hint=error.hint) from error
        yield manifest, held and within(held, namespace)
