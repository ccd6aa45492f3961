"""``elfgate check``: manifests, judged as the webhook would judge them."""

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.forms import FORMS, add_outputs, tell
from elfgate.cli.options import (
    add_policies,
    add_reading,
    check_named,
    judging,
    read_settings,
    reading,
)
from elfgate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.nodes import Node
    from elfgate.gate.gate import Judgement
    from elfgate.policy.rulebook import Rulebook
    from elfgate.reports.forms import Told
    from elfgate.results.check import CheckOutput

USAGE = "elfgate check FILE... (--nodes FILE | --arch LIST | --context NAME) [-o FORMAT]"
DESCRIPTION = """Judge Kubernetes manifests as the webhook would: every object that holds a pod
template, against the nodes that its pods may land on. Other objects are skipped."""
EPILOG = """FILE is YAML or JSON with any number of documents, as `helm template` and `kustomize \
build` print; a folder
stands for the manifests in and below it; - is standard input. Documents that are no Kubernetes \
objects are
named and skipped.

exit codes: 0 admitted; 1 denied; 2 bad usage or input; 3 unknown, with --fail-on unknown
or warning; 4 no verdict from the policies

examples:
  helm template charts/app | elfgate check - --arch amd64,ppc64le
  elfgate check deploy.yaml --nodes nodes.json --image registry.example/app:2=oci:build/app
  kubectl get nodes -o json > nodes.json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", nargs="+", metavar="FILE", help="manifests; - for standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--nodes",
        type=Path,
        metavar="FILE",
        help="judge for these nodes, as `kubectl get nodes -o json` prints them",
    )
    where.add_argument(
        "--arch",
        metavar="LIST",
        help="judge for one node of each architecture, such as amd64,ppc64le",
    )
    where.add_argument(
        "--context", metavar="NAME", help="judge for the nodes of this kubeconfig context's cluster"
    )
    parser.add_argument(
        "-n",
        "--namespace",
        default="default",
        metavar="NAME",
        help="the namespace of objects that name none (default: default)",
    )
    parser.add_argument(
        "--fail-on",
        choices=("denied", "unknown", "warning"),
        default="denied",
        metavar="WHAT",
        help="exit with 1 if an object is denied (denied, the default); unknown: also exit with 3 "
        "if a start is unknown; warning: also exit with 1 if there is a warning",
    )
    parser.add_argument(
        "--strict",
        action="store_const",
        const="unknown",
        dest="fail_on",
        help="short for --fail-on unknown",
    )
    parser.add_argument(
        "--show-document",
        action="store_true",
        help="print what the rules see of each object first, as `elfgate bundle eval` takes it",
    )
    add_policies(parser)
    add_outputs(parser, FORMS)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, print, and return the exit code."""
    import asyncio

    from elfgate.cli.ahead import read_ahead
    from elfgate.policy.rulebook import Rulebook

    if "-" in options.file and str(options.nodes) == "-":
        raise InputError(
            "standard input holds the manifests: --nodes needs a file",
            hint="write the nodes to a file",
        )
    # Manifests and nodes hold no cycles, and looking for some takes a seventh of the time.
    gc.disable()
    with read_ahead(options.file) as manifests:
        book = Rulebook.of(judging(options).bundle())
        output = asyncio.run(_check(options, manifests, book))
    tell(options, _told(output, book))
    return exit_code(output, options.fail_on)


def _told(output: "CheckOutput", book: "Rulebook") -> "Told":
    from elfgate.cli import cases, grids
    from elfgate.cli.check_text import check_table, check_text
    from elfgate.reports.forms import Told

    return Told(
        verb="check",
        text=lambda: check_text(output),
        document=lambda: output,
        cases=lambda: cases.check_cases(output),
        table=lambda: check_table(output),
        grid=lambda: grids.check_grid(output),
        rules=lambda: cases.sarif_rules(book),
    )


def exit_code(output: "CheckOutput", fail_on: str) -> int:
    """The exit code of the results."""
    verdicts = {result.verdict for result in output.results}
    if "denied" in verdicts:
        return 1
    if fail_on != "denied" and any(result.unknown for result in output.results):
        return 3
    return 1 if fail_on == "warning" and "warned" in verdicts else 0


async def _check(
    options: argparse.Namespace, manifests: "Iterable[Manifest]", book: "Rulebook"
) -> "CheckOutput":
    from elfgate.cluster.exempt import Exemption
    from elfgate.cluster.kinds import TEMPLATES
    from elfgate.cluster.namespaces import Given
    from elfgate.cluster.outlook import Outlook
    from elfgate.cluster.workloads import workloads
    from elfgate.gate.exemptions import NamespaceExemptions
    from elfgate.policy.mask import masked
    from elfgate.policy.sight import Sight
    from elfgate.wiring.checking import checked
    from elfgate.wiring.gate import gate as gate_of

    def show(judgement: "Judgement") -> None:
        if options.show_document:
            shown = masked(judgement.document, Sight(gate.looks())).json
            sys.stdout.write(f"{shown.decode()}\n")

    settings = read_settings(options)
    templates = (*settings.admission.kinds, *TEMPLATES) if settings else TEMPLATES
    _check_namespace(options.namespace)
    nodes = _nodes(options)  # first, as another process reads the manifests meanwhile
    found = list(workloads(manifests, templates, options.namespace))
    check_named(options.images, (workload for _, workload in found if workload))
    outlook = settings.nodes.outlook if settings else Outlook()
    exemption = Exemption(settings.admission.exempt_namespaces if settings else (), own="")
    images = reading(options, settings)
    namespaces = Given.of(manifest for manifest, _ in found)
    by = judging(options)
    allowed = by.config.exempting_namespaces if by.config else ()
    objects = (manifest.obj for manifest, _ in found)
    exemptions = NamespaceExemptions.given(allowed, objects, options.namespace)
    async with gate_of(by, images, nodes, outlook, namespaces, exemptions=exemptions) as gate:
        return await checked(found, gate, book, exemption, show)


def _check_namespace(name: str) -> None:
    """Refuse what no namespace is called: its settings would hold for nothing.

    Raises:
        InputError: if no namespace can have the name.
    """
    from elfgate.policy.names import namespace_name

    try:
        namespace_name(name)
    except ValueError as error:
        raise InputError(f"--namespace: {error}") from None


def _nodes(options: argparse.Namespace) -> "tuple[Node, ...]":
    from elfgate.cli.manifests import read_file
    from elfgate.cluster import nodes

    if options.arch is not None:
        return nodes.nodes_of([name for name in options.arch.split(",") if name])
    if options.nodes is not None:
        return nodes.read_nodes(read_file(str(options.nodes)), source=str(options.nodes))
    from elfgate.cluster.api import read_context

    return read_context(options.context)
