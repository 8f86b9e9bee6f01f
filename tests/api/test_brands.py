"""Brands: the model of a feature's tests."""

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from tests.api.desk import answer, planned, problems, soon, write
from tests.factories import Team, make_channel

NEW = {"name": "鼓楼茶 🍵", "tone": "温和", "pillars": ["产品", "茶知识"]}


async def test_create_read_update(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/brands", json=NEW)
    assert made.status_code == 201, made.text
    address = made.headers["location"]
    assert (await client.get(address)).json() == made.json()

    changed = await client.patch(address, json={"tone": "轻松"})
    assert changed.json()["tone"] == "轻松"
    assert changed.json()["name"] == NEW["name"]


async def test_pages_are_stable_and_bound_to_their_list(client: httpx.AsyncClient, team: Team) -> None:
    for number in range(5):
        await client.post("/v1/brands", json={"name": f"品牌{number}"})
    first = (await client.get("/v1/brands", params={"limit": 3})).json()
    await client.post("/v1/brands", json={"name": "后来"})
    rest = (await client.get("/v1/brands", params={"limit": 10, "cursor": first["next_cursor"]})).json()
    names = [brand["name"] for brand in first["data"] + rest["data"]]
    assert names == ["品牌4", "品牌3", "品牌2", "品牌1", "品牌0", "鼓楼茶"]
    assert rest["next_cursor"] is None
    for cursor in ("x", "AAAA", "W10", first["next_cursor"][:-3]):
        refused = await client.get("/v1/brands", params={"cursor": cursor})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "?cursor"


async def test_a_stranger_sees_nothing(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    address = (await client.post("/v1/brands", json=NEW)).headers["location"]
    assert (await stranger.get(address)).status_code == 404
    assert (await stranger.patch(address, json={"name": "mine"})).status_code == 404
    assert len((await stranger.get("/v1/brands")).json()["data"]) == 1


async def test_permissions_are_checked(reviewer: httpx.AsyncClient) -> None:
    refused = await reviewer.post("/v1/brands", json=NEW)
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission_missing"


KIT = {
    "tone_rules": {"address": "formal", "most_exclamations": 0, "most_emoji": None},
    "palette": [{"name": "茶红", "hex": "#7a1e2c", "role": "primary"}],
    "fonts": [{"family": "思源宋体", "role": "heading", "licence": "OFL-1.1"}],
    "pillars": ["产品", "茶知识"],
    "pillar_plan": [{"pillar": "茶知识", "percent": 60.0}],
    "disclosure_rules": [{"disclosure": "ad", "severity": "block", "platforms": ["weibo"]}],
}


async def test_a_kit_is_edited_under_its_etag(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/brands", json=NEW | KIT)
    brand = answer(made, 201)
    assert brand["palette"] == [{"name": "茶红", "hex": "#7A1E2C", "role": "primary"}]
    address, seen = made.headers["location"], {"If-Match": made.headers["etag"]}
    first = await client.patch(address, json={"tone_rules": {"most_emoji": 3}}, headers=seen)
    assert answer(first)["tone_rules"] == {"address": None, "most_exclamations": None, "most_emoji": 3}
    assert problems(await client.patch(address, json={"tone": "x"}, headers=seen), 412) == {}
    assert (await client.get(address)).headers["etag"] == first.headers["etag"]


async def test_a_kit_that_contradicts_itself_is_refused_whole(client: httpx.AsyncClient) -> None:
    address = (await client.post("/v1/brands", json=NEW | KIT)).headers["location"]
    rules = [{"disclosure": "ad", "platforms": ["renren"]}]
    refused = await client.patch(address, json={"pillars": ["人"], "disclosure_rules": rules})
    assert problems(refused) == {
        "/pillar_plan/0/pillar": "unknown_pillar",
        "/disclosure_rules/0/platforms/0": "platform_unknown",
    }
    wrong = {"palette": [{"name": "x", "hex": "red", "role": "primary"}], "tone_rules": {"most_emoji": -1}}
    assert problems(await client.patch(address, json=wrong)).keys() == {
        "/palette/0/hex",
        "/tone_rules/most_emoji",
    }


@pytest.mark.long
async def test_preflight_and_drift_speak_of_the_kit(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_channel(db, team, box)
    address = f"/v1/brands/{team.brand_id}"
    post, _ = await planned(client, reviewer, team, [channel])
    answer(await client.patch(address, json=KIT))
    checked = await write(client, team, body="给你一杯 🍵！", pillar="茶知识", nature="promotional")
    report = answer(await client.post(f"/v1/posts/{checked['id']}/preflight"))
    found = {one["code"]: one["severity"] for one in report["data"][0]["violations"]}
    assert {"tone_address": "warn", "tone_exclamations": "warn", "disclosure_missing": "block"}.items() <= (
        found.items()
    )
    unnamed = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))["data"][0]["violations"]
    assert [one["pointer"] for one in unnamed if one["code"] == "pillar_missing"] == ["/pillar"]
    answer(await client.patch(address, json={"tone_rules": {"most_emoji": 0}}))
    days = {"from": soon(-24)[:10], "to": soon(48)[:10]}
    drift = answer(await client.get(f"{address}/drift", params=days))
    assert (drift["posts"], drift["looked_at"]) == (1, 1)
    assert [(one["pillar"], one["posts"], one["drift"]) for one in drift["pillars"]] == [
        ("茶知识", 0, -60.0),
        (None, 1, None),
    ]
    [tone] = drift["tone"]
    assert (tone["code"], tone["percent"], tone["post_ids"]) == ("tone_emoji", 100.0, [post["id"]])
    wrong = {"from": "2026-03-02", "to": "2026-03-01"}
    assert problems(await client.get(f"{address}/drift", params=wrong)) == {"?to": "span_backwards"}
