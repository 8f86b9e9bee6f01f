"""Keeps the fingerprints that are missing: of posts from before there were any, and of copies that older releases made."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row

from drumtower.db.engine import Database
from drumtower.db.repositories.originality import keep_missing, posts_after
from drumtower.originality import fingerprint

log = structlog.get_logger(__name__)

FIRST = UUID(int=0)
BATCH = 200
# Nothing here is urgent; what leaves on time comes first.
REST = timedelta(milliseconds=200)


@dataclass(slots=True)
class Fingerprints:
    """Walks over all posts once in a process's life: whoever writes one now keeps its fingerprint with it."""

    db: Database
    after: UUID = FIRST
    kept: int = 0
    is_done: bool = False

    async def step(self) -> timedelta | None:
        """Look at the next posts; None at the end."""
        if self.is_done:
            return None
        async with self.db.transaction() as tx:
            posts = await posts_after(tx, self.after, BATCH)
            missing = await asyncio.to_thread(_fingerprints, [post for post in posts if post.content])
            if missing:
                await keep_missing(tx, missing)
        self.kept += len(missing)
        if len(posts) < BATCH:
            self.is_done = True
            log.info("fingerprints.complete", kept=self.kept)
            return None
        self.after = posts[-1].id
        return REST


def _fingerprints(posts: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    return [
        {"workspace_id": post.workspace_id, "source_id": post.id, "bands": fingerprint(post.content)}
        for post in posts
    ]
