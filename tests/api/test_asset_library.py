"""Finding assets again, their rights, and addresses that give them away for a while."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from drumtower.crypto import Box
from drumtower.domain.clock import SystemClock
from tests.api import pictures
from tests.api.test_assets import JPEG, codes, upload
from tests.factories import Team


async def ids(client: httpx.AsyncClient, **filters: Any) -> list[str]:
    answer = await client.get("/v1/assets", params=filters)
    assert answer.status_code == 200, answer.text
    return [asset["file_name"] for asset in answer.json()["data"]]


@pytest.mark.long
async def test_assets_are_found_by_what_is_known_of_them(client: httpx.AsyncClient) -> None:
    await upload(client, JPEG, "秋茶.jpg", tags="茶, 秋 ,茶", folder="2026/秋", credit="小李")
    png = pictures.encode(pictures.half_red(), "PNG")
    made = await upload(client, png, "b.png", alt_text="一杯100%的茶", expires_at="2027-01-01T00:00:00Z")
    assert made.status_code == 201, made.text
    (first,) = (await client.get("/v1/assets", params={"tag": "秋"})).json()["data"]
    assert (first["tags"], first["folder"]) == (["茶", "秋"], "2026/秋")
    for filters, found in (
        ({"tag": "茶"}, ["秋茶.jpg"]),
        ({"tag": "杯"}, []),
        ({"folder": "2026/秋"}, ["秋茶.jpg"]),
        ({"folder": ""}, ["b.png"]),
        ({"q": "秋茶"}, ["秋茶.jpg"]),
        ({"q": "小李"}, ["秋茶.jpg"]),
        ({"q": "0%的"}, ["b.png"]),
        ({"q": "_"}, []),
        ({"expiring_before": "2027-01-01T08:00:01+08:00"}, ["b.png"]),
        ({"expiring_before": "2027-01-01T00:00:00Z"}, []),
        ({"licence_expires_within_days": 0}, []),
        ({"licence_expires_within_days": 3650}, ["b.png"]),
        ({"kind": "image", "content_type": "image/png"}, ["b.png"]),
    ):
        assert await ids(client, **filters) == found, filters
    assert (await client.get("/v1/assets", params={"kind": "film"})).status_code == 422
    page = (await client.get("/v1/assets", params={"limit": 1})).json()
    rest = await client.get("/v1/assets", params={"limit": 1, "cursor": page["next_cursor"]})
    assert [one["file_name"] for one in (*page["data"], *rest.json()["data"])] == ["b.png", "秋茶.jpg"]

    address = made.headers["location"]
    before = (await client.get(address)).headers["etag"]
    changed = await client.patch(
        address, json={"tags": ["新", "新"], "folder": "x"}, headers={"If-Match": before}
    )
    assert (changed.json()["tags"], changed.json()["folder"]) == (["新"], "x")
    assert changed.headers["etag"] != before
    assert codes(await client.patch(address, json={"tags": ["a,b"]})) == [("/tags/0", "invalid_string")]
    assert codes(await client.patch(address, json={"tags": None})) == [("/tags", "null_not_allowed")]


async def test_an_address_gives_the_file_until_it_expires(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, app: FastAPI, team: Team, box: Box
) -> None:
    asset = (await upload(client, JPEG)).json()
    made = await client.get(f"/v1/assets/{asset['id']}/url", params={"seconds": 60})
    assert made.status_code == 200, made.text
    path = httpx.URL(made.json()["url"]).path
    del client.headers["authorization"]
    served = await client.get(path, headers={"Range": "bytes=0-9"})
    assert (served.status_code, len(served.content)) == (206, 10)
    assert served.headers["content-security-policy"].startswith("sandbox")
    assert (await client.get(path)).headers["content-type"] == "image/jpeg"

    now = int(SystemClock().now().timestamp())
    ended = box.seal([str(team.workspace_id), asset["id"], now - 1]).decode()
    other = box.seal({"access_token": "x"}).decode()
    foreign = box.seal([asset["id"], asset["id"], now + 60]).decode()
    for token in (ended, other, foreign, path[:-4].rpartition("/")[2], "x", "%F0%9F%8D%B5"):
        refused = await client.get(f"/v1/downloads/{token}")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), token
    for seconds in (9, 7 * 24 * 3600 + 1):
        answer = await stranger.get(f"/v1/assets/{asset['id']}/url", params={"seconds": seconds})
        assert answer.status_code == 422
