"""elfgate as a library: ``scan``, ``check`` and ``audit``, in both colours.

What stands in ``__all__`` is promised by semantic versioning, with the fields of the results; any
other module may change in any release. Nothing is kept between calls but what ``Options.store``
names.
"""

from elfgate.api.asynchronous import audit_async, check_async, scan_async
from elfgate.api.options import Options
from elfgate.api.synchronous import audit, check, scan
from elfgate.errors import ElfgateError, InputError, UnreadableError
from elfgate.policy.engine import EngineError
from elfgate.results.audit import AuditOutput
from elfgate.results.check import CheckOutput
from elfgate.results.image import ScanOutput

__all__ = [
    "AuditOutput",
    "CheckOutput",
    "ElfgateError",
    "EngineError",
    "InputError",
    "Options",
    "ScanOutput",
    "UnreadableError",
    "audit",
    "audit_async",
    "check",
    "check_async",
    "scan",
    "scan_async",
]
