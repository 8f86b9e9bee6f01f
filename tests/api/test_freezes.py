"""Freezes over HTTP: what is taken, what is refused, and what the impact says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.permissions import Role
from tests.api.desk import Json, answer, member, planned, problems, set_row, soon
from tests.factories import Team, make_channel

STOP: Json = {"scope": "all", "reason": "国家公祭日"}


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> UUID:
    return await make_channel(db, team, box)


async def freeze(client: httpx.AsyncClient, **fields: Any) -> Json:
    return answer(await client.post("/v1/freezes", json=STOP | fields), 201)


async def impact(client: httpx.AsyncClient, made: Json) -> Json:
    return answer(await client.get(f"/v1/freezes/{made['id']}/impact"))


class TestMaking:
    async def test_now_and_until_it_is_lifted(self, client: httpx.AsyncClient, team: Team) -> None:
        response = await client.post("/v1/freezes", json=STOP)
        made = answer(response, 201)
        assert (made["state"], made["scope"], made["to"]) == ("active", "all", None)
        assert (made["allows_replies"], made["created_by"]) == (False, str(team.owner_id))
        assert abs(datetime.fromisoformat(made["from"]) - datetime.now(UTC)) < timedelta(seconds=30)
        assert answer(await client.get(response.headers["location"])) == made
        lifted = answer(await client.post(f"/v1/freezes/{made['id']}/lift"))
        assert (lifted["state"], lifted["lifted_by"], lifted["revision"]) == ("lifted", str(team.owner_id), 2)
        for verb in ("created", "lifted"):
            pages = answer(await client.get("/v1/freezes", params={"state": "lifted"}))["data"]
            assert [one["id"] for one in pages] == [made["id"]], verb

    async def test_a_repeat_with_the_same_key_is_the_same_answer(self, client: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "once"}
        first, second = [await client.post("/v1/freezes", json=STOP, headers=headers) for _ in range(2)]
        assert answer(first, 201) == answer(second, 201)
        assert "from" in second.json()
        assert len(answer(await client.get("/v1/freezes"))["data"]) == 1

    async def test_each_scope(self, client: httpx.AsyncClient, team: Team, channel: UUID) -> None:
        for scope, target in (
            ("brand", {"brand_id": str(team.brand_id)}),
            ("channel", {"channel_id": str(channel)}),
            ("nature", {"nature": "promotional"}),
        ):
            made = await freeze(client, scope=scope, **target)
            assert {name: made[name] for name in target} == target
            listed = answer(await client.get("/v1/freezes", params={"scope": scope} | target))["data"]
            assert [one["id"] for one in listed] == [made["id"]]

    async def test_states_in_the_list(self, client: httpx.AsyncClient) -> None:
        ids = {
            "active": (await freeze(client))["id"],
            "upcoming": (await freeze(client, **{"from": soon(), "to": soon(2)}))["id"],
        }
        for state, freeze_id in ids.items():
            listed = answer(await client.get("/v1/freezes", params={"state": state}))["data"]
            assert [one["id"] for one in listed] == [freeze_id]
        assert answer(await client.get("/v1/freezes", params={"state": "ended"}))["data"] == []

    async def test_who_may(
        self, app: Any, db: Database, team: Team, client: httpx.AsyncClient, reviewer: httpx.AsyncClient
    ) -> None:
        assert answer(await reviewer.post("/v1/freezes", json=STOP), 403)["code"] == "permission_missing"
        async with member(app, db, team, Role.PUBLISHER, external=True) as agency:
            assert (await agency.post("/v1/freezes", json=STOP)).status_code == 403
        async with member(app, db, team, Role.PUBLISHER) as publisher:
            made = await freeze(publisher)
        trail = answer(await client.get("/v1/freezes"))["data"]
        assert [one["id"] for one in trail] == [made["id"]]


class TestBadInput:
    @pytest.mark.long
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"scope": "planet"}, {"/scope": "invalid_choice"}),
            ({"scope": "campaign", "campaign_id": str(uuid4())}, {"/campaign_id": "unknown_campaign"}),
            ({"scope": "brand"}, {"/brand_id": "field_missing"}),
            ({"scope": "channel", "nature": "editorial"}, {"/channel_id": "field_missing", "/nature": "scope_mismatch"}),
            ({"scope": "all", "channel_id": str(uuid4())}, {"/channel_id": "scope_mismatch+unknown_channel"}),
            ({"scope": "channel", "channel_id": str(uuid4())}, {"/channel_id": "unknown_channel"}),
            ({"scope": "brand", "brand_id": str(uuid4())}, {"/brand_id": "unknown_brand"}),
            ({"scope": "nature", "nature": "loud"}, {"/nature": "invalid_choice"}),
            ({"from": "2020-01-01T00:00:00Z"}, {"/from": "time_in_past"}),
            ({"to": "2020-01-01T00:00:00Z"}, {"/to": "time_in_past"}),
            ({"from": "2099-01-01T00:00:00Z"}, {"/from": "time_too_far"}),
            ({"from": "2026-12-01T09:00:00"}, {"/from": "naive_time"}),
            ({"from": soon(3), "to": soon(2)}, {"/to": "from_after_to"}),
            ({"from": "2020-01-01T00:00:00Z", "to": "9999-01-01T00:00:00Z", "scope": "brand"},
             {"/brand_id": "field_missing", "/from": "time_in_past", "/to": "time_too_far"}),
            ({"reason": ""}, {"/reason": "invalid_string"}),
            ({"reason": " "}, {"/reason": "invalid_string"}),
            ({"starts_at": soon()}, {"/starts_at": "unknown_field"}),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("address", ["/v1/freezes", "/v1/freezes/preview"])
    async def test_refused(
        self, client: httpx.AsyncClient, address: str, fields: Json, expected: dict[str, str]
    ) -> None:
        refused = await client.post(address, json=STOP | fields)
        body = answer(refused, 422)
        found: dict[str, str] = {}
        for one in body["errors"]:
            found[one["pointer"]] = "+".join(filter(None, [found.get(one["pointer"]), one["code"]]))
        assert found == expected
        assert answer(await client.get("/v1/freezes"))["data"] == []

    async def test_a_freeze_that_is_over_stays_as_it_is(self, client: httpx.AsyncClient) -> None:
        made = await freeze(client)
        address = f"/v1/freezes/{made['id']}"
        answer(await client.post(f"{address}/lift"))
        assert answer(await client.post(f"{address}/lift"), 409)["code"] == "freeze_over"
        assert answer(await client.patch(address, json={"reason": "又"}), 409)["code"] == "freeze_over"

    async def test_edits(self, client: httpx.AsyncClient) -> None:
        made = await freeze(client, **{"from": soon(2), "to": soon(4)})
        address = f"/v1/freezes/{made['id']}"
        changed = answer(await client.patch(address, json={"to": soon(6), "allows_replies": True}))
        assert (changed["allows_replies"], changed["reason"], changed["revision"]) == (
            True,
            STOP["reason"],
            2,
        )
        assert answer(await client.patch(address, json={"to": None}))["to"] is None
        stale = await client.patch(address, json={"to": soon(5)}, headers={"If-Match": '"1"'})
        assert answer(stale, 412)["code"] == "edited_meanwhile"
        assert problems(await client.patch(address, json={"to": soon(1), "reason": None})) == {
            "/to": "from_after_to",
            "/reason": "null_not_allowed",
        }
        past = {"to": "2020-01-01T00:00:00Z"}
        assert problems(await client.patch(address, json=past)) == {"/to": "time_in_past"}
        far = {"to": "2099-01-01T00:00:00Z"}
        assert problems(await client.patch(address, json=far)) == {"/to": "time_too_far"}
        assert problems(await client.patch(address, json={"from": soon()})) == {"/from": "unknown_field"}


class TestImpact:
    @pytest.mark.long
    async def test_what_it_holds_and_what_it_can_not(
        self,
        client: httpx.AsyncClient,
        reviewer: httpx.AsyncClient,
        team: Team,
        db: Database,
        box: Box,
        channel: UUID,
    ) -> None:
        other = await make_channel(db, team, box)
        _, [soon_due, elsewhere] = await planned(client, reviewer, team, [channel, other])
        _, [tight] = await planned(client, reviewer, team, [channel], at=soon(1.5), publish_if_late_by=60)
        _, [after] = await planned(client, reviewer, team, [channel], at=soon(5))
        _, [leaving] = await planned(client, reviewer, team, [channel])
        await set_row(db, leaving["id"], state="sending")
        _, [by_hand] = await planned(client, reviewer, team, [channel])
        await set_row(db, by_hand["id"], state="handoff")

        body = STOP | {"scope": "channel", "channel_id": str(channel), "to": soon(3)}
        seen = answer(await client.post("/v1/freezes/preview", json=body))
        counts = ("held", "to_hold", "would_miss", "unstoppable", "by_hand")
        assert [seen[name] for name in counts] == [0, 2, 1, 1, 1]
        assert [one["id"] for one in seen["deliveries"]] == [soon_due["id"], tight["id"]]
        assert [one["would_miss"] for one in seen["deliveries"]] == [False, True]
        assert seen["channels"] == [{"channel_id": str(channel), "platform": "weibo", "deliveries": 2}]
        assert answer(await client.get("/v1/freezes"))["data"] == []

        made = answer(await client.post("/v1/freezes", json=body), 201)
        assert await impact(client, made) == seen
        await set_row(db, soon_due["id"], state="held", next_at=None, freeze_id=UUID(made["id"]))
        now = await impact(client, made)
        assert [now[name] for name in counts] == [1, 1, 1, 1, 1]

        every = answer(await client.post("/v1/freezes/preview", json=STOP))
        assert every["to_hold"] == 3  # tight, after and the one on the other channel: no end
        assert {one["id"] for one in every["deliveries"]} == {elsewhere["id"], tight["id"], after["id"]}
        later = answer(await client.post("/v1/freezes/preview", json=STOP | {"from": soon(4)}))
        assert [one["id"] for one in later["deliveries"]] == [after["id"]]
        assert later["unstoppable"] == 0
        nature = STOP | {"scope": "nature", "nature": "promotional"}
        assert answer(await client.post("/v1/freezes/preview", json=nature))["deliveries"] == []

        answer(await client.post(f"/v1/freezes/{made['id']}/lift"))
        over = await impact(client, made)
        assert [over[name] for name in counts] == [1, 0, 0, 0, 1]

    async def test_preflight_warns_of_it(
        self, client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
    ) -> None:
        post, _ = await planned(client, reviewer, team, [channel])
        await freeze(client, scope="brand", brand_id=str(team.brand_id))
        await freeze(client, scope="nature", nature="promotional")
        [seen] = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))["data"]
        found = [one for one in seen["violations"] if one["code"] == "frozen"]
        assert [(one["severity"], STOP["reason"] in one["detail"]) for one in found] == [("warn", True)]
        assert seen["ok"]


async def test_a_delivery_says_what_freezes_it(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, channel: UUID
) -> None:
    _, [delivery] = await planned(client, reviewer, team, [channel])
    await freeze(client, **{"from": soon(0.5), "to": soon(2)})
    await freeze(client, **{"from": soon(3), "reason": "太晚"})
    told = answer(await client.get(f"/v1/deliveries/{delivery['id']}/explain"))
    assert [one["code"] for one in told["reasons"]] == ["frozen"]
    assert STOP["reason"] in told["sentence"]
