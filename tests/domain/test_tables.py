"""Tables that people bring, and those that were made to hurt: hostile input 73."""

import time

import pytest

from drumtower.domain.errors import Invalid
from drumtower.domain.tables import bare, read_csv

NAMES = {"text": "text", "评论": "text", "at": "at"}


def test_in_whatever_dialect() -> None:
    for text in ("text,at\n好,1\n", "\ufeff评论;at\r\n好;1\r\n", "评论\tat\n好\t1"):
        assert read_csv(text, NAMES).rows == [{"text": "好", "at": "1"}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("x," * 1_000_000, "csv_columns", id="a million columns"),
        pytest.param("text," * 200_000, "csv_columns", id="one column very often"),
        pytest.param('text\n"open' + "x" * 500_000, "csv_malformed", id="a quote that never ends"),
        pytest.param("text,at\n1,2\n".encode("utf-16").decode("latin-1"), "csv_columns", id="UTF-16"),
        pytest.param("text\n" + "x\n" * 1_001, "too_many_rows", id="too long"),
        pytest.param("", "csv_columns", id="nothing"),
    ],
)
def test_what_is_none_is_refused_soon(text: str, code: str) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid, match=f"^{code}:"):
        read_csv(text, NAMES)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "＝1+1"])
def test_a_formula_is_text_here(cell: str) -> None:
    [row] = read_csv(f'text\n"{cell}"\n', NAMES).rows
    assert row == {"text": cell}
    assert bare(f"'{cell}") in (cell, f"'{cell}")
