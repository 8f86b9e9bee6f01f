"""A platform that fails is left alone, and asked by one call now and then (N6, N7)."""

import heapq
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from drumtower.domain import failures
from drumtower.domain.breakers import (
    FAULTS,
    Breaker,
    BreakerState,
    admit,
    after_fault,
    is_fault,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
REST = timedelta(seconds=30)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fault(breaker: Breaker | None, seconds: float, *, first: bool = True, took: float = 0.1) -> Breaker:
    return after_fault(breaker, at(seconds), started_at=at(seconds - took), first=first, rest=REST)


def opened() -> Breaker:
    breaker: Breaker | None = None
    for n in range(FAULTS):
        breaker = fault(breaker, n)
    assert breaker is not None
    return breaker


def test_five_faults_in_half_a_minute_open_it() -> None:
    breaker: Breaker | None = None
    for n in range(FAULTS - 1):
        breaker = fault(breaker, n)
        assert breaker.state is BreakerState.CLOSED
    assert fault(breaker, FAULTS).state is BreakerState.OPEN


def test_five_faults_over_a_longer_time_do_not() -> None:
    breaker: Breaker | None = None
    for n in range(20):
        breaker = fault(breaker, 8 * n)
        assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("failure", "platforms_own"),
    [
        (failures.Transient(detail="down"), True),
        (failures.OutcomeUnknown(detail="no answer"), True),
        (failures.RateLimited(detail="slow down"), False),
        (failures.ContentRejected(detail="no"), False),
        (failures.NotPermitted(detail="no"), False),
        (failures.AuthExpired(detail="no"), False),
        (failures.Disconnected(detail="no"), False),
    ],
)
def test_only_the_platforms_own_faults_count(failure: failures.Failure, platforms_own: bool) -> None:
    assert is_fault(failure) is platforms_own


def test_open_lets_nothing_through_and_then_one_probe() -> None:
    breaker = opened()
    opened_at = breaker.opened_at
    assert opened_at is not None
    for n in range(100):
        breaker, again = admit(breaker, opened_at + REST * (n / 100), first=n % 2 == 0, rest=REST)
        assert again == opened_at + REST
    admitted = 0
    for _ in range(100):
        breaker, again = admit(breaker, opened_at + REST, first=True, rest=REST)
        admitted += again is None
    assert admitted == 1
    assert breaker.state is BreakerState.HALF_OPEN


def test_every_probe_that_fails_doubles_the_rest() -> None:
    breaker = opened()
    rests = []
    now = at(FAULTS)
    for _ in range(7):
        assert breaker.next_at is not None
        now = breaker.next_at
        breaker, again = admit(breaker, now, first=True, rest=REST)
        assert again is None
        breaker = after_fault(
            breaker,
            now + timedelta(seconds=1),
            started_at=now + timedelta(seconds=0.5),
            first=True,
            rest=REST,
        )
        assert breaker.state is BreakerState.OPEN
        assert breaker.next_at is not None
        rests.append((breaker.next_at - now - timedelta(seconds=1)) / REST)
    assert rests == [2, 4, 8, 10, 10, 10, 10]


def test_a_probe_that_died_with_its_process_is_followed_by_another() -> None:
    breaker, again = admit(opened(), at(60), first=True, rest=REST)
    assert again is None
    _, again = admit(breaker, at(119), first=True, rest=REST)
    assert again is not None
    _, again = admit(breaker, at(120), first=True, rest=REST)
    assert again is None


def test_calls_that_were_under_way_when_it_opened_are_no_probes() -> None:
    breaker = opened()
    probing, _ = admit(breaker, at(60), first=True, rest=REST)
    late = after_fault(probing, at(61), started_at=at(1), first=True, rest=REST)
    assert late.state is BreakerState.HALF_OPEN
    assert late.rests == breaker.rests


def test_an_old_trouble_is_forgotten() -> None:
    breaker: Breaker | None = None
    for n in range(FAULTS - 1):
        breaker = fault(breaker, n)
    again = fault(breaker, 3600)
    assert (again.state, again.firsts) == (BreakerState.CLOSED, 1)


@pytest.mark.parametrize("every", [0.5, 2.0, 10.0])
def test_repeats_stay_within_their_budget(every: float) -> None:
    """N7: everything fails for five minutes; a first attempt `every` so many seconds, repeats as fast as they may."""
    draw = random.Random(7)
    breaker: Breaker | None = None
    coming = [(n * every, 0) for n in range(int(300 / every))]  # sorted, so a heap already
    calls: Counter[bool] = Counter()
    while coming and coming[0][0] <= 300:
        now, tries = heapq.heappop(coming)  # of two at one instant the one that was never tried
        if breaker is not None:
            breaker, again = admit(breaker, at(now), first=not tries, rest=REST)
            if again is not None:
                heapq.heappush(coming, (max(now + 0.01, (again - START).total_seconds()), tries))
                continue
        calls[tries == 0] += 1
        breaker = fault(breaker, now + 0.05, first=not tries, took=0.05)
        heapq.heappush(coming, (now + 0.05 + draw.random() * 4, tries + 1))
    # Besides a tenth, one repeat whenever a rest is over: after 0, 30, 90 and 210 s.
    assert calls[False] <= 0.1 * calls[True] + 4
    assert calls[True] >= FAULTS


def test_nothing_is_remembered_of_a_place_that_works() -> None:
    assert Breaker().state is BreakerState.CLOSED
    assert admit(Breaker(), START, first=True, rest=REST)[1] is None
    assert admit(Breaker(), START, first=False, rest=REST)[1] is None
