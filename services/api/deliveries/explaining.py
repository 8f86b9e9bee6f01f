"""Gathers what is known of one delivery, and tells it: the rule is drumtower/domain/explanations.py."""

from datetime import datetime

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, AuditEvent, Channel, Delivery, Leftover, Member, Post
from drumtower.db.repositories.deliveries import DeliveryRepository
from drumtower.domain.capabilities import Label
from drumtower.domain.content import follow_ups
from drumtower.domain.deliveries import FINAL, Action, State
from drumtower.domain.explanations import Facts, Obstacle, explain
from drumtower.platforms.registry import Registry
from services.api.deliveries.explanation_schemas import (
    ActorRead,
    EntryRead,
    ExplanationRead,
    NextRead,
    ReasonRead,
)
from services.api.deliveries.obstacles import Case, obstacles
from services.api.deliveries.reading import allowed, look_at
from services.api.languages import Language
from services.api.principals import Principal

TIMELINE = 200

_ENGINE = ActorRead(kind="engine", id=None, name=None, api_key_id=None)
_PLATFORM = ActorRead(kind="platform", id=None, name=None, api_key_id=None)


async def explained(
    tx: Tx, principal: Principal, registry: Registry, delivery: Delivery, now: datetime, language: Language
) -> ExplanationRead:
    """Explain the delivery as it stands at `now`."""
    channel = await tx.get_one(Channel, delivery.channel_id)
    post = await tx.get_one(Post, delivery.post_id) if delivery.post_id else None
    case = Case(delivery=delivery, channel=channel, post=post, now=now)
    owner = (await _names(tx, {delivery.owner_id})).get(delivery.owner_id)
    facts = _facts(case, await obstacles(tx, case), delivery.timezone or principal.timezone, owner)
    told = explain(facts)
    return ExplanationRead(
        delivery_id=delivery.id,
        state=facts.state,
        sentence=language.of(told.sentence),
        reasons=[ReasonRead.model_validate(one) for one in told.reasons],
        who=told.who,
        do=language.of(told.do) if told.do else None,
        next=NextRead(step=told.next_step, at=told.next_at) if told.next_step else None,
        retryable=told.retryable,
        due_at=delivery.due_at,
        not_before=delivery.not_before,
        attempts=delivery.attempts,
        lookups=delivery.lookups,
        platform_code=facts.platform_code,
        look_at=look_at(channel, registry),
        allowed=allowed(facts.state),
        then=_then(delivery, language),
        timeline=await _timeline(tx, principal, delivery),
    )


def _then(delivery: Delivery, language: Language) -> str | None:
    """Tell what waits for this one: it is planned when this one is out."""
    if State(delivery.state) in FINAL:
        return None
    publishes = delivery.action == Action.PUBLISH.value
    left = follow_ups(delivery.payload["options"]) if publishes else delivery.payload.get("then", ())
    if not left:
        return None
    return language.of(
        Label(
            zh_cn=f"发布之后,还有 {len(left)} 条依次跟上,前一条发布了才发下一条。",
            en=f"{len(left)} more will follow, each once the one before it is out.",
        )
    )


def _facts(case: Case, found: tuple[Obstacle, ...], timezone: str, owner: str | None) -> Facts:
    delivery, error = case.delivery, case.delivery.error
    return Facts(
        state=State(delivery.state),
        now=case.now,
        timezone=timezone,
        channel=case.channel.name,
        due_at=delivery.due_at,
        next_at=delivery.next_at,
        published_at=delivery.published_at,
        lateness_ms=delivery.lateness_ms,
        attempts=delivery.attempts,
        needs_check=delivery.needs_check,
        owner=owner,
        deadline=delivery.deadline,
        error=Obstacle(code=error["code"], detail=error["detail"], until=delivery.not_before)
        if error
        else None,
        platform_code=error.get("platform_code") if error else None,
        obstacles=found,
    )


async def _timeline(tx: Tx, principal: Principal, delivery: Delivery) -> list[EntryRead]:
    """Put attempts and what members did into one line; a verdict is told once, with who gave it."""
    deliveries = DeliveryRepository(tx, principal.workspace_id)
    of_delivery = deliveries.select(Attempt).where(Attempt.delivery_id == delivery.id)
    attempts = (await tx.scalars(of_delivery.order_by(Attempt.id.desc()).limit(TIMELINE))).all()
    about = deliveries.select(AuditEvent).where(AuditEvent.subject_id == delivery.id)
    events = (await tx.scalars(about.order_by(AuditEvent.id.desc()).limit(TIMELINE))).all()
    names = await _names(tx, {event.actor_id for event in events} | {delivery.created_by})
    judged = {event.occurred_at: event for event in events if event.verb in _VERDICTS}
    entries = [_attempt(one, judged.pop(one.started_at, None), names) for one in attempts]
    entries += [_event(event, names) for event in events if event.verb not in _VERDICTS]
    entries += [_event(event, names) for event in judged.values()]
    left = deliveries.select(Leftover).where(Leftover.delivery_id == delivery.id)
    entries += [_leftover(one) for one in await tx.scalars(left)]
    entries.append(_planned(delivery, names))
    return sorted(entries, key=lambda entry: entry.at)[-TIMELINE:]


# What a member decides leaves an attempt beside its audit entry, at the same instant.
_VERDICTS = ("delivery.reconciled", "delivery.proved")


async def _names(tx: Tx, ids: set[object]) -> dict[object, str]:
    wanted = ids - {None}
    if not wanted:
        return {}
    found = await tx.execute(select(Member.id, Member.name).where(Member.id.in_(wanted)))
    return {row.id: row.name for row in found}


def _attempt(attempt: Attempt, by: AuditEvent | None, names: dict[object, str]) -> EntryRead:
    actor = _PLATFORM if attempt.step == "event" else _ENGINE
    return EntryRead(
        at=attempt.started_at,
        ended_at=attempt.ended_at,
        step=attempt.step,
        outcome=attempt.outcome,
        detail=attempt.detail,
        platform_code=attempt.platform_code,
        attempt=attempt.number,
        actor=_member(by, names) if by else actor,
    )


def _leftover(left: Leftover) -> EntryRead:
    """Tell what becomes of what was prepared in vain."""
    return EntryRead(
        at=left.created_at,
        ended_at=left.ended_at,
        step="clean",
        outcome=left.outcome,
        detail=left.last_error,
        platform_code=None,
        attempt=None,
        actor=_ENGINE,
    )


def _event(event: AuditEvent, names: dict[object, str]) -> EntryRead:
    return EntryRead(
        at=event.occurred_at,
        ended_at=None,
        step=event.verb.partition(".")[2],
        outcome=None,
        detail=", ".join(f"{name}: {value}" for name, value in event.detail.items()) or None,
        platform_code=None,
        attempt=None,
        actor=_member(event, names) if event.actor_id else _ENGINE,
    )


def _member(event: AuditEvent, names: dict[object, str]) -> ActorRead:
    return ActorRead(
        kind="member",
        id=event.actor_id,
        name=names.get(event.actor_id),
        api_key_id=event.api_key_id,
    )


def _planned(delivery: Delivery, names: dict[object, str]) -> EntryRead:
    by = ActorRead(
        kind="member", id=delivery.created_by, name=names.get(delivery.created_by), api_key_id=None
    )
    return EntryRead(
        at=delivery.created_at,
        ended_at=None,
        step="planned",
        outcome=None,
        detail=None,
        platform_code=None,
        attempt=None,
        actor=by,
    )
