"""What is shipped of a day: checked against the announcements and the published almanac, not against the libraries."""

from datetime import date, timedelta

import pytest

from drumtower import almanac
from drumtower.domain.calendar import Announced, MarkKind
from drumtower.domain.errors import Severity


def named(day: date, kind: MarkKind) -> list[str]:
    return [mark.name for mark in almanac.shipped(day, day) if mark.kind is kind]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2025, 1, 29), "正月初一"),
        (date(2025, 7, 25), "闰六月初一"),
        (date(2026, 2, 16), "腊月廿九"),
        (date(2026, 2, 17), "正月初一"),
        (date(2033, 12, 22), "闰冬月初一"),  # the year that many tables get wrong
    ],
)
def test_lunar_dates(day: date, name: str) -> None:
    assert almanac.lunar_name(day) == name


def test_solar_terms_fall_where_the_observatory_puts_them() -> None:
    terms = {
        mark.name: mark.day
        for mark in almanac.shipped(date(2026, 1, 1), date(2026, 12, 31))
        if mark.kind is MarkKind.SOLAR_TERM
    }
    assert len(terms) == 24
    known = {"立春": (2, 4), "清明": (4, 5), "夏至": (6, 21), "立秋": (8, 7), "冬至": (12, 22)}
    assert {name: terms[name] for name in known} == {name: date(2026, *at) for name, at in known.items()}


def test_each_day_of_a_year_follows_the_one_before() -> None:
    """No day is missing or twice in the lunar calendar, over the ends of the years too, as far as the API goes."""
    for year in (1970, 2026, 2033, 8999):
        day, end = date(year, 1, 1), date(year + 1, 1, 2)
        while day < end:
            (month, number), (next_month, following) = (
                almanac.lunar(day),
                almanac.lunar(day + timedelta(days=1)),
            )
            same = next_month == month and following == number + 1
            assert same or (number in (29, 30) and following == 1), day
            day += timedelta(days=1)


def test_holidays_and_the_days_that_make_up_for_them() -> None:
    assert named(date(2025, 10, 1), MarkKind.STATUTORY_HOLIDAY) == ["国庆节"]
    assert named(date(2025, 10, 11), MarkKind.WORKDAY) == ["补班"]  # a Saturday
    assert named(date(2025, 10, 9), MarkKind.STATUTORY_HOLIDAY) == []


def test_a_year_without_an_announcement_says_so_and_has_all_else() -> None:
    assert almanac.announced(2025) is Announced.YES
    assert (almanac.announced(2099), almanac.announced(1990)) == (Announced.NOT_YET, Announced.NEVER)
    assert {mark.kind for mark in almanac.shipped(date(2099, 1, 1), date(2099, 12, 31))} == {
        MarkKind.SOLAR_TERM,
        MarkKind.SHOPPING_FESTIVAL,
        MarkKind.QUIET_DAY,
    }


def test_festivals_and_quiet_days() -> None:
    assert named(date(2026, 11, 11), MarkKind.SHOPPING_FESTIVAL) == ["双11"]
    assert named(date(2026, 8, 19), MarkKind.SHOPPING_FESTIVAL) == ["七夕"]
    [memorial] = almanac.quiet_days(date(2026, 12, 13))
    assert (memorial.name, memorial.severity) == ("南京大屠杀死难者国家公祭日", Severity.WARN)
    assert list(almanac.quiet_days(date(2013, 12, 13))) == []  # decided in 2014
    assert [mark.name for mark in almanac.quiet_days(date(2026, 4, 5))] == ["清明节"]
