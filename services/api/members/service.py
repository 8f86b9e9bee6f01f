"""What can be done with members. Every change locks the workspace first: the last owner can't leave twice at once."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Member
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain.errors import Conflict, Forbidden, Invalid
from drumtower.domain.members import Membership, has_ended, may_give, membership_violations
from drumtower.domain.permissions import Role, granted
from services.api import audit
from services.api.editing import Edit
from services.api.members.schemas import MemberRead, MemberUpdate
from services.api.principals import Principal


def read(member: Member, now: datetime) -> MemberRead:
    ended = has_ended(member.ends_at, now)
    role = Role(member.role)
    return MemberRead(
        id=member.id,
        name=member.name,
        email=member.email,
        role=role,
        external=member.external,
        ends_at=member.ends_at,
        ended=ended,
        permissions=[] if ended else sorted(granted(role, external=member.external)),
        revision=member.revision,
        created_at=member.created_at,
    )


def check_may_give(principal: Principal, role: Role) -> None:
    """Raise Invalid where the principal would make somebody more than they are."""
    if not may_give(principal.role, principal.permissions, role):
        detail = f"You can't make or unmake anybody {role}: it may do more than you may."
        raise Invalid.at("/role", "role_too_wide", detail, "Choose a narrower role, or ask an owner.")


async def update(edit: Edit, member_id: UUID, asked: MemberUpdate) -> Member:
    """Change the fields that were sent; nobody changes what they themselves may do."""
    changes = asked.changes()
    member = await _hold(edit, member_id, changes)
    edit.check(member.revision)
    before = _membership(member)
    after = replace(before, **{name: value for name, value in changes.items() if name != "name"})
    if after != before:
        await _check_membership(edit, member, before, after)
    for name, value in changes.items():
        setattr(member, name, value.value if isinstance(value, Role) else value)
    member.revision += 1
    audit.record(edit.tx, edit.principal, "member.updated", member.id, edit.now, **_told(changes))
    return member


def _membership(member: Member) -> Membership:
    return Membership(role=Role(member.role), external=member.external, ends_at=member.ends_at)


def _told(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in changes.items()}


async def _hold(edit: Edit, member_id: UUID, changes: dict[str, Any]) -> Member:
    members = MemberRepository(edit.tx, edit.principal.workspace_id)
    await members.lock_team()
    member = await members.get(member_id)
    if member.id == edit.principal.member_id and set(changes) - {"name"}:
        raise Forbidden("own_membership", "Nobody changes what they themselves may do. Ask another member.")
    return member


async def _check_membership(edit: Edit, member: Member, before: Membership, after: Membership) -> None:
    violations = membership_violations(after, edit.now)
    if violations:
        raise Invalid.of(violations)
    # Who may not make an owner may not unmake one either.
    check_may_give(edit.principal, before.role)
    check_may_give(edit.principal, after.role)
    if before.role is Role.OWNER and (after.role is not Role.OWNER or after.ends_at is not None):
        await _check_owner_stays(edit.tx, member)


async def _check_owner_stays(tx: Tx, member: Member) -> None:
    """An end that lies ahead counts too: when it comes, nobody would be left who could move it."""
    if not await MemberRepository(tx, member.workspace_id).has_other_owner(member.id):
        raise Conflict("last_owner", "This is the last owner. Make another member an owner first.")


async def end(edit: Edit, member_id: UUID) -> Member:
    """End a membership now: sessions and API keys stop with it. An ended one stays ended."""
    member = await _hold(edit, member_id, {"ends_at": edit.now})
    edit.check(member.revision)
    if has_ended(member.ends_at, edit.now):
        return member
    check_may_give(edit.principal, Role(member.role))
    if member.role == Role.OWNER.value:
        await _check_owner_stays(edit.tx, member)
    member.ends_at = edit.now
    member.revision += 1
    audit.record(edit.tx, edit.principal, "member.ended", member.id, edit.now)
    return member
