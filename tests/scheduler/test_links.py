"""Links of posts, looked at over HTTP: what is found, what is never dialled, and when it is looked at again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Response
from sqlalchemy import select, update

from drumtower import http
from drumtower.db.engine import Database
from drumtower.db.models import LinkLook, OutboxEvent
from drumtower.db.repositories.link_looks import found, want
from drumtower.domain.link_looks import LinkState
from drumtower.testkit.serving import serve
from services.scheduler.links import look, look_at_links, renew_links
from tests.factories import Team
from tests.scheduler.conftest import MakeStage
from tests.scheduler.stage import LINK

ANY_PORT = range(1, 65_536)
# Hostile addresses of the design's list that a name server is not needed for.
HOSTILE = (
    "http://127.0.0.1",
    "http://127.1",
    "http://0x7f.1",
    "http://2130706433",
    "http://017700000001",
    "http://0",
    "http://[::1]",
    "http://[::ffff:169.254.169.254]",
    "http://[64:ff9b::a9fe:a9fe]",
    "http://[2002:7f00:1::]",
    "http://100.100.100.200",
    "http://169.254.169.254/latest",
    "http://[fe80::1%25eth0]",
    "http://localhost.",
    "http://LOCALHOST",
    "http://①②⑦.⓪.⓪.①",
    "http://public.example@127.0.0.1",
    "http://127.0.0.1#@public.example",
    "http://127.0.0.1:22",
    "gopher://127.0.0.1",
    "http://127.0.0.1\\@public.example",
)


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A web site with everything that happens to links."""
    app = FastAPI()

    @app.get("/status/{code}")
    async def status(code: int) -> Response:
        return Response(status_code=code)

    @app.get("/moved")
    async def moved(to: str) -> Response:
        return Response(status_code=302, headers={"Location": to})

    async with serve(app) as base_url:
        yield base_url


@pytest.mark.parametrize(
    ("path", "state", "detail"),
    [
        ("/status/200", LinkState.ALIVE, "HTTP 200"),
        ("/status/404", LinkState.DEAD, "HTTP 404"),
        ("/moved?to=/status/410", LinkState.DEAD, "HTTP 410"),
        ("/moved?to=/moved%3Fto%3D/status/200", LinkState.ALIVE, "HTTP 200"),
        ("/moved?to=http://x@127.0.0.1/", LinkState.REFUSED, "no web address"),
        ("/moved?to=file:///etc/passwd", LinkState.REFUSED, "no web address"),
    ],
)
async def test_where_a_link_ends(site: str, path: str, state: LinkState, detail: str) -> None:
    async with http.client(allow_private=True) as client:
        seen = await look(client, site + path, ANY_PORT)
    assert (seen.state, seen.detail) == (state, detail)


async def test_nobody_is_sent_round_in_circles(site: str) -> None:
    async with http.client(allow_private=True) as client:
        at = f"{site}/status/200"
        for _ in range(6):
            at = str(httpx.URL(f"{site}/moved", params={"to": at}))
        seen = await look(client, at, ANY_PORT)
    assert seen.state is LinkState.DEAD


async def test_hostile_addresses_are_never_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[object] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer)
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    async with server, http.client() as client:
        for url in HOSTILE:
            seen = await look(client, url, ANY_PORT)
            # Where no name server knows a name, nobody answers.
            assert seen.state in (LinkState.REFUSED, LinkState.UNREACHABLE), url
        for host in ("127.0.0.1", "127.1", "localhost", "[::ffff:127.0.0.1]"):
            assert (await look(client, f"http://{host}:{port}/", ANY_PORT)).state is LinkState.REFUSED
    assert reached == []


async def rows(db: Database, team: Team) -> list[LinkLook]:
    async with db.transaction() as tx:
        return list(await tx.scalars(select(LinkLook).where(LinkLook.workspace_id == team.workspace_id)))


async def test_what_is_found_is_kept_and_told_once(db: Database, team: Team, site: str) -> None:
    url = f"{site}/status/404"
    async with http.client(allow_private=True) as client:
        for _ in range(2):
            async with db.transaction() as tx:
                now = datetime.now(UTC) + timedelta(hours=2)
                await want(tx, [(team.workspace_id, url)], now, timedelta(hours=1))
                await tx.execute(update(LinkLook).values(next_at=datetime.now(UTC)))
                assert (await found(tx, team.workspace_id, [url]) == ()) is (await _unseen(db, team))
            await look_at_links(db, client, ANY_PORT)
    [row] = await rows(db, team)
    assert (row.state, row.next_at) == ("dead", None)
    async with db.transaction() as tx:
        [seen] = await found(tx, team.workspace_id, [url])
        assert (seen.url, seen.state) == (url, LinkState.DEAD)
        events = await tx.scalars(select(OutboxEvent).where(OutboxEvent.name == "link.dead"))
        assert [event.payload["url"] for event in events] == [url]


async def _unseen(db: Database, team: Team) -> bool:
    return all(row.looked_at is None for row in await rows(db, team))


async def test_links_are_looked_at_again_before_they_leave(
    db: Database, team: Team, make_stage: MakeStage
) -> None:
    stage = await make_stage("weibo")
    await stage.schedule(timedelta(hours=3))
    await renew_links(db)
    assert await rows(db, team) == []
    await stage.schedule(timedelta(minutes=30))
    await renew_links(db)
    [row] = await rows(db, team)
    assert (row.url, row.state) == (LINK, None)
    for age, due in ((timedelta(hours=1), False), (timedelta(hours=7), True)):
        await _looked(db, row.id, age)
        await renew_links(db)
        assert ((await rows(db, team))[0].next_at is not None) is due


async def _looked(db: Database, row_id: UUID, age: timedelta) -> None:
    async with db.transaction() as tx:
        seen = {"state": "alive", "looked_at": datetime.now(UTC) - age, "next_at": None}
        await tx.execute(update(LinkLook).where(LinkLook.id == row_id).values(**seen))
