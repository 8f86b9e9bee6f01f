"""A scheduler of the rig: the real one, with the arms that its environment asks for."""

import asyncio
import importlib
import itertools
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from drumtower import http
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import Event
from drumtower.platforms import registry
from services.scheduler import confirm, reap, reconcile
from services.scheduler import main as scheduler
from services.scheduler.send import Sender
from tests.faults.arms import Arms
from tests.faults.crashes import arm_crash

BLIND = EntryPoint(name="blind", value="tests.faults.blind:BlindAdapter", group=registry.GROUP)

BLOCKED = 20


def load_with_blind() -> registry.Registry:
    """The installed adapters, and the rig's own, through the same door."""
    return registry.load([*entry_points(group=registry.GROUP), BLIND])


def take_up(arms: Arms) -> None:
    """Change this process as `arms` says."""
    found = load_with_blind()
    vars(scheduler)["registry"] = _Loaded(found)
    if arms.read_lag is not None:
        shorten_lags(found, timedelta(seconds=arms.read_lag))
        for step in (confirm, reconcile):
            vars(step)["LEASE"] = timedelta(seconds=5)
    if arms.poll_after is not None:
        polls = vars(importlib.import_module("drumtower.adapters.wechat.publishing"))
        polls["_POLLS"] = (timedelta(seconds=arms.poll_after),)
    _take_guards_off(arms)
    if arms.hasty_retries:
        vars(retries)["LONGEST_DELAY"] = timedelta(milliseconds=300)
    if arms.linger:
        linger(arms.linger)
    if arms.skew or arms.drift:
        skew_clock(arms)
    if arms.block:
        block(arms.block)
    if arms.crash:
        arm_crash(arms.crash, arms.crash_skip, arms.fired)


def _take_guards_off(arms: Arms) -> None:
    if arms.naive:
        resend_naively()
    if arms.no_deadline:
        vars(http)["deadline"] = _NoDeadline()


class _Loaded:
    """Stands where main.py looks for the registry module."""

    def __init__(self, found: registry.Registry) -> None:
        self._found = found

    def load(self) -> registry.Registry:
        return self._found


def shorten_lags(found: registry.Registry, lag: timedelta) -> None:
    """Let "absent" be believed as soon as the sandboxes deserve it."""
    for adapter in found.adapters.values():
        adapter.capabilities = replace(adapter.capabilities, read_lag=lag)


def resend_naively() -> None:
    """Mutation: what everybody does who retries on a time-out."""
    decide = retries.decide

    def naive(failure: failures.Failure, attempt: int, now: datetime, **more: Any) -> retries.Decision:
        if isinstance(failure, failures.OutcomeUnknown):
            return retries.Decision(event=Event.RETRY, again_at=now)
        return decide(failure, attempt, now, **more)

    move = vars(reap)["move"]

    async def again(tx: Any, row: Any, event: Event, now: datetime, **changes: Any) -> Any:
        if event is Event.LOSE:
            event, changes = Event.RETRY, changes | {"next_at": now}
        return await move(tx, row, event, now, **changes)

    vars(retries)["decide"] = naive
    vars(reap)["move"] = again


class _NoDeadline:
    """Mutation: a context variable that never holds a deadline."""

    def set(self, _: float | None) -> None:
        return None

    def reset(self, _: None) -> None:
        return None

    def get(self) -> None:
        return None


def linger(seconds: float) -> None:
    """Wait between the intent and the call, so that a pause finds deliveries there."""
    leave = Sender._leave

    async def late(self: Sender, *given: Any) -> Any:
        await asyncio.sleep(seconds)
        return await leave(self, *given)

    Sender._leave = late  # type: ignore[assignment,method-assign]


def block(seconds: float) -> None:
    """Let the event loop stand still between the intent and the call of every so-manieth send."""
    leave, count = Sender._leave, itertools.count(1)

    async def blocked(self: Sender, *given: Any) -> Any:
        if next(count) % BLOCKED == 0:
            say("faults.block")
            time.sleep(seconds)  # noqa: ASYNC251 - that is the fault
        return await leave(self, *given)

    Sender._leave = blocked  # type: ignore[assignment,method-assign]


def skew_clock(arms: Arms) -> None:
    """Give every module of ours a wall clock that is wrong; the database's and the loop's stay right."""
    began = time.monotonic()

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            gone = time.monotonic() - began
            ahead = arms.drift * gone + (arms.skew if gone >= arms.skew_after else 0.0)
            return datetime.now(tz) + timedelta(seconds=ahead)

    for name, module in list(sys.modules.items()):
        if name.startswith(("services.", "drumtower.")) and vars(module).get("datetime") is datetime:
            vars(module)["datetime"] = Skewed
    say(f"faults.clock {arms.skew} {arms.drift}")


def say(words: str) -> None:
    """Leave a word in this scheduler's log: a fault that nobody saw proves nothing."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def main() -> None:
    """Run until a signal ends it."""
    take_up(Arms())
    scheduler.main()


if __name__ == "__main__":
    main()
