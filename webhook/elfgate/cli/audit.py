"""``elfgate audit``.

What already runs, judged by the gate, and what would move to another architecture.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.cli import cluster_reports
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
    from collections.abc import Iterator, Sequence

    from elfgate.audit.collection import Collection
    from elfgate.audit.entry import Entry
    from elfgate.audit.judging import Judge
    from elfgate.audit.report import Report
    from elfgate.audit.subject import Subject
    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.nodes import Node
    from elfgate.gate.gate import Gate
    from elfgate.policy.rulebook import Rulebook
    from elfgate.reports.forms import Told
    from elfgate.results.audit import AuditOutput
    from elfgate.settings import Settings

USAGE = """elfgate audit [--context NAME] [-f FILE]... [--nodes FILE | --arch LIST | --for LIST]
                     [OPTION]... [-o FORMAT]"""
DESCRIPTION = """Judge the workloads of a cluster as the webhook would, all at once: what starts
today, what would fail where it may land, what is not known and why. What one owner makes is
judged once, as its owner's, and each image's reason is told once. With --for, tell which
workloads could move to other platforms, and what is in the way of the rest."""
EPILOG = """Without -f, the workloads and nodes of the current kubeconfig context's cluster are \
judged; in a pod, of the
pod's own. FILE is YAML or JSON with any number of objects, as `kubectl get -A -o json` prints; a \
folder stands for the
manifests in and below it; - is standard input. Nodes among the objects are those that pods may \
land on,
unless --nodes or --arch says otherwise.

exit codes: 0 nothing fails; 1 something fails (see --fail-on); 2 bad usage or input; 3 unknown, \
with
--fail-on unknown; 4 no verdict from the policies

examples:
  elfgate audit --context production --owner-label team
  kubectl get nodes,namespaces,deployments,statefulsets,daemonsets,cronjobs,jobs,pods -A -o json | \
elfgate audit -f -
  elfgate audit -f objects.json --for linux/arm64,linux/ppc64le --owner-label team
  elfgate audit -f objects.json -o json > known.json; elfgate audit -f later.json --baseline \
known.json
"""
FAIL_ON = ("denied", "failing", "unknown")


def add_objects(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which objects are judged, where, and whose they are."""
    parser.add_argument(
        "-f",
        "--file",
        action="append",
        default=[],
        dest="files",
        metavar="FILE",
        help="judge the objects in FILE, not a cluster's; - is standard input; may be repeated",
    )
    parser.add_argument(
        "--context",
        metavar="NAME",
        help="judge the cluster of this kubeconfig context (default: the current one); with -f, "
        "for its nodes only",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--nodes",
        type=Path,
        metavar="FILE",
        help="judge for these nodes, as `kubectl get nodes -o json` prints them",
    )
    where.add_argument(
        "--arch",
        metavar="LIST",
        help="judge for one node of each architecture, such as amd64,arm64",
    )
    where.add_argument(
        "--for",
        dest="to_come",
        metavar="LIST",
        help="tell what could move to these platforms, such as linux/arm64,linux/ppc64le",
    )
    parser.add_argument(
        "--look-for-tags",
        action="store_true",
        help="look for a newer or sibling tag that starts where an image fails; this reads up to 8 "
        "tags of each image",
    )
    parser.add_argument(
        "--owner-label",
        default="",
        metavar="KEY",
        help="show the owner that this label or annotation of the workload, its pods or its "
        "namespace names",
    )


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_objects(parser)
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="fail only for findings that this earlier report (-o json) does not have",
    )
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="failing",
        metavar="WHAT",
        help="exit with 1 if the policies deny a workload (denied) or if one fails somewhere "
        "(failing, the default); exit with 3 if one is unknown (unknown)",
    )
    cluster_reports.add_reports(parser)
    add_policies(parser)
    add_outputs(parser, FORMS)
    add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, print, and return the exit code."""
    import asyncio

    from elfgate.audit.report import Report
    from elfgate.policy.rulebook import Rulebook
    from elfgate.results.audit import AuditOutput, read_baseline

    cluster_reports.check(options)
    baseline = read_baseline(options.baseline) if options.baseline else None
    collection = collected(options)
    found = asyncio.run(judged(options, collection))
    report = Report.of(found.entries, baseline)
    book = Rulebook.of(judging(options).bundle())
    output = AuditOutput.of(report, collection, found.revision, book, found.unused)
    tell(options, _told(report, output, book))
    cluster_reports.write(options, report, book, complete=not collection.unread)
    return exit_code(report, options.fail_on, unread=bool(collection.unread))


def exit_code(report: "Report", fail_on: str, *, unread: bool) -> int:
    """The exit code of a report; objects that cannot be read are not known either."""
    from elfgate.audit.entry import State

    if fail_on == "denied":
        return 1 if any(entry.decision == "denied" for entry in report.concerning()) else 0
    counts = report.new()
    if counts[State.FAILS]:
        return 1
    return 3 if fail_on == "unknown" and (unread or counts[State.UNKNOWN]) else 0


def _told(report: "Report", output: "AuditOutput", book: "Rulebook") -> "Told":
    from elfgate.cli import cases, grids
    from elfgate.cli.audit_tables import audit_markdown, workloads_table
    from elfgate.cli.audit_text import audit_text
    from elfgate.reports.forms import Told

    return Told(
        verb="audit",
        text=lambda: audit_text(report, output),
        document=lambda: output,
        cases=lambda: cases.audit_cases(report),
        table=lambda: workloads_table(report),
        grid=lambda: grids.audit_grid(report, book),
        rules=lambda: cases.sarif_rules(book),
        markdown=lambda: audit_markdown(report, output),
    )


def collected(options: argparse.Namespace) -> "Collection":
    """The objects that the options name.

    Raises:
        InputError: if they cannot be read.
    """
    from elfgate.audit.collection import Collection
    from elfgate.cli.manifests import manifests
    from elfgate.cluster.kinds import TEMPLATES

    if "-" in options.files and str(options.nodes) == "-":
        raise InputError(
            "standard input holds the objects: --nodes needs a file",
            hint="write the nodes to a file",
        )
    settings = read_settings(options)
    templates = (*settings.admission.kinds, *TEMPLATES) if settings else TEMPLATES
    collection = Collection(templates, options.owner_label)
    for manifest in manifests(options.files) if options.files else _running(options, collection):
        collection.add(manifest)
    return collection


def _running(options: argparse.Namespace, collection: "Collection") -> "Iterator[Manifest]":
    from elfgate.cluster.running import objects
    from elfgate.gate.exemptions import CONFIG_MAP

    return objects(
        options.context or "",
        templates=collection.templates,
        config_maps=CONFIG_MAP if _exempting(options) else "",
        refused=collection.unread.append,
    )


def _exempting(options: argparse.Namespace) -> "Sequence[str]":
    """The patterns of the namespaces that may exempt themselves."""
    config = judging(options).config
    return config.exempting_namespaces if config else ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of judging.

    Attributes:
        entries: Each workload.
        revision: Of the policies.
        unused: The exemptions that spared nothing, in words; none where policies are not asked.
    """

    entries: "list[Entry]"
    revision: str
    unused: list[str]


