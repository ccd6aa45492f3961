"""What people read."""

from elfgate.cli.text import matrix_table, scan_table
from elfgate.linkage.report import Code, Effect, Finding, Prediction, Surveyed
from elfgate.matrix import Matrix
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


def test_no_cell_and_no_reason_is_markup_in_markdown() -> None:
    amd64 = Platform.parse("amd64")
    message = "/a|b <img src=x> needs *libz*"
    finding = Finding(Code.LIBRARY_MISSING, "/a", message, effect=Effect.FAILS)
    linkage = Linkage("dir:a|b", "", amd64, Prediction(("/a",), (finding,)))
    told = matrix_table(Matrix((amd64,), ((linkage,),)), markdown=True)
    header, _, row, _, note = told.splitlines()
    assert header.count("|") == row.replace("\\|", "").count("|") == 3
    assert "<br>library_missing [1]" in row
    assert note == r"[1] /a\|b &lt;img src=x&gt; needs \*libz\*"
