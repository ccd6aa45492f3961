"""What docs/policies.md and policies/README.md say, read once more and written down in Python.

It knows no Rego. It is slow and plain, and judges one document by one set of settings; tests hold
both engines to it.
"""

from .facts import Told
from .words import Oracle

__all__ = ["Oracle", "Told"]
