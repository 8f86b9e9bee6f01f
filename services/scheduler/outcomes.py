"""Writes what platforms answered: gathered for a moment, in one transaction, for as long as it takes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from drumtower.db.engine import Database, Tx, is_hopeless, persistently
from drumtower.db.models import Delivery
from drumtower.db.plain import fetch, make
from drumtower.domain import failures
from drumtower.domain.deliveries import State
from drumtower.platforms import Published
from services.scheduler.gate import Call, Gate, Heard
from services.scheduler.settle import Result, Settlement, close_attempts, settle_all, settlement
from services.scheduler.twins import disbelieve

log = structlog.get_logger(__name__)

# Answers that come within this are written together; each waits so long at most before its write begins.
GATHER_SECONDS = 0.01
BATCH = 200
# What a settlement reads and what a step may change; contents are long, and nothing here looks at them.
_LOCK = """
SELECT id, workspace_id, channel_id, platform, post_id, interaction_id, state, fence, revision, attempts, due_at, sent_at,
    handle, context, error
FROM deliveries WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a flight, at `at` by the database's clock. `started`: its intent was committed.

    `call`: what the platform was asked, where it was asked anything.
    """

    delivery_id: UUID
    fence: int
    result: Result
    at: datetime
    started: bool
    call: Call | None = None


@dataclass(slots=True)
class Outcomes:
    """Takes reports and writes them; `on_written` is called after each write."""

    db: Database
    gate: Gate
    on_written: Callable[[], None] = lambda: None
    _waiting: list[Report] = field(default_factory=list)
    _writing: Sequence[Report] = ()
    _writer: asyncio.Task[None] | None = None

    def take(self, report: Report) -> None:
        """Keep a report until it is written."""
        self._waiting.append(report)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._run(), name="outcomes")

    async def told(self) -> None:
        """Wait until what went wrong is written: a claim must know what its own process has been told."""
        if any(map(_is_news, (*self._waiting, *self._writing))):
            await self.written()

    async def written(self) -> None:
        """Wait until everything taken so far is written."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _run(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            self._writing, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await self._save(self._writing)
            self._writing = ()
            self.on_written()

    async def _save(self, batch: Sequence[Report]) -> None:
        """Write together; where one report spoils it, write each by itself."""
        try:
            await self._write(batch)
        except Exception as error:
            log.exception("outcomes.broken", deliveries=[str(report.delivery_id) for report in batch])
            if isinstance(error, (DBAPIError, PoolTimeout, OSError)) and not is_hopeless(error):
                return  # away for longer than any patience: the reaper decides by what had started
            for report in _apart(batch):
                await self._save([report])

    async def _write(self, batch: Sequence[Report]) -> None:
        """Write a batch as soon as the database takes it."""

        async def write() -> None:
            async with self.db.transaction() as tx:
                await write_reports(tx, batch)
                await self.gate.learn(tx, [Heard(one.call, one.result, one.at) for one in batch if one.call])

        await persistently(write)


def _is_news(report: Report) -> bool:
    failed = isinstance(report.result, failures.Failure)
    return failed and report.call is not None and not isinstance(report.result, failures.ContentRejected)


def _apart(batch: Sequence[Report]) -> Sequence[Report]:
    """Return what to write instead of a batch that can't be; of a single report, that it was one of those."""
    if len(batch) > 1:
        return batch
    # It counts as an attempt, so that it ends as something a person sees and not never.
    failure = failures.OutcomeUnknown(detail="internal error: the platform's answer could not be stored")
    return [] if batch[0].result == failure else [replace(batch[0], result=failure, call=None)]


async def write_reports(tx: Tx, batch: Sequence[Report]) -> None:
    """Settle the deliveries that reports are about, in a handful of statements."""
    found = await fetch(tx, _LOCK, [report.delivery_id for report in batch])
    rows = {row["id"]: make(Delivery, row) for row in found}
    believed = await disbelieve(tx, [(report.delivery_id, report.result) for report in batch])
    batch = [replace(report, result=result) for report, result in zip(batch, believed, strict=True)]
    started = [report for report in batch if report.started]
    if started:
        await close_attempts(tx, [(one.delivery_id, one.fence, one.result, one.at) for one in started])
    decided = (_decide(rows[report.delivery_id], report) for report in batch)
    await settle_all(tx, [one for one in decided if one is not None])


def _decide(row: Delivery, report: Report) -> Settlement | None:
    state = State(row.state)
    if row.fence == report.fence and state in (State.CLAIMED, State.SENDING):
        result = _harmless(report.result) if state is State.CLAIMED else report.result
        return settlement(row, result, report.at)
    if isinstance(report.result, Published) and state is State.UNKNOWN:
        # We were given up for lost, but the platform did answer: a fact beats a fence.
        return settlement(row, report.result, report.at)
    log.info("delivery.stale_result", delivery_id=str(row.id), state=state.value)
    return None


def _harmless(result: Result) -> Result:
    """Before the call that publishes, nothing can be unknown: what was prepared may be prepared again."""
    if isinstance(result, failures.OutcomeUnknown):
        return failures.Transient(detail=result.detail, platform_code=result.platform_code)
    return result
