"""Ideas: brainstormed, scored on four points, shortlisted, developed into posts that remember them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

LOWEST, HIGHEST = 1, 5


class IdeaSource(StrEnum):
    """Where an idea comes from."""

    BRAND = "brand"
    USER_NEED = "user_need"
    HOT_EVENT = "hot_event"


class IdeaStatus(StrEnum):
    """How far an idea has come."""

    NEW = "new"
    SHORTLISTED = "shortlisted"
    DEVELOPED = "developed"
    DROPPED = "dropped"


class Aspect(StrEnum):
    """What an idea is scored on."""

    BRAND_FIT = "brand_fit"
    USER_NEED = "user_need"
    TIMELINESS = "timeliness"
    FEASIBILITY = "feasibility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What members think of an idea: the mean by aspect (1 to 5), and all of it from 0 to 100. None: nobody has said."""

    means: dict[Aspect, float | None]
    total: int | None
    voices: int


def standing(scores: Sequence[dict[str, int]]) -> Standing:
    """Gather one score a member.

    The total is the mean of the four means, stretched so that all ones are 0 and all fives are 100.
    """
    means = {aspect: _mean(score[aspect] for score in scores) for aspect in Aspect}
    known = [mean for mean in means.values() if mean is not None]
    total = round((fmean(known) - LOWEST) / (HIGHEST - LOWEST) * 100) if known else None
    return Standing(means=means, total=total, voices=len(scores))


def _mean(values: Iterable[int]) -> float | None:
    given = list(values)
    return round(fmean(given), 2) if given else None


# What may follow what; a developed idea can be developed again, into another post.
NEXT: dict[IdeaStatus, frozenset[IdeaStatus]] = {
    IdeaStatus.NEW: frozenset({IdeaStatus.SHORTLISTED, IdeaStatus.DEVELOPED, IdeaStatus.DROPPED}),
    IdeaStatus.SHORTLISTED: frozenset({IdeaStatus.DEVELOPED, IdeaStatus.DROPPED}),
    IdeaStatus.DROPPED: frozenset({IdeaStatus.SHORTLISTED}),
    IdeaStatus.DEVELOPED: frozenset({IdeaStatus.DEVELOPED}),
}
