"""Who asks: a member by access token, or a member's API key; either is bound to one workspace.

The workspace's timezone and policies come with the one statement that every request begins with.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from drumtower import policies
from drumtower.crypto import token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import ApiKey, Member, Session, Workspace
from drumtower.domain.errors import Forbidden, Unauthenticated
from drumtower.domain.members import has_ended
from drumtower.domain.permissions import Permission, Role, granted
from drumtower.policies import Policies

API_KEY_PREFIX = "dt_"
ACCESS_PREFIX = "dta_"
# `last_used_at` is for people; once a minute is enough, and keeps reads free of writes.
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The one who asks, and what it may do. `id` is the API key's or the member's."""

    id: UUID
    workspace_id: UUID
    member_id: UUID
    role: Role
    permissions: frozenset[Permission]
    timezone: str
    stored: dict[str, Any] = field(compare=False, repr=False)
    api_key_id: UUID | None = None

    @property
    def policies(self) -> Policies:
        """What the workspace has decided; read on use, so that what can't be read hinders only what asks for it."""
        return policies.read(self.stored)

    def require(self, *permissions: Permission) -> None:
        """Raise Forbidden where none of these is there."""
        if self.permissions.isdisjoint(permissions):
            raise Forbidden(
                "permission_missing",
                f"This needs the permission {' or '.join(permissions)}; the role {self.role} lacks it.",
            )


async def authenticate(tx: Tx, bearer: str | None, now: datetime) -> Principal:
    """Return who presents `bearer`; raise Unauthenticated for all that is no good, without saying why."""
    token = (bearer or "").strip()
    if token.startswith(ACCESS_PREFIX):
        return await _by_access_token(tx, token, now)
    if token.startswith(API_KEY_PREFIX):
        return await _by_api_key(tx, token, now)
    raise Unauthenticated(
        "credentials_missing", "Send Authorization: Bearer with an access token or an API key."
    )


def _refused() -> Unauthenticated:
    return Unauthenticated("credentials_invalid", "The token is unknown, expired or revoked.")


async def _by_access_token(tx: Tx, token: str, now: datetime) -> Principal:
    found = await tx.execute(
        select(Member, Workspace.timezone, Workspace.policies)
        .join(Session, Session.member_id == Member.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Session.access_hash == token_hash(token),
            Session.revoked_at.is_(None),
            Session.access_expires_at > now,
        )
    )
    row = found.one_or_none()
    if row is None or has_ended(row[0].ends_at, now):
        raise _refused()
    return _principal(*row)


async def _by_api_key(tx: Tx, token: str, now: datetime) -> Principal:
    found = await tx.execute(
        select(Member, Workspace.timezone, Workspace.policies, ApiKey)
        .join(ApiKey, ApiKey.member_id == Member.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(ApiKey.key_hash == token_hash(token), ApiKey.revoked_at.is_(None))
    )
    row = found.one_or_none()
    if row is None:
        raise _refused()
    member, timezone, stored, key = row
    if has_ended(member.ends_at, now) or (key.expires_at is not None and key.expires_at <= now):
        raise _refused()
    if key.last_used_at is None or now - key.last_used_at > USE_NOTED_EVERY:
        await tx.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))
    return _principal(member, timezone, stored, key)


async def restore(
    tx: Tx, workspace_id: UUID, member_id: UUID, api_key_id: UUID | None, now: datetime
) -> Principal:
    """Return who began something, as they are now; raise Unauthenticated where they may no longer act."""
    found = await tx.execute(
        select(Member, Workspace.timezone, Workspace.policies)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(Member.id == member_id, Member.workspace_id == workspace_id)
    )
    row = found.one_or_none()
    key = await tx.get(ApiKey, api_key_id) if api_key_id else None
    if row is None or has_ended(row[0].ends_at, now) or (api_key_id and not _is_good(key, now)):
        raise _refused()
    return _principal(row[0], row[1], row[2], key)


def _is_good(key: ApiKey | None, now: datetime) -> bool:
    if key is None or key.revoked_at is not None:
        return False
    return key.expires_at is None or key.expires_at > now


def _principal(member: Member, timezone: str, stored: dict[str, Any], key: ApiKey | None = None) -> Principal:
    role = Role(member.role)
    permissions = granted(role, external=member.external)
    if key is not None and key.scopes:
        permissions = permissions & {Permission(scope) for scope in key.scopes}
    return Principal(
        id=key.id if key else member.id,
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=role,
        permissions=permissions,
        timezone=timezone,
        stored=stored,
        api_key_id=key.id if key else None,
    )
