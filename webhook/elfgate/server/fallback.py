"""The answer when there is no verdict: a review is never left without one.

The API server takes a missing or malformed answer for a failed webhook; what then happens is up to
``failurePolicy``, and with ``Ignore`` no client learns of it. An answer of our own says what went
wrong (Kubernetes, "Dynamic Admission Control": response format).
"""

import orjson

from elfgate.cluster.review import response
from elfgate.errors import InputError


def review_uid(body: bytes) -> str:
    """The ``request.uid`` that an answer must echo.

    Raises:
        InputError: if the body is no AdmissionReview with a request.
    """
    return str(review_request(body)["uid"])


def review_request(body: bytes) -> dict[str, object]:
    """The ``request``, of which nothing is sure but its uid.

    Raises:
        InputError: if the body is no AdmissionReview with a request.
    """
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"the body is no JSON: {error.msg}, line {error.lineno} column {error.colno}"
        ) from None
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise InputError("the body is not an AdmissionReview")
    request = review.get("request")
    if (
        not isinstance(request, dict)
        or not isinstance(request.get("uid"), str)
        or not request["uid"]
    ):
        raise InputError("the AdmissionReview has no request.uid")
    return request


def fallback(uid: str, *, why: str, allow: bool) -> bytes:
    """Answer a review that was not judged: admitted with a warning, or refused.

    ``why`` is a clause.
    """
    text = f"elfgate could not judge: {why}"
    answer = (
        response(uid, allowed=True, warnings=[text])
        if allow
        else response(uid, allowed=False, message=text)
    )
    return orjson.dumps(answer)
