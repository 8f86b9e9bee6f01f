"""Fingerprints of one workspace's texts, and what is like a text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Fingerprint, Post, ReferenceText
from drumtower.db.plain import fetch
from drumtower.db.repositories.ad_share import NOT_COUNTED
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id

POST, REFERENCE = "post", "reference"
# As many as are compared in full; those that share the most bands come first.
CANDIDATES = 50

LIKE = """
SELECT kind, source_id FROM (
    SELECT kind, source_id, (SELECT count(*) FROM unnest(bands) AS own WHERE own = ANY ($2::int[])) AS shared
    FROM fingerprints WHERE workspace_id = $1 AND bands && $2::int[] AND source_id IS DISTINCT FROM $3
) AS met ORDER BY shared DESC, source_id LIMIT $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text that may be like it."""

    kind: str
    id: UUID
    title: str
    text: str
    url: str | None = None
    used_at: datetime | None = None


async def posts_after(tx: Tx, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Return the next posts of all workspaces, by id; `content` is None where there is a fingerprint already."""
    theirs = and_(Fingerprint.kind == POST, Fingerprint.source_id == Post.id)
    content = case((Fingerprint.id.is_(None), Post.content)).label("content")
    statement = select(Post.id, Post.workspace_id, content).outerjoin(Fingerprint, theirs)
    rows: Sequence[Row[Any]] = (
        await tx.execute(statement.where(Post.id > after).order_by(Post.id).limit(limit))
    ).all()
    return rows


async def keep_missing(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Add fingerprints of posts; what an edit has kept meanwhile stays."""
    given = [{"id": new_id(), "kind": POST, **row} for row in rows]
    await tx.execute(insert(Fingerprint).on_conflict_do_nothing(), given)


async def by_index(tx: Tx, statement: str, *values: Any) -> Sequence[Any]:
    """Run one statement that must not read a whole table.

    The planner takes `bands && …` for a fifth of all rows, and a text that stands in many posts for more: it would read all.
    """
    await fetch(tx, "SET LOCAL enable_seqscan = off")
    rows = await fetch(tx, statement, *values)
    await fetch(tx, "SET LOCAL enable_seqscan = on")
    return rows


class OriginalityRepository(Scoped):
    """Reads and adds references and fingerprints."""

    def references(self) -> Select[ReferenceText]:
        return self.select(ReferenceText)

    async def keep(self, kind: str, source_id: UUID, bands: list[int]) -> None:
        """Remember a text as it is now."""
        said = {"workspace_id": self.workspace_id, "kind": kind, "source_id": source_id, "bands": bands}
        statement = insert(Fingerprint).values(id=new_id(), **said)
        await self.tx.execute(
            statement.on_conflict_do_update(index_elements=["kind", "source_id"], set_={"bands": bands})
        )

    async def remove(self, reference: ReferenceText) -> None:
        gone = Fingerprint.kind == REFERENCE, Fingerprint.source_id == reference.id
        await self.tx.execute(delete(Fingerprint).where(*gone))
        await self.tx.delete(reference)

    async def candidates(self, bands: Sequence[int], besides: UUID | None) -> list[Text]:
        """Return the texts that share a band, those that share most first; `besides` is the post asked about."""
        if not bands:
            return []
        rows = await by_index(self.tx, LIKE, self.workspace_id, list(bands), besides, CANDIDATES)
        ids = {kind: [row["source_id"] for row in rows if row["kind"] == kind] for kind in (POST, REFERENCE)}
        return [*await self.posts(ids[POST]), *await self._referred(ids[REFERENCE])]

    async def posts(self, ids: Collection[UUID]) -> list[Text]:
        """Return those of these posts that are not archived, and when each was used."""
        if not ids:
            return []
        used = func.max(func.coalesce(Delivery.published_at, Delivery.due_at))
        last = (
            select(Delivery.post_id, used.label("used_at"))
            .where(Delivery.post_id.in_(ids), Delivery.state.not_in([state.value for state in NOT_COUNTED]))
            .group_by(Delivery.post_id)
            .subquery()
        )
        statement = (
            select(Post.id, Post.title, Post.content["body"].astext.label("body"), last.c.used_at)
            .outerjoin(last, last.c.post_id == Post.id)
            .where(Post.workspace_id == self.workspace_id, Post.id.in_(ids), Post.archived_at.is_(None))
        )
        return [
            Text(kind=POST, id=row.id, title=row.title, text=f"{row.title}\n{row.body}", used_at=row.used_at)
            for row in await self.tx.execute(statement)
        ]

    async def _referred(self, ids: Sequence[UUID]) -> list[Text]:
        if not ids:
            return []
        found = await self.tx.scalars(self.references().where(ReferenceText.id.in_(ids)))
        return [Text(kind=REFERENCE, id=row.id, title=row.title, text=row.text, url=row.url) for row in found]
