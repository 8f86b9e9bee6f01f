"""What a freeze covers, where it stands, and how instants are found for what it held."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.deliveries import Action
from drumtower.domain.freezes import FreezeState, Gaps, Reach, Scope, Subject, covers, first_free, state

NOW = datetime(2026, 12, 1, tzinfo=UTC)
BRAND, CHANNEL, CAMPAIGN = uuid4(), uuid4(), uuid4()
MINUTE = timedelta(minutes=1)


def subject(action: Action = Action.PUBLISH, nature: str | None = "promotional") -> Subject:
    return Subject(action=action, brand_id=BRAND, channel_id=CHANNEL, campaign_id=CAMPAIGN, nature=nature)


@pytest.mark.parametrize(
    ("reach", "covered"),
    [
        (Reach(scope=Scope.ALL), True),
        (Reach(scope=Scope.BRAND, brand_id=BRAND), True),
        (Reach(scope=Scope.BRAND, brand_id=uuid4()), False),
        (Reach(scope=Scope.CHANNEL, channel_id=CHANNEL), True),
        (Reach(scope=Scope.CHANNEL, channel_id=uuid4()), False),
        (Reach(scope=Scope.CAMPAIGN, campaign_id=CAMPAIGN), True),
        (Reach(scope=Scope.CAMPAIGN, campaign_id=uuid4()), False),
        (Reach(scope=Scope.NATURE, nature="promotional"), True),
        (Reach(scope=Scope.NATURE, nature="editorial"), False),
    ],
)
def test_scope(reach: Reach, covered: bool) -> None:
    assert covers(reach, subject()) is covered


@pytest.mark.parametrize("action", [Action.REPLY, Action.MESSAGE])
def test_answers_are_frozen_unless_it_says_otherwise(action: Action) -> None:
    answer = subject(action, nature=None)
    assert covers(Reach(scope=Scope.ALL), answer)
    assert not covers(Reach(scope=Scope.ALL, allows_replies=True), answer)
    assert covers(Reach(scope=Scope.ALL, allows_replies=True), subject())
    assert not covers(Reach(scope=Scope.NATURE, nature="promotional"), answer)


def test_what_takes_back_is_never_frozen() -> None:
    assert not covers(Reach(scope=Scope.ALL), subject(Action.DELETE))


def test_it_holds_from_its_first_instant_up_to_its_last() -> None:
    end = NOW + MINUTE
    tick = timedelta(microseconds=1)
    stands = [state(NOW, end, None, at) for at in (NOW - tick, NOW, end - tick, end)]
    assert stands == [FreezeState.UPCOMING, FreezeState.ACTIVE, FreezeState.ACTIVE, FreezeState.ENDED]
    assert state(NOW, None, None, NOW + 1000 * MINUTE) is FreezeState.ACTIVE
    assert state(NOW, end, NOW, end) is FreezeState.LIFTED


def test_the_next_free_instant() -> None:
    assert first_free(NOW, MINUTE, []) == NOW
    assert first_free(NOW, MINUTE, [NOW + 2 * MINUTE]) == NOW
    assert first_free(NOW, MINUTE, [NOW + MINUTE / 2]) == NOW + 1.5 * MINUTE
    assert first_free(NOW, MINUTE, [NOW + 1.5 * MINUTE, NOW - MINUTE / 2]) == NOW + MINUTE / 2
    assert first_free(NOW, MINUTE, [NOW + MINUTE, NOW]) == NOW + 2 * MINUTE


@given(st.lists(st.integers(-10_000, 10_000), max_size=30), st.integers(1, 3_600))
def test_a_free_instant_is_never_nearer_than_the_gap(seconds: list[int], gap: int) -> None:
    taken = [NOW + timedelta(seconds=s) for s in seconds]
    at = first_free(NOW, timedelta(seconds=gap), taken)
    assert at >= NOW
    assert all(abs(at - other) >= timedelta(seconds=gap) for other in taken)


def test_answers_have_a_gap_of_their_own() -> None:
    gaps = Gaps(publish=MINUTE, answer=MINUTE / 12)
    assert [gaps.of(action) for action in (Action.PUBLISH, Action.DELETE)] == [MINUTE, MINUTE]
    assert [gaps.of(action) for action in (Action.REPLY, Action.MESSAGE)] == [MINUTE / 12, MINUTE / 12]
