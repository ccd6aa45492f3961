"""The faults of an installation: how the API server is told to ask the webhook, and whether it can.

Sources: the Kubernetes API reference (ValidatingWebhookConfiguration, labels selectors) and its
page on good practices for admission webhooks (own namespace and kube-system exempt, short timeouts,
no ``Fail`` on bindings).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from elfgate.cluster.api import Api
from elfgate.cluster.part import Part
from elfgate.cluster.probe import Endpoint, probe
from elfgate.cluster.selector import read_term
from elfgate.errors import InputError

DOMAIN = ".elfgate.dev"  # webhooks' names are qualified; ours end in this

_LONGEST_TIMEOUT = 10
_WANTED = (
    "pods",
    "pods/ephemeralcontainers",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
)
_BINDINGS = frozenset(("pods/binding", "bindings"))
_SYSTEM = "kube-system"
NODES = (("list", "nodes"), ("watch", "nodes"))


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at.

    Attributes:
        subject: What.
        state: How it is.
        message: What was found.
        remedy: How to repair it; empty if nothing is wrong.
    """

    subject: str
    state: Literal["ok", "wrong", "unknown"]
    message: str
    remedy: str = ""


def examine(
    api: Api,
    *,
    service_account: str = "",
    rights: Sequence[tuple[str, str]] = NODES,
    revision: str = "",
) -> Iterator[Checked]:
    """Look at all that an installation needs.

    Args:
        api: The cluster.
        service_account: ``NAMESPACE/NAME`` that the webhook runs as; empty if it runs as who asks.
        rights: What that account must be allowed to do: verbs, each with a core resource.
        revision: The policies that should judge; empty if any may.

    Raises:
        InputError: if the API server does not answer, or does not let the webhook configurations be
            listed.
    """
    hooks = [
        hook
        for item in api.validating_webhooks()
        for hook in item.get("webhooks").items()
        if hook.get("name").text().endswith(DOMAIN)
    ]
    if not hooks:
        yield Checked(
            "configuration",
            "wrong",
            f"no ValidatingWebhookConfiguration has a webhook named *{DOMAIN}",
            "apply the installation's manifests: nothing asks elfgate",
        )
    namespaces = api.namespace_labels() if hooks else {}
    for hook in hooks:
        yield from _configuration(hook, namespaces)
        yield from _reachable(hook, api, revision)
    yield _rights(api, service_account, rights)


def _configuration(hook: Part, namespaces: Mapping[str, Mapping[str, str]]) -> Iterator[Checked]:
    """How one webhook is configured."""
    subject = f"webhook {hook.get('name').text()}"
    resources = {
        name for rule in hook.get("rules").items() for name in rule.get("resources").strings()
    }
    fails = hook.get("failurePolicy").text() != "Ignore"  # Kubernetes' default is Fail
    bindings = sorted(_BINDINGS & resources)
    if bindings and fails:
        yield Checked(
            f"{subject}: failure policy",
            "wrong",
            f"failurePolicy Fail on {', '.join(bindings)}",
            "set failurePolicy: Ignore: with Fail, scheduling stops when the webhook does",
        )
    missing = [name for name in _WANTED if name not in resources]
    if not bindings and missing:
        yield Checked(
            f"{subject}: rules",
            "wrong",
            f"it is not asked about {', '.join(missing)}",
            "add them to the webhook's rules",
        )
    elif not bindings:
        yield Checked(
            f"{subject}: rules", "ok", "it is asked about pods and everything that makes them"
        )
    seconds = hook.get("timeoutSeconds").integer() or _LONGEST_TIMEOUT
    if seconds > _LONGEST_TIMEOUT:
        yield Checked(
            f"{subject}: timeout",
            "wrong",
            f"the API server waits {seconds} s",
            f"set timeoutSeconds to {_LONGEST_TIMEOUT} or less",
        )
    yield _lockout(hook, subject, namespaces, fails=fails)


def _lockout(
    hook: Part, subject: str, namespaces: Mapping[str, Mapping[str, str]], *, fails: bool
) -> Checked:
    """Whether the webhook could keep itself, or what the cluster needs, from starting."""
    subject = f"{subject}: lockout"
    if not fails:
        return Checked(
            subject, "ok", "failurePolicy is Ignore: pods are created when the webhook is down"
        )
    own = hook.get("clientConfig", "service", "namespace").text()
    asked = [
        name for name in (own, _SYSTEM) if name in namespaces and _selects(hook, namespaces[name])
    ]
    if asked:
        return Checked(
            subject,
            "wrong",
            f"failurePolicy is Fail, and it is asked about {' and '.join(asked)}",
            "exempt these with namespaceSelector: a webhook that is down keeps itself down",
        )
    return Checked(subject, "ok", "its own namespace and kube-system are exempt")


def _selects(hook: Part, labels: Mapping[str, str]) -> bool:
    """Whether the webhook is asked about a namespace of these labels.

    An empty selector takes all.
    """
    selector = hook.get("namespaceSelector")
    exact = selector.get("matchLabels").texts()
    terms = read_term(Part({"matchExpressions": selector.get("matchExpressions").value})).labels
    return exact.items() <= labels.items() and all(
        item.matches(labels.get(item.key)) for item in terms
    )


def _reachable(hook: Part, api: Api, revision: str) -> Iterator[Checked]:
    """Whether the webhook is there, and shows a certificate that the API server takes."""
    subject = f"webhook {hook.get('name').text()}"
    service = hook.get("clientConfig", "service")
    if service:
        namespace, name = service.get("namespace").text(), service.get("name").text()
        ready = api.ready_endpoints(namespace, name)
        if not ready:
            yield Checked(
                f"{subject}: endpoints",
                "wrong",
                f"the Service {namespace}/{name} has no ready endpoint",
                f"look at its pods: kubectl -n {namespace} get pods,events",
            )
            return
        yield Checked(
            f"{subject}: endpoints", "ok", f"{ready} of the Service {namespace}/{name} are ready"
        )
    try:
        endpoint = Endpoint.of(hook.get("clientConfig"))
    except InputError as error:
        yield Checked(f"{subject}: CA bundle", "wrong", error.message, error.hint)
        return
    for finding in probe(endpoint, revision):
        yield Checked(
            f"{subject}: {finding.aspect}", finding.state, finding.message, finding.remedy
        )


def _rights(api: Api, service_account: str, wanted: Sequence[tuple[str, str]]) -> Checked:
    who = f"the service account {service_account}" if service_account else "this account"
    missing = [
        (verb, resource)
        for verb, resource in wanted
        if not api.may(verb, resource, service_account=service_account)
    ]
    if missing:
        return Checked(
            "rights",
            "wrong",
            f"{who} may not {_named(missing)}",
            f"bind it to a ClusterRole with {_named(wanted)}",
        )
    return Checked("rights", "ok", f"{who} may {_named(wanted)}" if wanted else "it needs none")


def _named(rights: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{verb} {resource}" for verb, resource in rights)
