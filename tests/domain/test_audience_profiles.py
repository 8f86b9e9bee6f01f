"""Shares of an audience: never more than the whole, and the unknown told."""

from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.audience_profiles import shares

PEOPLE = st.dictionaries(st.text(max_size=3), st.integers(0, 10**9), max_size=20)


@given(PEOPLE, st.none() | st.integers(0, 10**10))
def test_shares_never_exceed_the_whole(people: dict[str, int], total: int | None) -> None:
    found = shares(people, total)
    assert sum(found.values.values()) + (found.unknown or 0) <= 1 + 1e-9
    assert set(found.values) == set(people)
    assert list(found.values.values()) == sorted(found.values.values(), reverse=True)


def test_who_told_nothing_is_the_unknown_share() -> None:
    found = shares({"male": 30, "female": 60}, 100)
    assert (dict(found.values), found.unknown) == ({"female": 0.6, "male": 0.3}, 0.1)
    assert shares({"male": 30, "female": 90}, None).unknown is None, "how many there are is not known"
    assert shares({"male": 30, "female": 90}, 100).unknown == 0
