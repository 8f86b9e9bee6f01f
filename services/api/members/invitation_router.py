"""Invitations: /v1/members/invitations, and POST /v1/auth/invitation, with which one is taken up."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from drumtower.db.models import Invitation
from drumtower.domain.permissions import Permission
from services.api.access import sessions
from services.api.access.schemas import Tokens
from services.api.deps import ClockDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.members import invitations
from services.api.members.schemas import InvitationAccept, InvitationCreate, InvitationMade, InvitationRead
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/members/invitations", "team")
accept_router = feature("/auth/invitation", "access")
Inviter = Annotated[Principal, Depends(allow(Permission.MEMBERS_WRITE))]


@router.get("", operation_id="invitations_list", summary="List invitations")
async def list_invitations(
    principal: Inviter, tx: TxDep, clock: ClockDep, paging: PagingDep
) -> Page[InvitationRead]:
    now = clock.now()
    every = invitations.every(tx, principal)
    return await paging.page(tx, every, Invitation.id, lambda row: invitations.read(row, now))


@router.post(
    "",
    status_code=201,
    operation_id="invitations_create",
    summary="Invite somebody",
    responses=responses(409, 413, 415),
)
async def create_invitation(
    body: InvitationCreate, principal: Inviter, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> InvitationMade:
    """An earlier invitation of the same address ends. The token is shown this once, and is good for seven days."""
    now = clock.now()
    invitation, token = await invitations.create(tx, principal, body, now)
    return InvitationMade(**invitations.read(invitation, now).model_dump(), token=token)


@router.delete(
    "/{invitation_id}", status_code=204, operation_id="invitations_revoke", summary="Take an invitation back"
)
async def revoke_invitation(invitation_id: UUID, principal: Inviter, tx: TxDep, clock: ClockDep) -> None:
    await invitations.revoke(tx, principal, invitation_id, clock.now())


@accept_router.post(
    "", operation_id="auth_invitation", summary="Take up an invitation", responses=responses(409, 413, 415)
)
async def accept_invitation(body: InvitationAccept, tx: TxDep, clock: ClockDep) -> Tokens:
    """The token is the credential. The answer is the new member's first session."""
    now = clock.now()
    member = await invitations.accept(tx, body, now)
    return Tokens.of(sessions.open_session(tx, member, now))
