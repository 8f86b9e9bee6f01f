"""How long a text is, counted each platform's way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.text import Unit, is_blank, length, links_in, without_controls

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇨🇳"


@pytest.mark.parametrize(
    ("text", "character", "grapheme", "byte", "weibo"),
    [
        ("", 0, 0, 0, 0),
        ("tea", 3, 3, 3, 2),
        ("茶", 1, 1, 3, 1),
        ("好茶tea", 5, 5, 9, 4),
        ("한국", 2, 2, 6, 2),
        (FAMILY, 7, 1, 25, 7),
        (FLAG, 2, 1, 8, 2),
        ("👍🏽", 2, 1, 8, 2),
        ("e\u0301", 2, 1, 3, 2),
        ("𠮷", 1, 1, 4, 1),
        ("看 https://a.example/x 吧", 23, 23, 27, 13),
        ("看https://a.example/x，吧", 22, 22, 28, 13),
    ],
)
def test_length(text: str, character: int, grapheme: int, byte: int, weibo: int) -> None:
    assert length(text, Unit.CHARACTER) == character
    assert length(text, Unit.GRAPHEME) == grapheme
    assert length(text, Unit.BYTE) == byte
    assert length(text, Unit.WEIBO) == weibo


@pytest.mark.parametrize(
    ("text", "units"),
    [("", 0), ("tea", 3), ("茶", 1), ("🎉", 2), (FAMILY, 11), ("𠮷", 2), ("e\u0301", 2), ("\ud83c", 1)],
)
def test_utf16_units(text: str, units: int) -> None:
    assert length(text, Unit.UTF16) == units


def test_a_link_counts_ten_on_weibo_whatever_its_length() -> None:
    for tail in ("", "a" * 500):
        assert length(f"https://a.example/{tail}", Unit.WEIBO) == 10
    assert length("https://a.example https://b.example", Unit.WEIBO) == 21


@given(st.text(), st.text())
def test_lengths_never_shrink_by_adding(one: str, other: str) -> None:
    for unit in (Unit.CHARACTER, Unit.BYTE):
        assert length(one + other, unit) == length(one, unit) + length(other, unit)
    assert length(one, Unit.GRAPHEME) <= length(one, Unit.CHARACTER) <= length(one, Unit.BYTE)


@pytest.mark.parametrize(
    "text", ["", " ", "\u200b\u2060\ufeff", "\u3000", "\u2800", "\u3164", "\ufe0f", "\u115f\u034f", "\t\r\n"]
)
def test_nobody_sees_this(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "。", "茶", FAMILY, "❤️", "\u200ba", "𠮷", "0"])
def test_everybody_sees_this(text: str) -> None:
    assert not is_blank(text)


def test_links_end_where_chinese_text_goes_on() -> None:
    text = "新茶（https://a.example/x?y=1）到了https://b.example/茶，看http://c.example。"
    assert links_in(text) == ["https://a.example/x?y=1", "https://b.example/", "http://c.example"]


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
    assert without_controls(text) == expected
    assert len(without_controls(text).splitlines()) == expected.count("\n") + 1
