"""How reviewers judge: how fast, in time or not, and how far they agree with the others on the same content."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from drumtower.domain.reviews import Criterion, Judgement, Verdict

# Below so many pairs of verdicts a share says more of chance than of people.
FEWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Of `pairs` of verdicts on one point of one content, one's own and another's: how many agree, and beyond chance."""

    pairs: int
    percent: float | None  # None: too few
    kappa: float | None  # None: too few, or everybody always says the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One review that was asked for."""

    reviewer_id: UUID
    requested_at: datetime
    due_at: datetime | None
    judged_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How many reviews were judged, in how many seconds by the median, and how many kept their deadline."""

    judged: int
    median_seconds: float | None
    with_deadline: int  # judged, or past it
    in_time: int

    @property
    def in_time_percent(self) -> float | None:
        return round(100 * self.in_time / self.with_deadline, 1) if self.with_deadline else None


def speed(asked: Iterable[Asked], now: datetime) -> Speed:
    """Return how fast reviews were; one that is open still counts once its deadline is past."""
    rows = list(asked)
    took = [(one.judged_at - one.requested_at).total_seconds() for one in rows if one.judged_at]
    counted = [one for one in rows if one.due_at and (one.judged_at or one.due_at <= now)]
    in_time = [one for one in counted if one.judged_at and one.due_at and one.judged_at <= one.due_at]
    return Speed(
        judged=len(took),
        median_seconds=median(took) if took else None,
        with_deadline=len(counted),
        in_time=len(in_time),
    )


def agreement(pairs: Sequence[tuple[Verdict, Verdict]]) -> Agreement:
    """Return the share of pairs that agree, and Cohen's kappa: (observed - expected) / (1 - expected).

    Expected: what two who know nothing of each other would agree by chance, with as many passes each as here.
    Cohen (1960), A coefficient of agreement for nominal scales.
    """
    count = len(pairs)
    if count < FEWEST:
        return Agreement(pairs=count, percent=None, kappa=None)
    observed = sum(mine is other for mine, other in pairs) / count
    mine, others = (sum(pair[side] is Verdict.PASS for pair in pairs) / count for side in (0, 1))
    expected = mine * others + (1 - mine) * (1 - others)
    kappa = None if expected >= 1 else round((observed - expected) / (1 - expected), 3)
    return Agreement(pairs=count, percent=round(100 * observed, 1), kappa=kappa)


def pairs_of(
    reviewer_id: UUID, judgements: Iterable[Judgement]
) -> dict[Criterion, list[tuple[Verdict, Verdict]]]:
    """Pair each last verdict of a reviewer with each other reviewer's on the same content; `judgements`: oldest first."""
    last: dict[tuple[str, Criterion], dict[UUID, Verdict]] = defaultdict(dict)
    for one in judgements:
        last[one.content_hash, one.criterion][one.reviewer_id] = one.verdict
    found: dict[Criterion, list[tuple[Verdict, Verdict]]] = {criterion: [] for criterion in Criterion}
    for (_, criterion), said in last.items():
        mine = said.get(reviewer_id)
        if mine is not None:
            found[criterion] += [(mine, other) for who, other in said.items() if who != reviewer_id]
    return found
