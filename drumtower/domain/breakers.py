"""Circuit breakers: a platform or channel that fails is left alone, and asked by one call now and then.

Closed: calls leave. Five faults within 30 s and no answer in between open it. Open: nothing leaves; after a rest one
call goes as a probe (half-open), and the rest doubles with every probe that fails. Any answer closes it: one that
refuses a post's content proves that the platform works as well as one that takes it.

While a breaker has seen faults and no answer, repeats have a budget (AWS Builders' Library, "Timeouts, retries and
backoff with jitter"): a tenth of the first attempts, and one more whenever a rest is over.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from drumtower.domain import failures

FAULTS = 5
WINDOW = timedelta(seconds=30)
# Of a trouble whose last fault is older than this nothing is known any more.
FORGOTTEN_AFTER = timedelta(minutes=10)
LONGEST_REST_FACTOR = 10
# A probe that did not come back by then was lost with its process.
PROBE_PATIENCE = timedelta(seconds=60)
RETRY_SHARE = 0.1


class BreakerState(StrEnum):
    """What a breaker lets through: everything, nothing, or the one probe that is under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A breaker that has seen faults since the last answer; one that has not needs no memory.

    `next_at`: when the next probe may leave, or the next repeat beyond the retry budget. `firsts` and `retries` count
    the calls of this trouble.
    """

    faults: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    probed_at: datetime | None = None
    next_at: datetime | None = None
    rests: int = 0
    firsts: int = 0
    retries: int = 0

    @property
    def state(self) -> BreakerState:
        if self.opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self.probed_at is None else BreakerState.HALF_OPEN


def is_fault(failure: failures.Failure) -> bool:
    """Say whether the platform, not the post or the account, is what failed."""
    return isinstance(failure, failures.Transient | failures.OutcomeUnknown)


def after_fault(
    known: Breaker | None, now: datetime, *, started_at: datetime, first: bool, rest: timedelta
) -> Breaker:
    """Return the breaker after a call, started at `started_at`, met a fault; `rest` is the first rest's length."""
    breaker = _fresh(known, now)
    faults = (*[at for at in breaker.faults if at > now - WINDOW], now)[-FAULTS:]
    breaker = replace(breaker, faults=faults, firsts=breaker.firsts + first)
    if breaker.opened_at is None:
        return _open(breaker, now, rest) if len(faults) >= FAULTS else breaker
    if breaker.probed_at is None or started_at < breaker.probed_at:
        return breaker  # it was under way when the breaker opened, and says nothing new
    return _rest(replace(breaker, probed_at=None), now, rest)


def admit(
    breaker: Breaker, now: datetime, *, first: bool, rest: timedelta
) -> tuple[Breaker, datetime | None]:
    """Return the breaker, and when to come again where the call may not leave now; None where it may."""
    breaker = _fresh(breaker, now)
    due = breaker.next_at is None or breaker.next_at <= now
    if breaker.opened_at is not None:
        if not due:
            return breaker, breaker.next_at
        probing = replace(breaker, probed_at=now, next_at=now + PROBE_PATIENCE)
        return replace(probing, retries=breaker.retries + (not first)), None
    if first:
        return breaker, None
    within = breaker.retries + 1 <= RETRY_SHARE * breaker.firsts
    if not (within or due):
        return breaker, breaker.next_at
    spent = replace(breaker, retries=breaker.retries + 1)
    return (spent if within else _rest(spent, now, rest)), None


def _fresh(known: Breaker | None, now: datetime) -> Breaker:
    stale = known is None or not known.faults or known.faults[-1] < now - FORGOTTEN_AFTER
    if known is None or (stale and known.opened_at is None):
        return Breaker()
    return known


def _open(breaker: Breaker, now: datetime, rest: timedelta) -> Breaker:
    return _rest(replace(breaker, opened_at=now, rests=0), now, rest)


def _rest(breaker: Breaker, now: datetime, rest: timedelta) -> Breaker:
    length = min(rest * (1 << min(breaker.rests, 10)), rest * LONGEST_REST_FACTOR)
    return replace(breaker, rests=breaker.rests + 1, next_at=now + length)
