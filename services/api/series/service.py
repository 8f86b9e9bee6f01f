"""Making, changing and stopping series. The scheduler plans their days (services/scheduler/series.py).

Lock order: the series first, its deliveries after it, their posts last.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Occurrence, Series
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.series import SeriesRepository, plan_of, rule_json, rule_of, withdraw
from drumtower.domain.errors import Conflict, Invalid
from drumtower.domain.ids import new_id
from drumtower.domain.schedules import FURTHEST
from drumtower.domain.series import Rule, SeriesState, days
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.editing import Edit
from services.api.posts import four_eyes
from services.api.principals import Principal
from services.api.series.schemas import (
    OccurrenceDelivery,
    OccurrenceRead,
    RuleBody,
    SeriesCreate,
    SeriesRead,
    SeriesUpdate,
    SkippedRead,
)
from services.api.series.validation import Claims, violations_of_series

SHOWN = 10


async def create(
    tx: Tx, principal: Principal, registry: Registry, asked: SeriesCreate, now: datetime
) -> Series:
    """Add a series; raise Invalid with everything that is wrong."""
    claims = Claims(
        post_id=asked.post_id,
        channel_ids=asked.channel_ids,
        rule=_rule(asked.rule),
        local=asked.local,
        timezone=asked.timezone,
        starts_on=asked.starts_on,
        ends_on=asked.ends_on,
        times=asked.times,
    )
    violations = await violations_of_series(tx, principal, registry, claims, now, is_new=True)
    if violations:
        raise Invalid.of(violations)
    source = await PostRepository(tx, principal.workspace_id).get(asked.post_id)
    await four_eyes.check_publisher(tx, principal, source)
    series = Series(
        id=new_id(),
        workspace_id=principal.workspace_id,
        name=asked.name,
        post_id=asked.post_id,
        starts_on=asked.starts_on,
        min_gap_seconds=_seconds(asked.min_gap),
        late_by_seconds=_seconds(asked.publish_if_late_by),
        state=SeriesState.ACTIVE.value,
        active_since=now,
        next_at=now,
        revision=1,
        created_by=principal.member_id,
        created_at=now,
        updated_at=now,
        **_columns(claims),
    )
    tx.add(series)
    _record(tx, principal, series, "created", now)
    return series


def _columns(claims: Claims) -> dict[str, Any]:
    return {
        "channel_ids": [str(channel_id) for channel_id in claims.channel_ids],
        "rule": rule_json(claims.rule),
        "local_time": claims.local,
        "timezone": claims.timezone,
        "ends_on": claims.ends_on,
        "times": claims.times,
    }


def _rule(body: RuleBody) -> Rule:
    return Rule(every=body.every, interval=body.interval, weekdays=tuple(body.weekdays), day=body.day)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else round(length.total_seconds())


async def hold(edit: Edit, series_id: UUID) -> Series:
    """Lock the series for a change; raise NotFound, PreconditionFailed, or Conflict where it is ended."""
    series = await SeriesRepository(edit.tx, edit.principal.workspace_id).get(series_id, lock=True)
    edit.check(series.revision)
    if series.state == SeriesState.ENDED.value:
        raise Conflict("series_ended", "The series is ended. Make a new one.")
    return series


async def update(edit: Edit, registry: Registry, series: Series, asked: SeriesUpdate) -> None:
    """Lay a merge patch over the held series, and plan anew what has not begun to leave."""
    given = asked.model_fields_set
    violations = asked.nulls()
    claims = _patched(series, asked)
    if not violations:
        violations += await violations_of_series(
            edit.tx, edit.principal, registry, claims, edit.now, is_new=False
        )
    if violations:
        raise Invalid.of(violations)
    for name, value in _columns(claims).items():
        setattr(series, name, value)
    if asked.name is not None:
        series.name = asked.name
    if "min_gap" in given:
        series.min_gap_seconds = _seconds(asked.min_gap)
    if "publish_if_late_by" in given:
        series.late_by_seconds = _seconds(asked.publish_if_late_by)
    if given - {"name"}:
        await _take_back(edit.tx, series, edit.now)
    _changed(series, edit.now)
    _record(edit.tx, edit.principal, series, "updated", edit.now, fields=sorted(given))


def _patched(series: Series, asked: SeriesUpdate) -> Claims:
    before = plan_of(series)
    claims = Claims(
        post_id=series.post_id,
        channel_ids=[UUID(channel_id) for channel_id in series.channel_ids],
        rule=before.rule,
        local=series.local_time,
        timezone=series.timezone,
        starts_on=series.starts_on,
        ends_on=series.ends_on,
        times=series.times,
    )
    names = asked.model_fields_set & {"channel_ids", "local", "timezone", "ends_on", "times"}
    changes: dict[str, Any] = {name: getattr(asked, name) for name in names}
    if asked.rule is not None:
        changes["rule"] = _rule(asked.rule)
    return replace(claims, **changes)


async def pause(edit: Edit, series: Series) -> None:
    """Plan no more, and take back what has not begun to leave."""
    if series.state == SeriesState.PAUSED.value:
        raise Conflict("series_state", "The series is paused already.")
    await _stop(edit, series, SeriesState.PAUSED)


async def end(edit: Edit, series: Series) -> None:
    """Plan no more, for good, and take back what has not begun to leave."""
    await _stop(edit, series, SeriesState.ENDED)


async def resume(edit: Edit, series: Series) -> None:
    """Plan on from now; what fell into the pause is not made up for."""
    if series.state != SeriesState.PAUSED.value:
        raise Conflict("series_state", "The series is not paused.")
    series.state = SeriesState.ACTIVE.value
    series.active_since = edit.now
    _changed(series, edit.now)
    _record(edit.tx, edit.principal, series, "resumed", edit.now)


async def _stop(edit: Edit, series: Series, state: SeriesState) -> None:
    taken = await _take_back(edit.tx, series, edit.now)
    series.state = state.value
    _changed(series, edit.now)
    _record(edit.tx, edit.principal, series, state.value, edit.now, taken_back=taken)


async def _take_back(tx: Tx, series: Series, now: datetime) -> int:
    coming = await SeriesRepository(tx, series.workspace_id).coming(series.id, now)
    series.active_since = now
    return await withdraw(tx, coming, now, whole=False)


def _changed(series: Series, now: datetime) -> None:
    series.revision += 1
    series.updated_at = now
    series.next_at = now


def _record(tx: Tx, principal: Principal, series: Series, what: str, now: datetime, **detail: Any) -> None:
    verb = f"series.{what}"
    audit.record(tx, principal, verb, series.id, now, **detail)
    outbox.append(tx, workspace_id=series.workspace_id, name=verb, subject_id=series.id, now=now)


def read(series: Series, now: datetime) -> SeriesRead:
    """Return the series as clients see it."""
    renamed = {
        "rule": rule_of(series.rule),
        "local": series.local_time,
        "min_gap": series.min_gap_seconds,
        "publish_if_late_by": series.late_by_seconds,
        "upcoming": upcoming(series, now, SHOWN),
    }
    same = SeriesRead.model_fields.keys() - renamed.keys()
    return SeriesRead.model_validate({name: getattr(series, name) for name in same} | renamed)


def upcoming(series: Series, now: datetime, most: int) -> list[datetime]:
    """Return the next instants of an active series."""
    if series.state != SeriesState.ACTIVE.value:
        return []
    plan = plan_of(series)
    since = max(now, series.active_since)
    today = since.astimezone(ZoneInfo(series.timezone)).date()
    instants = (plan.at(day) for day in days(plan, today, today + FURTHEST))
    return list(islice((at for at in instants if at > since), most))


async def read_occurrences(tx: Tx, principal: Principal, rows: list[Occurrence]) -> list[OccurrenceRead]:
    """Return the days as clients see them, their deliveries in one query."""
    found = await SeriesRepository(tx, principal.workspace_id).deliveries_of(rows)
    return [
        OccurrenceRead(
            id=row.id,
            day=row.day,
            due_at=row.due_at,
            post_id=row.post_id,
            deliveries=[
                OccurrenceDelivery.model_validate(one) for one in (found[row.post_id] if row.post_id else [])
            ],
            skipped=[
                SkippedRead(channel_id=UUID(key) if key else None, code=why["code"], detail=why["detail"])
                for key, why in row.skipped.items()
            ],
        )
        for row in rows
    ]
