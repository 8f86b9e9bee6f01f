"""The delivery state machine: one table; nothing moves a delivery but `next_state`."""

from datetime import datetime
from enum import StrEnum

from drumtower.domain.errors import Conflict


class Action(StrEnum):
    """What a delivery does on its channel."""

    PUBLISH = "publish"
    REPLY = "reply"
    MESSAGE = "message"
    DELETE = "delete"


class State(StrEnum):
    """Where a delivery stands. `published` needs a platform id or a proof."""

    PLANNED = "planned"  # waits for its due time
    CLAIMED = "claimed"  # a dispatcher holds it; nothing has left
    SENDING = "sending"  # bytes may be leaving; a crash from here on means unknown
    ACCEPTED = "accepted"  # the platform has it and is still processing
    PUBLISHED = "published"
    RETRYING = "retrying"  # provably nothing happened; waits to go again
    UNKNOWN = "unknown"  # it may be live; it is looked up, never resent blindly
    HANDOFF = "handoff"  # a person publishes it and brings a proof
    HELD = "held"  # approval, channel or freeze forbids it for now
    MISSED = "missed"  # too late by its own policy
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"
    START = "start"
    PUBLISH = "publish"
    ACCEPT = "accept"
    RETRY = "retry"
    REFUSE = "refuse"
    LOSE = "lose"
    ABSENT = "absent"
    HAND_OFF = "hand_off"
    HOLD = "hold"
    RELEASE = "release"
    MISS = "miss"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"


_S, _E = State, Event

TRANSITIONS: dict[State, dict[Event, State]] = {
    _S.PLANNED: {
        _E.CLAIM: _S.CLAIMED,
        _E.LOSE: _S.UNKNOWN,  # the database was restored from a backup: it may have gone out after that
        _E.HOLD: _S.HELD,
        _E.MISS: _S.MISSED,
        _E.CANCEL: _S.CANCELLED,
        _E.RESCHEDULE: _S.PLANNED,
    },
    _S.CLAIMED: {
        _E.START: _S.SENDING,
        _E.LOSE: _S.UNKNOWN,  # as above
        _E.RETRY: _S.RETRYING,  # the claimer died, or found nothing may leave yet
        _E.REFUSE: _S.FAILED,
        _E.HAND_OFF: _S.HANDOFF,
        _E.HOLD: _S.HELD,
        _E.MISS: _S.MISSED,
        _E.CANCEL: _S.CANCELLED,
    },
    _S.SENDING: {
        _E.PUBLISH: _S.PUBLISHED,
        _E.ACCEPT: _S.ACCEPTED,
        _E.RETRY: _S.RETRYING,
        _E.REFUSE: _S.FAILED,
        _E.LOSE: _S.UNKNOWN,
        _E.HAND_OFF: _S.HANDOFF,
    },
    _S.ACCEPTED: {
        _E.PUBLISH: _S.PUBLISHED,
        _E.ACCEPT: _S.ACCEPTED,
        _E.REFUSE: _S.FAILED,
        _E.LOSE: _S.UNKNOWN,
    },
    _S.RETRYING: {
        _E.CLAIM: _S.CLAIMED,
        _E.LOSE: _S.UNKNOWN,  # as above
        _E.HOLD: _S.HELD,
        _E.MISS: _S.MISSED,
        _E.CANCEL: _S.CANCELLED,
        _E.RESCHEDULE: _S.PLANNED,
    },
    _S.UNKNOWN: {
        _E.PUBLISH: _S.PUBLISHED,
        _E.ACCEPT: _S.ACCEPTED,
        _E.ABSENT: _S.RETRYING,
        _E.REFUSE: _S.FAILED,
        _E.LOSE: _S.UNKNOWN,
    },
    _S.HANDOFF: {_E.PUBLISH: _S.PUBLISHED, _E.CANCEL: _S.CANCELLED},
    _S.HELD: {
        _E.RELEASE: _S.PLANNED,
        _E.MISS: _S.MISSED,
        _E.CANCEL: _S.CANCELLED,
        _E.RESCHEDULE: _S.HELD,
    },
    _S.MISSED: {_E.RESCHEDULE: _S.PLANNED, _E.CANCEL: _S.CANCELLED},
    _S.FAILED: {_E.RETRY: _S.RETRYING, _E.CANCEL: _S.CANCELLED},
    _S.PUBLISHED: {},
    _S.CANCELLED: {},
}

WAITING = frozenset({_S.PLANNED, _S.RETRYING})
LEASED = frozenset({_S.CLAIMED, _S.SENDING})
FINAL = frozenset({_S.PUBLISHED, _S.CANCELLED})
# States in which the engine owes the row a next step, so `next_at` must be set.
LIVE = WAITING | LEASED | {_S.ACCEPTED, _S.UNKNOWN}
# What an edit of the post still reaches.
EDITABLE = WAITING | {_S.HELD}

_REASONS = {
    (_S.UNKNOWN, _E.CANCEL): "It may already be live: its outcome is being looked up. Settle that first.",
    (_S.SENDING, _E.CANCEL): "It is leaving at this moment. Wait for the outcome.",
    (_S.ACCEPTED, _E.CANCEL): "The platform has already taken it. Wait for the outcome.",
    (_S.PUBLISHED, _E.CANCEL): "It is published. Delete it instead.",
    (
        _S.UNKNOWN,
        _E.RETRY,
    ): "It may already be live; sending again could publish it twice. Reconcile it first.",
    (_S.PUBLISHED, _E.RETRY): "It is published.",
}


def next_state(state: State, event: Event) -> State:
    """Return where `event` takes a delivery in `state`; raise Conflict where it may not happen."""
    target = TRANSITIONS[state].get(event)
    if target is None:
        reason = _REASONS.get((state, event), f"A delivery that is {state} can't {event}.")
        raise Conflict("delivery_state", reason)
    return target


def allowed(state: State) -> list[Event]:
    """Return what may happen to a delivery in `state`."""
    return list(TRANSITIONS[state])


def is_late(due_at: datetime, late_by_seconds: int | None, now: datetime) -> bool:
    """Say whether the delivery's own policy forbids publishing it at `now`; no policy means never too late."""
    return late_by_seconds is not None and (now - due_at).total_seconds() > late_by_seconds


def diagram() -> str:
    """Draw the machine as a Mermaid state diagram, for ARCHITECTURE.md."""
    lines = ["stateDiagram-v2", "    [*] --> planned"]
    for state, events in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {event}" for event, target in events.items()]
        if state in FINAL:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)
