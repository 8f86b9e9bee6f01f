"""Business hours, with Chinese holidays and the weekend days that make up for them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from drumtower import almanac
from drumtower.domain.business_hours import after, is_workday

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = (time(9), time(18))


def works(day: date) -> bool:
    return is_workday(day, {mark.kind for mark in almanac.shipped(day, day)})


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-03-10T10:00", 2, "2026-03-10T12:00"),
        ("2026-03-10T10:00", 8, "2026-03-10T18:00"),
        ("2026-03-10T10:00", 9, "2026-03-11T10:00"),
        ("2026-03-10T03:00", 1, "2026-03-10T10:00"),
        ("2026-03-10T23:00", 1, "2026-03-11T10:00"),
        ("2026-03-13T17:00", 2, "2026-03-16T10:00"),  # over a weekend
        ("2025-09-30T17:00", 2, "2025-10-09T10:00"),  # over the National Day week
        ("2025-09-27T12:00", 12, "2025-09-29T12:00"),  # Sunday the 28th makes up for it
    ],
)
def test_a_span_of_working_time(start: str, hours: int, expected: str) -> None:
    begins = datetime.fromisoformat(start).replace(tzinfo=SHANGHAI).astimezone(UTC)
    ends = after(begins, timedelta(hours=hours), HOURS, SHANGHAI, works)
    assert ends.astimezone(SHANGHAI).isoformat()[:16] == expected


def test_a_year_without_working_days_is_no_endless_search() -> None:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    assert after(begins, timedelta(hours=1), HOURS, SHANGHAI, lambda _: False) > begins + timedelta(days=366)
