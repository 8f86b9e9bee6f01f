"""Interactions: found, judged, assigned and answered."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, Brand, Channel, Delivery, Interaction, Member, OutboxEvent
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.permissions import Role
from drumtower.feedback import ingest
from drumtower.platforms import InteractionEvent
from tests.conftest import client_for
from tests.factories import Team, make_key, make_member, make_team
from tests.feedback.rows import make_channel, make_delivery, make_post, said

Hear = Callable[..., Awaitable[list[str]]]
HOUR = timedelta(hours=1)


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> Channel:
    return await make_channel(db, team, box)


@pytest.fixture
def hear(db: Database, channel: Channel) -> Hear:
    """Let something be said, and return the interactions' ids in that order."""

    async def taken(*events: InteractionEvent, on: Channel = channel) -> list[str]:
        async with db.transaction() as tx:
            await ingest(tx, on, events, datetime.now(UTC))
            found = await tx.execute(
                select(Interaction.external_id, Interaction.id).where(Interaction.channel_id == on.id)
            )
            ids = {external_id: str(row_id) for external_id, row_id in found}
        return [ids[event.external_id] for event in events]

    return taken


def message(external_id: str, text: str = "在吗", **given: Any) -> InteractionEvent:
    return said(external_id, text, kind=InteractionKind.MESSAGE, **given)


def ids_of(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["data"]}


