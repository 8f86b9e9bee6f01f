"""S1: every operation, called by another workspace's owner with real ids of ours. A new one without a case fails."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.ids import new_id
from tests.api.desk import PASSED, Json, answer, soon
from tests.api.world import CANARY, Operation, build, operations
from tests.factories import Team
from tests.feedback.rows import make_channel

# What has an id in its path and asks for no workspace, with the reason.
PUBLIC = {
    "calendar_days_set": "a date is nobody's, and everybody marks it for themselves (test_calendar_marks.py)",
    "platforms_get": "the same for everyone",
    "oauth_callback": "the state, and whose it is, are the credential (test_authorizations.py)",
    "downloads_get": "the sealed address is the credential (test_asset_library.py)",
    "shares_comment": "the address is the credential (test_shares.py)",
    "shares_get": "the address is the credential (test_shares.py)",
    "links_follow": "what is printed on posters is public",
    "webhooks_challenge": "the platform's signature is the credential (test_webhooks.py)",
    "webhooks_receive": "the platform's signature is the credential (test_webhooks.py)",
}
RULE = {"code": "x", "severity": "warn", "terms": ["茶"]}
# A body that is good in every other respect, for operations that need one.
BODIES: dict[str, Json] = {
    "assets_render": {"platform": "weibo"},
    "assets_update": {"credit": "mine"},
    "compliance_findings_dismiss": {"reason": "accepted", "note": "mine"},
    "brands_update": {"name": "mine"},
    "calendar_events_update": {"title": "mine"},
    "campaigns_update": {"name": "mine"},
    "channels_audience_import": {"csv": "day"},
    "channels_update": {"name": "mine"},
    "deliveries_assign": {"deadline": soon()},
    "deliveries_proof": {"url": "https://example.com/1", "published_at": "2026-01-01T00:00:00Z"},
    "deliveries_reconcile": {},
    "deliveries_reschedule": {"at": soon()},
    "freezes_update": {"reason": "mine"},
    "ideas_develop": {"kind": "image_text", "nature": "editorial"},
    "ideas_score": {"brand_fit": 1, "user_need": 1, "timeliness": 1, "feasibility": 1},
    "ideas_update": {"title": "mine"},
    "interactions_update": {"tags": ["mine"]},
    "links_update": {"name": "mine"},
    "members_update": {"name": "mine"},
    "posts_reviews_create": {"criteria": PASSED, "version": 1},
    "posts_reviewers_set": {"reviewers": []},
    "posts_shares_create": {"name": "mine"},
    "posts_schedule": {"channel_ids": [str(new_id())], "at": soon()},
    "posts_update": {"title": "mine"},
    "replies_create": {"text": "mine"},
    "rule_packs_versions_create": {"rules": [RULE]},
    "series_update": {"name": "mine"},
    "slots_add": {"weekday": "tue", "local": "09:30", "timezone": "Asia/Shanghai"},
    "slots_replace": {"slots": []},
}
# What our own ids are refused for another reason: the delivery is no handoff.
REFUSED_TO_US = {"deliveries_pack": 409}
QUERIES = {"assets_rendition": {"width": "160"}, "calendar_get": {"from": "2026-01-01", "to": "2026-01-02"}}

POST = {"title": "x", "body": "x", "kind": "image_text", "nature": "editorial", "brand_id": "{own brand}"}
AUTHORIZATION = {"platform": "weibo", "name": "x", "credentials": {"app_key": "1"}}
CONVERSION = {"external_id": "mine", "event": "x", "occurred_at": "2026-01-01T00:00:00Z"}
SERIES = {
    "name": "mine",
    "post_id": str(new_id()),
    "channel_ids": ["{own channel}"],
    "rule": {"every": "day"},
    "local": "09:30",
    "timezone": "Asia/Shanghai",
    "starts_on": soon(24)[:10],
}
OVERRIDE = {"post_id": str(new_id()), "channel_id": str(new_id()), "reason": "mine"}
IDEA = {"title": "mine", "source": "brand"}
DEVELOPED = {"kind": "image_text", "nature": "editorial"}
CAMPAIGN = {"name": "mine", "starts_on": "2026-01-01"}
EVENT = {"kind": "own", "title": "mine", "from": "2026-01-01", "to": "2026-01-01"}
FREEZE = {"reason": "mine"}
LINK = {"target_url": "https://example.com"}
# Ids in bodies: (operation, field) to a body that carries ours, given the ids.
CARRIED: dict[tuple[str, str], Callable[[dict[str, str]], Json]] = {
    ("ad_share_overrides_create", "post_id"): lambda ids: (
        OVERRIDE | {"post_id": ids["post_id"], "channel_id": ids["channel_id"]}
    ),
    ("ad_share_overrides_create", "channel_id"): lambda ids: OVERRIDE | {"channel_id": ids["channel_id"]},
    ("platforms_fit", "brand_id"): lambda ids: {
        "audience": {},
        "goals": ["service"],
        "brand_id": ids["brand_id"],
    },
    ("originality_check", "post_id"): lambda ids: {"post_id": ids["post_id"]},
    ("ad_share_simulate", "channel_ids"): lambda ids: {
        "channel_ids": [ids["channel_id"]],
        "posts": [{"nature": "editorial", "at": soon()}],
    },
    ("brands_create", "disclosure_rules/campaign_ids"): lambda ids: {
        "name": "mine",
        "disclosure_rules": [{"disclosure": "ad", "campaign_ids": [ids["campaign_id"]]}],
    },
    ("brands_update", "disclosure_rules/campaign_ids"): lambda ids: {
        "disclosure_rules": [{"disclosure": "ad", "campaign_ids": [ids["campaign_id"]]}]
    },
    ("campaigns_create", "brand_id"): lambda ids: CAMPAIGN | {"brand_id": ids["brand_id"]},
    ("calendar_events_create", "brand_id"): lambda ids: EVENT | {"brand_id": ids["brand_id"]},
    ("calendar_events_create", "owner_id"): lambda ids: EVENT | {"owner_id": ids["owner_id"]},
    ("calendar_feeds_create", "brand_id"): lambda ids: {"name": "mine", "brand_id": ids["brand_id"]},
    ("calendar_feeds_create", "channel_id"): lambda ids: {"name": "mine", "channel_id": ids["channel_id"]},
    ("posts_reviewers_set", "reviewers/reviewer_id"): lambda ids: {
        "reviewers": [{"reviewer_id": ids["member_id"]}]
    },
    ("channels_authorize", "brand_id"): lambda ids: AUTHORIZATION | {"brand_id": ids["brand_id"]},
    ("channels_authorize", "channel_id"): lambda ids: {"channel_id": ids["channel_id"]},
    ("channels_update", "handoff_owner_id"): lambda ids: {"handoff_owner_id": ids["owner_id"]},
    ("freezes_create", "brand_id"): lambda ids: FREEZE | {"scope": "brand", "brand_id": ids["brand_id"]},
    ("freezes_create", "channel_id"): lambda ids: (
        FREEZE | {"scope": "channel", "channel_id": ids["channel_id"]}
    ),
    ("freezes_create", "campaign_id"): lambda ids: (
        FREEZE | {"scope": "campaign", "campaign_id": ids["campaign_id"]}
    ),
    ("freezes_preview", "campaign_id"): lambda ids: (
        FREEZE | {"scope": "campaign", "campaign_id": ids["campaign_id"]}
    ),
    ("freezes_preview", "brand_id"): lambda ids: FREEZE | {"scope": "brand", "brand_id": ids["brand_id"]},
    ("freezes_preview", "channel_id"): lambda ids: (
        FREEZE | {"scope": "channel", "channel_id": ids["channel_id"]}
    ),
    ("interactions_import", "channel_id"): lambda ids: {"channel_id": ids["channel_id"], "csv": "text"},
    ("metrics_samples_import", "channel_id"): lambda ids: {"channel_id": ids["channel_id"], "csv": "post"},
    ("ideas_create", "brand_id"): lambda ids: IDEA | {"brand_id": ids["brand_id"]},
    ("ideas_develop", "owner_id"): lambda ids: DEVELOPED | {"owner_id": ids["owner_id"]},
    ("links_create", "channel_id"): lambda ids: LINK | {"channel_id": ids["channel_id"]},
    ("links_create", "post_id"): lambda ids: LINK | {"post_id": ids["post_id"]},
    ("posts_import", "brand_id"): lambda ids: {"brand_id": ids["brand_id"], "csv": "title"},
    ("posts_create", "asset_ids"): lambda ids: POST | {"asset_ids": [ids["asset_id"]]},
    ("posts_create", "brand_id"): lambda ids: POST | {"brand_id": ids["brand_id"]},
    ("posts_create", "owner_id"): lambda ids: POST | {"owner_id": ids["owner_id"]},
    ("posts_create", "variants/channel_id"): lambda ids: (
        POST | {"variants": [{"channel_id": ids["channel_id"]}]}
    ),
    ("posts_create", "variants/asset_ids"): lambda ids: (
        POST | {"variants": [{"channel_id": "{own channel}", "asset_ids": [ids["asset_id"]]}]}
    ),
    ("posts_create", "campaign_id"): lambda ids: POST | {"campaign_id": ids["campaign_id"]},
    ("posts_update", "campaign_id"): lambda ids: {"campaign_id": ids["campaign_id"]},
    ("posts_update", "asset_ids"): lambda ids: {"asset_ids": [ids["asset_id"]]},
    ("posts_update", "brand_id"): lambda ids: {"brand_id": ids["brand_id"]},
    ("posts_update", "owner_id"): lambda ids: {"owner_id": ids["owner_id"]},
    ("posts_update", "variants/channel_id"): lambda ids: {"variants": [{"channel_id": ids["channel_id"]}]},
    ("posts_update", "variants/asset_ids"): lambda ids: {
        "variants": [{"channel_id": "{own channel}", "asset_ids": [ids["asset_id"]]}]
    },
    ("posts_preflight", "channel_ids"): lambda ids: {"channel_ids": [ids["channel_id"]]},
    ("posts_preview", "channel_ids"): lambda ids: {"channel_ids": [ids["channel_id"]]},
    ("posts_schedule", "channel_ids"): lambda ids: {"channel_ids": [ids["channel_id"]], "at": soon()},
    ("series_create", "post_id"): lambda ids: SERIES | {"post_id": ids["post_id"]},
    ("series_create", "channel_ids"): lambda ids: SERIES | {"channel_ids": [ids["channel_id"]]},
    ("interactions_update", "assignee_id"): lambda ids: {"assignee_id": ids["assignee_id"]},
}
# Fields that look like ids of ours and are not, or lead nowhere.
NO_IDS = {
    "external_id": "a platform's or a shop's own",
}
ELSEWHERE = {
    **{
        ("posts_bulk", f"filter/{name}"): "finds none of ours: test_bulk.py"
        for name in ("brand_id", "campaign_id", "idea_id", "owner_id", "template_id")
    },
    ("posts_bulk", "arguments/campaign_id"): "refused for each post: test_bulk.py",
    ("posts_bulk", "arguments/owner_id"): "refused for each post: test_bulk.py",
    ("calendar_events_update", "brand_id"): "needs an event of one's own: test_calendar_events.py",
    ("calendar_events_update", "owner_id"): "needs an event of one's own: test_calendar_events.py",
    ("deliveries_assign", "owner_id"): "needs a handoff of one's own: test_handoffs.py",
    ("series_update", "channel_ids"): "needs a series of one's own: test_series.py",
    ("channels_create", "brand_id"): "needs a real account: test_channels.py",
    ("conversions_create", "click_id"): "below",
    ("conversions_create", "conversions/click_id"): "below",
}


@pytest.fixture
async def ids(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> dict[str, str]:
    return await build(client, reviewer, db, team, box)


async def rows_of(db: Database, team: Team) -> dict[str, list[Any]]:
    """Return all that a workspace has; what merely notes that it was looked at is left out."""
    async with db.transaction() as tx:
        scoped = text("SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id'")
        names = set((await tx.scalars(scoped)).all()) - {"api_keys", "idempotency_keys"}
        statement = "SELECT * FROM {} WHERE workspace_id = :id ORDER BY 1"
        return {
            name: list((await tx.execute(text(statement.format(name)), {"id": team.workspace_id})).all())
            for name in sorted(names)
        }


async def call(
    client: httpx.AsyncClient, operation: Operation, ids: dict[str, str], body: Json | None
) -> httpx.Response:
    path = operation.path.format(**ids)
    headers = {"If-Match": "*"} if operation.takes_if_match else {}
    params = QUERIES.get(operation.id, {})
    if body is None:
        return await client.request(operation.method, path, params=params, headers=headers)
    return await client.request(operation.method, path, params=params, headers=headers, json=body)


@pytest.mark.long
async def test_paths(
    app: FastAPI,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    ids: dict[str, str],
    db: Database,
    team: Team,
) -> None:
    before = await rows_of(db, team)
    called = 0
    for operation in operations(app.openapi()):
        if not operation.path_names or operation.id in PUBLIC:
            continue
        assert set(operation.path_names) <= ids.keys(), f"{operation.id}: add a thing to tests/api/world.py"
        assert not operation.takes_body or operation.id in BODIES, f"{operation.id}: add a body to BODIES"
        body = BODIES.get(operation.id)
        answered = await call(stranger, operation, ids, body)
        assert (answered.status_code, answered.json().get("code")) == (404, "not_found"), (
            operation.id,
            answered.text,
        )
        assert CANARY not in answered.text, operation.id
        if operation.method == "get":  # the ids are real: we see what the stranger does not
            seen = await call(client, operation, ids, body)
            assert seen.status_code == REFUSED_TO_US.get(operation.id, 200), operation.id
        called += 1
    assert called >= 30
    assert await rows_of(db, team) == before


async def _try_queries(app: FastAPI, stranger: httpx.AsyncClient, ids: dict[str, str]) -> None:
    for operation in operations(app.openapi()):
        if operation.method != "get" or operation.id in PUBLIC or operation.path_names:
            continue
        for name in operation.query_names:
            if name.endswith(("_id", "_ids")) and name not in NO_IDS:
                assert name in ids, f"{operation.id}?{name}: add a thing to tests/api/world.py"
                params = {name: ids[name]} | QUERIES.get(operation.id, {})
                answered = await stranger.get(operation.path, params=params)
                assert answered.status_code in (200, 404, 422), (operation.id, answered.text)
                if answered.status_code == 200:
                    assert not _data(answered.json()), (operation.id, name)
                assert CANARY not in answered.text
                assert ids[name] not in answered.text.replace(f"?{name}", "") or answered.status_code != 200
        listed = await stranger.get(operation.path)
        assert CANARY not in listed.text, operation.id


def _data(body: Json) -> list[Any]:
    """Return the rows of a list that hold anything at all: a figure of nothing is no row, nor is a day."""
    rows = [row for row in body["data"] if "metric" not in row or row.get("value") not in (None, 0)]
    return [
        row for row in rows if "lunar" not in row or row["posts"] + row["deliveries"] + row["occurrences"]
    ]


def carried(operation: Operation, document: Json) -> set[str]:
    """Return the fields of an operation's body that are named like ids."""
    bodies = operation.described.get("requestBody", {}).get("content", {})
    return {name for media in bodies.values() for name in _ids_in(media["schema"], document, "", frozenset())}


