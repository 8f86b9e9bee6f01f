"""Rule packs over HTTP: read, written, activated; and what is held to them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import ComplianceScan, Interaction
from drumtower.domain.permissions import Role
from drumtower.feedback import ingest
from drumtower.language.packs import shipped
from services.scheduler.scan import scan
from tests.api.desk import Json, answer, member, planned, problems, submit, write
from tests.factories import Team, make_channel, make_finding
from tests.feedback.rows import make_channel as make_whole_channel
from tests.feedback.rows import said

SHIPPED = str(shipped()[0].id)
RULE = {
    "code": "rivals",
    "severity": "block",
    "terms": ["山川茶业"],
    "basis": "和解协议",
    "suggestion": "不提",
}


async def make_pack(client: httpx.AsyncClient, **fields: Any) -> Json:
    body = {"key": "legal", "name": "法务", "rules": [RULE]} | fields
    return answer(await client.post("/v1/rule-packs", json=body), 201)


async def activate(client: httpx.AsyncClient, pack: str, **asked: Any) -> Json:
    return answer(await client.post(f"/v1/rule-packs/{pack}/activate", json=asked))


async def hits(client: httpx.AsyncClient, *texts: str, **asked: Any) -> list[list[Json]]:
    checked = answer(await client.post("/v1/compliance/check", json={"texts": list(texts)} | asked))
    return [one["hits"] for one in checked["data"]]


async def test_the_shipped_pack_is_on_and_can_be_read_and_switched_off(client: httpx.AsyncClient) -> None:
    [pack] = answer(await client.get("/v1/rule-packs"))["data"]
    assert (pack["id"], pack["shipped"], pack["active_version"]) == (SHIPPED, True, pack["latest_version"])
    version = answer(await client.get(f"/v1/rule-packs/{SHIPPED}/versions/{pack['latest_version']}"))
    assert version["term_count"] > 800
    assert all(rule["basis"] for rule in version["rules"])
    [[hit]] = await hits(client, "国 家 級品质")
    assert hit == {
        "term": "国家级",
        "start": 0,
        "end": 5,
        "rule": "cn_advertising/absolute.named",
        "severity": "block",
        "basis": version["rules"][0]["basis"],
        "suggestion": version["rules"][0]["suggestion"],
    }
    off = answer(await client.post(f"/v1/rule-packs/{SHIPPED}/deactivate"))
    assert off["active_version"] is None
    assert await hits(client, "国家级") == [[]]
    await activate(client, SHIPPED)
    assert len((await hits(client, "国家级"))[0]) == 1


async def test_versions_never_change_and_one_of_them_holds(client: httpx.AsyncClient) -> None:
    pack = await make_pack(client)
    listed = answer(await client.get("/v1/rule-packs", params={"limit": 1}))
    assert [one["key"] for one in listed["data"]] == ["legal"]
    rest = answer(await client.get("/v1/rule-packs", params={"limit": 1, "cursor": listed["next_cursor"]}))
    assert [one["key"] for one in rest["data"]] == ["cn_advertising"]
    assert pack["active_version"] is None
    assert await hits(client, "山川茶业") == [[]]
    assert (await activate(client, pack["id"]))["active_version"] == 1
    [[hit]] = await hits(client, "“山 川 茶 業”")
    assert (hit["rule"], hit["start"], hit["end"]) == ("legal/rivals", 1, 8)

    url = f"/v1/rule-packs/{pack['id']}"
    body = {"rules": [RULE | {"terms": ["河谷茶业"]}], "note": "换了对手"}
    assert answer(await client.post(f"{url}/versions", json=body), 201)["version"] == 2
    assert len((await hits(client, "山川茶业"))[0]) == 1  # until it is activated
    await activate(client, pack["id"], version=2)
    assert await hits(client, "山川茶业") == [[]]
    versions = answer(await client.get(f"{url}/versions"))["data"]
    assert [(one["version"], one["note"]) for one in versions] == [(2, "换了对手"), (1, "")]
    assert answer(await client.get(f"{url}/versions/1"))["rules"][0]["terms"] == ["山川茶业"]


async def test_everything_that_is_wrong_with_a_pack_at_once(client: httpx.AsyncClient) -> None:
    await make_pack(client)
    rules = [RULE | {"terms": ["。"]}, RULE | {"exceptions": ["…"]}, RULE | {"code": "x", "terms": ["@fax"]}]
    refused = await client.post("/v1/rule-packs", json={"key": "legal", "name": "x", "rules": rules})
    assert problems(refused) == {
        "/key": "rule_pack_exists",
        "/rules/0/terms/0": "term_empty",
        "/rules/1/code": "rule_code_doubled",
        "/rules/1/exceptions/0": "term_empty",
        "/rules/2/terms/0": "unknown_detector",
    }
    taken = await client.post("/v1/rule-packs", json={"key": "cn_advertising", "name": "x", "rules": [RULE]})
    assert problems(taken) == {"/key": "rule_pack_exists"}
    unknown = await client.post(f"/v1/rule-packs/{SHIPPED}/activate", json={"version": 99})
    assert problems(unknown) == {"/version": "unknown_version"}
    fixed = await client.post(f"/v1/rule-packs/{SHIPPED}/versions", json={"rules": [RULE]})
    assert answer(fixed, 409)["code"] == "rule_pack_shipped"


async def test_what_can_not_be_checked(client: httpx.AsyncClient) -> None:
    body = {"texts": ["茶" * 50_000] * 6, "platform": "myspace"}
    refused = await client.post("/v1/compliance/check", json=body)
    assert problems(refused) == {"/texts": "texts_too_long", "/platform": "platform_unknown"}
    for wrong in ([], ["x"] * 501, ["x" * 50_001]):
        assert (await client.post("/v1/compliance/check", json={"texts": wrong})).status_code == 422


async def test_industry_and_platform_narrow_what_holds(client: httpx.AsyncClient) -> None:
    rules = [RULE | {"industries": ["tea"]}, RULE | {"code": "b", "platforms": ["weibo"], "severity": "info"}]
    await activate(client, (await make_pack(client, rules=rules))["id"])
    text = "山川茶业"
    assert [h["rule"] for h in (await hits(client, text, industry="tea"))[0]] == ["legal/rivals"]
    assert [h["rule"] for h in (await hits(client, text, industry="toys"))[0]] == ["legal/b"]
    assert await hits(client, text, industry="toys", platform="bluesky") == [[]]


async def test_preflight_says_where_and_why_and_submit_refuses(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    await make_channel(db, team, box)
    post = await write(client, team, body="秋茶最好喝，国家级品质", hashtags=["最佳"])
    checked = answer(await client.post(f"/v1/posts/{post['id']}/preflight"))
    [row] = checked["data"]
    found = {
        v["pointer"]: v for v in row["violations"] if v["code"] == "rule_hit" and v["severity"] == "block"
    }
    assert row["ok"] is False
    assert found.keys() == {"/body", "/hashtags/0"}
    assert found["/body"]["criterion"] == "compliance"
    evidence = found["/body"]["evidence"]
    assert (evidence["quote"], evidence["start"], evidence["end"]) == ("国家级", 6, 9)
    assert "第九条" in evidence["basis"]
    refused = await client.post(f"/v1/posts/{post['id']}/submit")
    assert problems(refused) == {"/body": "rule_hit", "/hashtags/0": "rule_hit"}
    await submit(client, await write(client, team, body="秋茶最好喝"))  # a warning stops nobody


async def test_an_answer_is_held_to_what_blocks(
    client: httpx.AsyncClient, team: Team, db: Database, box: Box
) -> None:
    channel = await make_whole_channel(db, team, box)
    async with db.transaction() as tx:
        await ingest(tx, channel, [said("c1", "有效吗")], datetime.now(UTC))
        interaction = (await tx.scalars(select(Interaction.id))).one()
    url = f"/v1/interactions/{interaction}/replies"
    refused = await client.post(url, json={"text": "包治百病，最好的"})
    assert problems(refused) == {"/text": "rule_hit"}
    answer(await client.post(url, json={"text": "我们家最好的"}), 201)


@pytest.mark.long
async def test_a_new_version_opens_findings_and_the_next_closes_them(
    app: FastAPI,
    client: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    team: Team,
    db: Database,
    box: Box,
) -> None:
    channel = await make_channel(db, team, box)
    post, _ = await planned(client, reviewer, team, [channel])
    draft = await write(client, team)  # nobody looks at drafts again: preflight does

    async def findings(**asked: str) -> list[Json]:
        while await scan(db) is not None:
            continue
        found: list[Json] = answer(await client.get("/v1/compliance/findings", params=asked))["data"]
        return found

    assert await findings() == []
    pack = await make_pack(
        client, rules=[RULE | {"terms": ["好茶"]}, RULE | {"code": "b", "terms": ["办公室"]}]
    )
    await activate(client, pack["id"])
    both = await findings(state="open")
    assert {(one["rule"], one["quote"], one["post_id"]) for one in both} == {
        ("legal/rivals", "好茶", post["id"]),
        ("legal/b", "办公室", post["id"]),
    }
    assert draft["id"] not in {one["post_id"] for one in both}
    office = next(one for one in both if one["rule"] == "legal/b")
    async with member(app, db, team, Role.CREATOR) as creator:
        said_so = {"reason": "false_positive", "note": "说的是自己的办公室"}
        assert (
            await creator.post(f"/v1/compliance/findings/{office['id']}/dismiss", json=said_so)
        ).status_code == 403
    dismissed = answer(await client.post(f"/v1/compliance/findings/{office['id']}/dismiss", json=said_so))
    assert dismissed["state"] == "dismissed"
    assert (
        await client.post(f"/v1/compliance/findings/{office['id']}/dismiss", json=said_so)
    ).status_code == 409
    [told] = answer(await client.get("/v1/compliance/feedback", params={"rule": "legal/b"}))["data"]
    assert (told["verdict"], told["note"]) == ("false_positive", "说的是自己的办公室")

    # The same rules again find nothing new; none at all close what is open, and leave what a person said.
    await activate(client, pack["id"])
    assert [one["id"] for one in await findings(state="open")] == [
        one["id"] for one in both if one["id"] != office["id"]
    ]
    answer(await client.post(f"/v1/rule-packs/{pack['id']}/deactivate"))
    assert {one["state"] for one in await findings()} == {"resolved", "dismissed"}
    # And a release that ships other packs is looked at like a new version.
    async with db.transaction() as tx:
        done = await tx.get_one(ComplianceScan, team.workspace_id)
        done.shipped = "another release"
    await findings()
    async with db.transaction() as tx:
        done = await tx.get_one(ComplianceScan, team.workspace_id)
        assert done.shipped != "another release"
        assert done.finished_at is not None


async def test_feedback_says_what_and_where(client: httpx.AsyncClient, team: Team, db: Database) -> None:
    good = {"verdict": "missed", "text": "此茶可通神", "start": 2, "end": 5, "note": "迷信"}
    told = answer(await client.post("/v1/compliance/feedback", json=good), 201)
    assert answer(await client.get("/v1/compliance/feedback"))["data"] == [told]
    wrong = good | {"verdict": "false_positive", "end": 9}
    refused = await client.post("/v1/compliance/feedback", json=wrong)
    assert problems(refused) == {"/end": "span_outside_text", "/rule": "rule_required"}
    post = await write(client, team)
    finding = await make_finding(db, team, UUID(post["id"]))
    listed = await client.get("/v1/compliance/findings", params={"post_id": post["id"], "severity": "warn"})
    assert [one["id"] for one in answer(listed)["data"]] == [str(finding)]
