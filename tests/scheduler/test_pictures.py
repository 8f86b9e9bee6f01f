"""Pictures from before there were perceptual hashes get theirs, and one that can't be read stops nothing."""

import pytest
from sqlalchemy import select

from drumtower.db.models import Asset
from services.scheduler import pictures
from services.scheduler.pictures import Pictures
from tests.factories import make_asset, make_image
from tests.scheduler.stage import Stage


@pytest.mark.long
async def test_pictures_from_before_are_looked_at(weibo: Stage) -> None:
    db, team = weibo.db, weibo.team
    lost = await make_asset(db, team)  # there is no file behind it
    found = await make_image(db, weibo.storage, team)
    known = await make_asset(db, team, perceptual_hash=7)
    video = await make_asset(db, team, kind="video", content_type="video/mp4")
    walk = Pictures(db, weibo.storage)
    assert [await walk.step() for _ in range(3)] == [pictures.REST, pictures.REST, None]
    assert (walk.kept, walk.is_done) == (1, True)
    async with db.transaction() as tx:
        rows = {row.id: row.perceptual_hash for row in await tx.scalars(select(Asset))}
    assert {one: rows[one] for one in (lost, found, known, video)} == {
        lost: None,
        found: 0,
        known: 7,
        video: None,
    }
    assert await walk.step() is None
