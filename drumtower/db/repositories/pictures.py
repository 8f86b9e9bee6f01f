"""Pictures of one workspace that look alike, and the posts that show them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Asset
from drumtower.db.plain import fetch
from drumtower.db.repositories.originality import OriginalityRepository
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.pictures import Lookalike, Use, distance, is_telling

SHOWN = 20  # lookalikes, and posts of each

# The inner part needs nothing but what the index has; what is named is read of the nearest alone.
_NEAR = """
SELECT met.of, met.id, met.seen, assets.file_name FROM (
    SELECT asked.id AS of, near.id, near.perceptual_hash AS seen,
        bit_count((asked.seen # near.perceptual_hash)::bit(64)) AS distance
    FROM unnest($2::uuid[], $3::bigint[]) AS asked (id, seen)
    JOIN assets AS near ON near.workspace_id = $1 AND near.derived_from IS NULL AND near.perceptual_hash IS NOT NULL
    WHERE near.id <> asked.id AND bit_count((asked.seen # near.perceptual_hash)::bit(64)) <= $4
    ORDER BY distance, near.id LIMIT $5
) AS met JOIN assets ON assets.id = met.id ORDER BY met.distance, met.id
"""
# Sorted by what no index has, so that the planner looks the file up rather than walk over posts in their order.
_SHOWING = """
SELECT asked.id AS asset_id, showing.id AS post_id FROM unnest($2::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT id FROM posts
    WHERE workspace_id = $1 AND id IS DISTINCT FROM $3
        AND jsonb_path_query_array(content, '$.**."asset_ids"[*]'::jsonpath) @> jsonb_build_array(asked.id::text)
    ORDER BY updated_at DESC LIMIT $4
) AS showing
"""


async def unseen_after(tx: Tx, after: UUID) -> Asset | None:
    """Return the next picture of all workspaces, by id, that nobody has looked at."""
    statement = select(Asset).where(
        Asset.id > after,
        Asset.kind == "image",
        Asset.derived_from.is_(None),
        Asset.perceptual_hash.is_(None),
    )
    return await tx.scalar(statement.order_by(Asset.id).limit(1))


async def keep_seen(tx: Tx, asset_id: UUID, perceptual_hash: int | None) -> None:
    """Keep what a picture looks like."""
    changed = update(Asset).where(Asset.id == asset_id).values(perceptual_hash=perceptual_hash)
    await tx.execute(changed)


class PictureRepository(Scoped):
    """Reads what pictures look like."""

    async def lookalikes(
        self, asset_ids: Collection[UUID], most: int, besides: UUID | None
    ) -> list[Lookalike]:
        """Return the files at most so far from one of these, the nearest first; `besides` is the post asked about."""
        hashes = await self._telling(asset_ids)
        if not hashes:
            return []
        values = list(hashes), list(hashes.values())
        rows = await fetch(self.tx, _NEAR, self.workspace_id, *values, most, SHOWN)
        uses = await self._uses({row["id"] for row in rows}, besides) if rows else {}
        return [
            Lookalike(
                of=row["of"],
                asset_id=row["id"],
                file_name=row["file_name"],
                distance=distance(hashes[row["of"]], row["seen"]),
                uses=tuple(uses.get(row["id"], ())),
            )
            for row in rows
        ]

    async def _telling(self, asset_ids: Collection[UUID]) -> dict[UUID, int]:
        if not asset_ids:
            return {}
        asked = select(Asset.id, Asset.perceptual_hash).where(
            Asset.workspace_id == self.workspace_id, Asset.id.in_(asset_ids)
        )
        rows = await self.tx.execute(asked.where(Asset.perceptual_hash.is_not(None)))
        return {row.id: row.perceptual_hash for row in rows if is_telling(row.perceptual_hash)}

    async def _uses(self, asset_ids: Collection[UUID], besides: UUID | None) -> Mapping[UUID, list[Use]]:
        rows = await fetch(self.tx, _SHOWING, self.workspace_id, list(asset_ids), besides, SHOWN)
        texts = await OriginalityRepository(self.tx, self.workspace_id).posts(
            {row["post_id"] for row in rows}
        )
        posts = {one.id: Use(post_id=one.id, title=one.title, used_at=one.used_at) for one in texts}
        found = defaultdict(list)
        for row in rows:
            if use := posts.get(row["post_id"]):
                found[row["asset_id"]].append(use)
        return found
