"""What a clause does: it states, asks, wishes, or accuses in the form of a question."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from drumtower.language.lexicons import Entry, Hit

_FINAL_PARTICLE: Final = re.compile(
    r"(?:吗|[^什怎多这那要]么|[^决从绝并毫也都]不|(?:了|过|货|到)没)[呀啊哈]?\s*$"
)
_A_NOT_A: Final = re.compile(r"(?!得)([\u4e00-\u9fff]{1,2})[不没]\1")
_STRONG: Final = -2.2
# A question or a wish names things that are not so: little of its words' weight counts.
_KEPT_POSITIVE: Final = 0.2
_KEPT_NEGATIVE: Final = 0.25


class Mood(StrEnum):
    STATES = "states"
    ASKS = "asks"
    WISHES = "wishes"
    ACCUSES = "accuses"


def mood_of(segment: str, hits: Collection[Hit[Entry]], *, asks: bool, wishing: bool) -> Mood:
    """`asks` says that a question mark ends the clause, `wishing` that an earlier clause began a wish."""
    kinds = {hit.value.kind for hit in hits}
    if "rhetoric" in kinds:
        return Mood.ACCUSES
    if wishing or "wish" in kinds:
        return Mood.WISHES
    if "question" in kinds or _FINAL_PARTICLE.search(segment) or _A_NOT_A.search(segment):
        return Mood.ASKS
    if asks:
        return Mood.ACCUSES if _has_strong_blame(hits) else Mood.ASKS
    return Mood.STATES


def kept_share(mood: Mood, weight: float) -> float:
    """The share of a word's weight that counts in a clause of this mood."""
    if mood in (Mood.STATES, Mood.ACCUSES):
        return 1.0
    return _KEPT_POSITIVE if weight > 0 else _KEPT_NEGATIVE


def _has_strong_blame(hits: Collection[Hit[Entry]]) -> bool:
    return any(hit.value.kind == "word" and hit.value.weight <= _STRONG for hit in hits)
