"""Imports: what people bring from a platform's own pages; a verdict per row, and the same again changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Sample
from tests.api.desk import Json, answer, planned, problems, set_row
from tests.factories import Team, make_asset, make_channel

NOTE = "65a1b2c3d4e5f60718293a4b"
LINK = f"https://www.xiaohongshu.com/explore/{NOTE}"


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box, "xiaohongshu")


@pytest.fixture
async def post(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, channel: UUID
) -> str:
    """The delivery of a note that is out."""
    picture = await make_asset(db, team, alt_text="一杯茶")
    _, [made] = await planned(client, reviewer, team, [channel], asset_ids=[picture])
    out = {"state": "published", "next_at": None, "external_id": NOTE, "external_url": LINK}
    await set_row(db, made["id"], published_at=datetime.now(UTC) - timedelta(days=3), **out)
    return str(made["id"])


async def bring(client: httpx.AsyncClient, path: str, channel: UUID, **body: Any) -> Json:
    return answer(await client.post(path, json={"channel_id": str(channel), **body}))


async def stored(db: Database) -> list[tuple[UUID | None, str, int, datetime, str]]:
    async with db.transaction() as tx:
        rows = await tx.scalars(select(Sample).order_by(Sample.taken_at, Sample.metric))
        return [(row.delivery_id, row.metric, row.value, row.taken_at, row.source) for row in rows]


SAMPLES, COMMENTS = "/v1/metrics/samples", "/v1/interactions/import"


class TestSamples:
    @pytest.mark.long
    async def test_a_creator_centres_table(
        self, client: httpx.AsyncClient, db: Database, channel: UUID, post: str
    ) -> None:
        """By link, by short form, by id; thousands with commas; a day is its end in the workspace's zone."""
        shared = f"https://www.xiaohongshu.com/discovery/item/{NOTE}?xsec_token=s"
        table = (
            "\ufeff笔记链接\t统计时间\t观看量\t点赞\t备注\n"
            f"{shared}\t2026-11-20\t1,234\t56\t好\n"
            f"{NOTE}\t2026-11-21T08:00\t2000\t\t\n"
            "\t\t\t\t\n"
        )
        dry = await bring(client, SAMPLES, channel, csv=table, dry_run=True)
        assert (dry["created"], dry["refused"], dry["ignored_columns"]) == (2, 0, ["备注"])
        assert await stored(db) == []
        done = await bring(client, SAMPLES, channel, csv=table)
        assert done == dry | {"dry_run": False}
        day, morning = datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 21, 0, tzinfo=UTC)
        assert await stored(db) == [
            (UUID(post), "exposure", 1234, day, "import"),
            (UUID(post), "likes", 56, day, "import"),
            (UUID(post), "exposure", 2000, morning, "import"),
        ]
        again = await bring(client, SAMPLES, channel, csv=table)
        assert (again["created"], again["duplicate"]) == (0, 2)
        assert len(await stored(db)) == 3

    @pytest.mark.long
    async def test_each_row_is_judged_by_itself(
        self, client: httpx.AsyncClient, db: Database, channel: UUID, post: str
    ) -> None:
        at = "2026-11-20T10:00:00+08:00"
        rows = [
            {"taken_at": at, "followers": 900},
            {"post": post, "taken_at": at, "likes": 7},
            {"post": LINK, "taken_at": at, "likes": 7},  # the same post, by another name
            {"post": "https://www.xiaohongshu.com/explore/" + "0" * 24, "taken_at": at, "likes": 1},
            {"post": post, "taken_at": at, "likes": "=1+1"},
            {"post": post, "taken_at": at, "likes": "1.2万", "exposure": -1, "loves": 3},
            {"post": post, "taken_at": "2099-01-01T00:00:00Z", "likes": 1},
            {"post": post, "taken_at": "2026-11-20T10:00", "likes": 1},
            {"post": post, "taken_at": at},
            {"post": post, "taken_at": at, "followers": 1},
            {"taken_at": at, "likes": 1},
        ]
        done = await bring(client, SAMPLES, channel, rows=rows)
        found = [(row["verdict"], {e["pointer"]: e["code"] for e in row["errors"]}) for row in done["data"]]
        assert [verdict for verdict, _ in found[:3]] == ["created", "duplicate", "created"]
        assert found[3:] == [
            ("refused", {"/rows/3/post": "post_not_published"}),
            ("refused", {"/rows/4/likes": "invalid_number"}),
            (
                "refused",
                {
                    "/rows/5/likes": "invalid_number",
                    "/rows/5/exposure": "out_of_range",
                    "/rows/5/loves": "unknown_field",
                },
            ),
            ("refused", {"/rows/6/taken_at": "time_in_future"}),
            ("refused", {"/rows/7/taken_at": "naive_time"}),
            ("refused", {"/rows/8/": "nothing_to_import"}),
            ("refused", {"/rows/9/followers": "followers_of_post"}),
            ("refused", {"/rows/10/post": "post_required"}),
        ]
        assert [row[1:3] for row in await stored(db)] == [("followers", 900), ("likes", 7)]

    async def test_what_was_stored_can_be_read_by_page(
        self, client: httpx.AsyncClient, channel: UUID, post: str
    ) -> None:
        at = [f"2026-11-{day}T10:00:00+08:00" for day in (20, 21, 22)]
        rows = [{"post": NOTE, "taken_at": one, "likes": number} for number, one in enumerate(at)]
        await bring(client, SAMPLES, channel, rows=[*rows, {"taken_at": at[0], "followers": 900}])

        async def listed(**asked: Any) -> list[tuple[str, int]]:
            found = answer(await client.get(SAMPLES, params={"channel_id": str(channel), **asked}))
            return [(one["metric"], one["value"]) for one in found["data"]]

        assert sorted(await listed()) == [("followers", 900), ("likes", 0), ("likes", 1), ("likes", 2)]
        assert sorted(await listed(delivery_id=post)) == [("likes", 0), ("likes", 1), ("likes", 2)]
        assert await listed(metric="followers") == [("followers", 900)]
        assert await listed(metric="likes", **{"from": at[1], "to": at[2]}) == [("likes", 1)]
        first = answer(await client.get(SAMPLES, params={"metric": "likes", "limit": 2}))
        assert first["data"][0].keys() >= {"id", "taken_at", "source", "final"}
        assert {one["source"] for one in first["data"]} == {"import"}
        rest = {"metric": "likes", "limit": 2, "cursor": first["next_cursor"]}
        second = answer(await client.get(SAMPLES, params=rest))
        assert sorted(one["value"] for one in first["data"] + second["data"]) == [0, 1, 2]
        assert second["next_cursor"] is None
        assert problems(await client.get(SAMPLES, params={"from": "2026-11-20"})).keys() == {"?from"}

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({}, {"": "rows_or_csv"}),
            ({"csv": "post", "rows": [{}]}, {"": "rows_or_csv"}),
            ({"csv": "颜色,形状\n红,圆"}, {"/csv": "csv_columns"}),
            ({"csv": "likes,点赞\n1,1"}, {"/csv": "csv_columns"}),
            ({"csv": 'post,likes\n"open,1'}, {"/csv": "csv_malformed"}),
            ({"csv": "likes\n" + "1\n" * 1001}, {"/csv": "too_many_rows"}),
            ({"csv": "likes\n1", "columns": {"赞": "love"}}, {"/columns": "csv_columns"}),
        ],
    )
    async def test_what_is_no_table(
        self, client: httpx.AsyncClient, channel: UUID, body: Json, expected: dict[str, str]
    ) -> None:
        refused = await client.post(SAMPLES, json={"channel_id": str(channel), **body})
        assert problems(refused) == expected


