"""GCRA: never more than the limit and its burst in any window, and nearly all of it usable (N3)."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.budgets import Budget, Rate, admit, free_at, left

START = datetime(2026, 1, 1, tzinfo=UTC)
N3 = Rate(count=60, per=timedelta(minutes=1), burst=10, source="N3")
MINUTES_5 = timedelta(minutes=5)

rates = st.builds(
    Rate,
    count=st.integers(1, 5000),
    per=st.sampled_from([timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)]),
    burst=st.integers(1, 50),
    source=st.just("tests"),
)
gaps = st.lists(st.integers(0, 10**9).map(lambda us: timedelta(microseconds=us)), min_size=1, max_size=300)


def served(rate: Rate, arrivals: list[datetime]) -> list[datetime]:
    """Return the arrivals that got a token."""
    budget = Budget(key="tests", rate=rate)
    return [at for at in arrivals if admit([budget], at, 0.0) is None]


def most_in_a_window(times: list[datetime], per: timedelta) -> int:
    return max((sum(start <= at < start + per for at in times) for start in times), default=0)


@given(rates, gaps)
def test_no_window_ever_sees_more_than_count_and_burst(rate: Rate, steps: list[timedelta]) -> None:
    arrivals = list(accumulate(steps, add, initial=START))
    assert most_in_a_window(served(rate, arrivals), rate.per) <= rate.count + rate.burst


@pytest.mark.long
@given(st.integers(11, 100), st.integers(1, 10))
def test_a_rate_within_a_limit_keeps_every_window_within_it(limit: int, burst: int) -> None:
    rate = Rate.within(limit, timedelta(minutes=1), burst=burst, source="tests")
    greedy = [START + timedelta(milliseconds=50 * n) for n in range(3 * 60 * 20)]
    assert most_in_a_window(served(rate, greedy), rate.per) <= limit


@pytest.mark.parametrize("late", [timedelta(), timedelta(milliseconds=700)])
def test_a_hundred_callers_use_the_whole_budget(late: timedelta) -> None:
    """N3: 60 a minute, burst 10, five minutes; callers come when told, and some of them a little late."""
    budget = Budget(key="tests", rate=N3)
    waiting = [START + timedelta(milliseconds=n) for n in range(100 * 5)]
    times: list[datetime] = []
    while waiting:
        waiting.sort()
        at = waiting.pop(0)
        if at > START + MINUTES_5:
            break
        again = admit([budget], at, 0.0)
        if again is None:
            times.append(at)
        else:
            waiting.append(again + late * (len(waiting) % 2))
    assert most_in_a_window(times, N3.per) <= N3.count + N3.burst
    usable = N3.count * 5
    assert len(times) >= 0.98 * usable
    assert len(times) <= usable + N3.burst


def test_what_is_over_budget_is_spread_one_by_one_and_oldest_first() -> None:
    budget = Budget(key="tests", rate=Rate(count=60, per=timedelta(minutes=1), burst=2, source="tests"))
    told = [admit([budget], START, 0.5) for _ in range(7)]
    assert told[:2] == [None, None]
    assert told[2] == START + timedelta(seconds=1)
    assert all(
        later - sooner == timedelta(seconds=1) for sooner, later in pairwise(at for at in told[2:] if at)
    )


def test_the_promise_holds_when_everybody_comes_as_told() -> None:
    budget = Budget(key="tests", rate=N3)
    told = [again for _ in range(60) if (again := admit([budget], START, 0.0)) is not None]
    assert len(told) == 50
    assert [admit([budget], at, 0.0) for at in sorted(told)] == [None] * 50


def test_a_call_takes_of_every_budget_or_of_none() -> None:
    app = Budget(key="app", rate=N3)
    empty = Budget(key="channel", rate=Rate(count=1, per=timedelta(hours=1), burst=1, source="tests"))
    assert admit([app, empty], START, 0.0) is None
    before = app.tat
    assert admit([app, empty], START, 0.0) == START + timedelta(hours=1)
    assert app.tat == before
    assert app.promised_until is None, "a channel that is far behind pushed its app's promises away"


def test_nothing_leaves_before_a_reset() -> None:
    until = START + timedelta(minutes=7)
    for rate in (None, N3):
        told = [admit([Budget(key="k", rate=rate, closed_until=until)], START, n / 10) for n in range(10)]
        assert all(at is not None and at >= until for at in told)
        assert admit([Budget(key="k", rate=rate, closed_until=until)], until, 0.0) is None


def test_a_crowd_that_waits_for_a_reset_does_not_come_back_at_once() -> None:
    until = START + timedelta(minutes=7)
    crowd = Budget(key="k", rate=N3, closed_until=until)
    told = {admit([crowd], START, 0.0) for _ in range(100)}
    assert len(told) == 100


@given(rates, st.integers(0, 100))
def test_left_and_free_at_agree(rate: Rate, taken: int) -> None:
    budget = Budget(key="k", rate=rate)
    for _ in range(min(taken, rate.burst)):
        assert admit([budget], START, 0.0) is None
    assert left(rate, budget.tat, START) == rate.burst - min(taken, rate.burst)
    assert (left(rate, budget.tat, START) > 0) == (free_at(rate, budget.tat, START) == START)
    assert left(rate, budget.tat, START + rate.interval * rate.burst) == rate.burst


@pytest.mark.parametrize("wrong", [{"count": 0}, {"burst": 0}, {"per": timedelta()}])
def test_a_rate_that_lets_nothing_through_is_a_mistake(wrong: dict[str, object]) -> None:
    right = {"count": 1, "burst": 1, "per": timedelta(seconds=1), "source": "tests"}
    with pytest.raises(ValueError, match="no such rate"):
        Rate(**(right | wrong))  # type: ignore[arg-type]  # one of them is wrong on purpose
