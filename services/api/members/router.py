"""Members and roles: /v1/members, /v1/roles."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Member
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain.permissions import MEANINGS, ROLES, Permission, Role
from services.api.deps import ClockDep, Reader, TxDep
from services.api.editing import Edit, edits
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.members import service
from services.api.members.schemas import MemberRead, MemberUpdate, PermissionRead, RoleRead, Roles
from services.api.pagination import Page, PagingDep
from services.api.problems import responses
from services.api.routing import feature

router = feature("/members", "team")
roles_router = feature("/roles", "team")
TeamEdit = Annotated[Edit, Depends(edits(Permission.MEMBERS_WRITE))]


@roles_router.get("", operation_id="roles_list", summary="Who may do what")
async def list_roles(_: Reader) -> Roles:
    """The table of docs/reference/permissions.md. External members never review and never publish."""
    return Roles(
        data=[RoleRead(role=role, permissions=sorted(given)) for role, given in ROLES.items()],
        permissions=[PermissionRead(permission=one, meaning=MEANINGS[one]) for one in Permission],
    )


@router.get("", operation_id="members_list", summary="List members")
async def list_members(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    role: Role | None = None,
    external: bool | None = None,
    ended: bool | None = None,
) -> Page[MemberRead]:
    now = clock.now()
    members = MemberRepository(tx, principal.workspace_id)
    statement = members.matching(now, role=role, external=external, ended=ended)
    return await paging.page(tx, statement, Member.id, lambda row: service.read(row, now))


@router.get("/{member_id}", operation_id="members_get", summary="Read a member")
async def get_member(
    member_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep, response: Response
) -> MemberRead:
    member = await MemberRepository(tx, principal.workspace_id).get(member_id)
    set_etag(response, member.revision)
    return service.read(member, clock.now())


@router.patch(
    "/{member_id}",
    operation_id="members_update",
    summary="Change what a member is",
    responses=responses(409, 412, 413, 415),
)
async def update_member(member_id: UUID, body: MemberUpdate, edit: TeamEdit) -> MemberRead:
    """Sessions and API keys follow at once: what a member may do is looked up with every request."""
    member = await service.update(edit, member_id, body)
    return edit.answer(member.revision, service.read(member, edit.now))


@router.post(
    "/{member_id}/end",
    operation_id="members_end",
    summary="End a member's access now",
    responses=responses(409, 412),
)
async def end_member(member_id: UUID, edit: TeamEdit, idempotency: IdempotencyDep) -> MemberRead:
    """What they wrote stays. Their sessions and API keys open nothing any more."""
    member = await service.end(edit, member_id)
    return edit.answer(member.revision, service.read(member, edit.now))
