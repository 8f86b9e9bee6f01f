"""One door for everything a platform tells: comments and messages are stored, outcomes settle deliveries."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError, StatementError

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.channels import disconnect
from drumtower.db.repositories.feedback import FeedbackRepository
from drumtower.domain.ids import new_id
from drumtower.domain.interactions import InteractionStatus
from drumtower.feedback.outcomes import settle
from drumtower.feedback.reading import Fault, Heard, fault_of, read
from drumtower.language import Analysis, analyze_many
from drumtower.platforms import FeedbackEvent

# About 10 microseconds a character; more than this would hold up the event loop, so a thread does it.
READ_INLINE_CHARACTERS = 400
# A statement more costs about as much as reading this many short texts in vain.
READ_WITHOUT_ASKING = 4
# SQLSTATE classes that say "this row", not "this moment": data, integrity, limits of the program.
_POISON = {"22", "23", "54"}

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a batch of events."""

    added: int = 0
    known: int = 0
    echoes: int = 0
    settled: int = 0
    faults: tuple[Fault, ...] = ()


async def transact(db: Database, work: Callable[[Tx, bool], Awaitable[Done]]) -> Done:
    """Run `work(tx, careful)` in a transaction; where a row turns out to be poison, once more and carefully.

    So the usual case pays for no savepoints.
    """
    try:
        async with db.transaction() as tx:
            return await work(tx, False)
    except StatementError as error:
        if not _is_poison(error):
            raise
    async with db.transaction() as tx:
        return await work(tx, True)


async def ingest(
    tx: Tx, channel: Channel, events: Collection[FeedbackEvent], now: datetime, *, careful: bool = False
) -> Ingested:
    """Store what is new and settle what it decides; the same events again change nothing.

    An entry that can't be read is handed back in `faults` and stops no other. One that only the database refuses
    ends the transaction, unless this is `careful`: see `transact`. An outcome that arrives before our own record of
    its handle matches nothing: the caller keeps it raw, and polling settles the delivery.
    """
    batch = read(events)
    stored = await _store(tx, channel, batch.heard, now, careful=careful) if batch.heard else Ingested()
    settled = [await settle(tx, channel, told, now) for told in batch.told]
    if batch.revoked:
        await disconnect(tx, channel.id, batch.revoked, now)
    return replace(stored, settled=sum(settled), faults=(*batch.faults, *stored.faults))


async def _store(tx: Tx, channel: Channel, heard: list[Heard], now: datetime, *, careful: bool) -> Ingested:
    repository = FeedbackRepository(tx, channel.workspace_id)
    unknown = await _unknown(repository, channel, heard)
    fresh = [one for one in unknown if one.author_id != channel.account_id]
    rows = await _rows(channel, fresh, now)
    if careful:
        added, echoes, faults = await _one_by_one(repository, channel, rows)
    else:
        added, echoes = await repository.hear(channel.id, rows) if rows else (0, 0)
        faults = []
    return Ingested(
        added=added,
        known=len(heard) - added - echoes - (len(unknown) - len(fresh)) - len(faults),
        echoes=echoes + len(unknown) - len(fresh),
        faults=tuple(faults),
    )


async def _unknown(repository: FeedbackRepository, channel: Channel, heard: list[Heard]) -> list[Heard]:
    """Return what is not stored yet, where there is enough of it that reading all of it would cost more."""
    if len(heard) <= READ_WITHOUT_ASKING:
        return heard
    known = await repository.known(channel.id, {one.external_id for one in heard})
    return [one for one in heard if one.external_id not in known]


async def _one_by_one(
    repository: FeedbackRepository, channel: Channel, rows: Sequence[dict[str, Any]]
) -> tuple[int, int, list[Fault]]:
    added = echoes = 0
    faults: list[Fault] = []
    for row in rows:
        try:
            async with repository.tx.begin_nested():
                new, ours = await repository.hear(channel.id, [row])
        except StatementError as error:
            if not _is_poison(error):
                raise
            faults.append(replace(fault_of(row, error), reason=_said(error)))
        else:
            added, echoes = added + new, echoes + ours
    return added, echoes, faults


async def _rows(channel: Channel, fresh: list[Heard], now: datetime) -> list[dict[str, Any]]:
    fresh = sorted(fresh, key=lambda one: one.occurred_at)
    # Reading the language takes processor time, so it comes before the first row is locked.
    analyses = await _analyses([one.text for one in fresh])
    # Ids of one millisecond are in no order; sorted, a batch is listed as it was said.
    ids = sorted(new_id() for _ in fresh)
    return [
        {"id": interaction_id, **_row(channel, one, now), **_verdict(analysis)}
        for interaction_id, one, analysis in zip(ids, fresh, analyses, strict=True)
    ]


async def _analyses(texts: Sequence[str]) -> list[Analysis]:
    if sum(len(text) for text in texts) <= READ_INLINE_CHARACTERS:
        return analyze_many(texts)
    return await asyncio.to_thread(analyze_many, texts)


def _row(channel: Channel, one: Heard, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": channel.workspace_id,
        "channel_id": channel.id,
        "conversation_id": new_id(),
        "platform": channel.platform,
        "kind": one.kind.value,
        "external_id": one.external_id,
        "post_external_id": one.post_external_id,
        "in_reply_to": one.in_reply_to,
        "author_id": one.author_id,
        "author_name": one.author_name,
        "text": one.text,
        "url": one.url,
        "context": one.context,
        "status": InteractionStatus.OPEN.value,
        "tags": [],
        # A platform's clock may run ahead of ours; nothing was said in the future.
        "occurred_at": min(one.occurred_at, now),
        "received_at": now,
        "revision": 1,
        "updated_at": now,
    }


def _verdict(analysis: Analysis) -> dict[str, Any]:
    intent = next(iter(analysis.intents), None)
    return {
        "language": analysis.language,
        "sentiment": analysis.sentiment.label,
        "sentiment_score": analysis.sentiment.score,
        "sentiment_edited": False,
        "intent": intent.label if intent else None,
        "intent_score": intent.score if intent else None,
        "reasons": list(analysis.reasons),
    }


def _is_poison(error: StatementError) -> bool:
    if isinstance(error, DBAPIError):
        return not error.connection_invalidated and _sqlstate(error)[:2] in _POISON
    return True  # a value that no column type takes


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _said(error: StatementError) -> str:
    return f"{type(error).__name__}: {error.orig}"[:500]
