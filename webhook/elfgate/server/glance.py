"""A review at a glance: its uid and its namespace, without reading it.

Reading a review costs four times what turning it away does, so that where more come than can even
be read, this is what their answers need. An API server writes a review's fields in one order and
without blanks; any other review is read.

Source: ``k8s.io/api/admission/v1``, ``AdmissionRequest``: the order of its fields.
"""

import re
from dataclasses import dataclass

_BYTES = 4096  # of a review, in which the API server has named the namespace and the operation
_POST = re.compile(rb"POST (/[a-z]+)(?:\?[!-~]*)? HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)(?=\r\n)", re.IGNORECASE)
_OTHER_WAYS = re.compile(rb"\r\n(?:connection|expect|transfer-encoding|upgrade):", re.IGNORECASE)
_REVIEW = re.compile(
    rb'\{"kind":"AdmissionReview","apiVersion":"admission\.k8s\.io/v1","request":'
    rb'\{"uid":"([0-9A-Za-z-]{1,128})",'
    rb'(?:"[A-Za-z]+":(?:"[^"\\{}]*"|\{[^{}]*\}),)*?'
    rb'"namespace":"([0-9a-z.-]{1,253})","operation":"'
)


@dataclass(frozen=True, slots=True)
class Glance:
    """A review that was not read.

    Attributes:
        uid: The review's uid.
        namespace: The review's namespace.
    """

    uid: str
    namespace: str


def request(data: bytes) -> tuple[str, int] | None:
    """The path of a request for a review, and where its body begins.

    None of any that has not come whole.
    """
    post = _POST.match(data)
    end = data.find(b"\r\n\r\n") + 4
    if post is None or end < post.end():
        return None
    lengths = _LENGTH.findall(data, post.end() - 2, end)
    if lengths != [b"%d" % (len(data) - end)] or _OTHER_WAYS.search(data, post.end() - 2, end):
        return None
    return post[1].decode(), end


def review(data: bytes, start: int = 0) -> Glance | None:
    """The review that begins there; None of any that is not as an API server writes it."""
    match = _REVIEW.match(data, start, start + _BYTES)
    return Glance(match[1].decode(), match[2].decode()) if match else None
