"""Ideas: noted, scored, shortlisted, developed into a post that remembers them."""

import httpx
import pytest
from fastapi import FastAPI

from drumtower.db.engine import Database
from drumtower.domain.permissions import Role
from tests.api.desk import Json, answer, problems
from tests.conftest import client_for
from tests.factories import Team, make_key, make_member

POINTS = {"brand_fit": 5, "user_need": 4, "timeliness": 3, "feasibility": 2}


async def note(client: httpx.AsyncClient, team: Team, **fields: object) -> Json:
    body = {"brand_id": str(team.brand_id), "title": "办公室三分钟泡茶法", "source": "user_need"}
    return answer(await client.post("/v1/ideas", json=body | fields), 201)


async def test_from_a_thought_to_a_post_that_remembers(client: httpx.AsyncClient, team: Team) -> None:
    idea = await note(client, team, note="没有茶具怎么泡？", evidence="37 条评论")
    assert (idea["status"], idea["score"]["total"], idea["post_ids"]) == ("new", None, [])
    address = f"/v1/ideas/{idea['id']}"
    scored = answer(await client.post(f"{address}/score", json=POINTS))
    assert (scored["score"]["brand_fit"], scored["score"]["voices"]) == (5.0, 1)
    assert answer(await client.post(f"{address}/shortlist"))["status"] == "shortlisted"
    made = await client.post(f"{address}/develop", json={"kind": "image_text", "nature": "editorial"})
    post = answer(made, 201)
    assert made.headers["location"] == f"/v1/posts/{post['id']}"
    assert (post["title"], post["body"], post["idea_id"]) == (idea["title"], idea["note"], idea["id"])
    developed = answer(await client.get(address))
    assert (developed["status"], developed["post_ids"]) == ("developed", [post["id"]])
    copy = answer(await client.post(f"/v1/posts/{post['id']}/duplicate"), 201)
    found = answer(await client.get("/v1/posts", params={"idea_id": idea["id"]}))["data"]
    assert [one["id"] for one in found] == [copy["id"], post["id"]]


async def test_one_score_a_member(app: FastAPI, client: httpx.AsyncClient, db: Database, team: Team) -> None:
    idea = await note(client, team)
    address = f"/v1/ideas/{idea['id']}/score"
    async with db.transaction() as tx:
        key = await make_key(tx, await make_member(tx, team.workspace_id, Role.CREATOR))
    async with client_for(app, key) as creator:
        answer(await creator.post(address, json=dict.fromkeys(POINTS, 1)))
    answer(await client.post(address, json=POINTS))
    scored = answer(await client.post(address, json=dict.fromkeys(POINTS, 5)))
    assert (scored["score"]["voices"], scored["score"]["total"]) == (2, 50)
    assert scored["revision"] == 1


async def test_what_does_not_follow_is_refused(client: httpx.AsyncClient, team: Team) -> None:
    address = f"/v1/ideas/{(await note(client, team))['id']}"
    answer(await client.post(f"{address}/drop"))
    body = {"kind": "image_text", "nature": "editorial"}
    refused = await client.post(f"{address}/develop", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "idea_status")
    assert answer(await client.post(f"{address}/shortlist"))["status"] == "shortlisted"


async def test_a_developed_idea_whose_post_is_wrong_stays_as_it_was(
    client: httpx.AsyncClient, team: Team
) -> None:
    address = f"/v1/ideas/{(await note(client, team))['id']}"
    body = {"kind": "image_text", "nature": "editorial", "due_on": "2020-01-01"}
    assert problems(await client.post(f"{address}/develop", json=body)) == {"/due_on": "date_in_past"}
    assert answer(await client.get(address))["status"] == "new"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": " "}, {"/title": "invalid_string"}),
        ({"source": "dream"}, {"/source": "invalid_choice"}),
        ({"brand_id": "0199c5c0-0000-7000-8000-000000000000"}, {"/brand_id": "unknown_brand"}),
    ],
)
async def test_what_is_wrong(
    client: httpx.AsyncClient, team: Team, fields: Json, wrong: dict[str, str]
) -> None:
    body = {"brand_id": str(team.brand_id), "title": "x", "source": "brand"}
    assert problems(await client.post("/v1/ideas", json=body | fields)) == wrong


async def test_scores_stay_between_one_and_five(client: httpx.AsyncClient, team: Team) -> None:
    idea = await note(client, team)
    sent = {"brand_fit": 0, "user_need": 6, "timeliness": 3.5}
    assert problems(await client.post(f"/v1/ideas/{idea['id']}/score", json=sent)) == {
        "/brand_fit": "out_of_range",
        "/user_need": "out_of_range",
        "/timeliness": "invalid_number",
        "/feasibility": "field_missing",
    }


async def test_the_list_filters_and_an_edit_is_noticed(client: httpx.AsyncClient, team: Team) -> None:
    first = await note(client, team, note="茶具")
    second = await note(client, team, title="春节礼盒", source="hot_event")
    for params, expected in (
        ({"source": "hot_event"}, [second]),
        ({"q": "茶具"}, [first]),
        ({"status": "shortlisted"}, []),
    ):
        found = answer(await client.get("/v1/ideas", params=params))["data"]
        assert [one["id"] for one in found] == [one["id"] for one in expected]
    address, sent = f"/v1/ideas/{first['id']}", {"If-Match": '"1"'}
    assert answer(await client.patch(address, json={"note": "杯子"}, headers=sent))["revision"] == 2
    assert (await client.patch(address, json={"note": "壶"}, headers=sent)).status_code == 412
