"""Holds what is scheduled and published to rules that have changed since, and opens findings for people."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from drumtower.db import outbox
from drumtower.db.engine import Database
from drumtower.db.models import Post
from drumtower.db.repositories.findings import next_scan, posts_after, settle
from drumtower.domain.compliance import FindingState
from drumtower.domain.content import Content, from_json, texts_of
from drumtower.domain.errors import Severity
from drumtower.domain.ids import new_id
from drumtower.domain.rule_packs import Hit, Screen
from drumtower.screening import shipped_digest
from drumtower.standards import Ground, grounds
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 50
# Nothing here is urgent; what leaves on time comes first.
REST = timedelta(milliseconds=200)


async def scan(db: Database) -> timedelta | None:
    """Look at the next posts of a workspace whose rules have changed."""
    async with db.transaction() as tx:
        now = await clock(tx)
        todo = await next_scan(tx, shipped_digest(), now)
        if todo is None:
            return None
        posts = await posts_after(tx, todo, BATCH)
        ground = (await grounds(tx, [todo.workspace_id]))[todo.workspace_id]
        found = await asyncio.to_thread(_findings, posts, ground, now)
        opened = await settle(tx, posts, found, now)
        for finding_id in opened:
            outbox.append(
                tx, workspace_id=todo.workspace_id, name="finding.opened", subject_id=finding_id, now=now
            )
        if len(posts) < BATCH:
            todo.finished_at = now
            log.info("scan.finished", workspace_id=str(todo.workspace_id))
        if posts:
            todo.after = posts[-1].id
    return REST


def _findings(posts: Sequence[Post], ground: Ground, now: datetime) -> list[dict[str, Any]]:
    screen = ground.screening.on(industry=ground.policies.industry)
    return [
        _finding(post, pointer, text, hit, now)
        for post in posts
        for (pointer, text) in _texts(from_json(post.content)).items()
        for hit in _serious(screen, text)
    ]


def _serious(screen: Screen, text: str) -> list[Hit]:
    """What merely explains is nothing to come back to a finished post for; a rule finds a place once."""
    hits = {(hit.start, hit.rule): hit for hit in screen(text) if hit.severity is not Severity.INFO}
    return list(hits.values())


def _texts(content: Content) -> dict[str, str]:
    """Return the post's texts and those of its variants, by pointer into the post."""
    texts = dict(texts_of(content))
    for index, variant in enumerate(content.variants):
        texts |= {
            f"/variants/{index}/title": variant.title or "",
            f"/variants/{index}/body": variant.body or "",
        }
    return texts


def _finding(post: Post, pointer: str, text: str, hit: Hit, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": post.workspace_id,
        "post_id": post.id,
        "content_hash": post.content_hash,
        "pointer": pointer,
        "quote": text[hit.start : hit.end],
        "start": hit.start,
        "end": hit.end,
        "rule": hit.rule,
        "severity": hit.severity.value,
        "basis": hit.basis,
        "suggestion": hit.suggestion,
        "pack_version": hit.version,
        "state": FindingState.OPEN.value,
        "note": "",
        "opened_at": now,
    }
