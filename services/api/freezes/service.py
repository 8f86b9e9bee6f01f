"""Making, changing and lifting freezes. What they hold and release is the scheduler's work."""

from datetime import datetime
from uuid import UUID

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Freeze
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.campaigns import CampaignRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.freezes import FreezeRepository
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.freezes import TARGETS, FreezeState, Reach, state
from drumtower.domain.ids import new_id
from drumtower.domain.schedules import FURTHEST, GRACE, check_future
from services.api import audit
from services.api.editing import Edit
from services.api.freezes.schemas import FreezeCreate, FreezeRead, FreezeUpdate
from services.api.principals import Principal

OVER = frozenset({FreezeState.ENDED, FreezeState.LIFTED})


async def check(tx: Tx, principal: Principal, asked: FreezeCreate, now: datetime) -> tuple[Reach, datetime]:
    """Return what the freeze would reach and from when; raise Invalid with everything that is wrong."""
    violations = [
        *_targets(asked),
        *await _strangers(tx, principal, asked),
        *_times(asked.starts_at, asked.ends_at, now),
    ]
    if violations:
        raise Invalid.of(violations)
    reach = Reach(
        scope=asked.scope,
        brand_id=asked.brand_id,
        channel_id=asked.channel_id,
        campaign_id=asked.campaign_id,
        nature=asked.nature,
        allows_replies=asked.allows_replies,
    )
    return reach, asked.starts_at or now


def _targets(asked: FreezeCreate) -> list[Violation]:
    wanted = TARGETS.get(asked.scope)
    violations = []
    for name in TARGETS.values():
        given = getattr(asked, name) is not None
        if name == wanted and not given:
            detail = f"The scope {asked.scope} needs {name}."
            violations.append(_wrong(f"/{name}", "field_missing", detail, "Name it, or freeze all."))
        if name != wanted and given:
            detail = f"{name} does not belong to the scope {asked.scope}."
            violations.append(_wrong(f"/{name}", "scope_mismatch", detail, "Leave it out, or change scope."))
    return violations


async def _strangers(tx: Tx, principal: Principal, asked: FreezeCreate) -> list[Violation]:
    violations = []
    brands = BrandRepository(tx, principal.workspace_id)
    if asked.brand_id is not None and not await brands.knows(asked.brand_id):
        violations.append(Violation.unknown("brand"))
    if asked.channel_id is not None:
        channels = ChannelRepository(tx, principal.workspace_id)
        if not await channels.among([asked.channel_id]):
            violations.append(Violation.unknown("channel"))
    if asked.campaign_id is not None:
        campaigns = CampaignRepository(tx, principal.workspace_id)
        if await campaigns.named(asked.campaign_id) is None:
            violations.append(Violation.unknown("campaign"))
    return violations


def _times(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> list[Violation]:
    violations = []
    if starts_at is not None:
        violations += _future(starts_at, now, "/from")
    if ends_at is not None:
        violations += _future(ends_at, now, "/to")
        if ends_at <= (starts_at or now) and not violations:
            detail = "The freeze ends before it begins."
            violations.append(_wrong("/to", "from_after_to", detail, "Check both times."))
    return violations


def _future(at: datetime, now: datetime, pointer: str) -> list[Violation]:
    try:
        check_future(at, now, pointer)
    except Invalid as refused:
        return [
            _wrong(v.pointer, v.code, v.detail, "Check the date and the offset.") for v in refused.violations
        ]
    return []


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)


async def create(tx: Tx, principal: Principal, asked: FreezeCreate, now: datetime) -> Freeze:
    """Add a freeze; from its commit on, no claim and no last check lets anything within its reach go."""
    _, starts_at = await check(tx, principal, asked, now)
    freeze = Freeze(
        id=new_id(),
        workspace_id=principal.workspace_id,
        scope=asked.scope.value,
        brand_id=asked.brand_id,
        channel_id=asked.channel_id,
        campaign_id=asked.campaign_id,
        nature=asked.nature.value if asked.nature else None,
        allows_replies=asked.allows_replies,
        reason=asked.reason,
        starts_at=min(starts_at, now) if starts_at <= now + GRACE else starts_at,
        ends_at=asked.ends_at,
        revision=1,
        created_by=principal.member_id,
        created_at=now,
        updated_at=now,
    )
    tx.add(freeze)
    _record(tx, principal, freeze, "created", now, scope=freeze.scope, reason=freeze.reason)
    return freeze


async def update(edit: Edit, freeze_id: UUID, asked: FreezeUpdate) -> Freeze:
    """Change the end, the reason, or whether answers leave; raise Conflict where the freeze is over."""
    freeze = await _standing(edit.tx, edit.principal, freeze_id, edit.now)
    edit.check(freeze.revision)
    given = asked.model_fields_set
    violations = asked.nulls()
    if "ends_at" in given and asked.ends_at is not None:
        violations += _end(freeze, asked.ends_at, edit.now)
    if violations:
        raise Invalid.of(violations)
    for name in given:
        setattr(freeze, name, getattr(asked, name))
    _changed(freeze, edit.now)
    _record(edit.tx, edit.principal, freeze, "updated", edit.now, fields=sorted(given))
    return freeze


def _end(freeze: Freeze, ends_at: datetime, now: datetime) -> list[Violation]:
    if ends_at <= now:
        hint = "To end the freeze now, lift it."
        return [_wrong("/to", "time_in_past", f"{ends_at.isoformat()} has passed.", hint)]
    if ends_at <= freeze.starts_at:
        detail = "The freeze ends before it begins."
        return [_wrong("/to", "from_after_to", detail, f"It begins at {freeze.starts_at.isoformat()}.")]
    if ends_at > now + FURTHEST:
        return [_wrong("/to", "time_too_far", "This is more than two years away.", "Check the year.")]
    return []


async def lift(edit: Edit, freeze_id: UUID) -> Freeze:
    """End the freeze now; raise Conflict where it is over. The scheduler lets go what it held, spaced out."""
    freeze = await _standing(edit.tx, edit.principal, freeze_id, edit.now)
    edit.check(freeze.revision)
    freeze.lifted_at = edit.now
    freeze.lifted_by = edit.principal.member_id
    _changed(freeze, edit.now)
    _record(edit.tx, edit.principal, freeze, "lifted", edit.now)
    return freeze


async def _standing(tx: Tx, principal: Principal, freeze_id: UUID, now: datetime) -> Freeze:
    freeze = await FreezeRepository(tx, principal.workspace_id).get(freeze_id, lock=True)
    stands = state_of(freeze, now)
    if stands in OVER:
        raise Conflict("freeze_over", f"The freeze is {stands}. Make a new one.")
    return freeze


def _changed(freeze: Freeze, now: datetime) -> None:
    freeze.revision += 1
    freeze.updated_at = now


def _record(tx: Tx, principal: Principal, freeze: Freeze, what: str, now: datetime, **detail: object) -> None:
    verb = f"freeze.{what}"
    audit.record(tx, principal, verb, freeze.id, now, **detail)
    outbox.append(tx, workspace_id=freeze.workspace_id, name=verb, subject_id=freeze.id, now=now)


def state_of(freeze: Freeze, now: datetime) -> FreezeState:
    return state(freeze.starts_at, freeze.ends_at, freeze.lifted_at, now)


def read(freeze: Freeze, now: datetime) -> FreezeRead:
    """Return the freeze as clients see it."""
    fields = {name: getattr(freeze, name) for name in FreezeRead.model_fields if name != "state"}
    return FreezeRead(**fields, state=state_of(freeze, now))
