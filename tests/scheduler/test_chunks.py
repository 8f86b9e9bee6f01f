"""An upload in pieces goes on where it broke off: each piece that was saved is sent once, whoever dies in between."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import update

from drumtower.db.models import Channel
from drumtower.domain.deliveries import State
from drumtower.platforms import Adapter, Preparable, Published, PublishRequest
from drumtower.platforms.registry import Registry
from services.scheduler.prepare import prepare
from tests.scheduler.scripted import ScriptedAdapter
from tests.scheduler.stage import Stage

CHUNKS = 6


class ChunkedAdapter(ScriptedAdapter, Preparable):
    """Uploads six pieces, and saves after each; `dies_after` is the piece after whose save the process is gone."""

    slug = "chunked"
    uploaded: ClassVar[list[int]] = []
    dies_after: ClassVar[int | None] = None

    async def prepare(self, request: PublishRequest) -> None:
        for number in range(request.checkpoint.get("chunks", 0), CHUNKS):
            self.uploaded.append(number)
            await request.save({"chunks": number + 1})
            if number + 1 == self.dies_after:
                type(self).dies_after = None
                raise asyncio.CancelledError

    async def publish(self, request: PublishRequest) -> Published:
        assert request.checkpoint == {"chunks": CHUNKS}
        return Published(external_id=request.idempotency_key)


@pytest.fixture
async def chunked(weibo: Stage) -> Stage:
    adapters: dict[str, type[Adapter]] = {ChunkedAdapter.slug: ChunkedAdapter}
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Channel).values(platform="chunked"))
    ChunkedAdapter.uploaded = []
    registry = Registry(adapters=adapters, refused={})
    weibo.platform, weibo.connections = "chunked", replace(weibo.connections, registry=registry)
    return weibo


@pytest.mark.long
@pytest.mark.parametrize("ahead", [True, False], ids=["ahead of time", "at the due second"])
@pytest.mark.parametrize("chunk", range(1, CHUNKS + 1))
async def test_a_crash_after_a_chunk_goes_on_with_the_next(chunked: Stage, chunk: int, ahead: bool) -> None:
    ChunkedAdapter.dies_after = chunk
    planned = await chunked.schedule(timedelta(minutes=5) if ahead else timedelta())
    if ahead:
        with pytest.raises(asyncio.CancelledError):
            await prepare(chunked.db, chunked.connections, chunked.storage, chunked.settings)
    else:
        await chunked.dispatch()
    assert ChunkedAdapter.dies_after is None, "nothing died"
    assert (await chunked.delivery(planned)).checkpoint == {"chunks": chunk}
    await chunked.pass_time(600)
    await chunked.work()
    assert (await chunked.delivery(planned)).state == State.PUBLISHED
    assert ChunkedAdapter.uploaded == list(range(CHUNKS))
