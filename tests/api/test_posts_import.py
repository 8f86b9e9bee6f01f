"""Imports of posts: a verdict per row, worked in the background, and no row twice or lost whatever dies."""

import asyncio
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from drumtower.db.engine import Database
from drumtower.db.models import ApiKey, Import, ImportRow, Member, Post
from drumtower.db.repositories.imports import take
from drumtower.domain.clock import SystemClock
from drumtower.domain.ids import new_id
from drumtower.platforms import registry
from services.api.imports.working import CHUNK, chunk, work
from tests.api.desk import Json, answer, problems
from tests.conftest import client_for
from tests.factories import Team, make_import

PATH = "/v1/posts/import"
ROWS = 2 * CHUNK + 5
SOON = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
GOOD: Json = {"body": "一杯好茶", "kind": "image_text", "nature": "editorial"}


async def begin(client: httpx.AsyncClient, team: Team, **body: Any) -> httpx.Response:
    return await client.post(PATH, json={"brand_id": str(team.brand_id), **body})


async def finished(client: httpx.AsyncClient, begun: httpx.Response) -> Json:
    """Wait for the verdicts."""
    answer(begun, 202)
    async with asyncio.timeout(10):
        found: Json = {"state": "running"}
        while found["state"] == "running":
            found = answer(await client.get(begun.headers["location"]))
    return found


async def verdicts(client: httpx.AsyncClient, found: Json, **query: Any) -> list[Json]:
    rows: list[Json] = answer(await client.get(f"/v1/imports/{found['id']}/rows", params=query))["data"]
    return rows


def told(row: Json) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in row["errors"]}


async def test_a_table(client: httpx.AsyncClient, team: Team) -> None:
    table = (
        "标题;正文;kind;nature;日期;话题;链接;备注\n"
        f'秋茶;"一杯;好茶";image_text;editorial;{SOON};秋茶 茶馆;https://a.example/1,2;x\n'
        ";;;;;;;\n"
        "'=1+1;茶;image_text;editorial;2020-01-01;#茶;;\n"
    )
    dry = await finished(client, await begin(client, team, csv=table, dry_run=True))
    assert (dry["count"], dry["created"], dry["refused"], dry["ignored_columns"]) == (2, 1, 1, ["备注"])
    assert answer(await client.get("/v1/posts"))["data"] == []
    done = await finished(client, await begin(client, team, csv=table))
    assert [done[name] for name in ("state", "count", "created", "refused")] == ["done", 2, 1, 1]
    good, bad = await verdicts(client, done)
    assert (good["number"], told(good), bad["number"]) == (1, {}, 2)
    assert told(bad) == {"/hashtags/0": "invalid_hashtag"}  # as POST /v1/posts tells it: form before sense
    [post] = answer(await client.get("/v1/posts"))["data"]
    assert (post["id"], post["body"], post["due_on"]) == (good["post_id"], "一杯;好茶", SOON)
    assert (post["hashtags"], post["links"]) == (["秋茶", "茶馆"], ["https://a.example/1,2"])
    listed = answer(await client.get("/v1/imports"))["data"]
    assert [(one["id"], one["dry_run"]) for one in listed] == [(done["id"], False), (dry["id"], True)]


async def test_rows_are_judged_by_the_rules_of_one_post(client: httpx.AsyncClient, team: Team) -> None:
    """A refusal stops no other, and leaves nothing; pages are in the order of the rows."""
    stray = str(uuid4())
    rows = [
        GOOD,
        {**GOOD, "body": " ", "owner_id": stray, "due_on": "2020-01-01"},
        {"kind": "poem", "status": "published"},
        {**GOOD, "brand_id": stray},
    ]
    done = await finished(client, await begin(client, team, rows=rows))
    first = answer(await client.get(f"/v1/imports/{done['id']}/rows", params={"limit": 3}))
    then = {"limit": 3, "cursor": first["next_cursor"]}
    last = answer(await client.get(f"/v1/imports/{done['id']}/rows", params=then))
    assert ([row["number"] for row in first["data"]], [row["number"] for row in last["data"]]) == (
        [1, 2, 3],
        [4],
    )
    assert [told(row) for row in first["data"] + last["data"]] == [
        {},
        {"/body": "blank_text", "/owner_id": "unknown_owner", "/due_on": "date_in_past"},
        {"/kind": "invalid_choice", "/nature": "field_missing", "/status": "unknown_field"},
        {"/brand_id": "unknown_brand"},
    ]
    assert [row["number"] for row in await verdicts(client, done, state="refused")] == [2, 3, 4]
    assert len(answer(await client.get("/v1/posts"))["data"]) == 1


async def test_an_export_runs_nothing(client: httpx.AsyncClient, team: Team) -> None:
    titles = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "＋1", "－1", "＠x", "plain"]
    done = await finished(client, await begin(client, team, rows=[{**GOOD, "title": one} for one in titles]))
    taken = await client.get(f"/v1/imports/{done['id']}/rows.csv")
    assert taken.headers["content-type"] == "text/csv; charset=utf-8"
    header, *lines = csv.reader(io.StringIO(taken.text.removeprefix("\ufeff"), newline=""))
    assert header == ["number", "state", "post_id", "title", "pointer", "code", "detail", "hint"]
    assert [line[3] for line in lines] == [*(f"'{one}" for one in titles[:-1]), "plain"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"": "rows_or_csv"}),
        ({"csv": "kind," * 1_000_000}, {"/csv": "csv_columns"}),
        ({"csv": 'title\n"open' + "x" * 200_000}, {"/csv": "csv_malformed"}),
        ({"csv": "title\n" + "," * 2_000_000}, {"/csv": "csv_malformed"}),
        ({"csv": "title\n" + "x\n" * 100_001}, {"/csv": "too_many_rows"}),
        ({"csv": "title\nx", "columns": {"x": "status"}}, {"/columns": "csv_columns"}),
        ({"csv": "title\nx", "brand_id": str(new_id())}, {"/brand_id": "unknown_brand"}),
        ({"csv": b"PK\x03\x04\x00".decode()}, {"/csv": "nul_character"}),
    ],
)
async def test_what_is_no_import(client: httpx.AsyncClient, team: Team, body: Json, expected: Json) -> None:
    assert problems(await begin(client, team, **body)) == expected
    assert answer(await client.get("/v1/imports"))["data"] == []


