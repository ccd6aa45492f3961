import pytest

from elfgate.rootfs.osrelease import parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ID=alpine", "alpine"),
        ("ID='rhel'", "rhel"),
        ('ID="opensuse-leap"', "opensuse-leap"),
        (r'ID="a \"b\" \$c \\ \`d\`"', 'a "b" $c \\ `d`'),
        ("  ID=debian  ", "debian"),
        ("ID=debian # not Ubuntu", "debian"),
        ("ID=", ""),
        ('ID=""', ""),
        ("ID=one\nID=two", "two"),
        ("\ufeff\n# ID=none\nID=x\r\n", "x"),
    ],
)
def test_values_are_unquoted_as_a_shell_would(line: str, value: str) -> None:
    assert parse(line) == {"ID": value}


@pytest.mark.parametrize(
    "line", ["", "#ID=x", "ID", "=x", "1D=x", 'ID="open', "ID='open", 'ID=a"b', "I D=x", "ID=a b"]
)
def test_other_lines_do_not_count(line: str) -> None:
    assert parse(line) == {}


def test_a_long_hostile_line_is_read_in_linear_time() -> None:
    assert parse('A="' + "\\" * 100_000) == {}
    assert parse("A=" + " " * 100_000 + "x") == {}
