"""Errors of a cluster's API server: refusals and silence, each as one line."""

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, cast

import orjson

from elfgate.cluster.part import Part
from elfgate.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import ApiException


class ApiError(InputError):
    """The API server does not do what it is asked to, or does not answer.

    Attributes:
        status: Its HTTP status; 0 if there is no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Errors:
    """Turns what the client and urllib3 raise into one line."""

    host: str
    deed: str

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from kubernetes.client import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        match error:
            case ApiException():
                self._refused(error)
            case orjson.JSONDecodeError():
                raise InputError(
                    f"{self.host} is not a Kubernetes API server: its answer is not JSON"
                ) from error
            case HTTPError() | OSError():
                # What urllib3 says of its retries holds the reason, in the middle of a long line.
                why = one_line(getattr(error, "reason", error))
                raise ApiError(f"the cluster at {self.host} does not answer: {why}") from error

    def _refused(self, error: "ApiException") -> NoReturn:
        """The status, and the API server's own words if it has any (a Status object)."""
        try:
            said = Part(orjson.loads(error.body or b"")).get("message").text()
        except (orjson.JSONDecodeError, InputError):
            said = str(error.reason)
        status = cast("int", error.status)
        message = f"the cluster at {self.host} does not {self.deed}: {status} {one_line(said)}"
        raise ApiError(message, status) from error


def one_line(error: object) -> str:
    """An error's words without the line breaks that libraries put into them."""
    return " ".join(str(error).split())
