"""Posts without a fingerprint get one, and what an edit keeps stands."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from drumtower import originality
from drumtower.db.engine import Database
from drumtower.db.models import Fingerprint, Post
from drumtower.db.repositories.originality import keep_missing
from services.scheduler import fingerprints
from services.scheduler.fingerprints import Fingerprints
from tests.scheduler.stage import Stage
from tests.scheduler.test_series import live, look, make, template


async def kept(db: Database) -> dict[object, list[int]]:
    async with db.transaction() as tx:
        rows = (await tx.execute(select(Fingerprint.source_id, Fingerprint.bands))).all()
    return {row.source_id: row.bands for row in rows}


async def written(stage: Stage) -> UUID:
    """Add a post as a release without fingerprints wrote it."""
    post_id = (await stage.schedule(timedelta(days=3))).post_id
    assert post_id is not None
    return post_id


async def test_posts_from_before_get_theirs_in_steps(weibo: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "BATCH", 2)
    posts, db = [await written(weibo) for _ in range(3)], weibo.db
    edited = {"workspace_id": weibo.team.workspace_id, "source_id": posts[0], "bands": [1]}
    async with db.transaction() as tx:
        await keep_missing(tx, [edited])
    walk = Fingerprints(db)
    assert await walk.step() == fingerprints.REST
    assert await walk.step() is None
    found = await kept(db)
    assert (set(found), walk.kept, walk.is_done) == (set(posts), 2, True)
    assert found.pop(posts[0]) == [1]
    async with db.transaction() as tx:
        for post in await tx.scalars(select(Post).where(Post.id.in_(found))):
            assert found[post.id] == originality.fingerprint(post.content)
            assert found[post.id]
    assert await walk.step() is None


async def test_the_walk_overwrites_nothing(weibo: Stage) -> None:
    post = await written(weibo)
    row = {"workspace_id": weibo.team.workspace_id, "source_id": post}
    async with weibo.db.transaction() as tx:
        await keep_missing(tx, [row | {"bands": [1]}])
        await keep_missing(tx, [row | {"bands": [2]}])
    assert await kept(weibo.db) == {post: [1]}


@pytest.mark.long
async def test_copies_of_a_series_have_theirs(weibo: Stage) -> None:
    await make(weibo, await template(weibo))
    await look(weibo)
    copies = {row.post_id for row in await live(weibo)}
    assert copies
    assert copies <= set(await kept(weibo.db))
