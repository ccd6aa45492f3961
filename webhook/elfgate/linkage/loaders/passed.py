"""Files of a needed name that a search passes over: what is wrong with each, and what to do."""

import posixpath
from dataclasses import dataclass

from elfgate.linkage import messages
from elfgate.linkage.credentials import READ, Credentials
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.tree import Found, Missing


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that a search has met and not taken.

    Attributes:
        what: The file and what is wrong with it, as a clause.
        remedy: What to change.
    """

    what: str
    remedy: str = messages.FIX_MISMATCH


def unopened(path: str, found: Found | Missing, who: Credentials) -> Passed | None:
    """Say why a candidate does not open; None if there is no such name, or if it opens.

    Args:
        path: The candidate.
        found: Where it leads.
        who: The process.
    """
    if isinstance(found, Found):
        if found.entry.kind is Kind.DIRECTORY or who.may(found.entry, READ):
            return None
        mode = f"mode {found.entry.mode & 0o777:04o}"
        return Passed(f"{found.path} may not be read by user {who.uid} ({mode})", messages.FIX_READ)
    if found.errno == "EACCES":
        what = f"{found.path} may not be searched by user {who.uid}"
        return Passed(what, messages.FIX_REACH)
    name = posixpath.basename(path)
    if found.errno == "ENOENT" and any(link.endswith(f"/{name}") for link in found.symlinks):
        return Passed(f"{path} is a link to {found.path}, which is missing", messages.FIX_TARGET)
    return None
