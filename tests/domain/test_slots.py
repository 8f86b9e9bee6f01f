"""When slots open, also on the days the clocks change."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.slots import AHEAD, Slot, Weekday, next_opening, occurrences

NOW = datetime(2026, 3, 23, 4, 0, tzinfo=UTC)  # a Monday, noon in Shanghai
BERLIN = ZoneInfo("Europe/Berlin")


def slot(weekday: Weekday = Weekday.SUN, local: str = "09:30", timezone: str = "Asia/Shanghai") -> Slot:
    return Slot(weekday=weekday, local=time.fromisoformat(local), timezone=timezone)


def local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="minutes")


def test_the_first_one_after_now_that_is_free() -> None:
    slots = [slot(Weekday.MON, "11:59"), slot(Weekday.MON, "12:01"), slot(Weekday.TUE, "09:30")]
    first = next_opening(slots, NOW, ())
    assert first is not None
    assert local(first.at, ZoneInfo("Asia/Shanghai")) == "2026-03-23T12:01+08:00"
    second = next_opening(slots, NOW, {first.at})
    assert second is not None
    assert (local(second.at, ZoneInfo("Asia/Shanghai")), second.slot) == ("2026-03-24T09:30+08:00", slots[2])
    both = next_opening(slots, NOW, {first.at, second.at})
    assert both is not None
    assert local(both.at, ZoneInfo("Asia/Shanghai")) == "2026-03-30T11:59+08:00"


def test_none_without_slots_or_with_none_free() -> None:
    assert next_opening([], NOW, ()) is None
    one = slot()
    assert next_opening([one], NOW, set(occurrences(one, NOW))) is None


def test_a_skipped_time_comes_later_by_the_gap() -> None:
    openings = islice(occurrences(slot(local="02:30", timezone="Europe/Berlin"), NOW), 2)
    assert [local(at, BERLIN) for at in openings] == ["2026-03-29T03:30+02:00", "2026-04-05T02:30+02:00"]


def test_of_a_doubled_time_the_first_counts() -> None:
    before = datetime(2026, 10, 19, tzinfo=UTC)
    [at, *_] = occurrences(slot(local="02:30", timezone="Europe/Berlin"), before)
    assert local(at, BERLIN) == "2026-10-25T02:30+02:00"
    # Between its two readings the day's opening has passed.
    [after, *_] = occurrences(slot(local="02:30", timezone="Europe/Berlin"), at + timedelta(minutes=30))
    assert local(after, BERLIN) == "2026-11-01T02:30+01:00"


@given(
    st.sampled_from(list(Weekday)),
    st.times(),
    st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe"]
    ),
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_openings_are_a_week_apart_and_in_order(
    weekday: Weekday, at: time, timezone: str, after: datetime
) -> None:
    one = Slot(weekday=weekday, local=at.replace(second=0, microsecond=0), timezone=timezone)
    start = after.replace(tzinfo=UTC)
    found = list(occurrences(one, start))
    assert 24 <= len(found) <= 27
    assert all(start < opening <= start + AHEAD + timedelta(days=2) for opening in found)
    walls = [opening.astimezone(ZoneInfo(timezone)) for opening in found]
    assert found == sorted(set(found))
    assert sum(wall.time() == one.local for wall in walls) >= len(walls) - 2
