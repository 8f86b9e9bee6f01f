"""API keys: shown once, stored hashed, never wider than their maker."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select

from drumtower.crypto import new_token, token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import ApiKey
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.access.schemas import ApiKeyCreate
from services.api.principals import Principal

SHOWN = 8


def every(tx: Tx, principal: Principal) -> Select[ApiKey]:
    return Scoped(tx, principal.workspace_id).select(ApiKey)


def create(tx: Tx, principal: Principal, asked: ApiKeyCreate, now: datetime) -> tuple[ApiKey, str]:
    """Make a key, and return it with its secret."""
    _check(principal, asked, now)
    secret = new_token("dt")
    key = ApiKey(
        id=new_id(),
        workspace_id=principal.workspace_id,
        member_id=principal.member_id,
        name=asked.name,
        prefix=secret[:SHOWN],
        key_hash=token_hash(secret),
        scopes=_scopes(principal, asked),
        expires_at=asked.expires_at,
        created_at=now,
    )
    tx.add(key)
    audit.record(tx, principal, "api_key.created", key.id, now, scopes=key.scopes)
    return key, secret


def _scopes(principal: Principal, asked: ApiKeyCreate) -> list[str]:
    if asked.scopes or principal.api_key_id is None:
        return [scope.value for scope in asked.scopes]
    # No scopes would mean the member's permissions; a key gives away its own only.
    return sorted(scope.value for scope in principal.permissions)


def _check(principal: Principal, asked: ApiKeyCreate, now: datetime) -> None:
    violations = [
        Violation(
            pointer=f"/scopes/{index}",
            code="scope_too_wide",
            detail=f"You lack the permission {scope} yourself.",
        )
        for index, scope in enumerate(asked.scopes)
        if scope not in principal.permissions
    ]
    if asked.expires_at is not None and asked.expires_at <= now:
        violations.append(
            Violation(pointer="/expires_at", code="time_in_past", detail="It would be expired.")
        )
    if violations:
        raise Invalid.of(violations)


async def revoke(tx: Tx, principal: Principal, key_id: UUID, now: datetime) -> None:
    """End a key; an ended one stays ended."""
    key = await Scoped(tx, principal.workspace_id).find(ApiKey, key_id, "API key", lock=True)
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record(tx, principal, "api_key.revoked", key.id, now)
