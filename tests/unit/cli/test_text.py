"""What people read."""

from elfgate.cli.text import scan_table
from elfgate.linkage.report import Code, Finding, Prediction
from elfgate.linkage.survey import Surveyed
from elfgate.platforms import Platform
from elfgate.scan.scanner import Linkage


def test_what_else_would_fail_is_named_where_its_reason_does_not_name_it() -> None:
    script = Surveyed(
        "/opt/run",
        (Finding(Code.COMMAND_MISSING, "svn", "/bin/sh starts svn, which is not on PATH"),),
    )
    program = Surveyed(
        "/opt/x",
        (Finding(Code.LIBRARY_MISSING, "/opt/x", "/opt/x needs liba.so, which is not there"),),
    )
    linkage = Linkage(
        "app:1", "", Platform.parse("amd64"), Prediction(("/bin/true",)), others=(script, program)
    )
    assert scan_table([linkage]).splitlines()[-2:] == [
        "  /opt/run: /bin/sh starts svn, which is not on PATH  [command_missing]",
        "  /opt/x needs liba.so, which is not there  [library_missing]",
    ]
