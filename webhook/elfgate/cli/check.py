"""``elfgate check``: manifests, judged as the webhook would judge them."""

import argparse
import asyncio
import gc
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli.options import (
    add_outputs,
    add_policies,
    add_reading,
    check_named,
    judging,
    outputs,
    read_settings,
    reading,
)
from elfgate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from elfgate.cli.output import CheckOutput, ResultOutput
    from elfgate.cluster.exempt import Exemption
    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.nodes import Node
    from elfgate.cluster.workload import Workload
    from elfgate.gate.gate import Gate
    from elfgate.policy.verdict import Verdict

USAGE = "elfgate check FILE... (--nodes FILE | --arch LIST | --context NAME) [-o FORMAT]"
DESCRIPTION = """Judge Kubernetes manifests as the webhook would: every object that holds a pod template, against the
nodes that its pods may land on. Other objects are passed over."""
EPILOG = """FILE is YAML or JSON with any number of documents, as `helm template` and `kustomize build` print; a folder
stands for the manifests in and below it; - is standard input. Documents that are no Kubernetes objects are
named and passed over.

exit codes: 0 admitted; 1 denied; 2 bad usage or input; 3 unknown, with --fail-on unknown
or warning; 4 no verdict from the policies

examples:
  helm template charts/app | elfgate check - --arch amd64,ppc64le
  elfgate check deploy.yaml --nodes nodes.json --image registry.example/app:2=oci:build/app
  kubectl get nodes -o json > nodes.json
"""
_WORDS = ("denied", "warned", "admitted", "exempt", "unknown")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("file", nargs="+", metavar="FILE", help="manifests; - for standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--nodes",
        type=Path,
        metavar="FILE",
        help="nodes, as `kubectl get nodes -o json` prints them",
    )
    where.add_argument(
        "--arch", metavar="LIST", help="one node of each architecture, such as amd64,ppc64le"
    )
    where.add_argument(
        "--context", metavar="NAME", help="the nodes of this kubeconfig context's cluster"
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
        help="exit with 1 for what is denied (denied, the default), also with 3 for what is not "
        "known (unknown), also with 1 for any warning (warning)",
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
    add_outputs(parser, "text", "json", "junit", "sarif")
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, print, and return the exit code."""
    from elfgate.cli.ahead import read_ahead

    if "-" in options.file and str(options.nodes) == "-":
        raise InputError(
            "standard input is the manifests: it cannot be --nodes too",
            hint="write the nodes to a file",
        )
    outputs(options)
    gc.set_threshold(
        100_000
    )  # looking for cycles among modules and manifests takes a seventh of the time
    with read_ahead(options.file) as manifests:
        return _told(asyncio.run(_check(options, manifests)), options)


def _told(output: "CheckOutput", options: argparse.Namespace) -> int:
    from elfgate.reports.outlets import write

    write(outputs(options), _writers(output, options))
    return exit_code(output, options.fail_on)


def _writers(
    output: "CheckOutput", options: argparse.Namespace
) -> "Mapping[str, Callable[[], str]]":
    """The writer of each format."""
    from elfgate.cli import cases
    from elfgate.cli.output import json_text

    return {
        "text": lambda: _text(output),
        "json": lambda: json_text(output),
        "junit": lambda: cases.write_junit(cases.check_cases(output), "check"),
        "sarif": lambda: cases.write_sarif(cases.check_cases(output), options),
    }


def exit_code(output: "CheckOutput", fail_on: str) -> int:
    """The exit code of the results."""
    verdicts = {result.verdict for result in output.results}
    if "denied" in verdicts:
        return 1
    if fail_on != "denied" and any(result.unknown for result in output.results):
        return 3
    return 1 if fail_on == "warning" and "warned" in verdicts else 0


async def _check(options: argparse.Namespace, manifests: "Iterable[Manifest]") -> "CheckOutput":
    from elfgate.cli.manifests import workloads
    from elfgate.cli.output import CheckOutput
    from elfgate.cluster.exempt import Exemption
    from elfgate.cluster.outlook import Outlook
    from elfgate.cluster.template import TEMPLATES
    from elfgate.cluster.workload import within
    from elfgate.policy.cautions import described, is_for
    from elfgate.wiring.gate import gate as gate_of
    from elfgate.wiring.gate import granted

    settings = read_settings(options)
    templates = (*settings.admission.kinds, *TEMPLATES) if settings else TEMPLATES
    found = list(workloads(manifests, templates))
    check_named(options.images, (workload for _, workload in found if workload))
    outlook = settings.nodes.outlook if settings else Outlook()
    exempt = settings.admission.exempt_namespaces if settings else ()
    exemption = Exemption(exempt, own="")
    images = reading(options, settings)
    async with gate_of(judging(options), images, _nodes(options), outlook) as gate:
        results = [
            await _judged(gate, manifest, within(workload, options.namespace), options, exemption)
            for manifest, workload in found
            if workload is not None
        ]
        revision = gate.engine.revision
        idle = granted(gate).unused(revision)
    namespaces = {result.namespace for result in results}
    unjudged = [manifest for manifest, workload in found if workload is None]
    return CheckOutput(
        revision=revision,
        results=results,
        passed_over=len(unjudged),
        kinds_passed_over=dict(
            sorted(Counter(item.kind for item in unjudged if item.kind).items())
        ),
        no_objects=[item.position for item in unjudged if not item.kind],
        unused=[described(each) for each in idle if is_for(each, namespaces)],
    )


async def _judged(
    gate: "Gate",
    manifest: "Manifest",
    workload: "Workload",
    options: argparse.Namespace,
    exemption: "Exemption",
) -> "ResultOutput":
    from elfgate.gate.gate import Case
    from elfgate.policy.mask import masked
    from elfgate.policy.sight import Sight

    if exemption.covers(workload.namespace, manifest.obj):
        return _result(manifest.position, workload, None)
    judgement = await gate.judge(Case.of_check(workload))
    if options.show_document:
        shown = masked(judgement.document, Sight(gate.looks())).json
        sys.stdout.write(f"{shown.decode()}\n")
    return _result(manifest.position, workload, judgement.verdict)


def _nodes(options: argparse.Namespace) -> "tuple[Node, ...]":
    from elfgate.cli.manifests import read_file
    from elfgate.cluster import nodes

    if options.arch is not None:
        return nodes.nodes_of([name for name in options.arch.split(",") if name])
    if options.nodes is not None:
        return nodes.read_nodes(read_file(str(options.nodes)), source=str(options.nodes))
    from elfgate.cluster.api import read_context

    return read_context(options.context)


def _result(source: str, workload: "Workload", verdict: "Verdict | None") -> "ResultOutput":
    """The result of one object; without a verdict, it is exempt."""
    from elfgate.cli.output import ResultOutput

    about = {
        "source": source,
        "kind": workload.kind,
        "namespace": workload.namespace,
        "name": workload.name,
    }
    if verdict is None:
        return ResultOutput.model_validate({**about, "verdict": "admitted", "exempt": True})
    word = "admitted" if not verdict.warnings else "warned"
    said = {
        "verdict": word if verdict.allowed else "denied",
        "unknown": verdict.unknown,
        "denials": verdict.denials,
        "warnings": verdict.warnings,
        "would_deny": verdict.would_deny,
    }
    return ResultOutput.model_validate({**about, **said})


def _text(output: "CheckOutput") -> str:
    from elfgate.cli.text import violation_lines

    lines = []
    for result in output.results:
        name = "/".join(part for part in (result.namespace, result.name) if part)
        lines.append(f"{result.source}: {result.kind} {name}: {_word(result)}")
        lines += violation_lines(result.denials, result.warnings, result.would_deny)
    counts: Counter[str] = Counter(map(_word, output.results))
    counts["unknown"] = sum(result.unknown for result in output.results)
    summary = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
    held = sum(bool(result.would_deny) for result in output.results)
    summary += f" ({held} would be denied)" if held else ""
    lines += [f"{position}: no Kubernetes object, passed over" for position in output.no_objects]
    lines += [f"{exemption} spares nothing of this" for exemption in output.unused]
    return "\n".join((*lines, f"{summary or 'nothing to judge'}{_passed_over(output)}", ""))


def _word(result: "ResultOutput") -> str:
    return "exempt" if result.exempt else result.verdict


def _passed_over(output: "CheckOutput") -> str:
    """Name what holds no pod template, each kind once."""
    if not output.passed_over:
        return ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in output.kinds_passed_over.items())
    return f"; {output.passed_over} passed over{f' ({kinds})' if kinds else ''}"
