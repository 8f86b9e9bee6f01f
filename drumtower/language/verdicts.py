"""What the classifier says about one text."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en", "und"]
SentimentLabel: TypeAlias = Literal["positive", "neutral", "negative"]
IntentLabel: TypeAlias = Literal["complaint", "suggestion", "question", "praise", "purchase", "spam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """The attitude towards the brand; `score` runs from -1 (worst) to 1 and is no probability."""

    label: SentimentLabel
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One thing the author wants; `score` runs from 0 to 1 and is no probability."""

    label: IntentLabel
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Verdicts on one text. `intents` come best first and may be empty; `reasons` read `kind:evidence`."""

    language: Language
    sentiment: Sentiment
    intents: tuple[Intent, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One piece of evidence: the words as written, and how far they push (negative = against the brand)."""

    evidence: str
    weight: float
