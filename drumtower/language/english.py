"""Weighs an English clause: our brand-comment phrases first, VADER on the words that are left."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from drumtower.language.lexicons import Entry, Hit, Lexicon, lexicon
from drumtower.language.verdicts import Finding

_VADER_SCALE: Final = 3.0
# VADER's cost grows with the square of the words it gets at once.
_WORDS_AT_ONCE: Final = 40
_MAX_WORD: Final = 40
_SHOWN_WORDS: Final = 3
_NEGATED: Final = re.compile(r"(?:\b(?:not|never|no|hardly)|n['’]?t)(?: \w{1,12})?\s*$")
_TURNED: Final = -0.7


def english_lexicon() -> Lexicon[Entry]:
    return lexicon("lexicon_en.tsv")


@cache
def _vader() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


def weigh_english(segment: str, hits: Sequence[Hit[Entry]], shown: str) -> list[Finding]:
    """The findings in one clause; `hits` come from `english_lexicon`, `shown` keeps the author's capitals."""
    phrases = [_phrase(segment, hit, shown) for hit in hits if hit.value.kind in ("word", "rhetoric")]
    rest = [_vader_finding(words) for words in _chunks(_without(shown, hits))]
    return [*phrases, *(finding for finding in rest if finding.weight)]


def _phrase(segment: str, hit: Hit[Entry], shown: str) -> Finding:
    weight = hit.value.weight
    if weight > 0 and _NEGATED.search(segment[max(0, hit.start - 24) : hit.start]):
        weight *= _TURNED
    return Finding(evidence=shown[hit.start : hit.end], weight=weight)


def _without(shown: str, hits: Sequence[Hit[Entry]]) -> str:
    """The text between the phrases; question words stay, VADER gives them no weight."""
    taken = [hit for hit in hits if hit.value.kind != "question"]
    starts = [0, *(hit.end for hit in taken)]
    ends = [*(hit.start for hit in taken), len(shown)]
    return " ".join(shown[start:end] for start, end in zip(starts, ends, strict=True))


def _chunks(text: str) -> Iterator[list[str]]:
    words = [word[:_MAX_WORD] for word in text.split()]
    for first in range(0, len(words), _WORDS_AT_ONCE):
        yield words[first : first + _WORDS_AT_ONCE]


def _vader_finding(words: Sequence[str]) -> Finding:
    compound = float(_vader().polarity_scores(" ".join(words))["compound"])
    return Finding(evidence=_loaded_words(words, compound), weight=_VADER_SCALE * compound)


def _loaded_words(words: Sequence[str], compound: float) -> str:
    """The words VADER holds strongest, whichever way they pull: a negated one is evidence too."""
    known: dict[str, float] = _vader().lexicon
    bare = {word.strip(".,;:!?\"'()").lower() for word in words} if compound else set()
    loaded = sorted((word for word in bare if word in known), key=lambda word: (-abs(known[word]), word))
    return " ".join(loaded[:_SHOWN_WORDS])
