"""One replica at a time.

A Lease of ``coordination.k8s.io/v1``, as client-go's leader election holds it.

How long another's lease lasts is measured from when it was last seen to change, by this machine's
steady clock: the times in it are another machine's, and only told to people. Source:
``k8s.io/client-go/tools/leaderelection``.
"""

import socket
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from elfgate.cluster.api_errors import ApiError
from elfgate.cluster.owned import Owned
from elfgate.cluster.part import Part

SECONDS = 15
_CONFLICT = 409


class Lease:
    """The right to do what one replica does for all.

    Args:
        owned: Where it is.
    """

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._me = f"{socket.gethostname()}_{uuid.uuid4()}"
        self._seen: tuple[str, float] = (
            "",
            0.0,
        )  # another's lease: its version, and since when it has been that
        self._holding = False

    def acquire(self) -> bool:
        """Take it, or hold it longer. False if another holds it, or was faster.

        Raises:
            ApiError: if the API server says no or nothing.
        """
        lease = self._owned.lease()
        self._holding = self._free(lease) and self._write(lease, self._me)
        return self._holding

    def release(self) -> None:
        """Give it back, if it is ours, so that another need not wait for it to run out.

        Raises:
            ApiError: if the API server says no or nothing.
        """
        if self._holding:
            self._holding = False
            lease = self._owned.lease()
            if _holder(lease) == self._me:
                self._write(lease, "")

    def _free(self, lease: dict[str, Any]) -> bool:
        if _holder(lease) in {"", self._me}:
            return True
        version, now = Part(lease).get("metadata", "resourceVersion").text(), time.monotonic()
        if self._seen[0] != version:
            self._seen = (version, now)
        lasts = Part(lease).get("spec", "leaseDurationSeconds").integer() or SECONDS
        return now - self._seen[1] > lasts

    def _write(self, lease: dict[str, Any], holder: str) -> bool:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = dict(lease.get("spec") or {})
        if holder != spec.get("holderIdentity"):
            spec |= {
                "acquireTime": now,
                "leaseTransitions": (spec.get("leaseTransitions") or 0) + bool(holder),
            }
        spec |= {"holderIdentity": holder, "leaseDurationSeconds": SECONDS, "renewTime": now}
        try:
            self._owned.write_lease({**lease, "spec": spec})
        except ApiError as error:
            if error.status == _CONFLICT:
                return False
            raise
        return True


def _holder(lease: dict[str, Any]) -> str:
    return Part(lease).get("spec", "holderIdentity").text()
