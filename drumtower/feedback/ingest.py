"""One door for everything a platform tells: comments and messages are stored, outcomes settle deliveries."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError, StatementError

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.interactions import InteractionRepository, Ours, Person
from drumtower.domain.deliveries import Action
from drumtower.domain.ids import new_id
from drumtower.domain.interactions import InteractionStatus
from drumtower.feedback.outcomes import settle
from drumtower.feedback.reading import Fault, Heard, fault_of, read
from drumtower.language import Analysis, analyze_many
from drumtower.platforms import FeedbackEvent

# About 10 microseconds a character; more than this would hold up the event loop, so a thread does it.
READ_INLINE_CHARACTERS = 400
# SQLSTATE classes that say "this row", not "this moment": data, integrity, limits of the program.
_POISON = {"22", "23", "54"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a batch of events."""

    added: int = 0
    known: int = 0
    echoes: int = 0
    settled: int = 0
    faults: tuple[Fault, ...] = ()


async def ingest(tx: Tx, channel: Channel, events: Collection[FeedbackEvent], now: datetime) -> Ingested:
    """Store what is new and settle what it decides; the same events again change nothing.

    An entry that can't be stored is handed back in `faults` and stops no other. An outcome that arrives before our
    own record of its handle matches nothing: the caller keeps it raw, and polling settles the delivery.
    """
    batch = read(events)
    stored = await _store(tx, channel, batch.heard, now) if batch.heard else Ingested()
    settled = [await settle(tx, channel, told, now) for told in batch.told]
    return replace(stored, settled=sum(settled), faults=(*batch.faults, *stored.faults))


async def _store(tx: Tx, channel: Channel, heard: list[Heard], now: datetime) -> Ingested:
    repository = InteractionRepository(tx, channel.workspace_id)
    known = await repository.known(channel.id, {one.external_id for one in heard})
    ours = await repository.ours(channel.id, _ids(heard))
    unknown = sorted((one for one in heard if one.external_id not in known), key=lambda one: one.occurred_at)
    fresh = [one for one in unknown if not _is_echo(one, channel, ours)]
    # Reading the language takes processor time, so it comes before the first row is locked.
    analyses = await _analyses([one.text for one in fresh])
    # Ids of one millisecond are in no order; sorted, a batch is listed as it was said.
    ids = sorted(new_id() for _ in fresh)
    rows = [
        {"id": interaction_id, **_row(channel, one, analysis, ours, now)}
        for interaction_id, one, analysis in zip(ids, fresh, analyses, strict=True)
    ]
    added, faults = await _write(repository, channel, rows, now)
    return Ingested(
        added=added,
        known=len(known),
        echoes=len(unknown) - len(fresh),
        faults=tuple(faults),
    )


async def _write(
    repository: InteractionRepository, channel: Channel, rows: Sequence[dict[str, Any]], now: datetime
) -> tuple[int, list[Fault]]:
    """Write the rows at once; where one is poison, one by one, so that the others get in."""
    if not rows:
        return 0, []
    try:
        async with repository.tx.begin_nested():
            return await _write_all(repository, channel, rows, now), []
    except StatementError as error:
        if not _is_poison(error):
            raise
        if len(rows) == 1:
            return 0, [Fault(reason=_said(error), entry=fault_of(rows[0], error).entry)]
    each = [await _write(repository, channel, [row], now) for row in rows]
    return sum(added for added, _ in each), [fault for _, faults in each for fault in faults]


async def _write_all(
    repository: InteractionRepository, channel: Channel, rows: Sequence[dict[str, Any]], now: datetime
) -> int:
    conversations = await repository.converse(channel.id, _people(rows), now)
    new = await repository.add([row | {"conversation_id": conversations[row["author_id"]]} for row in rows])
    for interaction_id in new:
        outbox.append(
            repository.tx,
            workspace_id=channel.workspace_id,
            name="interaction.received",
            subject_id=interaction_id,
            now=now,
        )
    return len(new)


def _ids(heard: Iterable[Heard]) -> set[str]:
    named = [(one.external_id, one.post_external_id) for one in heard]
    return {external_id for pair in named for external_id in pair if external_id}


def _is_echo(one: Heard, channel: Channel, ours: dict[str, Ours]) -> bool:
    return one.author_id == channel.account_id or one.external_id in ours


async def _analyses(texts: Sequence[str]) -> list[Analysis]:
    if sum(len(text) for text in texts) <= READ_INLINE_CHARACTERS:
        return analyze_many(texts)
    return await asyncio.to_thread(analyze_many, texts)


def _people(rows: Iterable[dict[str, Any]]) -> list[Person]:
    """Return each author once, with the newest time and the newest name; rows come oldest first."""
    people: dict[str, Person] = {}
    for row in rows:
        before = people.get(row["author_id"])
        name = row["author_name"] or (before.author_name if before else "")
        people[row["author_id"]] = Person(
            author_id=row["author_id"], author_name=name, last_at=row["occurred_at"]
        )
    return list(people.values())


def _row(
    channel: Channel, one: Heard, analysis: Analysis, ours: dict[str, Ours], now: datetime
) -> dict[str, Any]:
    post = ours.get(one.post_external_id or "")
    intent = next(iter(analysis.intents), None)
    return {
        "channel_id": channel.id,
        "delivery_id": post.delivery_id if post and post.action is Action.PUBLISH else None,
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
        "language": analysis.language,
        "sentiment": analysis.sentiment.label,
        "sentiment_score": analysis.sentiment.score,
        "sentiment_edited": False,
        "intent": intent.label if intent else None,
        "intent_score": intent.score if intent else None,
        "reasons": list(analysis.reasons),
        "status": InteractionStatus.OPEN.value,
        "tags": [],
        # A platform's clock may run ahead of ours; nothing was said in the future.
        "occurred_at": min(one.occurred_at, now),
        "received_at": now,
        "revision": 1,
        "updated_at": now,
    }


def _is_poison(error: StatementError) -> bool:
    if isinstance(error, DBAPIError):
        return not error.connection_invalidated and _sqlstate(error)[:2] in _POISON
    return True  # a value that no column type takes


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _said(error: StatementError) -> str:
    return f"{type(error).__name__}: {error.orig}"[:500]
