"""Audiences: /v1/channels/{channel_id}/audience."""

from datetime import date
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import AudienceProfile, SamplePlan
from drumtower.db.repositories.audiences import AudienceRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.audience_profiles import ERROR, Dimension, shares
from drumtower.domain.errors import Invalid
from drumtower.domain.permissions import Permission
from services.api import periods
from services.api.audiences import imports
from services.api.audiences.imports import AudienceImport
from services.api.audiences.schemas import (
    AudienceDay,
    AudienceDimensionRead,
    AudienceRead,
    AudienceState,
    AudienceValueRead,
)
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.importing import ImportRead
from services.api.platforms.schemas import LabelRead
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/channels", "channels")
Importer = Annotated[Principal, Depends(allow(Permission.METRICS_WRITE))]


@router.get("/{channel_id}/audience", operation_id="channels_audience", summary="Who follows a channel?")
async def get_audience(
    channel_id: UUID,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    on: Annotated[date | None, Query(description="The newest up to this day; the last by default.")] = None,
    since: Annotated[
        date | None,
        Query(alias="from", description="All from this day on, up to `on`, `to` or today: 366 days at most."),
    ] = None,
    to: Annotated[date | None, Query(description="The last day, inclusive.")] = None,
) -> AudienceRead:
    """People as the platform counts them. What it does not tell is null, and a platform that tells nothing says so."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    adapter = services.registry.adapters.get(channel.platform)
    gives = [Dimension(name) for name in adapter.capabilities.audience_dimensions] if adapter else []
    last = min((day for day in (on, to) if day is not None), default=None)
    if since is not None:
        last = last or clock.now().astimezone(ZoneInfo(principal.timezone)).date()
        if wrong := list(periods.violations(since, last)):
            raise Invalid.of(wrong)
    rows = await AudienceRepository(tx, principal.workspace_id).newest(channel.id, last, since)
    closed = adapter.capabilities.audience_closed if adapter and not gives else None
    return AudienceRead(
        channel_id=channel.id,
        platform=channel.platform,
        state=_state(bool(rows), bool(gives), closed is not None),
        reason=LabelRead.model_validate(closed) if closed else None,
        source=channel.platform if rows else None,
        gives=gives,
        error=await _error(tx, channel.id),
        data=[_day(row, gives) for row in rows],
    )


@router.post(
    "/{channel_id}/audience/imports",
    operation_id="channels_audience_import",
    summary="Import who follows a channel, where no API tells it",
    responses=responses(404, 409, 413, 415),
)
async def import_audience(
    channel_id: UUID,
    body: AudienceImport,
    principal: Importer,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> ImportRead:
    """A verdict per row; a row that is refused stops no other, and the same rows again change nothing.

    A dimension that is named takes the place of the same day's. A day that the platform told itself is not overwritten.
    """
    return await imports.take(tx, principal, channel_id, body, clock.now())


def _state(told: bool, gives: bool, closed: bool) -> AudienceState:
    if told:
        return AudienceState.GIVEN
    if gives:
        return AudienceState.NOT_YET
    return AudienceState.CLOSED if closed else AudienceState.NOT_GIVEN


async def _error(tx: Tx, channel_id: UUID) -> str | None:
    told = await tx.scalar(
        select(SamplePlan.last_error).where(
            SamplePlan.channel_id == channel_id, SamplePlan.delivery_id.is_(None)
        )
    )
    return told.removeprefix(ERROR) if told and told.startswith(ERROR) else None


def _day(row: AudienceProfile, gives: list[Dimension]) -> AudienceDay:
    return AudienceDay(
        day=row.day,
        as_of=row.as_of,
        total=row.total,
        source=row.source,
        dimensions={
            name: _dimension(row.people[name], row.total) if name in row.people else None
            for name in Dimension
            if name in gives or name in row.people
        },
    )


def _dimension(people: dict[str, int], total: int | None) -> AudienceDimensionRead:
    found = shares(people, total)
    return AudienceDimensionRead(
        values=[
            AudienceValueRead(value=value, people=people[value], share=share)
            for value, share in found.values.items()
        ],
        unknown_share=found.unknown,
    )
