"""Offline Chinese and English text intelligence: what a comment or message feels and wants, and why.

A screen, not a judge: it sorts interactions for people, and its measured accuracy stands in docs/reference/language.md.
"""

from drumtower.language.analysis import analyze, analyze_many
from drumtower.language.verdicts import Analysis, Intent, IntentLabel, Language, Sentiment, SentimentLabel

__all__ = [
    "Analysis",
    "Intent",
    "IntentLabel",
    "Language",
    "Sentiment",
    "SentimentLabel",
    "analyze",
    "analyze_many",
]
