"""Links that are looked at, and what was found."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, LinkLook
from drumtower.domain.ids import new_id
from drumtower.domain.link_looks import AHEAD_OF_DUE, LinkState, Look, urls_in

LEASE = timedelta(minutes=2)  # how long a process may take over what it has taken
SOON = 500  # deliveries whose links are renewed at once


def digest_of(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


async def want(tx: Tx, urls: Iterable[tuple[UUID, str]], now: datetime, fresh: timedelta) -> None:
    """Have (workspace, link) pairs looked at, but what was looked at within `fresh` or waits for it already."""
    rows = [
        {
            "id": new_id(),
            "workspace_id": workspace_id,
            "digest": digest_of(url),
            "url": url,
            "detail": "",
            "tries": 0,
            "next_at": now,
        }
        for workspace_id, url in sorted(set(urls))
    ]
    if rows:
        statement = insert(LinkLook).values(rows)
        stale = LinkLook.next_at.is_(None) & (LinkLook.looked_at < now - fresh)
        again = {"next_at": now, "tries": 0}
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "digest"], set_=again, where=stale
            )
        )


async def found(tx: Tx, workspace_id: UUID, urls: Sequence[str]) -> tuple[Look, ...]:
    """Return what was found under these links; those that nobody has looked at are left out."""
    if not urls:
        return ()
    statement = select(LinkLook).where(
        LinkLook.workspace_id == workspace_id, LinkLook.digest.in_([digest_of(url) for url in urls])
    )
    return tuple(
        Look(url=row.url, state=LinkState(row.state), detail=row.detail, looked_at=row.looked_at)
        for row in await tx.scalars(statement)
        if row.state is not None and row.looked_at is not None
    )


async def take(tx: Tx, now: datetime, most: int) -> list[LinkLook]:
    """Take links that are due; nobody else gets them until the lease is over."""
    statement = select(LinkLook).where(LinkLook.next_at <= now).order_by(LinkLook.next_at).limit(most)
    rows = list(await tx.scalars(statement.with_for_update(skip_locked=True)))
    for row in rows:
        row.next_at = now + LEASE
    return rows


async def due_soon(tx: Tx, now: datetime) -> list[tuple[UUID, str]]:
    """Return the links of what leaves next, with their workspaces."""
    statement = select(Delivery.workspace_id, Delivery.payload).where(
        Delivery.state.in_(("planned", "retrying")),
        or_(Delivery.lease_until.is_(None), Delivery.lease_until <= now),
        Delivery.action == "publish",
        Delivery.next_at.between(now, now + AHEAD_OF_DUE),
    )
    rows = await tx.execute(statement.order_by(Delivery.next_at).limit(SOON))
    return [(workspace_id, url) for workspace_id, payload in rows for url in urls_in(payload)]
