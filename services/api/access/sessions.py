"""Sessions: short access tokens, refresh tokens that are good once, and the end of both when one is replayed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from drumtower.crypto import new_token, password_matches, token_hash
from drumtower.db.engine import Tx
from drumtower.db.models import Member, Session
from drumtower.domain.errors import Unauthenticated
from drumtower.domain.ids import new_id
from drumtower.domain.members import has_ended

ACCESS_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What a client gets."""

    access: str
    refresh: str


def _refused() -> Unauthenticated:
    return Unauthenticated("log_in_failed", "E-mail and password do not belong together.")


async def log_in(tx: Tx, email: str, password: str, now: datetime) -> Pair:
    """Open a session; unknown and known members are refused alike, in the same time."""
    member = await tx.scalar(select(Member).where(Member.email == email.strip().lower()))
    # Slow on purpose, and so on a thread: others are answered meanwhile.
    matches = await asyncio.to_thread(password_matches, member.password_hash if member else None, password)
    if member is None or not matches or has_ended(member.ends_at, now):
        raise _refused()
    return open_session(tx, member, now)


def open_session(tx: Tx, member: Member, now: datetime) -> Pair:
    """Open a session of somebody who has just proved who they are."""
    session = Session(id=new_id(), workspace_id=member.workspace_id, member_id=member.id, created_at=now)
    pair = _renew(session, now)
    tx.add(session)
    return pair


def _renew(session: Session, now: datetime) -> Pair:
    pair = Pair(access=new_token("dta"), refresh=new_token("dtr"))
    session.access_hash = token_hash(pair.access)
    session.access_expires_at = now + ACCESS_LIFE
    session.refresh_hash = token_hash(pair.refresh)
    session.refresh_expires_at = now + REFRESH_LIFE
    return pair


async def refresh(tx: Tx, token: str, now: datetime) -> Pair | None:
    """Exchange a refresh token. A used one ends its session: it was stolen, or is replayed; then None.

    The caller must let the transaction commit before it refuses, or the session would live on.
    """
    digest = token_hash(token)
    session = await tx.scalar(
        select(Session)
        .where(
            or_(Session.refresh_hash == digest, Session.previous_refresh_hash == digest),
            Session.revoked_at.is_(None),
        )
        .with_for_update()
    )
    if session is None or session.refresh_expires_at <= now:
        return None
    member = await tx.get_one(Member, session.member_id)
    if has_ended(member.ends_at, now):
        return None
    if session.refresh_hash != digest:
        session.revoked_at = now
        return None
    session.previous_refresh_hash = digest
    return _renew(session, now)


async def log_out(tx: Tx, access: str, now: datetime) -> None:
    """End the session of an access token; an ended one stays ended."""
    await tx.execute(
        update(Session)
        .where(Session.access_hash == token_hash(access), Session.revoked_at.is_(None))
        .values(revoked_at=now)
    )
