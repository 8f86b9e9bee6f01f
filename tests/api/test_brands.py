"""Brands: the model of a feature's tests."""

import httpx

from tests.factories import Team

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
