"""The API server is of the minor that is asked for, so that what is recorded of it is true."""

import json
from collections.abc import Callable

import pytest

from support.chart import helms
from support.control_plane import MINOR, ControlPlane

pytestmark = pytest.mark.e2e


def test_the_api_server_is_of_the_minor_that_is_asked_for(
    cluster: ControlPlane, record_testsuite_property: Callable[[str, object], None]
) -> None:
    version: str = json.loads(cluster.must("get", "--raw", "/version"))["gitVersion"]
    record_testsuite_property("kubernetes", version.removeprefix("v"))
    record_testsuite_property("helm", " and ".join(sorted(helms())))
    assert version.startswith(f"v{MINOR}.")
