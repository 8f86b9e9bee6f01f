"""Looks at the links of posts: after an edit, and again in the hour before they leave. Never within a transaction."""

import asyncio
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

import httpx
import structlog

from drumtower.db import outbox
from drumtower.db.engine import Database, Tx
from drumtower.db.models import LinkLook
from drumtower.db.repositories import link_looks
from drumtower.domain.link_looks import (
    FRESH_BEFORE_DUE,
    WEB_PORTS,
    LinkState,
    is_safe,
    next_look,
    state_of,
)
from drumtower.http import AddressRefused
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 20
HOPS = 5
PATIENCE = 10  # seconds for one link, whatever its server does


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found under a link."""

    state: LinkState
    detail: str


async def renew_links(db: Database) -> None:
    """Have the links looked at again of what leaves within the hour."""
    async with db.transaction() as tx:
        now = await clock(tx)
        await link_looks.want(tx, await link_looks.due_soon(tx, now), now, FRESH_BEFORE_DUE)


async def look_at_links(
    db: Database, client: httpx.AsyncClient, ports: Container[int] = WEB_PORTS
) -> timedelta | None:
    """Look at what is due."""
    async with db.transaction() as tx:
        rows = await link_looks.take(tx, await clock(tx), BATCH)
        tx.expunge_all()
    seen = await asyncio.gather(*(look(client, row.url, ports) for row in rows))
    async with db.transaction() as tx:
        now = await clock(tx)
        for row, one in zip(rows, seen, strict=True):
            await _settle(tx, row, one, now)
    return timedelta() if len(rows) == BATCH else None


async def look(client: httpx.AsyncClient, url: str, ports: Container[int] = WEB_PORTS) -> Seen:
    """Follow a link to where it ends. `client` refuses what is not public; each hop is held to the same rules."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _follow(client, url, ports)
    except AddressRefused:
        return Seen(state=LinkState.REFUSED, detail="no public address")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError):
        return Seen(state=LinkState.REFUSED, detail="no web address")
    except TimeoutError:
        return Seen(state=LinkState.UNREACHABLE, detail=f"no answer within {PATIENCE} s")
    except httpx.HTTPError as error:
        return Seen(state=LinkState.UNREACHABLE, detail=type(error).__name__)


async def _follow(client: httpx.AsyncClient, url: str, ports: Container[int]) -> Seen:
    for _ in range(HOPS + 1):
        if not is_safe(url, ports):
            return Seen(state=LinkState.REFUSED, detail="no web address")
        response = await client.send(client.build_request("GET", url), stream=True)
        await response.aclose()  # what it says is nobody's business here
        where = response.headers.get("location")
        if not (300 <= response.status_code < 400 and where):
            return Seen(state=state_of(response.status_code), detail=f"HTTP {response.status_code}")
        url = urljoin(url, where)
    return Seen(state=LinkState.DEAD, detail=f"more than {HOPS} redirects")


async def _settle(tx: Tx, taken: LinkLook, seen: Seen, now: datetime) -> None:
    row = await tx.get(LinkLook, taken.id, with_for_update=True)
    if row is None:  # its workspace is gone
        return
    turned = seen.state.value != row.state
    row.tries = row.tries + 1 if seen.state is LinkState.UNREACHABLE else 0
    row.state, row.detail, row.looked_at = seen.state.value, seen.detail, now
    row.next_at = next_look(seen.state, row.tries, now)
    if turned and seen.state in (LinkState.DEAD, LinkState.REFUSED):
        about = {"url": row.url, "state": row.state, "detail": row.detail}
        outbox.append(
            tx, workspace_id=row.workspace_id, name="link.dead", subject_id=row.id, now=now, **about
        )
        log.warning("link.dead", workspace_id=str(row.workspace_id), detail=row.detail)
