"""Invitations: made by a member, good once, for one e-mail address."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select

from drumtower.crypto import new_token, password_hash, token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import Invitation, Member
from drumtower.db.repositories import audit as trail
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.errors import Conflict, Invalid, Unauthenticated
from drumtower.domain.ids import new_id
from drumtower.domain.members import Membership, membership_violations
from drumtower.domain.permissions import Role
from services.api import audit
from services.api.members.schemas import InvitationAccept, InvitationCreate, InvitationRead, InvitationState
from services.api.members.service import check_may_give
from services.api.principals import Principal

LIFE = timedelta(days=7)
_OPEN = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def every(tx: Tx, principal: Principal) -> Select[Invitation]:
    return Scoped(tx, principal.workspace_id).select(Invitation)


def read(invitation: Invitation, now: datetime) -> InvitationRead:
    shown = {name: getattr(invitation, name) for name in InvitationRead.model_fields if name != "state"}
    return InvitationRead.model_validate(shown | {"state": _state(invitation, now)})


def _state(invitation: Invitation, now: datetime) -> InvitationState:
    if invitation.accepted_at is not None:
        return InvitationState.ACCEPTED
    if invitation.revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.EXPIRED if invitation.expires_at <= now else InvitationState.OPEN


async def create(
    tx: Tx, principal: Principal, asked: InvitationCreate, now: datetime
) -> tuple[Invitation, str]:
    """Invite somebody, and return the invitation with its token; an older one to the same address ends."""
    check_may_give(principal, asked.role)
    given = Membership(role=asked.role, external=asked.external, ends_at=asked.ends_at)
    violations = membership_violations(given, now)
    if violations:
        raise Invalid.of(violations)
    scope = Scoped(tx, principal.workspace_id)
    if await tx.scalar(scope.select(Member).where(Member.email == asked.email)):
        raise Conflict("already_member", "This address belongs to a member. Change the member instead.")
    older = scope.select(Invitation).where(Invitation.email == asked.email, *_OPEN).with_for_update()
    for one in await tx.scalars(older):
        one.revoked_at = now
    token = new_token("dti")
    invitation = Invitation(
        id=new_id(),
        workspace_id=principal.workspace_id,
        email=asked.email,
        role=asked.role.value,
        external=asked.external,
        ends_at=asked.ends_at,
        token_hash=token_hash(token),
        invited_by=principal.member_id,
        expires_at=now + LIFE,
        created_at=now,
    )
    tx.add(invitation)
    audit.record(
        tx,
        principal,
        "invitation.created",
        invitation.id,
        now,
        role=asked.role.value,
        external=asked.external,
    )
    return invitation, token


async def revoke(tx: Tx, principal: Principal, invitation_id: UUID, now: datetime) -> None:
    """Take an invitation back; one that is over stays as it is."""
    invitation = await Scoped(tx, principal.workspace_id).find(
        Invitation, invitation_id, "invitation", lock=True
    )
    if _state(invitation, now) is InvitationState.OPEN:
        invitation.revoked_at = now
        audit.record(tx, principal, "invitation.revoked", invitation.id, now)


async def accept(tx: Tx, asked: InvitationAccept, now: datetime) -> Member:
    """Make the invited person a member; raise Unauthenticated for a token that is no good, without saying why."""
    found = select(Invitation).where(Invitation.token_hash == token_hash(asked.token)).with_for_update()
    invitation = await tx.scalar(found)
    if invitation is None or _state(invitation, now) is not InvitationState.OPEN:
        raise Unauthenticated(
            "invitation_invalid", "The invitation is unknown, used, taken back or too old. Ask for a new one."
        )
    given = Membership(role=Role(invitation.role), external=invitation.external, ends_at=invitation.ends_at)
    if membership_violations(given, now):
        raise Conflict(
            "membership_over", "The membership that was offered is over. Ask for a new invitation."
        )
    if await tx.scalar(select(Member.id).where(Member.email == invitation.email)):
        raise Conflict("email_taken", "This address belongs to a member already; use another one.")
    invitation.accepted_at = now
    return await _add_member(tx, invitation, asked, now)


async def _add_member(tx: Tx, invitation: Invitation, asked: InvitationAccept, now: datetime) -> Member:
    member = Member(
        id=new_id(),
        workspace_id=invitation.workspace_id,
        email=invitation.email,
        name=asked.name,
        role=invitation.role,
        external=invitation.external,
        ends_at=invitation.ends_at,
        # Slow on purpose, and so on a thread: others are answered meanwhile.
        password_hash=await asyncio.to_thread(password_hash, asked.password),
        revision=1,
        created_at=now,
    )
    tx.add(member)
    await tx.flush()
    trail.record(
        tx,
        workspace_id=member.workspace_id,
        actor_id=member.id,
        api_key_id=None,
        verb="member.joined",
        subject_id=member.id,
        now=now,
        invitation_id=str(invitation.id),
    )
    return member
