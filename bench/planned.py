"""Rows for the dispatch bench: channels, approved posts and their deliveries, made by the database itself."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel
from drumtower.db.repositories.deliveries import payload_of
from drumtower.domain import content as contents
from drumtower.domain.content import Content, Kind, Nature
from drumtower.domain.ids import new_id
from tests.factories import Team

CHANNELS = 500
TABLES = ("deliveries", "posts", "channels", "attempts")
FAR = "now() + interval '30 days'"
_POSTS = text("""
INSERT INTO posts (id, workspace_id, brand_id, title, kind, nature, owner_id, status, content, content_hash, version,
    revision, review_state, approved_hash, approval_expires_at, created_by, created_at, updated_at)
SELECT md5(:run || 'post' || n)::uuid, :workspace_id, :brand_id, '', 'image_text', 'editorial', :owner_id, 'scheduled',
    CAST(:content AS jsonb), :digest, 1, 1, 'approved', :digest, now() + interval '90 days', :owner_id, now(), now()
FROM generate_series(1, :count) AS n
""")
_DELIVERIES = text(f"""
INSERT INTO deliveries (id, workspace_id, channel_id, platform, post_id, post_version, content_hash, action, payload,
    state, due_at, next_at, attempts, fence, lookups, checkpoint, prepared, context, needs_check, revision, created_by,
    created_at, updated_at)
SELECT md5(:run || 'delivery' || n)::uuid, :workspace_id, (CAST(:channels AS uuid[]))[1 + n % :width], 'bench',
    md5(:run || 'post' || n)::uuid, 1, :digest, 'publish', CAST(:payload AS jsonb), 'planned',
    {FAR} + n * interval '1 second', {FAR} + n * interval '1 second', 0, 0, 0, '{{}}', false, '{{}}', false, 1,
    :owner_id, now(), now()
FROM generate_series(1, :count) AS n
""")  # noqa: S608 - a constant of ours
_DUE = text("""
UPDATE deliveries AS d SET due_at = p.at, next_at = p.at
FROM (
    SELECT id, CAST(:start AS timestamptz) + (row_number() OVER (ORDER BY id) - 1) * CAST(:apart AS interval) AS at
    FROM deliveries WHERE workspace_id = :workspace_id
) AS p
WHERE d.id = p.id
""")


async def plant(db: Database, box: Box, team: Team, url: str, count: int) -> None:
    """Plan `count` deliveries of the team's, over its own 500 channels, a month ahead."""
    content = Content(title="", body="秋茶上新", kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL)
    channels = await _channels(db, box, team, url)
    given: dict[str, Any] = {
        "run": str(team.workspace_id),
        "workspace_id": team.workspace_id,
        "owner_id": team.owner_id,
        "digest": contents.digest(content),
        "count": count,
    }
    posts = {"brand_id": team.brand_id, "content": json.dumps(contents.to_json(content))}
    payload = json.dumps(payload_of(contents.for_channel(content, channels[0])))
    async with db.transaction() as tx:
        await tx.execute(text("SET LOCAL statement_timeout = '300s'"))
        await tx.execute(_POSTS, given | posts)
        rows = {"channels": channels, "width": len(channels), "payload": payload}
        await tx.execute(_DELIVERIES, given | rows)
    await tidy(db)


async def make_due(db: Database, team: Team, start: datetime, apart: timedelta) -> None:
    """Bring the team's deliveries forward: the first to `start`, the others `apart` after one another."""
    async with db.transaction() as tx:
        await tx.execute(_DUE, {"workspace_id": team.workspace_id, "start": start, "apart": apart})
    await tidy(db)


async def tidy(db: Database, tables: Sequence[str] = TABLES) -> None:
    """Let the planner know, as autovacuum does in its own time."""
    async with db.engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await free.execute(text("SET statement_timeout = '300s'"))
        for table in tables:
            await free.execute(text(f"VACUUM ANALYZE {table}"))
        await free.execute(text("RESET statement_timeout"))


async def _channels(db: Database, box: Box, team: Team, url: str) -> list[UUID]:
    now = datetime.now(UTC)
    sealed = box.seal({"access_token": "none"})
    ids = [new_id() for _ in range(CHANNELS)]
    rows = [
        {
            "id": ids[number], "workspace_id": team.workspace_id, "brand_id": team.brand_id, "platform": "bench",
            "name": "bench", "base_url": url, "account_id": str(number), "account_name": "bench",
            "status": "connected", "credentials": sealed, "created_at": now, "updated_at": now,
        }
        for number in range(CHANNELS)
    ]  # fmt: skip
    async with db.transaction() as tx:
        await tx.execute(insert(Channel), rows)
    return ids
