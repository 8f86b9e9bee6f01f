"""The days of a series, and their instants in its zone."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.series import Every, Plan, Rule, days
from drumtower.domain.slots import Weekday

START = date(2026, 1, 31)
FAR = date(2099, 1, 1)


def plan(rule: Rule, **fields: Any) -> Plan:
    defaults: dict[str, Any] = {"local": time(9, 30), "timezone": "Asia/Shanghai", "starts_on": START}
    return Plan(rule=rule, **(defaults | fields))


def first(made: Plan, most: int = 5, since: date = START) -> list[str]:
    return [day.isoformat() for day in islice(days(made, since, FAR), most)]


def test_every_other_day() -> None:
    made = plan(Rule(every=Every.DAY, interval=2))
    assert first(made, 3) == ["2026-01-31", "2026-02-02", "2026-02-04"]
    assert first(made, 2, date(2026, 2, 3)) == ["2026-02-04", "2026-02-06"]


def test_every_second_week_on_two_days_counts_from_the_first_week() -> None:
    rule = Rule(every=Every.WEEK, interval=2, weekdays=(Weekday.SUN, Weekday.TUE))
    # The 31st is a Saturday: its week's Tuesday has passed, its Sunday has not.
    assert first(plan(rule), 4) == ["2026-02-01", "2026-02-10", "2026-02-15", "2026-02-24"]


def test_monthly_on_the_31st_means_the_months_last_day() -> None:
    rule = Rule(every=Every.MONTH, day=31)
    expected = ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    assert first(plan(rule)) == expected
    leap = plan(Rule(every=Every.MONTH, interval=12, day=29), starts_on=date(2027, 2, 1))
    assert first(leap, 2) == ["2027-02-28", "2028-02-29"]


def test_a_29th_of_february_comes_back_each_leap_year_and_is_the_28th_meanwhile() -> None:
    made = plan(Rule(every=Every.MONTH, interval=12, day=29), starts_on=date(2092, 2, 29))
    shown = list(days(made, made.starts_on, date(2105, 1, 1)))
    assert [day.year for day in shown] == list(range(2092, 2105))
    assert {day.year for day in shown if day.day == 29} == {2092, 2096, 2104}, "2100 is no leap year"
    assert {(day.month, day.day) for day in shown} == {(2, 28), (2, 29)}
    every_month = plan(Rule(every=Every.MONTH, day=31), starts_on=date(2028, 1, 31))
    assert first(every_month, 3, date(2028, 2, 1)) == ["2028-02-29", "2028-03-31", "2028-04-30"]


def test_monthly_on_a_day_that_has_passed_begins_the_month_after() -> None:
    assert first(plan(Rule(every=Every.MONTH, day=1)), 2) == ["2026-02-01", "2026-03-01"]


@pytest.mark.parametrize(
    ("fields", "count"), [({"ends_on": date(2026, 2, 2)}, 3), ({"times": 2}, 2), ({"times": 40}, 40)]
)
def test_its_end(fields: dict[str, Any], count: int) -> None:
    assert len(list(days(plan(Rule(every=Every.DAY), **fields), START, FAR))) == count


def test_times_count_from_the_first_day_whatever_is_asked() -> None:
    made = plan(Rule(every=Every.DAY), times=3)
    assert first(made, 5, date(2026, 2, 2)) == ["2026-02-02"]
    assert first(made, 5, date(2026, 2, 3)) == []


def test_its_time_is_the_wall_clocks() -> None:
    made = plan(Rule(every=Every.DAY), timezone="Europe/Berlin")
    instants = [made.at(date(2026, 3, 28)), made.at(date(2026, 3, 29))]
    assert [at.strftime("%H:%M") for at in instants] == ["08:30", "07:30"]
    gap = plan(Rule(every=Every.DAY), timezone="Europe/Berlin", local=time(2, 30))
    assert gap.at(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there
    assert gap.at(date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the first of two


RULES = st.one_of(
    st.builds(Rule, every=st.just(Every.DAY), interval=st.integers(1, 365)),
    st.builds(
        Rule,
        every=st.just(Every.WEEK),
        interval=st.integers(1, 52),
        weekdays=st.lists(st.sampled_from(list(Weekday)), min_size=1, unique=True).map(tuple),
    ),
    st.builds(Rule, every=st.just(Every.MONTH), interval=st.integers(1, 24), day=st.integers(1, 31)),
)


@given(RULES, st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 800))
def test_days_are_in_order_once_and_the_same_from_wherever_one_looks(
    rule: Rule, start: date, offset: int
) -> None:
    made = plan(rule, starts_on=start)
    last = start + timedelta(days=1_500)
    every = list(days(made, start, last))
    assert every == sorted(set(every))
    assert all(start <= day <= last for day in every)
    since = start + timedelta(days=offset)
    assert list(days(made, since, last)) == [day for day in every if day >= since]
