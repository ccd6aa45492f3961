"""Tables, whatever a stranger's image writes into their cells."""

import csv
import io

from elfgate.reports.table import Table

TABLE = Table(("image", "message"), [("a|b", "needs <libc>\nand *more*"), ("=1+1", None)])


def test_csv_reads_back_and_holds_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows == [
        ["image", "message"],
        ["a|b", "needs <libc>\\nand *more*"],
        ["'=1+1", ""],
    ]


def test_no_cell_is_markup() -> None:
    _, _, first, second = TABLE.markdown().splitlines()
    assert first == r"| a\|b | needs &lt;libc&gt;\\nand \*more\* |"
    assert second == "| =1+1 |  |"
