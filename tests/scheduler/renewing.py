"""A process of its own that opens a channel, to be killed at any moment: `open_channel` is its whole work."""

import asyncio
from uuid import UUID

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.platforms import registry


def open_channel(database_url: str, keys: str, channel_id: UUID) -> None:
    """Open the channel once; a token that has run out is renewed for it."""
    asyncio.run(_open(database_url, keys, channel_id))


async def _open(database_url: str, keys: str, channel_id: UUID) -> None:
    db = Database(database_url, application="tests-renewing")
    async with http.client(allow_private=True) as client:
        connections = Connections(db=db, http=client, box=Box(keys), registry=registry.load())
        await connections.open(channel_id)
    await db.close()
