"""`q`: a piece of text of two Chinese characters or more, or one, found by an index and never by chance."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from drumtower.db.engine import Database
from drumtower.db.models import Post
from drumtower.db.plain import fetch
from drumtower.db.search import found_in
from services.api.searching import spellings
from tests.api.desk import Json, answer, edit, problems, write
from tests.factories import Team


async def found(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    return [post["id"] for post in answer(await client.get("/v1/posts", params=asked))["data"]]


def test_spellings() -> None:
    assert spellings("秋茶") == ["秋茶"]
    assert spellings("头发") == ["头发", "頭髮"]
    assert spellings("tea") == ["tea"]


@pytest.mark.long
async def test_what_stands_there_is_found_and_nothing_else(client: httpx.AsyncClient, team: Team) -> None:
    tea = await write(client, team, title="秋天的茶", body="新茶已到店 TEA 🍵，限時特惠", hashtags=["秋茶"])
    await write(client, team, title="秋", body="茶已售，到新店看看")
    for q in (
        "秋茶",
        "新茶",
        "茶已到",
        "tea",
        "ＴＥＡ",
        "🍵",
        "限时",
        "限時",
        "限",
        "茶已到店 tea",
        "天的茶 新",
    ):
        assert tea["id"] in await found(client, q=q), q
        assert len(await found(client, q=q)) == 1, q
    assert len(await found(client, q="茶")) == 2
    for q in ("茶秋", "新茶到", "_", "%", "x" * 100, "''; --"):
        assert await found(client, q=q) == [], q
    answer(await edit(client, tea, body="换了"))
    assert await found(client, q="新茶") == []


async def test_tags_and_templates(client: httpx.AsyncClient, team: Team) -> None:
    tagged = await write(client, team, tags=["双十一", "新品", "双十一"])
    assert tagged["tags"] == ["双十一", "新品"]
    await write(client, team, tags=["新品"])
    assert await found(client, tag=["双十一", "新品"]) == [tagged["id"]]
    copy = answer(await client.post(f"/v1/posts/{tagged['id']}/duplicate"), 201)
    assert (copy["tags"], copy["template_id"]) == (tagged["tags"], None)
    changed = answer(await edit(client, copy, tags=["日常"]))
    assert (changed["tags"], changed["version"], changed["revision"]) == (["日常"], 1, 2)
    assert problems(await edit(client, copy, tags=["a,b"])) == {"/tags/0": "invalid_string"}

    template = await write(client, team, title="每周新品", is_template=True)
    assert template["id"] not in await found(client)
    assert await found(client, is_template=True) == [template["id"]]
    refused = await client.post(f"/v1/posts/{template['id']}/submit")
    assert (refused.status_code, refused.json()["code"]) == (409, "post_is_template")
    made = answer(await client.post(f"/v1/posts/{template['id']}/duplicate"), 201)
    assert (made["is_template"], made["template_id"], made["status"]) == (False, template["id"], "draft")
    assert await found(client, template_id=template["id"]) == [made["id"]]


PLANT = """
INSERT INTO posts (id, workspace_id, brand_id, title, kind, nature, owner_id, status, content, content_hash, version,
    revision, review_state, created_by, created_at, updated_at)
SELECT gen_random_uuid(), $1, $2, '', 'article', 'editorial', $3, 'draft',
    jsonb_build_object('hashtags', '[]'::jsonb, 'body', (
        SELECT string_agg(chr(19968 + (random() * 2000 + (n + m) * 0)::int), '') FROM generate_series(1, 60) AS m)),
    '', 1, 1, 'draft', $3, now(), now()
FROM generate_series(1, 8000) AS n
"""


@pytest.mark.long
async def test_two_characters_are_found_by_the_index(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        await fetch(tx, PLANT, team.workspace_id, team.brand_id, team.owner_id)
        await fetch(tx, "ANALYZE posts")
    listed = select(Post.id).where(Post.workspace_id == team.workspace_id, found_in("posts", ["一丁"]))
    asked = listed.order_by(Post.id.desc()).limit(51)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    statement = asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with db.transaction() as tx:
        [row] = await fetch(tx, f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    told = row["QUERY PLAN"]
    [plan] = json.loads(told) if isinstance(told, str) else told
    nodes = list(_nodes(plan["Plan"]))
    assert "ix_posts_search" in [node.get("Index Name") for node in nodes]
    read = [node for node in nodes if node.get("Relation Name") == "posts"]
    assert sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in read) < 100


def _nodes(plan: Json) -> list[Json]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
