"""Whatever arrives: the classifier answers, within bounds, the same each time, in bounded time."""

import time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drumtower.language import IntentLabel, SentimentLabel, analyze
from drumtower.language.normal import MAX_CHARS, normalize

_PIECES = [
    "好", "不", "太", "没有", "但是", "吗", "？", "差评", "垃圾", "怎么", "建议", "退款", "三天", "还没", "得要命", "[怒]", "👍🏽",
    "but", " not ", "good", "bad", "n't", "https://a.b/c", "@x", "\u200b", "\ud800", "İ", "ﷺ", "\n", ".", "，", " ", "a", "1",
]  # fmt: skip
_ANYTHING = st.text(alphabet=st.characters(), max_size=300)
_WORDS = st.lists(st.sampled_from(_PIECES), max_size=60).map("".join)
_HOSTILE = [
    "质量太差了但是还不错",
    "good bad but ",
    "😡😍",
    "好",
    "好，",
    "但",
    "but ",
    "a但b",
    ". ",
    "http://",
    "@a",
    "[",
    "?",
    "\u0301",
    "ﷺ",
    "\ud800",
]


@pytest.mark.long
@given(st.one_of(_ANYTHING, _WORDS))
@settings(deadline=None, max_examples=300)
def test_answers_anything_within_bounds(text: str) -> None:
    verdict = analyze(text)
    assert -1 <= verdict.sentiment.score <= 1
    assert verdict.sentiment.label in get_args(SentimentLabel)
    scores = [intent.score for intent in verdict.intents]
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len({intent.label for intent in verdict.intents}) == len(scores)
    assert {intent.label for intent in verdict.intents} <= set(get_args(IntentLabel))


@given(_WORDS)
@settings(deadline=None)
def test_is_deterministic_and_label_follows_score(text: str) -> None:
    verdict = analyze(text)
    assert verdict == analyze(text)
    expected = (
        "neutral"
        if abs(verdict.sentiment.score) < 0.25
        else "positive"
        if verdict.sentiment.score > 0
        else "negative"
    )
    assert verdict.sentiment.label == expected


@given(_WORDS)
@settings(deadline=None)
def test_more_blame_never_reads_better(text: str) -> None:
    if "spam" not in [intent.label for intent in analyze(text).intents]:
        assert analyze(f"{text}\n差评。").sentiment.score <= analyze(text).sentiment.score + 0.001


@given(st.one_of(_ANYTHING, _WORDS))
@settings(deadline=None)
def test_folding_keeps_positions(text: str) -> None:
    normal = normalize(text)
    assert len(normal.text) == len(normal.folded) <= MAX_CHARS


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000", "\u200b\u200b", "...", "？？？"])
def test_wordless_texts_are_neutral(text: str) -> None:
    verdict = analyze(text)
    assert verdict.sentiment.label == "neutral"
    assert verdict.language == "und"


def test_lone_surrogates_are_read_over() -> None:
    assert analyze("\ud800差评\udfff").sentiment == analyze("差评").sentiment


def test_a_long_text_is_cut_and_says_so() -> None:
    tail = "差评" * 10
    verdict = analyze("哈" * (MAX_CHARS + 1) + tail)
    assert verdict.reasons == (f"truncated:{MAX_CHARS}",)
    assert "truncated" not in " ".join(analyze("哈" * (MAX_CHARS - 20) + tail).reasons)


@pytest.mark.parametrize("piece", _HOSTILE)
def test_a_hundred_thousand_characters_take_under_50_ms(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    analyze("质量好。A good one.")
    assert min(_cpu_seconds(text) for _ in range(5)) < 0.05


@pytest.mark.parametrize("piece", _HOSTILE)
def test_cost_grows_no_faster_than_length(piece: str) -> None:
    """Below the cap, four times the text may cost four times as much, with slack for a busy machine."""
    analyze("质量好。A good one.")
    short, long = (piece * 500)[:500], (piece * 2000)[:2000]
    assert min(_cpu_seconds(long) for _ in range(5)) < 10 * min(_cpu_seconds(short) for _ in range(5)) + 0.002


def _cpu_seconds(text: str) -> float:
    start = time.thread_time()
    analyze(text)
    return time.thread_time() - start
