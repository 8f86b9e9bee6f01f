"""What another process makes of a delivery's row: the key that it would send with."""

import asyncio
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from drumtower.db.engine import Database
from drumtower.db.models import Delivery
from drumtower.platforms import Credentials
from drumtower.storage import LocalStorage
from services.scheduler.requests import publish_request, read_facts
from tests.scheduler.scripted import ScriptedAdapter


def key_of(database_url: str, delivery_id: UUID) -> str:
    return asyncio.run(_key(database_url, delivery_id))


async def _key(database_url: str, delivery_id: UUID) -> str:
    db = Database(database_url, application="tests-keying")
    async with db.transaction() as tx:
        facts = await read_facts(tx, await tx.get_one(Delivery, delivery_id))
    adapter = ScriptedAdapter(cast("Any", None))
    request = publish_request(facts, adapter, Credentials(values={}), db, LocalStorage(Path("unused")))
    await db.close()
    return request.idempotency_key
