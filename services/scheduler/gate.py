"""The gate that every call leaves through: rate budgets, what platforms said about resets, and circuit breakers.

Lock order: deliveries, then budgets, then breakers, each in the order of their keys.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories import breakers as stored_breakers
from drumtower.db.repositories import budgets as stored_budgets
from drumtower.domain import breakers, budgets, failures, retries
from drumtower.domain.breakers import Breaker, BreakerState
from drumtower.domain.budgets import Budget, Rate
from drumtower.domain.deliveries import Action
from drumtower.limits import Limits, Place
from drumtower.platforms import Outcome
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from services.scheduler.waits import Wait

# A platform that wants to be left alone for longer is asked again all the same.
LONGEST_RESET = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a delivery, as limits see it. `first`: nothing was tried for it before. `began`: when it left."""

    delivery_id: UUID
    place: Place
    action: Action
    first: bool
    began: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call, at `at`."""

    call: Call
    result: Outcome | failures.Failure
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets calls through, and learns from what came of them. `rest`: a breaker's first; zero means no breakers."""

    limits: Limits
    rest: timedelta

    @classmethod
    def of(cls, registry: Registry, settings: Settings) -> "Gate":
        """Make the gate that the settings ask for."""
        return cls(
            limits=Limits(registry=registry, documented=settings.documented_limits),
            rest=settings.breaker_rest,
        )

    def call(self, delivery: Delivery, channel: Channel, *, first: bool, began: datetime) -> Call:
        """Say what limits need to know of a delivery's call."""
        return Call(
            delivery_id=delivery.id,
            place=self.limits.place(channel.id, channel.platform, channel.base_url),
            action=Action(delivery.action),
            first=first,
            began=began,
        )

    async def waits(self, tx: Tx, calls: Sequence[Call], now: datetime) -> dict[UUID, Wait]:
        """Let calls through in their order, and return what must wait; what need not has taken its tokens.

        A call that begins a moment later is judged for then.
        """
        if not calls:
            return {}
        held = await stored_budgets.hold(tx, self._rates(calls))
        troubled = await self._troubled(tx, calls, lock=True)
        before = dict(troubled)
        # Where a probe is what may leave, one that was never tried goes first: it is no repeat.
        turns = sorted(calls, key=lambda call: not call.first) if troubled else calls
        served = {call.delivery_id: self._serve(call, held, troubled, max(now, call.began)) for call in turns}
        await stored_budgets.advance(tx, held.values())
        changed = {key: breaker for key, breaker in troubled.items() if breaker != before[key]}
        await stored_breakers.write(tx, changed)
        return {delivery_id: wait for delivery_id, wait in served.items() if wait is not None}

    async def closed(self, tx: Tx, call: Call, now: datetime) -> Wait | None:
        """Return what has closed meanwhile on a call that was let through; takes nothing."""
        rows = await stored_budgets.read(tx, self._rates([call]))
        for row in rows.values():
            if row.closed_until is not None and row.closed_until > now:
                return _reset(row.closed_until)
        for breaker in (await self._troubled(tx, [call], lock=False)).values():
            if breaker.state is BreakerState.OPEN and breaker.next_at is not None:
                return _broken(breaker.next_at)
        return None

    async def learn(self, tx: Tx, heard: Sequence[Heard]) -> None:
        """Remember the resets that platforms told, and which places failed or answered."""
        await stored_budgets.close(tx, _resets(heard))
        if self.rest:
            await self._judge(tx, heard)

    def _rates(self, calls: Sequence[Call]) -> dict[str, Rate | None]:
        rates: dict[str, Rate | None] = {}
        for call in calls:
            rates |= self._of(call)
        return rates

    def _of(self, call: Call) -> dict[str, Rate | None]:
        return {**self.limits.rates(call.place), **self.limits.action_rate(call.place, call.action)}

    async def _troubled(self, tx: Tx, calls: Sequence[Call], *, lock: bool) -> dict[str, Breaker]:
        if not self.rest:
            return {}
        return await stored_breakers.read(tx, {key for call in calls for key in _keys(call)}, lock=lock)

    def _serve(
        self, call: Call, held: Mapping[str, Budget], troubled: dict[str, Breaker], now: datetime
    ) -> Wait | None:
        mine = [held[key] for key in self._of(call)]
        again = budgets.behind(mine, now, random.random())  # noqa: S311 - spreads a crowd, keeps no secret
        if again is not None:
            told = [
                budget.closed_until for budget in mine if budget.closed_until and budget.closed_until > now
            ]
            return _reset(again) if told else _spent(again)
        tried: dict[str, Breaker] = {}
        for key in _keys(call):
            if key in troubled:
                tried[key], again = breakers.admit(troubled[key], now, first=call.first, rest=self.rest)
                if again is not None:
                    return _broken(again)
        troubled |= tried
        for budget in mine:
            budget.take(now)
        return None

    async def _judge(self, tx: Tx, heard: Sequence[Heard]) -> None:
        faults = {key for one in heard if _is_fault(one) for key in _keys(one.call)}
        answered: dict[str, datetime] = {}  # since when, at the latest
        for one in heard:
            for key in set(_keys(one.call)) - faults:
                answered[key] = max(one.call.began, answered.get(key, one.call.began))
        await stored_breakers.close(tx, answered)
        if not faults:
            return
        await stored_breakers.make(tx, faults)
        held = await stored_breakers.read(tx, faults, lock=True)
        for one in sorted(heard, key=lambda one: one.at):
            for key in faults.intersection(_keys(one.call)):
                held[key] = self._after(held[key], one)
        await stored_breakers.write(tx, held)

    def _after(self, breaker: Breaker, one: Heard) -> Breaker:
        if _is_fault(one):
            return breakers.after_fault(
                breaker, one.at, started_at=one.call.began, first=one.call.first, rest=self.rest
            )
        old_news = breaker.opened_at is not None and one.call.began < breaker.opened_at
        return breaker if old_news else Breaker()


async def closed_channels(tx: Tx, registry: Registry) -> set[UUID]:
    """Return the channels that their platform closed: looks wait there too."""
    return await stored_budgets.closed_channels(tx, Limits(registry=registry).addresses)


def _keys(call: Call) -> tuple[str, str]:
    return call.place.app, call.place.channel


def _is_fault(one: Heard) -> bool:
    return isinstance(one.result, failures.Failure) and breakers.is_fault(one.result)


def _resets(heard: Sequence[Heard]) -> dict[str, tuple[datetime, str]]:
    resets: dict[str, tuple[datetime, str]] = {}
    for one in heard:
        if isinstance(one.result, failures.RateLimited):
            key = one.call.place.key(one.result.scope)
            reset = _told(one.result, one.at)
            resets[key] = max(reset, resets.get(key, reset))
    return resets


def _told(failure: failures.RateLimited, at: datetime) -> tuple[datetime, str]:
    until = failure.until or at + retries.BLIND_RATE_WAIT
    if until <= at + LONGEST_RESET:
        return until, failure.detail
    return (
        at + LONGEST_RESET,
        f"{failure.detail} (until {until.isoformat()}, it said; it is asked after a day)",
    )


def _reset(until: datetime) -> Wait:
    return Wait(until=until, code="rate_limited", detail="The platform asked to wait.")


def _spent(until: datetime) -> Wait:
    return Wait(until=until, code="budget_spent", detail="What the platform takes at a time is used up.")


def _broken(until: datetime) -> Wait:
    return Wait(until=until, code="breaker_open", detail="The platform has failed again and again.")
