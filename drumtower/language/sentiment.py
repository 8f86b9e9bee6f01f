"""Adds up clauses and emoticons into one attitude; what follows a "but" and the worst clause count more."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from drumtower.language.chinese import chinese_lexicon, weigh_chinese
from drumtower.language.clauses import Clause, sentences_of
from drumtower.language.english import english_lexicon, weigh_english
from drumtower.language.lexicons import Entry, Hit, Lexicon, lexicon
from drumtower.language.moods import Mood, kept_share, mood_of
from drumtower.language.normal import NormalText
from drumtower.language.scripts import has_han, latin_words
from drumtower.language.verdicts import Finding, Sentiment, SentimentLabel

_BEFORE_CONTRAST: Final = 0.6
_AFTER_CONTRAST: Final = 1.3
_WORST_SHARE: Final = 0.15
_CLAUSE_CAP: Final = 5.0
_EMOTICON_CAP: Final = 4.0
_SAME_EMOTICON: Final = 2
_SOFTNESS: Final = 5.0
_NEUTRAL_BAND: Final = 0.25
# Fewer Latin words in a Chinese clause are names and loan words (UI, nice), listed in the Chinese lexicon.
_ENGLISH_WORDS: Final = 3
_ADDRESS: Final = re.compile(r"https?://[^\s\u4e00-\u9fff]{1,500}|@[\w-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The evidence in one text: `words` and `emoticons` are their sums, negative against the brand."""

    findings: tuple[Finding, ...]
    words: float
    emoticons: float
    moods: frozenset[Mood]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClauseReading:
    findings: tuple[Finding, ...]
    mood: Mood
    contrasts: bool

    @property
    def weight(self) -> float:
        return max(-_CLAUSE_CAP, min(_CLAUSE_CAP, sum(finding.weight for finding in self.findings)))


def read(normal: NormalText) -> Reading:
    """Collects every finding of a text."""
    hits, bare = _take_emoticons(normal)
    sentences = [_read_sentence(bare, clauses) for clauses in sentences_of(bare.folded)]
    words = _mixed([weight for sentence in sentences for weight in _clause_weights(sentence)])
    emoticons = _emoticon_findings(
        normal, [hit for hit in hits if not (hit.value.kind == "tears" and words > 0)]
    )
    clauses = [clause for sentence in sentences for clause in sentence]
    return Reading(
        findings=(*(finding for clause in clauses for finding in clause.findings), *emoticons),
        words=words,
        emoticons=max(-_EMOTICON_CAP, min(_EMOTICON_CAP, sum(finding.weight for finding in emoticons))),
        moods=frozenset(clause.mood for clause in clauses),
    )


def judge(reading: Reading, *, is_spam: bool) -> Sentiment:
    """Squashes a reading into -1..1; spam has no attitude."""
    total = 0.0 if is_spam else reading.words + reading.emoticons
    score = round(total / sqrt(total * total + _SOFTNESS), 3)
    return Sentiment(label=_label(score), score=score)


def _emoticon_lexicon() -> Lexicon[Entry]:
    return lexicon("emoticons.tsv")


def _label(score: float) -> SentimentLabel:
    if abs(score) < _NEUTRAL_BAND:
        return "neutral"
    return "positive" if score > 0 else "negative"


def _take_emoticons(normal: NormalText) -> tuple[list[Hit[Entry]], NormalText]:
    """The emoticons, and the text with addresses, mentions and emoticons blanked (same length)."""
    addresses = [match.span() for match in _ADDRESS.finditer(normal.folded)]
    hits = list(_emoticon_lexicon().scan(_blank(normal.folded, addresses)))
    spans = sorted([*addresses, *((hit.start, hit.end) for hit in hits)])
    text, folded = _blank(normal.text, spans), _blank(normal.folded, spans)
    return hits, NormalText(text=text, folded=folded, truncated=normal.truncated)


def _emoticon_findings(normal: NormalText, hits: Iterable[Hit[Entry]]) -> list[Finding]:
    """One finding for each symbol, however often it is repeated; the second one still adds weight."""
    counts = Counter((normal.text[hit.start : hit.end], hit.value.weight) for hit in hits if hit.value.weight)
    return [
        Finding(evidence=symbol, weight=weight * min(count, _SAME_EMOTICON))
        for (symbol, weight), count in counts.items()
    ]


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    last = 0
    for start, end in spans:
        pieces += [text[last:start], " " * (end - start)]
        last = end
    return "".join([*pieces, text[last:]])


def _read_sentence(normal: NormalText, clauses: Sequence[Clause]) -> list[_ClauseReading]:
    readings: list[_ClauseReading] = []
    wishing = False
    for clause in clauses:
        reading = _read_clause(normal, clause, wishing=wishing)
        wishing = reading.mood is Mood.WISHES
        readings.append(reading)
    return readings


def _read_clause(normal: NormalText, clause: Clause, *, wishing: bool) -> _ClauseReading:
    folded = normal.folded[clause.start : clause.end]
    shown = normal.text[clause.start : clause.end]
    is_chinese = has_han(folded)
    is_english = latin_words(folded) >= (_ENGLISH_WORDS if is_chinese else 1)
    chinese = list(chinese_lexicon().scan(folded)) if is_chinese else []
    english = list(english_lexicon().scan(folded)) if is_english else []
    mood = mood_of(folded, [*chinese, *english], asks=clause.asks, wishing=wishing)
    findings = weigh_chinese(folded, chinese, shown) if is_chinese else []
    findings += weigh_english(folded, english, shown) if is_english else []
    kept = tuple(_kept(finding, mood) for finding in findings)
    return _ClauseReading(findings=kept, mood=mood, contrasts=clause.contrasts)


def _kept(finding: Finding, mood: Mood) -> Finding:
    weight = finding.weight * kept_share(mood, finding.weight)
    return Finding(evidence=finding.evidence, weight=weight)


def _clause_weights(sentence: Sequence[_ClauseReading]) -> Iterator[float]:
    turns = [number for number, clause in enumerate(sentence) if clause.contrasts]
    for number, clause in enumerate(sentence):
        if not turns:
            yield clause.weight
        else:
            yield clause.weight * (_BEFORE_CONTRAST if number < turns[-1] else _AFTER_CONTRAST)


def _mixed(weights: Iterable[float]) -> float:
    listed = list(weights)
    return (1 - _WORST_SHARE) * sum(listed) + _WORST_SHARE * min(listed, default=0.0)
