"""The platform's own hours and days."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.quotas import Period, Quota, next_free, window

ZONES = ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def quota(zone: str, period: Period = Period.DAY) -> Quota:
    return Quota(count=1, period=period, timezone=zone, source="tests")


def test_a_chinese_day_turns_at_sixteen_hours_utc() -> None:
    start, end = window(quota("Asia/Shanghai"), datetime(2026, 1, 1, 17, tzinfo=UTC))
    assert (start, end) == (datetime(2026, 1, 1, 16, tzinfo=UTC), datetime(2026, 1, 2, 16, tzinfo=UTC))


def test_a_day_with_a_change_of_clocks() -> None:
    spring = window(quota("Europe/Berlin"), datetime(2026, 3, 29, 12, tzinfo=UTC))
    autumn = window(quota("Europe/Berlin"), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert [end - start for start, end in (spring, autumn)] == [timedelta(hours=23), timedelta(hours=25)]


def test_an_hour_in_a_zone_of_half_hours() -> None:
    start, end = window(quota("Asia/Kolkata", Period.HOUR), datetime(2026, 1, 1, 10, 45, 7, tzinfo=UTC))
    assert (start, end) == (
        datetime(2026, 1, 1, 10, 30, tzinfo=UTC),
        datetime(2026, 1, 1, 11, 30, tzinfo=UTC),
    )


@given(instants, st.sampled_from(ZONES), st.sampled_from(list(Period)))
def test_windows_hold_their_instant_and_follow_each_other(at: datetime, zone: str, period: Period) -> None:
    asked = quota(zone, period)
    start, end = window(asked, at)
    assert start <= at < end
    assert window(asked, start) == window(asked, end - timedelta(microseconds=1)) == (start, end)
    assert window(asked, end)[0] == end


def test_the_next_free_day_is_after_the_full_ones() -> None:
    asked = quota("Asia/Shanghai")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = (window(asked, at + timedelta(days=days))[0] for days in (1, 2))
    assert next_free(asked, at, set()) == first
    assert next_free(asked, at, {first}) == second
    assert next_free(asked, at, {first + timedelta(days=n) for n in range(1000)}) is None
