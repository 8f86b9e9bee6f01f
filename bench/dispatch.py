"""Lateness and drain of the dispatcher, beside a raw HTTP client in the same run.

    python -m bench.dispatch [--burst 1000] [--rate 100 --seconds 10]

Every publish is one POST to a local stub in a process of its own that answers after 50 ms; 100 may be in flight. Prints JSON lines.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import uvloop
from pydantic import SecretStr
from sqlalchemy import insert, select

from drumtower import http
from drumtower.connections import Connections
from drumtower.crypto import Box, new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.models import Channel, Delivery, Post
from drumtower.domain import content as contents
from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.content import Content, Kind, Nature
from drumtower.domain.ids import new_id
from drumtower.domain.text import Unit
from drumtower.embedded.servers import temporary_servers
from drumtower.platforms import (
    Adapter,
    CredentialField,
    Credentials,
    OAuth2,
    PlatformCalls,
    Published,
    PublishRequest,
    RemoteAccount,
)
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from services.scheduler.dispatch import Dispatcher
from services.scheduler.gate import Gate
from services.scheduler.outcomes import Outcomes
from services.scheduler.send import Sender
from tests.factories import Team, make_team

ANSWER_AFTER = 0.05
IN_FLIGHT = 100
CHANNELS = 50


class BenchAdapter(Adapter):
    """One POST a publish, and nothing else: what is measured is the engine."""

    slug: ClassVar[str] = "bench"
    name: ClassVar[Label] = Label(zh_cn="测量", en="Bench")
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,), body=TextRule(maximum=1000, unit=Unit.CHARACTER)
    )
    auth = OAuth2(
        fields=(CredentialField(name="access_token", label=Label(zh_cn="令牌", en="Token")),),
        authorize_url="http://127.0.0.1/",
        token_url="http://127.0.0.1/",
    )
    default_base_url: ClassVar[str] = "http://127.0.0.1"

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        return RemoteAccount(id="bench", name="bench")

    async def publish(self, request: PublishRequest) -> Published:
        calls = PlatformCalls(http=self.http, base_url=self.base_url, read_error=lambda *_: None, rules={})
        answer = await calls.call("POST", "/posts", once=True, json={"text": request.message.text})
        return Published(external_id=f"{answer['id']}-{request.idempotency_key}")


class _Stub(asyncio.Protocol):
    """A platform in a few lines: reads a request, answers 50 ms later."""

    body = b'{"id": "1"}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self.kept = b""

    def data_received(self, data: bytes) -> None:
        self.kept += data
        head, found, rest = self.kept.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if found and len(rest) >= length:
            self.kept = rest[length:]
            asyncio.get_running_loop().call_later(ANSWER_AFTER, self.transport.write, self.answer)


def _serve(port: Any) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def stub() -> Iterator[str]:
    """Serve the stub in a process of its own."""
    port: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get()}"
    finally:
        process.kill()


async def ceiling(url: str, count: int) -> dict[str, float]:
    """Drain `count` posts with the bare client: what no engine can beat here."""
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with http.client(allow_private=True) as client:

        async def post() -> None:
            async with gate:
                await client.post(f"{url}/posts", json={"text": "秋茶"})

        cpu, began = _cpu(), time.perf_counter()
        await asyncio.gather(*(post() for _ in range(count)))
        return {"drain_s": time.perf_counter() - began, "cpu_ms": (_cpu() - cpu) * 1000 / count}


async def engine(
    db: Database, settings: Settings, box: Box, url: str, dues: list[datetime]
) -> dict[str, float]:
    """Publish one delivery per due instant, and read the lateness from the rows."""
    team = await make_team(db)
    await _plan(db, box, team, url, dues)
    async with http.client(allow_private=True) as client:
        connections = Connections(
            db=db, http=client, box=box, registry=Registry(adapters={"bench": BenchAdapter}, refused={})
        )
        storage = LocalStorage(settings.storage_dir)
        outcomes = Outcomes(db, Gate.of(connections.registry, settings))
        sender = Sender(db=db, connections=connections, storage=storage, settings=settings, outcomes=outcomes)
        dispatcher = Dispatcher(db=db, sender=sender, settings=settings)
        cpu = _cpu()
        await _until_done(db, dispatcher, team)
        spent = (_cpu() - cpu) * 1000 / len(dues)
    return {**await _figures(db, team), "cpu_ms": spent}


async def _until_done(db: Database, dispatcher: Dispatcher, team: Team) -> None:
    while True:
        rest = await dispatcher.step()
        await asyncio.sleep(0.001 if rest is None else min(rest.total_seconds(), 0.05))
        if rest is None:
            await dispatcher.drain(timedelta(seconds=60))
            dispatcher.stopping = False
            if await _left(db, team) == 0:
                return


async def _left(db: Database, team: Team) -> int:
    async with db.transaction() as tx:
        ours = Delivery.workspace_id == team.workspace_id, Delivery.state != "published"
        return len((await tx.scalars(select(Delivery.id).where(*ours))).all())


async def _plan(db: Database, box: Box, team: Team, url: str, dues: list[datetime]) -> None:
    now = datetime.now(UTC)
    content = Content(title="", body="秋茶上新", kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL)
    digest = contents.digest(content)
    own = {"workspace_id": team.workspace_id, "created_at": now, "updated_at": now}
    channels = [new_id() for _ in range(CHANNELS)]
    sealed = box.seal({"access_token": "none"})
    post_rows = [
        {
            **own, "id": new_id(), "brand_id": team.brand_id, "title": "", "kind": "image_text",
            "nature": "editorial", "owner_id": team.owner_id, "status": "scheduled",
            "content": contents.to_json(content), "content_hash": digest, "version": 1, "revision": 1,
            "review_state": "approved", "approved_hash": digest,
            "approval_expires_at": now + timedelta(days=1), "created_by": team.owner_id,
        }
        for _ in dues
    ]  # fmt: skip
    payload = {
        "title": "", "body": "秋茶上新", "kind": "image_text", "nature": "editorial", "language": "zh-CN",
        "links": [], "hashtags": [], "asset_ids": [], "disclosures": [], "options": {},
    }  # fmt: skip
    delivery_rows = [
        {
            **own, "id": new_id(), "channel_id": channels[n % CHANNELS], "platform": "bench",
            "post_id": post_rows[n]["id"], "post_version": 1, "content_hash": digest, "action": "publish",
            "payload": payload, "state": "planned", "due_at": due, "next_at": due, "attempts": 0, "fence": 0,
            "lookups": 0, "checkpoint": {}, "prepared": False, "context": {}, "needs_check": False,
            "revision": 1, "created_by": team.owner_id,
        }
        for n, due in enumerate(dues)
    ]  # fmt: skip
    channel_rows = [
        {
            **own, "id": channel, "brand_id": team.brand_id, "platform": "bench", "name": "bench",
            "base_url": url, "account_id": str(channel), "account_name": "bench", "status": "connected",
            "credentials": sealed,
        }
        for channel in channels
    ]  # fmt: skip
    async with db.transaction() as tx:
        await tx.execute(insert(Channel), channel_rows)
        await tx.execute(insert(Post), post_rows)
        await tx.execute(insert(Delivery), delivery_rows)


async def _figures(db: Database, team: Team) -> dict[str, float]:
    async with db.transaction() as tx:
        found = await tx.execute(
            select(Delivery.due_at, Delivery.sent_at, Delivery.published_at).where(
                Delivery.workspace_id == team.workspace_id
            )
        )
        rows = [(due, sent, out) for due, sent, out in found if sent and out]
    late = sorted((sent - due).total_seconds() * 1000 for due, sent, _ in rows)
    first, last = min(due for due, _, _ in rows), max(out for _, _, out in rows)
    return {
        "count": len(rows),
        "drain_s": (last - first).total_seconds(),
        "sent_late_p50_ms": statistics.median(late),
        "sent_late_p95_ms": late[int(len(late) * 0.95)],
        "sent_late_p99_ms": late[int(len(late) * 0.99)],
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _show(name: str, **figures: float) -> None:
    print(json.dumps({"bench": name, **{k: round(v, 3) for k, v in figures.items()}}))


async def main(given: argparse.Namespace, database_url: str, redis_url: str, url: str) -> None:
    key = new_key()
    db = Database(database_url, application="bench", pool=20, patience=30)
    values = {
        "DRUMTOWER_DATABASE_URL": database_url,
        "DRUMTOWER_REDIS_URL": redis_url,
        "secret_keys": SecretStr(key),
        "storage_dir": Path(tempfile.mkdtemp()),
        "platform_concurrency": IN_FLIGHT,
    }
    settings = Settings.model_validate(values)
    box = Box(key)
    await ceiling(url, IN_FLIGHT)  # warm
    raw = await ceiling(url, given.burst)
    _show("raw client", count=given.burst, **raw)
    ours = await engine(db, settings, box, url, [datetime.now(UTC)] * given.burst)
    _show("burst", **ours, drain_ratio=ours["drain_s"] / raw["drain_s"])
    start = datetime.now(UTC) + timedelta(seconds=3)
    steps = [start + timedelta(seconds=n / given.rate) for n in range(given.rate * given.seconds)]
    _show("steady", rate=given.rate, **await engine(db, settings, box, url, steps))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _show("memory", peak_mb=peak)
    await db.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    with stub() as address, temporary_servers() as servers:
        migrate.upgrade(servers.database_url)
        uvloop.run(main(arguments, servers.database_url, servers.redis_url, address))
