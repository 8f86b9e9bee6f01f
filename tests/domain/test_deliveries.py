"""The delivery state machine: what may never happen, whatever happens."""

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drumtower.domain.deliveries import (
    EDITABLE,
    FINAL,
    LEASED,
    LIVE,
    TRANSITIONS,
    WAITING,
    Event,
    State,
    allowed,
    diagram,
    is_late,
    next_state,
)
from drumtower.domain.errors import Conflict

# A platform answered, or a person brought a proof: only these say that it is out.
PROOF = Event.PUBLISH
MAYBE_LIVE = frozenset({State.UNKNOWN, State.ACCEPTED})


def reachable(start: State, *, without: frozenset[Event] = frozenset()) -> set[State]:
    """Return where `start` may lead when some events never happen."""
    seen, ahead = {start}, deque([start])
    while ahead:
        for event, target in TRANSITIONS[ahead.popleft()].items():
            if event not in without and target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen


class Machine(RuleBasedStateMachine):
    """A delivery that lives through anything; the platform's truth is kept beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.PLANNED
        self.path = [State.PLANNED]
        self.events: list[Event] = []

    @rule(event=st.sampled_from(list(Event)))
    def happen(self, event: Event) -> None:
        before = self.state
        if event not in TRANSITIONS[before]:
            with pytest.raises(Conflict, match=r"^delivery_state: ."):
                next_state(before, event)
            return
        self.state = next_state(before, event)
        self.events.append(event)
        self.path.append(self.state)
        assert event in allowed(before)

    @rule()
    def cancel(self) -> None:
        """Cancelling works exactly where nothing can have left."""
        if self.state in LEASED - {State.CLAIMED} | MAYBE_LIVE | FINAL:
            with pytest.raises(Conflict):
                next_state(self.state, Event.CANCEL)
        else:
            assert next_state(self.state, Event.CANCEL) is State.CANCELLED

    @precondition(lambda self: self.state is State.UNKNOWN)
    @rule()
    def retry_the_unknown(self) -> None:
        with pytest.raises(Conflict):
            next_state(State.UNKNOWN, Event.RETRY)

    @invariant()
    def nothing_is_sent_after_it_may_be_out(self) -> None:
        """After the last `unknown` or `accepted`, sending again needs an ABSENT or a refusal a person retried."""
        doubts = [i for i, state in enumerate(self.path) if state in MAYBE_LIVE]
        if doubts and State.SENDING in self.path[doubts[-1] :]:
            since = self.events[doubts[-1] :]
            assert Event.ABSENT in since or Event.REFUSE in since

    @invariant()
    def published_has_a_proof(self) -> None:
        if State.PUBLISHED in self.path:
            assert self.events[self.path.index(State.PUBLISHED) - 1] is PROOF
            assert self.path[-1] is State.PUBLISHED

    @invariant()
    def sending_was_claimed(self) -> None:
        for before, state in zip(self.path, self.path[1:], strict=False):
            if state is State.SENDING:
                assert before is State.CLAIMED


TestMachine = Machine.TestCase


@pytest.mark.parametrize("state", list(State))
def test_only_publish_publishes(state: State) -> None:
    assert all(event is PROOF for event, target in TRANSITIONS[state].items() if target is State.PUBLISHED)


def test_unknown_leads_to_sending_through_absent_or_a_proven_refusal_only() -> None:
    assert State.SENDING not in reachable(State.UNKNOWN, without=frozenset({Event.ABSENT, Event.REFUSE}))
    assert State.SENDING not in reachable(State.ACCEPTED, without=frozenset({Event.ABSENT, Event.REFUSE}))
    assert TRANSITIONS[State.UNKNOWN][Event.ABSENT] is State.RETRYING


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_every_state_has_a_way_to_an_end(state: State) -> None:
    assert reachable(state) & FINAL
    if state in LIVE:
        assert set(TRANSITIONS[state].values()) - {state}


def test_every_state_is_reached_and_what_is_final_stays() -> None:
    assert reachable(State.PLANNED) == set(State)
    assert all(not TRANSITIONS[state] for state in FINAL)


def test_the_groups_agree() -> None:
    assert set(TRANSITIONS) == set(State)
    assert WAITING < LIVE
    assert LEASED < LIVE
    assert not LIVE & FINAL
    assert all(Event.HOLD in TRANSITIONS[state] for state in EDITABLE - {State.HELD})
    assert {event for events in TRANSITIONS.values() for event in events} == set(Event)


@pytest.mark.parametrize(
    ("state", "event", "word"),
    [
        (State.UNKNOWN, Event.RETRY, "twice"),
        (State.UNKNOWN, Event.CANCEL, "already be live"),
        (State.SENDING, Event.CANCEL, "leaving at this moment"),
        (State.ACCEPTED, Event.CANCEL, "already taken"),
        (State.PUBLISHED, Event.CANCEL, "Delete it instead"),
        (State.PLANNED, Event.RETRY, "planned"),
    ],
)
def test_a_refusal_says_why(state: State, event: Event, word: str) -> None:
    with pytest.raises(Conflict, match=word):
        next_state(state, event)


@pytest.mark.parametrize(
    ("by", "late", "verdict"), [(None, 10**6, False), (60, 60, False), (60, 61, True), (0, 1, True)]
)
def test_late_by_its_own_policy(by: int | None, late: int, verdict: bool) -> None:
    due = datetime(2026, 12, 1, tzinfo=UTC)
    assert is_late(due, by, due + timedelta(seconds=late)) is verdict


def test_the_diagram_shows_every_transition() -> None:
    drawn = diagram()
    for state, events in TRANSITIONS.items():
        for event, target in events.items():
            assert f"{state} --> {target}: {event}" in drawn