class TestComments:
    async def test_they_go_in_by_the_door_of_every_comment(
        self, client: httpx.AsyncClient, channel: UUID, post: str
    ) -> None:
        table = (
            "链接,谁,评论内容,评论时间\n"
            f'{LINK},胡同老王,"几点开门,\n要预约吗?",2026-11-20 10:00\n'
            f"{LINK},路人,'=cmd|' /C calc'!A1,2026-11-20 10:01\n"
            f"{LINK},路人,,2026-11-20 10:02\n"
        )
        columns = {"链接": "post", "谁": "author_name"}
        dry = await bring(client, COMMENTS, channel, csv=table, columns=columns, dry_run=True)
        assert [row["verdict"] for row in dry["data"]] == ["created", "created", "refused"]
        assert answer(await client.get("/v1/interactions"))["data"] == []
        assert await bring(client, COMMENTS, channel, csv=table, columns=columns) == dry | {"dry_run": False}
        listed = answer(await client.get("/v1/interactions", params={"delivery_id": post}))["data"]
        assert [row["text"] for row in reversed(listed)] == ["几点开门,\n要预约吗?", "=cmd|' /C calc'!A1"]
        assert listed[1]["intent"] == "question"
        assert listed[1]["occurred_at"] == "2026-11-20T02:00:00Z"
        again = await bring(client, COMMENTS, channel, csv=table, columns=columns)
        assert (again["created"], again["duplicate"], again["refused"]) == (0, 2, 1)

    async def test_an_answer_to_one_is_a_handoff(self, client: httpx.AsyncClient, channel: UUID) -> None:
        row = {"author_name": "王", "text": "几点开门?", "occurred_at": "2026-11-20T10:00:00+08:00"}
        done = await bring(client, COMMENTS, channel, rows=[row, row])
        assert [one["verdict"] for one in done["data"]] == ["created", "duplicate"]
        [said] = answer(await client.get("/v1/interactions"))["data"]
        planned = answer(
            await client.post(f"/v1/interactions/{said['id']}/replies", json={"text": "九点。"}), 201
        )
        assert (planned["action"], planned["state"]) == ("reply", "planned")