async def judged(options: argparse.Namespace, collection: "Collection") -> Judged:
    """Judge each workload.

    Raises:
        InputError: if the nodes, images or policies cannot be used.
        EngineError: if the policies gave no verdict that can be trusted.
    """
    from elfgate.audit.judging import audit, judged_again, once_more
    from elfgate.audit.look import failing, look_for_tags
    from elfgate.cluster.namespaces import Given
    from elfgate.cluster.outlook import Outlook
    from elfgate.gate.exemptions import NamespaceExemptions
    from elfgate.wiring.gate import gate as gate_of
    from elfgate.wiring.gate import idle_exemptions

    settings = read_settings(options)
    outlook = settings.nodes.outlook if settings else Outlook()
    subjects = collection.subjects()
    check_named(options.images, (subject.workload for subject in subjects))
    options.progress.count(len(subjects), "workloads")
    images, nodes = reading(options, settings), _nodes(options, collection)
    namespaces = Given.of(collection.namespaces)
    granted = NamespaceExemptions.given(_exempting(options), collection.exemptions, "default")
    by = judging(options)
    async with gate_of(by, images, nodes, outlook, namespaces, exemptions=granted) as gate:
        judge, found = _judge_of(options, gate, settings), []
        async for entry in audit(subjects, judge):
            found.append(entry)
            options.progress.done(len(found), _next(subjects, len(found)))
        if options.look_for_tags and await look_for_tags(failing(found), gate.scanner):
            found = await judged_again(found, judge, lambda entry: bool(entry.failing))
        else:
            found = await once_more(found, judge)
        unused = [] if options.to_come else idle_exemptions(gate)
        return Judged(found, gate.engine.revision, unused)


def _next(subjects: "Sequence[Subject]", count: int) -> str:
    """The image of the workload that is waited for."""
    if count >= len(subjects):
        return ""
    return next((each.image for each in subjects[count].workload.containers), "")


def _judge_of(options: argparse.Namespace, gate: "Gate", settings: "Settings | None") -> "Judge":
    from elfgate.audit.judging import ToCome, Today
    from elfgate.cluster.exempt import Exemption
    from elfgate.platforms import Platform

    if options.to_come is None:
        exempt = settings.admission.exempt_namespaces if settings else ()
        return Today(gate, Exemption(exempt, own=""))
    names = [name for name in options.to_come.split(",") if name.strip()]
    if not names:
        raise InputError("--for names no platform", hint="name some, such as linux/arm64")
    return ToCome.of(gate, [Platform.parse(name) for name in dict.fromkeys(names)])


def _nodes(options: argparse.Namespace, collection: "Collection") -> "Sequence[Node]":
    from elfgate.cli.manifests import read_file
    from elfgate.cluster import nodes

    if options.to_come is not None:
        return ()
    if options.arch is not None:
        return nodes.nodes_of([name for name in options.arch.split(",") if name])
    if options.nodes is not None:
        return nodes.read_nodes(read_file(str(options.nodes)), source=str(options.nodes))
    if options.context is not None or not options.files:
        from elfgate.cluster.api import read_context

        return read_context(options.context or "")
    if not collection.nodes:
        raise InputError(
            "there is no node among the objects",
            hint="add them (kubectl get nodes,…), or name them with --nodes, --arch, --context "
            "or --for",
        )
    return collection.nodes
