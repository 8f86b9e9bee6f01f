"""What the tests of posts, reviews and deliveries share: writing, approving and scheduling over HTTP."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select, update

from drumtower.db.engine import Database
from drumtower.db.models import Delivery, Post
from drumtower.domain.permissions import Role
from services.api.deps import Services
from tests.conftest import client_for
from tests.factories import Team, make_key, make_member

Json = dict[str, Any]

LINK = "https://tea.example.com/autumn"
BODY = "办公室里也能喝到一杯好茶 🍵"
PASSED: Json = {
    point: {"verdict": "pass"} for point in ("accuracy", "compliance", "readability", "aesthetics")
}


@dataclass(slots=True)
class Stopped:
    """A clock that stands where it is put."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


def stop(app: FastAPI, at: datetime) -> Stopped:
    """Stop the API's clock at this moment."""
    stopped = Stopped(at)
    services: Services = app.state.services
    app.state.services = replace(services, clock=stopped)
    return stopped


@contextmanager
def statements(app: FastAPI) -> Iterator[list[str]]:
    """Collect what the API asks the database, by the ORM and straight to the driver."""
    engine = app.state.services.db.engine.sync_engine
    straight = asyncpg.Connection.fetch
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    async def fetch(self: asyncpg.Connection, statement: str, *values: Any) -> Sequence[Any]:
        seen.append(statement)
        rows: Sequence[Any] = await straight(self, statement, *values)
        return rows

    event.listen(engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asyncpg.Connection, "fetch", fetch)
        yield seen
    event.remove(engine, "before_cursor_execute", note)


def draft(team: Team, **fields: Any) -> Json:
    """A post that every channel of the tests takes."""
    made = {
        "title": "秋茶上新",
        "body": BODY,
        "kind": "image_text",
        "nature": "editorial",
        "brand_id": str(team.brand_id),
        "links": [LINK],
    }
    return made | fields


def soon(hours: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def answer(response: httpx.Response, status: int = 200) -> Json:
    """Return the body of an answer that must have this status."""
    assert response.status_code == status, response.text
    body: Json = response.json()
    return body


def problems(response: httpx.Response, status: int = 422) -> dict[str, str]:
    """Return pointer -> code of a refusal; every violation says what is wrong."""
    body = answer(response, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert all(one["detail"] for one in body["errors"])
    return {one["pointer"]: one["code"] for one in body["errors"]}


async def write(client: httpx.AsyncClient, team: Team, **fields: Any) -> Json:
    return answer(await client.post("/v1/posts", json=draft(team, **fields)), 201)


async def read(client: httpx.AsyncClient, post: Json) -> Json:
    return answer(await client.get(f"/v1/posts/{post['id']}"))


async def edit(client: httpx.AsyncClient, post: Json, **fields: Any) -> httpx.Response:
    """Change the post as it stands now."""
    revision = (await read(client, post))["revision"]
    return await client.patch(f"/v1/posts/{post['id']}", json=fields, headers={"If-Match": f'"{revision}"'})


async def submit(client: httpx.AsyncClient, post: Json) -> Json:
    return answer(await client.post(f"/v1/posts/{post['id']}/submit"))


async def judge(
    reviewer: httpx.AsyncClient, post: Json, criteria: Json | None = None, version: int | None = None
) -> httpx.Response:
    body = {"criteria": criteria or PASSED, "version": version or post["version"]}
    return await reviewer.post(f"/v1/posts/{post['id']}/reviews", json=body)


async def approve(client: httpx.AsyncClient, reviewer: httpx.AsyncClient, post: Json) -> Json:
    """Submit the post, and have all four points passed."""
    await submit(client, post)
    approved = answer(await judge(reviewer, await read(client, post)), 201)
    assert approved["review"]["state"] == "approved"
    return approved


async def schedule(
    client: httpx.AsyncClient, post: Json, channels: list[UUID], **when: Any
) -> httpx.Response:
    """Ask for deliveries; in an hour, if nothing else is said."""
    asked = {"channel_ids": [str(channel) for channel in channels]} | (when or {"at": soon()})
    return await client.post(f"/v1/posts/{post['id']}/schedule", json=asked)


async def planned(
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    team: Team,
    channels: list[UUID],
    *,
    asset_ids: Sequence[UUID] = (),
    **when: Any,
) -> tuple[Json, list[Json]]:
    """Return an approved post and its deliveries."""
    files = {"asset_ids": [str(one) for one in asset_ids]} if asset_ids else {}
    post = await approve(client, reviewer, await write(client, team, **files))
    rows: list[Json] = answer(await schedule(client, post, channels, **when), 201)["data"]
    return await read(client, post), rows


async def set_row(db: Database, delivery_id: str, **columns: Any) -> None:
    """Bring a delivery to where the engine would bring it."""
    async with db.transaction() as tx:
        await tx.execute(update(Delivery).where(Delivery.id == UUID(delivery_id)).values(**columns))


async def row(db: Database, delivery_id: str) -> Delivery:
    async with db.transaction() as tx:
        return (await tx.scalars(select(Delivery).where(Delivery.id == UUID(delivery_id)))).one()


async def set_post(db: Database, post: Json, **columns: Any) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(Post).where(Post.id == UUID(post["id"])).values(**columns))


@asynccontextmanager
async def member(
    app: FastAPI, db: Database, team: Team, role: Role, **how: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Another member of the team, over HTTP."""
    async with db.transaction() as tx:
        key = await make_key(tx, await make_member(tx, team.workspace_id, role, **how))
    async with client_for(app, key) as made:
        yield made
