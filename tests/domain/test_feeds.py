"""Calendar feeds: texts that can't break out of their property."""

import pytest

from drumtower.domain.feeds import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\u2028b\u2029c\x85d\ve\ff\x1cg", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00b\x07c\x7f\x9fd\ud800e", "abcde"),
        ("茶🍵\t x", "茶🍵\t x"),
    ],
)
def test_no_control_character_is_left(text: str, expected: str) -> None:
    assert clean(text) == expected
    assert len(clean(text).splitlines()) == expected.count("\n") + 1
