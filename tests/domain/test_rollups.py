"""Gains of days against the plain definition, whatever is known when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.rollups import Day, Total, gains

FIRST = date(2026, 11, 1)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def total(value: int) -> Total:
    return Total(value=value, sampled_at=NOON)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_the_first_day_counts_from_its_opening() -> None:
    of_post, of_channel = total(7), replace(total(1004), opening=1000)
    assert gains({day(0): of_post}, {}) == {day(0): Day(total=of_post, gain=7)}
    assert gains({day(0): of_channel}, {}) == {day(0): Day(total=of_channel, gain=4)}


def test_a_late_day_changes_itself_and_the_next_known_one_only() -> None:
    known = {day(0): total(2), day(5): total(30), day(6): total(31)}
    written = gains({day(3): total(12)}, known)
    assert {key: made.gain for key, made in written.items()} == {day(3): 10, day(5): 18}


def _neighbours(store: dict[date, Total], changed: dict[date, Total]) -> dict[date, Total]:
    """What the database gives: the stored days next to each changed one."""
    near: set[date] = set()
    for one in changed:
        near |= set(sorted(before for before in store if before < one)[-1:])
        near |= set(sorted(after for after in store if after > one)[:1])
    return {key: replace(store[key], opening=0) for key in near}


@given(
    batches=st.lists(
        st.dictionaries(st.integers(0, 12), st.integers(-5, 100), min_size=1, max_size=4), max_size=6
    ),
    opening=st.integers(-5, 100),
)
def test_whatever_the_order_the_end_is_the_definition(batches: list[dict[int, int]], opening: int) -> None:
    store: dict[date, Total] = {}
    stored: dict[date, int] = {}
    for batch in batches:
        changed = {day(number): replace(total(value), opening=opening) for number, value in batch.items()}
        written = gains(changed, _neighbours(store, changed))
        store |= {key: made.total for key, made in written.items()}
        stored |= {key: made.gain for key, made in written.items()}
    base = opening
    for key in sorted(store):
        assert stored[key] == store[key].value - base
        base = store[key].value
