"""The data files are clean, and the matcher finds the longest word without reading across Latin words."""

from collections import Counter

import pytest

from drumtower.language.lexicons import Lexicon, read_rows, resource_lines
from drumtower.language.moods import mood_of
from drumtower.language.normal import normalize

KINDS = {
    "lexicon_zh.tsv": {"word", "flaw", "plain"},
    "modifiers_zh.tsv": {"negation", "excess", "degree", "after", "question", "rhetoric", "wish", "plain"},
    "lexicon_en.tsv": {"word", "plain", "wish", "rhetoric", "question"},
    "emoticons.tsv": {"word", "tears", "plain"},
    "intents.tsv": {"complaint", "suggestion", "praise", "purchase", "spam", "plain"},
}


def found(lexicon: Lexicon[int], text: str) -> list[tuple[str, int]]:
    return [(text[hit.start : hit.end], hit.value) for hit in lexicon.scan(text)]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_rows_are_well_formed(name: str) -> None:
    rows = list(read_rows(name))
    assert {kind for kind, _, _ in rows} == KINDS[name]
    assert all(word == word.strip() and word for _, _, word in rows)
    assert all(-3 <= weight <= 4 for _, weight, _ in rows)
    assert all(weight == 0 for kind, weight, _ in rows if kind == "plain")


@pytest.mark.parametrize("name", sorted(KINDS))
def test_words_stand_as_texts_are_folded(name: str) -> None:
    """A word in capitals, traditional or full-width form could never match."""
    unreachable = [word for _, _, word in read_rows(name) if normalize(word).folded != word]
    assert unreachable == []


@pytest.mark.parametrize(
    "names",
    [("lexicon_zh.tsv", "modifiers_zh.tsv"), ("lexicon_en.tsv",), ("emoticons.tsv",)],
)
def test_no_word_has_two_meanings(names: tuple[str, ...]) -> None:
    counts = Counter(word for name in names for _, _, word in read_rows(name))
    assert [word for word, count in counts.items() if count > 1] == []


def test_traditional_pairs_lead_one_way() -> None:
    pairs = [pair for line in resource_lines("traditional.tsv") for pair in line.split()]
    assert all(len(pair) == 2 for pair in pairs)
    assert {pair[0] for pair in pairs}.isdisjoint(pair[1] for pair in pairs)


def test_the_longest_word_wins_and_hits_never_overlap() -> None:
    lexicon = Lexicon({"差": 1, "出差": 2, "差评": 3})
    assert found(lexicon, "出差差评差") == [("出差", 2), ("差评", 3), ("差", 1)]


def test_latin_words_match_whole() -> None:
    lexicon = Lexicon({"bad": 1, "not bad": 2, "app": 3})
    assert found(lexicon, "badge bad, not bad, apple 这个app好") == [("bad", 1), ("not bad", 2), ("app", 3)]


def test_an_empty_lexicon_finds_nothing() -> None:
    assert found(Lexicon({}), "任何 text") == []


def test_moods_without_listed_words() -> None:
    assert mood_of("能用不", [], asks=False, wishing=False) == "asks"
    assert mood_of("买不买", [], asks=False, wishing=False) == "asks"
    assert mood_of("买了", [], asks=False, wishing=False) == "states"
    assert mood_of("买了", [], asks=False, wishing=True) == "wishes"
