"""Agreement of reviewers: beyond chance, and silent where there is too little to say."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumtower.domain.agreement import Asked, agreement, pairs_of, speed
from drumtower.domain.reviews import Criterion, Judgement, Verdict

P, F = Verdict.PASS, Verdict.FAIL
NOW = datetime(2026, 3, 10, tzinfo=UTC)
ME, OTHER, THIRD = (UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("pairs", "percent", "kappa"),
    [
        ([(P, P)] * 9, None, None),
        ([(P, P)] * 10, 100.0, None),
        # The textbook's table: 20 and 15 agree, 5 and 10 do not; by chance one half would.
        ([(P, P)] * 20 + [(P, F)] * 5 + [(F, P)] * 10 + [(F, F)] * 15, 70.0, 0.4),
        ([(P, F)] * 5 + [(F, P)] * 5, 0.0, -1.0),
    ],
)
def test_kappa(pairs: list[tuple[Verdict, Verdict]], percent: float | None, kappa: float | None) -> None:
    found = agreement(pairs)
    assert (found.pairs, found.percent, found.kappa) == (len(pairs), percent, kappa)


def test_the_last_verdict_on_the_same_content_is_paired() -> None:
    def said(who: UUID, verdict: Verdict, of: str = "a") -> Judgement:
        return Judgement(criterion=Criterion.ACCURACY, verdict=verdict, content_hash=of, reviewer_id=who)

    all_of_it = [
        said(ME, F),
        said(ME, P),
        said(OTHER, F),
        said(THIRD, P),
        said(ME, P, "b"),
        said(OTHER, P, "c"),
    ]
    assert pairs_of(ME, all_of_it)[Criterion.ACCURACY] == [(P, F), (P, P)]


def test_speed() -> None:
    def asked(due: int | None, judged: int | None) -> Asked:
        due_at, judged_at = (NOW + timedelta(hours=n) if n is not None else None for n in (due, judged))
        return Asked(reviewer_id=ME, requested_at=NOW, due_at=due_at, judged_at=judged_at)

    rows = [asked(4, 1), asked(4, 5), asked(None, 3), asked(4, None), asked(40, None)]
    found = speed(rows, NOW + timedelta(hours=10))
    assert (found.judged, found.median_seconds) == (3, 3 * 3600)
    assert (found.with_deadline, found.in_time, found.in_time_percent) == (3, 1, 33.3)
    assert speed([], NOW).median_seconds is None