def codes_of(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


class TestReading:
    @pytest.mark.long
    async def test_every_filter(
        self, client: httpx.AsyncClient, db: Database, team: Team, box: Box, channel: Channel, hear: Hear
    ) -> None:
        post_id = await make_post(db, team)
        delivery = await make_delivery(
            db,
            team,
            channel,
            post_id=post_id,
            state="published",
            external_id="p1",
            published_at=datetime.now(UTC),
            next_at=None,
        )
        bad, good, private = await hear(
            said("c1", "物流太慢了，三天还没到，差评！", post_external_id="p1"),
            said("c2", "很香，下次还来 100%_好"),
            message("m1", "在吗"),
        )
        elsewhere = await make_channel(db, team, box, "gh_second")
        (other,) = await hear(said("c1", "怎么买？"), on=elsewhere)
        await client.patch(
            f"/v1/interactions/{good}", json={"status": "resolved", "assignee_id": str(team.reviewer_id)}
        )
        async with db.transaction() as tx:
            await tx.execute(
                update(Interaction)
                .where(Interaction.external_id == "m1")
                .values(answered_at=datetime.now(UTC))
            )
        cases: list[tuple[dict[str, Any], set[str]]] = [
            ({}, {bad, good, private, other}),
            ({"channel_id": str(elsewhere.id)}, {other}),
            ({"kind": "message"}, {private}),
            ({"sentiment": "negative"}, {bad}),
            ({"intent": "complaint"}, {bad}),
            ({"status": "resolved"}, {good}),
            ({"assignee_id": str(team.reviewer_id)}, {good}),
            ({"post_id": str(post_id)}, {bad}),
            ({"delivery_id": str(delivery.id)}, {bad}),
            ({"q": "物流"}, {bad}),
            ({"q": "%_"}, {good}),
            ({"q": "'; --"}, set()),
            ({"answered": "true"}, {private}),
            ({"answered": "false", "kind": "comment", "status": "open"}, {bad, other}),
        ]
        for query, expected in cases:
            assert ids_of(await client.get("/v1/interactions", params=query)) == expected, query
        shown = (await client.get(f"/v1/interactions/{bad}")).json()
        assert (shown["delivery_id"], shown["post_id"]) == (str(delivery.id), str(post_id))
        assert (shown["author_name"], shown["reply_by"]) == ("小鱼", None)
        for query in ({"sentiment": "sad"}, {"overdue": "true"}, {"q": ""}, {"kind": ["a", "b"]}):
            assert (await client.get("/v1/interactions", params=query)).status_code == 422

    async def test_pages_are_bound_to_their_filters(self, client: httpx.AsyncClient, hear: Hear) -> None:
        made = await hear(*(said(f"c{number}") for number in range(5)))
        first = (await client.get("/v1/interactions", params={"limit": 3, "kind": "comment"})).json()
        rest = await client.get(
            "/v1/interactions", params={"kind": "comment", "cursor": first["next_cursor"]}
        )
        listed = [row["id"] for row in first["data"] + rest.json()["data"]]
        assert listed == sorted(made, reverse=True)
        other = await client.get("/v1/interactions", params={"cursor": first["next_cursor"]})
        assert codes_of(other) == [("?cursor", "cursor_of_another_list")]

    async def test_a_window_counts_from_the_last_message(self, client: httpx.AsyncClient, hear: Hear) -> None:
        now = datetime.now(UTC)
        old, new = await hear(
            message("m1", occurred_at=now - 50 * HOUR), message("m2", occurred_at=now - 2 * HOUR)
        )
        until = [(await client.get(f"/v1/interactions/{one}")).json()["reply_by"] for one in (old, new)]
        assert [datetime.fromisoformat(one) for one in until] == [now + 46 * HOUR] * 2

    async def test_a_stranger_sees_nothing(
        self, client: httpx.AsyncClient, stranger: httpx.AsyncClient, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1"))
        address = f"/v1/interactions/{heard}"
        assert ids_of(await stranger.get("/v1/interactions")) == set()
        for answer in (
            await stranger.get(address),
            await stranger.patch(address, json={"status": "resolved"}),
            await stranger.get(f"{address}/replies"),
            await stranger.post(f"{address}/replies", json={"text": "您好"}),
        ):
            assert answer.status_code == 404
        assert (await client.get(address)).json()["status"] == "open"


class TestChanging:
    async def test_a_persons_verdict_replaces_the_machines(
        self, client: httpx.AsyncClient, db: Database, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1", "物流太慢了，三天还没到，差评！"))
        address = f"/v1/interactions/{heard}"
        before = await client.get(address)
        assert before.headers["etag"] == '"1"'
        asked = {"sentiment": "positive", "intent": "praise", "tags": ["物流", "反讽", "物流"]}
        changed = await client.patch(address, json=asked, headers={"If-Match": '"1"'})
        assert changed.status_code == 200, changed.text
        shown = changed.json()
        assert (shown["sentiment"], shown["sentiment_edited"], shown["sentiment_score"]) == (
            "positive",
            True,
            1.0,
        )
        assert (shown["intent"], shown["tags"], shown["status"]) == ("praise", ["物流", "反讽"], "open")
        assert "edited:sentiment negative -> positive" in shown["reasons"]
        assert changed.headers["etag"] == '"2"'
        assert (await client.get(address)).json() == shown
        none = (await client.patch(address, json={"intent": None})).json()
        assert (none["intent"], none["intent_score"]) == (None, None)
        async with db.transaction() as tx:
            verbs = (await tx.scalars(select(AuditEvent.verb))).all()
        assert verbs == ["interaction.updated"] * 2

    async def test_two_people_do_not_overwrite_each_other(
        self, client: httpx.AsyncClient, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1"))
        address = f"/v1/interactions/{heard}"
        assert (await client.patch(address, json={"status": "pending"})).status_code == 200
        late = await client.patch(address, json={"status": "spam"}, headers={"If-Match": '"1"'})
        assert (late.status_code, late.json()["code"]) == (412, "edited_meanwhile")
        assert (await client.get(address)).json()["status"] == "pending"

    async def test_what_can_not_be(
        self, client: httpx.AsyncClient, db: Database, team: Team, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1"))
        address = f"/v1/interactions/{heard}"
        abroad = await make_team(db)
        async with db.transaction() as tx:
            gone = await make_member(tx, team.workspace_id, Role.AGENT)
            await tx.execute(
                update(Member)
                .where(Member.id == gone.id)
                .values(ends_at=datetime.now(UTC) - timedelta(days=1))
            )
        for asked, expected in (
            ({"status": None}, ("/status", "null_not_allowed")),
            ({"tags": None}, ("/tags", "null_not_allowed")),
            ({"sentiment": None}, ("/sentiment", "null_not_allowed")),
            ({"assignee_id": str(abroad.owner_id)}, ("/assignee_id", "assignee_unknown")),
            ({"assignee_id": str(gone.id)}, ("/assignee_id", "assignee_unknown")),
            ({"text": "rewritten"}, ("/text", "unknown_field")),
        ):
            assert codes_of(await client.patch(address, json=asked)) == [expected]
        for wrong in ({"status": "done"}, {"tags": [""]}, {"tags": ["x"] * 21}, {"sentiment": "sad"}):
            assert (await client.patch(address, json=wrong)).status_code == 422
        assert (await client.get(address)).json()["revision"] == 1

    async def test_an_agent_may_and_a_reviewer_may_not(
        self, app: FastAPI, db: Database, team: Team, reviewer: httpx.AsyncClient, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1"))
        address = f"/v1/interactions/{heard}"
        for refused in (
            await reviewer.patch(address, json={"status": "resolved"}),
            await reviewer.post(f"{address}/replies", json={"text": "您好"}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
        assert (await reviewer.get(address)).status_code == 200
        async with db.transaction() as tx:
            key = await make_key(tx, await make_member(tx, team.workspace_id, Role.AGENT))
        async with client_for(app, key) as agent:
            assert (await agent.patch(address, json={"status": "resolved"})).status_code == 200
            made = await agent.post(f"{address}/replies", json={"text": "您好"})
            assert made.status_code == 201, made.text


class TestAnswering:
    async def test_a_comment_is_answered_in_public(
        self, client: httpx.AsyncClient, db: Database, channel: Channel, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1", "什么时候发货？"))
        address = f"/v1/interactions/{heard}/replies"
        keyed = {"Idempotency-Key": "answer-1"}
        made = await client.post(address, json={"text": "今天发货 🍵"}, headers=keyed)
        assert made.status_code == 201, made.text
        planned = made.json()
        assert (planned["action"], planned["state"], planned["interaction_id"]) == ("reply", "planned", heard)
        assert (planned["channel_id"], planned["post_id"]) == (str(channel.id), None)
        assert planned["publish_if_late_by"] is None
        assert made.headers["location"] == f"/v1/deliveries/{planned['id']}"
        again = await client.post(address, json={"text": "今天发货 🍵"}, headers=keyed)
        assert (again.status_code, again.json()) == (201, planned)
        listed = (await client.get(address)).json()
        assert [row["id"] for row in listed["data"]] == [planned["id"]]
        async with db.transaction() as tx:
            (row,) = (await tx.scalars(select(Delivery))).all()
            names = (await tx.scalars(select(OutboxEvent.name))).all()
            now = (await tx.execute(select(func.now()))).scalar_one()
        assert row.payload == {"text": "今天发货 🍵"}
        assert row.next_at == row.due_at
        assert row.due_at <= now
        assert "delivery.planned" in names

    async def test_a_message_is_answered_in_private_within_the_window(
        self, client: httpx.AsyncClient, hear: Hear
    ) -> None:
        now = datetime.now(UTC)
        (heard,) = await hear(message("m1", occurred_at=now - 47 * HOUR))
        made = (await client.post(f"/v1/interactions/{heard}/replies", json={"text": "在的"})).json()
        assert made["action"] == "message"
        assert 3500 < made["publish_if_late_by"] <= 3600

    async def test_a_closed_window_opens_with_the_next_message(
        self, client: httpx.AsyncClient, hear: Hear
    ) -> None:
        now = datetime.now(UTC)
        (heard,) = await hear(message("m1", occurred_at=now - 49 * HOUR))
        address = f"/v1/interactions/{heard}/replies"
        late = await client.post(address, json={"text": "在的"})
        assert codes_of(late) == [("", "reply_window_closed")]
        await hear(message("m2", occurred_at=now - HOUR))
        assert (await client.post(address, json={"text": "在的"})).status_code == 201

    async def test_a_comment_has_no_window(self, client: httpx.AsyncClient, hear: Hear) -> None:
        (heard,) = await hear(said("c1", occurred_at=datetime.now(UTC) - 200 * HOUR))
        made = await client.post(f"/v1/interactions/{heard}/replies", json={"text": "谢谢"})
        assert made.status_code == 201

    async def test_the_text_is_measured_the_platforms_way(
        self, client: httpx.AsyncClient, hear: Hear
    ) -> None:
        (heard,) = await hear(said("c1"))
        address = f"/v1/interactions/{heard}/replies"
        fits = "茶" * 682 + "ab"  # 2,048 bytes
        assert (await client.post(address, json={"text": fits})).status_code == 201
        assert codes_of(await client.post(address, json={"text": fits + "c"})) == [("/text", "text_too_long")]
        for blank in ("", "   ", "\u200b\u2060"):
            assert codes_of(await client.post(address, json={"text": blank})) == [("/text", "text_required")]
        assert codes_of(await client.post(address, json={})) == [("/text", "field_missing")]

    async def test_everything_that_forbids_it_at_once(
        self, client: httpx.AsyncClient, db: Database, hear: Hear
    ) -> None:
        (heard,) = await hear(message("m1", occurred_at=datetime.now(UTC) - 49 * HOUR))
        async with db.transaction() as tx:
            await tx.execute(update(Brand).values(banned_words=["最便宜", "best"]))
            await tx.execute(update(Channel).values(status="disconnected"))
        refused = await client.post(
            f"/v1/interactions/{heard}/replies", json={"text": "最\u200b便宜，ＢＥＳＴ！" + "长" * 700}
        )
        assert codes_of(refused) == [
            ("/channel", "channel_disconnected"),
            ("", "reply_window_closed"),
            ("/text", "text_too_long"),
            ("/text", "banned_word"),
            ("/text", "banned_word"),
        ]
        async with db.transaction() as tx:
            assert (await tx.scalars(select(Delivery))).all() == []

    @pytest.mark.long
    async def test_a_platform_without_messages(
        self, client: httpx.AsyncClient, db: Database, team: Team, box: Box, hear: Hear
    ) -> None:
        sky = await make_channel(db, team, box, "did:plc:x", platform="bluesky")
        private, public = await hear(message("m1"), said("c1"), on=sky)
        refused = await client.post(f"/v1/interactions/{private}/replies", json={"text": "hello"})
        assert codes_of(refused) == [("", "reply_not_supported")]
        made = await client.post(f"/v1/interactions/{public}/replies", json={"text": "hello"})
        assert made.status_code == 201