async def test_what_is_no_body(app: FastAPI, client: httpx.AsyncClient, team: Team) -> None:
    """A zip, UTF-16, and more than an import may weigh."""
    answer(await client.post(PATH, content=b"PK\x03\x04", headers={"Content-Type": "application/zip"}), 415)
    wide = '{"csv": "title"}'.encode("utf-16")
    assert problems(await client.post(PATH, content=wide, headers={"Content-Type": "application/json"})) == {
        "": "not_utf8"
    }
    async with client_for(app, None) as nobody:  # who is not read to the end
        answer(await nobody.post(PATH, content=b"{" * 2_000_000), 401)
    small = app.state.services.settings.model_copy(update={"largest_import": 2_000})
    app.state.services = replace(app.state.services, settings=small)
    answer(await begin(client, team, csv="x" * 2_000), 413)


async def stored(db: Database, team: Team, rows: int, **columns: Any) -> UUID:
    brand = {"brand_id": str(team.brand_id)}
    raws = [GOOD | brand | {"title": str(number)} for number in range(1, rows + 1)]
    return await make_import(db, team, raws, **columns)


async def work_all(db: Database) -> None:
    while await work(db, registry.load(), SystemClock()) is not None:
        pass


async def reread(db: Database, begun: UUID) -> tuple[str, int, int]:
    async with db.transaction() as tx:
        found = await tx.get_one(Import, begun)
    return found.state, found.created, found.refused


async def killed(db: Database) -> None:
    """Work a chunk, and die before it is committed; meanwhile nobody else works it, nor waits for it."""
    adapters, clock = registry.load(), SystemClock()
    async with db.transaction() as tx:
        found = await take(tx)
        assert found is not None
        await chunk(tx, adapters, found, clock.now())
        assert await tx.scalar(select(func.count(Post.id))) == 2 * CHUNK
        assert await work(db, adapters, clock) is None
        raise KeyboardInterrupt


@pytest.mark.long
async def test_a_kill_between_chunks_doubles_nothing_and_loses_nothing(db: Database, team: Team) -> None:
    begun = await stored(db, team, ROWS)
    assert await work(db, registry.load(), SystemClock()) is not None
    with pytest.raises(KeyboardInterrupt):
        await killed(db)
    assert await reread(db, begun) == ("running", CHUNK, 0)
    await work_all(db)
    assert await reread(db, begun) == ("done", ROWS, 0)
    async with db.transaction() as tx:
        titles = (await tx.scalars(select(Post.title))).all()
        linked = (await tx.execute(select(ImportRow.number, Post.title).join(Post))).all()
    assert sorted(titles, key=int) == [str(number) for number in range(1, ROWS + 1)]
    assert len(linked) == ROWS
    assert all(title == str(number) for number, title in linked)


async def test_rights_are_those_of_now(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        key = await tx.scalar(select(ApiKey.id).where(ApiKey.member_id == team.owner_id))
    lost, kept = await stored(db, team, 2, api_key_id=key), await stored(db, team, 2)
    async with db.transaction() as tx:
        await tx.execute(update(ApiKey).where(ApiKey.id == key).values(revoked_at=datetime.now(UTC)))
    await work_all(db)
    assert (await reread(db, lost), await reread(db, kept)) == (("done", 0, 2), ("done", 2, 0))
    viewed = await stored(db, team, 1)
    async with db.transaction() as tx:
        await tx.execute(update(Member).where(Member.id == team.owner_id).values(role="viewer"))
    await work_all(db)
    assert await reread(db, viewed) == ("done", 0, 1)
    async with db.transaction() as tx:
        row = await tx.get_one(ImportRow, (viewed, 1))
    assert [error["code"] for error in row.errors] == ["permission_missing"]


async def test_a_chunk_that_fails_stops_no_other_import(
    db: Database, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await stored(db, team, 1), await stored(db, team, 1)
    real = chunk

    async def breaks(tx: Any, adapters: Any, found: Import, now: datetime) -> None:
        if found.id == first:
            raise RuntimeError
        await real(tx, adapters, found, now)

    monkeypatch.setattr("services.api.imports.working.chunk", breaks)
    for _ in range(2):
        await work(db, registry.load(), SystemClock())
    assert ((await reread(db, first))[0], (await reread(db, second))[0]) == ("running", "done")


async def test_cancelled_is_left(client: httpx.AsyncClient, db: Database, team: Team) -> None:
    begun = await stored(db, team, 3)
    path = f"/v1/imports/{begun}/cancel"
    cancelled = answer(await client.post(path))
    assert (cancelled["state"], cancelled["created"]) == ("cancelled", 0)
    assert answer(await client.post(path)) == cancelled
    await work_all(db)
    assert await reread(db, begun) == ("cancelled", 0, 0)
    assert len(await verdicts(client, cancelled, state="waiting")) == 3
    done = await finished(client, await begin(client, team, rows=[GOOD]))
    assert problems(await client.post(f"/v1/imports/{done['id']}/cancel"), 409) == {}
