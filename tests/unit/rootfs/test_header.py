"""Extended headers of tar, which come from anyone."""

import pytest

from elfgate.rootfs.header import pax_records


def test_records_are_read_and_the_last_of_a_key_counts() -> None:
    assert pax_records(b"9 path=a\n9 path=b\n") == {"path": b"b"}


@pytest.mark.parametrize(
    "data",
    [
        b"key=value\n",  # no blank, an equals sign and a newline at the end: read from its start for ever, once
        b"9 path=a\nkey=value\n",
        b" path=a\n",
        b"9 path=a",
        b"99 path=a\n",
        b"x path=a\n",
        b"7 patha\n",
        b"0 path=a\n",
    ],
)
def test_malformed_records_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="extended header"):
        pax_records(data)
