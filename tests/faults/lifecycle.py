"""R19: lives of a delivery as Hypothesis invents them, by the engine's own decisions, against a platform that is real.

Nothing here has a database: rows are in memory, and what decides is what the scheduler decides with (`settlement`,
`_decide`, `next_state`). Two holders may believe that they have the row; a lease may end at any moment.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from drumtower.db.models import Delivery
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import LEASED, LIVE, WAITING, Event, State, next_state
from drumtower.domain.ids import new_id
from drumtower.platforms import Accepted, Published
from services.scheduler.outcomes import Report as Told
from services.scheduler.outcomes import _decide
from services.scheduler.settle import Result, settlement
from tests.faults.checker import Verdict
from tests.faults.field import Size
from tests.faults.report import Report
from tests.faults.world import World

STEPS = 50
# What ends a life early, or takes it back, must not crowd out the rest.
RARELY = st.sampled_from([False, False, False, False, False, True])
START = datetime(2026, 12, 1, 9, tzinfo=UTC)
NOT_SENT = failures.Transient(detail="not sent")
LOST = failures.OutcomeUnknown(detail="no answer")
REFUSED = failures.ContentRejected(detail="forbidden word")
fired = dict.fromkeys(
    ("created", "edited", "sent", "crash", "lease expired", "looked", "cancelled", "webhook"), 0
)


@dataclass(slots=True)
class Holder:
    """A scheduler that believes it has the row. `result`: what its call brought, None before."""

    fence: int
    started: bool = False
    result: Result | None = None


class Life(RuleBasedStateMachine):
    """One delivery, a platform that remembers, and whoever holds the row or believes it."""

    guarded = True  # bytes leave within the lease only; without it, a second post must be found

    def __init__(self) -> None:
        super().__init__()
        fired["created"] += 1
        self.now = START
        self.row = Delivery(
            id=new_id(), state=State.PLANNED.value, fence=0, attempts=0, lookups=0, revision=1
        )
        self.row.due_at = self.row.next_at = START
        self.row.handle, self.row.context, self.row.error, self.row.needs_check = None, {}, None, False
        self.row.sent_at = self.row.interaction_id = self.row.external_id = None
        self.out: list[str] = []  # what the platform made of it
        self.holders: list[Holder] = []
        self.fences = [0]

    @property
    def state(self) -> State:
        return State(self.row.state)

    def move(self, event: Event, **changes: Any) -> None:
        self.row.state = next_state(self.state, event).value
        for name, value in changes.items():
            setattr(self.row, name, value)
        if self.state not in LIVE:
            self.row.next_at = None
        self.fences.append(self.row.fence)

    def live(self) -> Holder | None:
        return next((one for one in self.holders if one.fence == self.row.fence), None)

    @precondition(lambda self: self.state in WAITING)
    @rule(ready=st.booleans())
    def claim(self, ready: bool) -> None:
        """Take the row; with nothing slow to do first, the intent is committed with the claim."""
        self.move(Event.CLAIM, fence=self.row.fence + 1, attempts=self.row.attempts + 1, next_at=self.now)
        self.holders.append(Holder(self.row.fence))
        if ready:
            self.start()

    @precondition(lambda self: self.state is State.CLAIMED and self.live())
    @rule()
    def catch_up(self) -> None:
        self.start()

    def start(self) -> None:
        holder = self.live()
        assert holder is not None
        self.move(Event.START, sent_at=self.now)
        holder.started = True

    @precondition(lambda self: any(one.started and one.result is None for one in self.holders))
    @rule(act=st.sampled_from(["not sent", "refused", "acts", "acts, no answer", "no answer", "accepts"]))
    def send(self, act: str) -> None:
        """The call; whoever lost the lease has passed its deadline, so its bytes stay here."""
        holder = next(one for one in self.holders if one.started and one.result is None)
        fired["sent"] += 1
        if (self.guarded and holder.fence != self.row.fence) or act == "not sent":
            holder.result = NOT_SENT
            return
        if act.startswith("acts") or act == "accepts":
            self.out.append(f"{len(self.out) + 1}")
        results: dict[str, Result] = {
            "refused": REFUSED,
            "acts": Published(external_id=self.out[-1] if self.out else "none"),
            "accepts": Accepted(handle={"id": "1"}, poll_after=timedelta(seconds=1)),
        }
        holder.result = results.get(act, LOST)

    @precondition(lambda self: any(one.result for one in self.holders))
    @rule()
    def record(self) -> None:
        """An answer is written, by whoever got it, however late."""
        holder = next(one for one in self.holders if one.result)
        self.holders.remove(holder)
        assert holder.result is not None
        told = Told(
            delivery_id=self.row.id, fence=holder.fence, result=holder.result, at=self.now, started=True
        )
        decided = _decide(self.row, told)
        if decided is not None:
            self.move(decided.event, **decided.changes)

    @precondition(lambda self: self.holders)
    @rule(rarely=RARELY)
    def crash(self, rarely: bool) -> None:
        if not rarely:
            return
        fired["crash"] += 1
        self.holders.pop(0)

    @precondition(lambda self: self.state in LEASED)
    @rule(rarely=RARELY)
    def expire(self, rarely: bool) -> None:
        """The reaper takes the row: not started is due again, started is unknown."""
        if not rarely:
            return
        fired["lease expired"] += 1
        if self.state is State.CLAIMED:
            again = {"attempts": self.row.attempts - 1, "next_at": self.now}
            self.move(Event.RETRY, fence=self.row.fence + 1, **again)
        else:
            self.move(Event.LOSE, fence=self.row.fence + 1, next_at=retries.next_lookup(0, self.now))

    @precondition(lambda self: self.state in (State.UNKNOWN, State.ACCEPTED))
    @rule()
    def look(self) -> None:
        """A look after the grace sees what is there."""
        fired["looked"] += 1
        self.row.fence += 1
        if self.out:
            decided = settlement(self.row, Published(external_id=self.out[0]), self.now)
            self.move(decided.event, **decided.changes)
        elif self.state is State.UNKNOWN and self.row.attempts >= retries.MAX_ATTEMPTS:
            self.move(Event.REFUSE, error={"code": "absent"})
        elif self.state is State.UNKNOWN:
            self.move(Event.ABSENT, next_at=self.now)

    @precondition(lambda self: self.out and self.state in (State.UNKNOWN, State.ACCEPTED))
    @rule()
    def webhook(self) -> None:
        """The platform tells by itself."""
        fired["webhook"] += 1
        self.row.fence += 1
        decided = settlement(self.row, Published(external_id=self.out[0]), self.now)
        self.move(decided.event, **decided.changes)

    @precondition(lambda self: self.state in WAITING | {State.HELD})
    @rule(hours=st.integers(1, 48), rarely=RARELY)
    def edit(self, hours: int, rarely: bool) -> None:
        if not rarely:
            return
        fired["edited"] += 1
        due = self.now + timedelta(hours=hours)
        self.move(Event.RESCHEDULE, due_at=due, next_at=due, fence=self.row.fence + 1)

    @precondition(lambda self: self.state in WAITING | {State.CLAIMED, State.HELD, State.FAILED})
    @rule(rarely=RARELY)
    def cancel(self, rarely: bool) -> None:
        if not rarely:
            return
        fired["cancelled"] += 1
        self.move(Event.CANCEL, fence=self.row.fence + 1)

    @precondition(lambda self: self.state is State.FAILED)
    @rule()
    def retry(self) -> None:
        self.move(Event.RETRY, next_at=self.now)

    @rule(seconds=st.integers(0, 4000))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def once_at_most(self) -> None:
        assert len(self.out) <= 1

    @invariant()
    def published_has_its_id(self) -> None:
        assert self.state is not State.PUBLISHED or self.row.external_id in self.out

    @invariant()
    def not_denied(self) -> None:
        assert not self.out or self.state not in (State.CANCELLED, State.FAILED, *WAITING)

    @invariant()
    def fences_never_fall(self) -> None:
        assert self.fences == sorted(self.fences)

    @invariant()
    def somebody_acts_next(self) -> None:
        assert self.state not in LIVE or self.row.next_at is not None


class Unguarded(Life):
    """Mutation: whoever wakes up after its lease sends all the same."""

    guarded = False


def live(examples: int, life: type[Life] = Life) -> None:
    """Try so many lives of fifty steps; raise for the first that goes wrong."""
    run_state_machine_as_test(
        life,
        settings=settings(
            phases=[Phase.generate],  # a shorter story takes minutes to find
            report_multiple_bugs=False,
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def lifecycle(world: World, size: Size) -> Report:
    """Invent `posts` lives of a delivery."""
    del world
    live(size.posts)
    return Report(
        name="R19 invented lives",
        posts=size.posts,
        fired=dict(fired),
        verdict=Verdict(states={}),
        drained_after=0.0,
        numbers={"steps_each": STEPS},
    )
