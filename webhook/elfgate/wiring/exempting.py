"""The exemptions that namespaces grant by ConfigMaps, followed where the settings let them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from elfgate.cluster.access import Access
from elfgate.cluster.api import Api
from elfgate.cluster.configmaps import ConfigMapWatch
from elfgate.gate.exemptions import CONFIG_MAP, NamespaceExemptions
from elfgate.settings import Settings


@asynccontextmanager
async def exempting(settings: Settings) -> AsyncIterator[NamespaceExemptions | None]:
    """The exemptions of namespaces, kept up to date while the context lasts.

    None if no namespace may grant any.

    Raises:
        InputError: if the kubeconfig cannot be read.
    """
    allowed = settings.policies.exempting_namespaces
    if not allowed:
        yield None
        return
    kept = NamespaceExemptions(allowed)
    access = Access(settings.cluster.kubeconfig, settings.cluster.context)
    with Api(access) as api:
        async with ConfigMapWatch(api, CONFIG_MAP, kept).following():
            yield kept
