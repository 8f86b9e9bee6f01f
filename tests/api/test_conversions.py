"""Conversions: one or many, each once, attributed through clicks and links."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from drumtower.db.engine import Database
from tests.conftest import client_for
from tests.factories import Team
from tests.metrics.rows import make_channel

NOW = datetime.now(UTC)


def conversion(external_id: str, **fields: Any) -> dict[str, Any]:
    return {"external_id": external_id, "event": "purchase", "occurred_at": NOW.isoformat()} | fields


async def make_link(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    made = await client.post("/v1/links", json={"target_url": "https://shop.example.com/", **fields})
    body: dict[str, Any] = made.json()
    return body


async def click(app: FastAPI, link: dict[str, Any]) -> str:
    async with client_for(app, None) as visitor:
        answer = await visitor.get(f"/l/{link['code']}", headers={"User-Agent": "Mozilla/5.0"})
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["dt_click"]


async def tell(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    return await client.post("/v1/conversions", json=body, headers=headers)


class TestOne:
    async def test_through_a_click(
        self, app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)
        link = await make_link(client, channel_id=str(channel))
        click_id = await click(app, link)
        told = await tell(
            client,
            conversion(
                "订单-1", click_id=click_id, value="128.50", currency="CNY", attributes={"sku": "龙井"}
            ),
        )
        assert told.status_code == 201, told.text
        made = told.json()
        assert (made["link_id"], made["channel_id"], made["click_id"]) == (
            link["id"],
            str(channel),
            click_id,
        )
        assert (made["value"], made["currency"]) == ("128.5000", "CNY")
        assert (await client.get(told.headers["location"])).json() == made
        assert (await client.get(f"/v1/links/{link['id']}")).json()["conversions"] == 1

    async def test_a_duplicate_answers_with_the_first_telling(self, client: httpx.AsyncClient) -> None:
        first = await tell(client, conversion("o-1", value=1, currency="CNY"))
        second = await tell(client, conversion("o-1", value=2, currency="CNY"))
        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json()
        assert len((await client.get("/v1/conversions")).json()["data"]) == 1

    async def test_without_a_link_it_is_kept_unattributed(self, client: httpx.AsyncClient) -> None:
        told = await tell(client, conversion("o-1"))
        assert told.status_code == 201
        assert told.json()["link_id"] is None

    @pytest.mark.parametrize(
        ("fields", "pointer", "code"),
        [
            ({"click_id": "019a71c2-2f80-7c3e-9d55-7d3c0f6f2a11"}, "/click_id", "unknown_click"),
            ({"click_id": "9f1c6a3e-52cf-4f6e-9f0a-8a4f7b1d2c3e"}, "/click_id", "unknown_click"),
            ({"click_id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, "/click_id", "unknown_click"),
            ({"link_code": "nosuch"}, "/link_code", "unknown_link"),
            (
                {"occurred_at": (NOW + timedelta(hours=1)).isoformat()},
                "/occurred_at",
                "time_in_future",
            ),
            ({"occurred_at": "2026-11-11T20:15:00"}, "/occurred_at", "naive_time"),
            ({"currency": "yuan"}, "/currency", "invalid_string"),
            ({"value": "1.23456", "currency": "CNY"}, "/value", "invalid_decimal"),
            ({"value": 5}, "", "invalid_value"),
            ({"attributes": {"a": "x" * 9000}}, "/attributes", "invalid_value"),
            ({"extra": 1}, "/extra", "unknown_field"),
            ({"event": ""}, "/event", "invalid_string"),
        ],
    )
    async def test_what_is_refused(
        self, client: httpx.AsyncClient, fields: dict[str, Any], pointer: str, code: str
    ) -> None:
        refused = await tell(client, conversion("o-1", **fields))
        assert refused.status_code == 422, refused.text
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [(pointer, code)]
        assert (await client.get("/v1/conversions")).json()["data"] == []

    async def test_a_click_on_another_link(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        followed, other = await make_link(client), await make_link(client)
        click_id = await click(app, followed)
        refused = await tell(client, conversion("o-1", click_id=click_id, link_code=other["code"]))
        assert refused.json()["code"] == "click_on_another_link"

    async def test_links_and_clicks_of_strangers_are_unknown(
        self, app: FastAPI, client: httpx.AsyncClient, stranger: httpx.AsyncClient
    ) -> None:
        link = await make_link(client)
        click_id = await click(app, link)
        for fields, code in (
            ({"click_id": click_id}, "unknown_click"),
            ({"link_code": link["code"]}, "unknown_link"),
        ):
            assert (await tell(stranger, conversion("o-1", **fields))).json()["code"] == code
        assert (await tell(client, conversion("o-1"))).status_code == 201
        assert (await tell(stranger, conversion("o-1"))).status_code == 201
        assert len((await stranger.get("/v1/conversions")).json()["data"]) == 1


class TestBatch:
    async def test_each_gets_a_verdict(self, client: httpx.AsyncClient) -> None:
        link = await make_link(client)
        await tell(client, conversion("old"))
        told = await tell(
            client,
            {
                "conversions": [
                    conversion("new", link_code=link["code"]),
                    conversion("old"),
                    conversion("lost", link_code="nosuch"),
                    conversion("new", event="again"),
                    conversion("last"),
                ]
            },
        )
        assert told.status_code == 201
        body = told.json()
        assert (body["created"], body["duplicate"], body["refused"]) == (2, 2, 1)
        assert [(one["index"], one["external_id"], one["verdict"]) for one in body["data"]] == [
            (0, "new", "created"),
            (1, "old", "duplicate"),
            (2, "lost", "refused"),
            (3, "new", "duplicate"),
            (4, "last", "created"),
        ]
        assert body["data"][2]["conversion"] is None
        assert body["data"][2]["error"]["pointer"] == "/conversions/2/link_code"
        assert body["data"][3]["conversion"]["event"] == "purchase"
        assert len((await client.get("/v1/conversions")).json()["data"]) == 3
        again = await tell(client, {"conversions": [conversion("new"), conversion("last")]})
        assert (again.status_code, again.json()["duplicate"]) == (200, 2)

    async def test_a_malformed_batch_stores_nothing(self, client: httpx.AsyncClient) -> None:
        bad = {"conversions": [conversion("a"), {"external_id": "b"}, conversion("c", value="x")]}
        refused = await tell(client, bad)
        assert refused.status_code == 422
        assert {one["pointer"] for one in refused.json()["errors"]} == {
            "/conversions/1/event",
            "/conversions/1/occurred_at",
            "/conversions/2/value",
        }
        assert (await client.get("/v1/conversions")).json()["data"] == []

    @pytest.mark.parametrize("count", [0, 501])
    async def test_its_size_is_bounded(self, client: httpx.AsyncClient, count: int) -> None:
        refused = await tell(client, {"conversions": [conversion(str(n)) for n in range(count)]})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/conversions"

    @pytest.mark.long
    async def test_500_at_once(self, client: httpx.AsyncClient) -> None:
        told = await tell(client, {"conversions": [conversion(f"o-{n}") for n in range(500)]})
        assert told.json()["created"] == 500

    @pytest.mark.parametrize("body", [[], 5, "x", None, {"conversions": {}}, {"conversions": [3]}])
    async def test_other_shapes_are_refused(self, client: httpx.AsyncClient, body: Any) -> None:
        assert (await tell(client, body)).status_code == 422

    async def test_twins_at_the_same_moment_store_each_once(self, client: httpx.AsyncClient) -> None:
        forward = [conversion(f"o-{n}") for n in range(50)]
        answers = await asyncio.gather(
            *(tell(client, {"conversions": batch}) for batch in (forward, forward[::-1]) * 4)
        )
        assert {answer.status_code for answer in answers} <= {200, 201}
        assert sum(answer.json()["created"] for answer in answers) == 50
        assert all(answer.json()["refused"] == 0 for answer in answers)

    async def test_a_repeat_with_a_key_replays(self, client: httpx.AsyncClient) -> None:
        body = {"conversions": [conversion("o-1")]}
        first = await tell(client, body, **{"Idempotency-Key": "k"})
        second = await tell(client, body, **{"Idempotency-Key": "k"})
        assert (second.status_code, second.json()) == (201, first.json())
        assert second.headers["idempotent-replayed"] == "true"


class TestList:
    async def test_filters(self, client: httpx.AsyncClient) -> None:
        link = await make_link(client)
        await tell(client, conversion("a", event="signup", link_code=link["code"]))
        await tell(client, conversion("b", occurred_at=(NOW - timedelta(days=3)).isoformat()))
        for params, found in (
            ({"event": "signup"}, ["a"]),
            ({"external_id": "b"}, ["b"]),
            ({"link_id": link["id"]}, ["a"]),
            ({"occurred_from": (NOW - timedelta(days=1)).isoformat()}, ["a"]),
            ({"occurred_before": (NOW - timedelta(days=1)).isoformat()}, ["b"]),
            ({}, ["b", "a"]),
        ):
            listed = (await client.get("/v1/conversions", params=params)).json()["data"]
            assert [one["external_id"] for one in listed] == found

    async def test_permissions(self, reviewer: httpx.AsyncClient) -> None:
        assert (await tell(reviewer, conversion("a"))).status_code == 403
