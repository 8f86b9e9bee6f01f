"""What follows a failed attempt: again (when), never, by a person, or a look-up first."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from drumtower.domain import failures
from drumtower.domain.deliveries import Event

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=15)
# A platform that names no reset is asked again after this.
BLIND_RATE_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The event that moves the delivery, when it may go again, and whether the attempt counted."""

    event: Event
    again_at: datetime | None = None
    counts: bool = True
    refresh_token: bool = False


def backoff(attempt: int, draw: float) -> timedelta:
    """Exponential with full jitter (AWS Builders' Library): `draw` in [0, 1) picks within the window."""
    window = min(LONGEST_DELAY, FIRST_DELAY * (1 << min(attempt - 1, 20)))
    return max(timedelta(milliseconds=200), window * draw)


def decide(
    failure: failures.Failure,
    attempt: int,
    now: datetime,
    *,
    renewed: bool = False,
    draw: float | None = None,
) -> Decision:
    """Decide what follows `failure` on the given attempt (1 for the first); `renewed`: the token was new already."""
    chance = random.random() if draw is None else draw  # noqa: S311 - jitter, not a secret
    match failure:
        case failures.Transient(after=after):
            return _again(attempt, now + max(after or timedelta(), backoff(attempt, chance)))
        case failures.RateLimited(until=until):
            floor = until or now + BLIND_RATE_WAIT
            return Decision(event=Event.RETRY, again_at=floor + backoff(1, chance), counts=False)
        case failures.AuthExpired():
            # One fresh token, one more try; a second refusal means the credentials themselves are broken.
            if renewed:
                return Decision(event=Event.REFUSE)
            return Decision(event=Event.RETRY, again_at=now, refresh_token=True)
        case failures.Disconnected() | failures.ContentRejected():
            return Decision(event=Event.REFUSE)
        case failures.NotPermitted():
            return Decision(event=Event.HAND_OFF)
        case failures.OutcomeUnknown():
            return Decision(event=Event.LOSE)
        case _:
            assert_never(failure)


# When an unknown outcome is looked up: soon, because most are settled by then, and rarely later on.
LOOKUPS = tuple(timedelta(seconds=s) for s in (1, 5, 15, 60, 300, 1800, 21600))
# Looks that fail (a platform that is down) ask a person only after all of these; a look-up that answers that it can't
# tell asks at once. The looks go on meanwhile.
LOOKS_BEFORE_ASKING = len(LOOKUPS)


def next_lookup(lookups: int, now: datetime) -> datetime:
    """Return when to look again after `lookups` looks that settled nothing."""
    return now + LOOKUPS[min(lookups, len(LOOKUPS) - 1)]


def _again(attempt: int, at: datetime) -> Decision:
    if attempt >= MAX_ATTEMPTS:
        return Decision(event=Event.REFUSE)
    return Decision(event=Event.RETRY, again_at=at)
