"""The whole verdict on a comment or message: language, sentiment, intents, and the reasons for them."""

from collections.abc import Iterable, Iterator
from typing import Final

from drumtower.language.intents import Cue, cues_of, is_spam, score_intents
from drumtower.language.normal import MAX_CHARS, normalize
from drumtower.language.scripts import language_of
from drumtower.language.sentiment import Reading, judge, read
from drumtower.language.verdicts import Analysis, Finding

_MAX_REASONS: Final = 12
_MAX_WORD_REASONS: Final = 8
_MAX_EVIDENCE: Final = 40
_LEAST_WEIGHT: Final = 0.2


def analyze(text: str) -> Analysis:
    """Classifies one text; pure and bounded: only the first MAX_CHARS characters are read. Never raises."""
    normal = normalize(text)
    cues, reading = cues_of(normal), read(normal)
    return Analysis(
        language=language_of(normal.text),
        sentiment=judge(reading, is_spam=is_spam(cues)),
        intents=score_intents(cues, reading),
        reasons=_reasons(cues, reading, truncated=normal.truncated),
    )


def analyze_many(texts: Iterable[str]) -> list[Analysis]:
    """`analyze` for each text, in order."""
    return [analyze(text) for text in texts]


def _reasons(cues: tuple[Cue, ...], reading: Reading, *, truncated: bool) -> tuple[str, ...]:
    strongest = sorted(reading.findings, key=lambda finding: -abs(finding.weight))[:_MAX_WORD_REASONS]
    words = [_word_reason(finding) for finding in strongest if abs(finding.weight) >= _LEAST_WEIGHT]
    found = [*words, *(f"{cue.label}:{_short(cue.evidence)}" for cue in cues), *_mood_reasons(reading)]
    listed = list(dict.fromkeys(found))[:_MAX_REASONS]
    return (*listed, f"truncated:{MAX_CHARS}") if truncated else tuple(listed)


def _word_reason(finding: Finding) -> str:
    side = "positive" if finding.weight > 0 else "negative"
    return f"{side}:{_short(finding.evidence)}({finding.weight:+.1f})"


def _mood_reasons(reading: Reading) -> Iterator[str]:
    yield from (f"mood:{mood}" for mood in sorted(reading.moods) if mood != "states")


def _short(evidence: str) -> str:
    return " ".join(evidence.split())[:_MAX_EVIDENCE]