def _ids_in(schema: Json, document: Json, prefix: str, seen: frozenset[str]) -> set[str]:
    reference = schema.get("$ref", "").rsplit("/", maxsplit=1)[-1]
    if reference:
        if reference in seen:
            return set()
        return _ids_in(document["components"]["schemas"][reference], document, prefix, seen | {reference})
    found = {
        f"{prefix}{name}"
        for name in schema.get("properties", {})
        if name.endswith(("_id", "_ids")) and name not in NO_IDS
    }
    inner = [(f"{prefix}{name}/", one) for name, one in schema.get("properties", {}).items()]
    inner += [(prefix, one) for kind in ("anyOf", "oneOf", "allOf") for one in schema.get(kind, [])]
    inner += [(prefix, schema["items"])] if "items" in schema else []
    return found.union(*(_ids_in(one, document, name, seen) for name, one in inner)) if inner else found


@pytest.mark.long
async def test_queries_and_bodies(
    app: FastAPI,
    client: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    ids: dict[str, str],
    db: Database,
    team: Team,
    box: Box,
) -> None:
    await _try_queries(app, stranger, ids)
    await _try_conversions(client, stranger, ids)
    document = app.openapi()
    known = {operation.id: operation for operation in operations(document)}
    asked = {(o.id, name) for o in known.values() for name in carried(o, document)}
    assert asked - CARRIED.keys() == ELSEWHERE.keys(), "add a case to CARRIED"
    assert CARRIED.keys() <= asked, "a case without a field"
    own = await _own(stranger, db, team, box)
    fields = {"title": "x", "body": "x", "kind": "image_text", "nature": "editorial"}
    mine = answer(await stranger.post("/v1/posts", json=fields | {"brand_id": own["own brand"]}), 201)
    for (operation_id, name), body_of in CARRIED.items():
        body = json.loads(re.sub(r"\{(own \w+)\}", lambda found: own[found[1]], json.dumps(body_of(ids))))
        answered = await call(stranger, known[operation_id], ids | {"post_id": mine["id"]}, body)
        assert answered.status_code in (404, 422), (operation_id, name, answered.text)
        assert CANARY not in answered.text
        # Refused for this field, whatever else is wrong.
        pointers = {error["pointer"].split("/")[1] for error in answered.json()["errors"]}
        assert answered.status_code == 404 or name.split("/")[0] in pointers, (
            operation_id,
            name,
            answered.text,
        )


async def _own(stranger: httpx.AsyncClient, db: Database, team: Team, box: Box) -> dict[str, str]:
    """Return what the stranger may name: a brand and a channel."""
    brand = answer(await stranger.get("/v1/brands"))["data"][0]["id"]
    workspace = answer(await stranger.get("/v1/me"))["workspace_id"]
    theirs = replace(team, workspace_id=UUID(workspace), brand_id=UUID(brand))
    channel = await make_channel(db, theirs, box, "gh_theirs", platform="weibo")
    return {"own brand": brand, "own channel": str(channel.id)}


async def _try_conversions(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, ids: dict[str, str]
) -> None:
    for told in ({"click_id": ids["click_id"]}, {"link_code": ids["link_code"]}):
        answered = await stranger.post("/v1/conversions", json=CONVERSION | told)
        assert CANARY not in answered.text
        assert ids["link_id"] not in answered.text
    link = answer(await client.get(f"/v1/links/{ids['link_id']}"))
    assert link["conversions"] == 1
