"""Best times: honest without data, led by it where there is enough, and never by one post alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.best_times import BestTime, Result, choose, prior, rank
from drumtower.domain.slots import Weekday

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 2, tzinfo=SHANGHAI)


def results(hour: int, engagements: int, count: int, weekday: int = 0) -> list[Result]:
    at = MONDAY + timedelta(days=weekday, hours=hour)
    return [Result(published_at=at - timedelta(weeks=n), engagements=engagements) for n in range(count)]


def cell(ranked: list[BestTime], weekday: Weekday, hour: int) -> BestTime:
    return next(one for one in ranked if (one.weekday, one.hour) == (weekday, hour))


def test_without_data_it_is_the_prior_and_says_so() -> None:
    ranked = rank([], "weibo", SHANGHAI)
    assert len({(one.weekday, one.hour) for one in ranked}) == 168
    assert [one.posts for one in ranked] == [0] * 168
    assert ranked[0].lift == pytest.approx(prior("weibo", ranked[0].weekday, ranked[0].hour) - 1, abs=0.001)
    assert all("rule of thumb" in one.reason.en and "并非实测" in one.reason.zh_cn for one in ranked)
    assert {one.hour for one in ranked[:4]} <= {20, 21}
    assert rank([], "linkedin", SHANGHAI)[0].weekday not in (Weekday.SAT, Weekday.SUN)


@pytest.mark.parametrize("platform", ["weibo", "linkedin", "unheard-of"])
def test_a_prior_is_a_shape_around_one(platform: str) -> None:
    shape = [prior(platform, weekday, hour) for weekday in Weekday for hour in range(24)]
    assert sum(shape) / len(shape) == pytest.approx(1)
    assert min(shape) > 0


def test_many_good_posts_move_their_hour_to_the_top() -> None:
    found = results(4, 300, 30) + results(20, 50, 30)
    ranked = rank(found, "weibo", SHANGHAI)
    best = ranked[0]
    assert (best.weekday, best.hour, best.posts) == (Weekday.MON, 4, 30)
    assert cell(ranked, Weekday.MON, 20).lift < 0
    assert "30 of the channel's posts" in best.reason.en


def test_one_post_that_went_round_the_world_does_not() -> None:
    found = results(4, 1_000_000, 1) + [one for hour in range(8, 22) for one in results(hour, 100, 3)]
    ranked = rank(found, "weibo", SHANGHAI)
    assert (ranked[0].weekday, ranked[0].hour) != (Weekday.MON, 4)


def test_few_posts_are_shrunk_more_than_many() -> None:
    lifts = []
    for count in (1, 4, 32):
        found = results(10, 200, count) + results(15, 100, count)
        one = cell(rank(found, "weibo", SHANGHAI), Weekday.MON, 10)
        lifts.append(one.lift)
        assert one.low < one.lift < one.high
    own = 200 / 150 - 1
    expected = prior("weibo", Weekday.MON, 10) - 1
    assert abs(lifts[0] - expected) < abs(lifts[1] - expected) < abs(lifts[2] - expected)
    assert lifts[2] == pytest.approx((32 * own + 8 * expected) / 40, abs=0.001)


def test_hours_are_those_of_the_zone() -> None:
    found = results(1, 500, 40) + results(12, 10, 40)
    best = rank(found, "weibo", ZoneInfo("UTC"))[0]
    assert (best.weekday, best.hour) == (Weekday.SUN, 17)


def test_posts_that_brought_nothing_at_all_say_nothing() -> None:
    ranked = rank(results(10, 0, 10), "weibo", SHANGHAI)
    assert cell(ranked, Weekday.MON, 10).lift <= prior("weibo", Weekday.MON, 10)


@pytest.mark.long
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**9)), max_size=60))
def test_every_answer_is_a_number_and_in_order(given_results: list[tuple[int, int]]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [Result(published_at=start + timedelta(minutes=m), engagements=e) for m, e in given_results]
    ranked = rank(found, "weibo", SHANGHAI)
    assert [one.lift for one in ranked] == sorted((one.lift for one in ranked), reverse=True)
    assert sum(one.posts for one in ranked) == len(found)
    assert rank(found, "weibo", SHANGHAI) == ranked


def test_the_best_free_hour_to_come() -> None:
    ranked = rank([], "weibo", SHANGHAI)
    now = MONDAY + timedelta(hours=12, minutes=20)
    day = timedelta(days=1)
    first = choose(ranked, SHANGHAI, now, day, ())
    assert first is not None
    assert first[0] == MONDAY + timedelta(hours=20)
    second = choose(ranked, SHANGHAI, now, day, {first[0] + timedelta(minutes=25)})
    assert second is not None
    assert second[0] == MONDAY + timedelta(hours=21)
    every = {now + timedelta(hours=n) for n in range(25)}
    assert choose(ranked, SHANGHAI, now, day, every) is None


def test_the_hours_of_the_day_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # half past midnight before the gap
    ranked = rank([], "weibo", berlin)
    taken: set[datetime] = set()
    for _ in range(24):
        found = choose(ranked, berlin, now, timedelta(days=1), taken)
        assert found is not None
        taken.add(found[0])
    assert choose(ranked, berlin, now, timedelta(days=1), taken) is None
    assert len(taken) == 24
