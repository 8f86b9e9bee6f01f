"""Gaps and clashes of a plan."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from drumtower.domain.gaps import ClashKind, HotDay, Planned, gaps, too_close, twice
from drumtower.domain.ids import new_id

DAY = date(2026, 11, 11)
NINE = datetime(2026, 11, 11, 9, tzinfo=UTC)
A, B = new_id(), new_id()


def at(channel: UUID, minutes: int) -> Planned:
    return Planned(channel_id=channel, due_at=NINE + timedelta(minutes=minutes), day=DAY)


def test_each_brand_has_its_own_silent_days() -> None:
    next_day = DAY + timedelta(days=1)
    assert gaps([DAY, next_day], {A: {DAY}, B: set()}) == {A: [next_day], B: [DAY, next_day]}


def test_a_gap_is_kept_to_the_minute_and_by_channel() -> None:
    planned = [at(A, 30), at(A, 0), at(A, 59), at(B, 1)]  # B has no gap
    found = list(too_close(planned, {A: timedelta(minutes=30)}))
    assert [(clash.planned[0].due_at, clash.planned[1].due_at) for clash in found] == [
        (NINE + timedelta(minutes=30), NINE + timedelta(minutes=59))
    ]


def test_a_channel_speaks_once_on_a_hot_day() -> None:
    hot = HotDay(event_id=new_id(), day=DAY, channel_ids=frozenset({A, B}))
    [clash] = twice([at(A, 600), at(A, 0), at(B, 0)], [hot])
    assert (clash.kind, clash.channel_id, clash.event_id) == (ClashKind.HOT_EVENT, A, hot.event_id)
    assert [one.due_at for one in clash.planned] == [NINE, NINE + timedelta(minutes=600)]
    elsewhere = HotDay(event_id=new_id(), day=DAY + timedelta(days=1), channel_ids=frozenset({A}))
    assert list(twice([at(A, 0), at(A, 1)], [elsewhere])) == []
