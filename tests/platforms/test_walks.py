"""Walks down a platform's lists: everything once, whatever the pages look like and when the walk stops."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import InteractionEvent, PostReference
from drumtower.platforms.walks import IdWalk, State, TimeWalk, each_post, numbers_of, ranges_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.lists(st.integers(1, 400), unique=True, max_size=80).map(sorted), st.integers(1, 9), st.data())
def test_a_walk_by_id_gives_each_id_once(ids: list[int], size: int, data: st.DataObject) -> None:
    known = data.draw(st.integers(0, len(ids)))
    walk, seen = IdWalk(None), list[int]()
    for there in (ids[:known], ids):
        while True:
            page = [one for one in reversed(there) if not walk.on or one <= walk.max][: size + 1]
            seen += walk.take(page, lambda one: one)
            walk = IdWalk(walk.state())
            if not walk.on:
                break
    assert sorted(seen) == ids


@pytest.mark.long
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 14)), max_size=60),
    st.integers(2, 9),
)
def test_a_walk_by_date_gives_what_comes_late_once(entries: list[tuple[int, int]], size: int) -> None:
    """Each entry is dated at a minute and shows up some minutes later, less than the overlap."""
    overlap, seen = timedelta(minutes=15), list[str]()
    cursor: dict[str, Any] = {}
    for minute in range(0, 5030, 13):
        now = NOW + timedelta(minutes=minute)
        there = sorted(
            (
                (NOW + timedelta(minutes=at), f"e{index}")
                for index, (at, late) in enumerate(entries)
                if at + late <= minute
            ),
            reverse=True,
        )
        for _ in range(100):
            walk = TimeWalk.at(cursor, overlap, first=NOW - timedelta(days=1))
            start = int(walk.page or 0)
            page = {key: (date, key) for date, key in there[start : start + size]}
            following = str(start + size) if start + size < len(there) else None
            new, after = walk.take(page, following, now)
            seen, cursor = seen + new, after.cursor()
            if after.page is None:
                break
    assert sorted(seen) == sorted(f"e{index}" for index in range(len(entries)))


async def test_each_posts_list_goes_on_where_it_stopped() -> None:
    lists = {"a": [1, 2, 3, 4, 5], "b": [6]}

    async def read(post: PostReference, before: State) -> tuple[list[InteractionEvent], State]:
        begin = before.get("begin", 0)
        rows = lists[post.external_id]
        done = begin + 2 >= len(rows)
        return [_event(row) for row in rows[begin : begin + 2]], {"begin": 0 if done else begin + 2}

    posts = {name: PostReference(external_id=name, published_at=NOW) for name in lists}
    cursor, seen, pulls = dict[str, Any](), list[str](), 0
    while True:
        page = await each_post(cursor, posts, read)
        cursor, pulls = page.cursor, pulls + 1
        seen += [event.external_id for event in page.events]
        if not page.more:
            break
    assert seen == ["1", "2", "6", "3", "4", "5"]
    assert pulls == 3


def _event(number: int) -> InteractionEvent:
    kind = InteractionKind.COMMENT
    return InteractionEvent(external_id=str(number), kind=kind, author_id="1", text="", occurred_at=NOW)


@given(st.sets(st.integers(0, 10**6)))
def test_ranges_keep_numbers(numbers: set[int]) -> None:
    assert numbers_of(ranges_of(numbers)) == numbers
