"""One AdmissionReview in, one out: the webhook's door to the gate."""

from collections.abc import Mapping, Sequence

from elfgate.cluster.nodes import Inventory
from elfgate.cluster.review import judged, parse, response
from elfgate.cluster.workload import Point
from elfgate.gate import judge
from elfgate.policy.engine import Engine
from elfgate.policy.words import denial, warnings
from elfgate.scan.scanner import Scanner
from elfgate.server.answer import Answer
