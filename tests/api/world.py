"""A workspace with one of everything, every text of which holds a word that no other workspace may ever see."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Click, Interaction
from drumtower.domain.ids import new_id
from drumtower.feedback import ingest
from tests.api import pictures
from tests.api.desk import Json, answer, planned, soon
from tests.factories import Team, make_finding, make_import
from tests.feedback.rows import make_channel, said

CANARY = "金丝雀canary"
# Where nobody listens: what asks the platform in earnest learns that it is down.
NOWHERE = "http://127.0.0.1:9"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the OpenAPI document."""

    id: str
    method: str
    path: str
    described: Json

    @property
    def path_names(self) -> list[str]:
        return [p["name"] for p in self.described.get("parameters", []) if p["in"] == "path"]

    @property
    def query_names(self) -> list[str]:
        return [p["name"] for p in self.described.get("parameters", []) if p["in"] == "query"]

    @property
    def takes_body(self) -> bool:
        return bool(self.described.get("requestBody", {}).get("required"))

    @property
    def takes_if_match(self) -> bool:
        return any(p["name"].lower() == "if-match" for p in self.described.get("parameters", []))


def operations(document: Json) -> list[Operation]:
    """Return every operation of an OpenAPI document."""
    return [
        Operation(id=described["operationId"], method=method, path=path, described=described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method in METHODS
    ]


async def build(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> dict[str, str]:
    """Make one of everything, and return the ids by the name that paths, queries and bodies give them."""
    pattern = await _post(client, team, is_template=True)
    brand = answer(await client.post("/v1/brands", json={"name": CANARY, "banned_words": [CANARY]}), 201)
    key = answer(await client.post("/v1/api-keys", json={"name": CANARY}), 201)
    picture = pictures.encode(pictures.half_red(), "JPEG")
    sent = {"alt_text": CANARY, "credit": CANARY}
    files = {"file": (f"{CANARY}.jpg", picture)}
    asset = answer(await client.post("/v1/assets", files=files, data=sent), 201)
    channel = await make_channel(
        db, team, box, platform="weibo", base_url=NOWHERE, name=CANARY, account_name=CANARY
    )
    # A draft that is still one, so that an edit of it would be seen.
    draft = await _post(client, team)
    _, [delivery] = await planned(client, reviewer, team, [channel.id])
    interaction = await _interaction(db, channel)
    meant = {"name": CANARY, "brand_id": brand["id"], "starts_on": "2026-03-03"}
    campaign = answer(await client.post("/v1/campaigns", json=meant), 201)
    thought = {"brand_id": brand["id"], "title": CANARY, "source": "brand"}
    idea = answer(await client.post("/v1/ideas", json=thought), 201)
    invited = {"email": f"{new_id().hex}@example.com", "role": "viewer"}
    invitation = answer(await client.post("/v1/members/invitations", json=invited), 201)
    target = {"target_url": f"https://example.com/{CANARY}", "name": CANARY, "channel_id": str(channel.id)}
    link = answer(await client.post("/v1/links", json=target), 201)
    click = await _click(db, team, UUID(link["id"]))
    told = {
        "external_id": CANARY,
        "event": CANARY,
        "occurred_at": "2026-01-01T00:00:00Z",
        "link_code": link["code"],
    }
    conversion = answer(await client.post("/v1/conversions", json=told), 201)
    stop = {"scope": "channel", "channel_id": str(channel.id), "reason": CANARY}
    weekly = {"weekday": "mon", "local": "09:30", "timezone": "Asia/Shanghai"}
    slot = answer(await client.post(f"/v1/channels/{channel.id}/slots", json=weekly), 201)
    recurring = {
        "name": CANARY,
        "post_id": delivery["post_id"],
        "channel_ids": [str(channel.id)],
        "rule": {"every": "day"},
        "local": "09:30",
        "timezone": "Asia/Shanghai",
        "starts_on": soon(48)[:10],
    }
    series = answer(await client.post("/v1/series", json=recurring), 201)
    freeze = answer(await client.post("/v1/freezes", json=stop), 201)
    rule = {"code": "x", "severity": "info", "terms": [CANARY], "basis": CANARY}
    pack = {"key": "canary", "name": CANARY, "rules": [rule]}
    rule_pack = answer(await client.post("/v1/rule-packs", json=pack), 201)
    imported = {"references": [{"title": CANARY, "text": CANARY}]}
    [reference] = answer(await client.post("/v1/originality/references", json=imported), 201)["data"]
    marked = {"name": CANARY, "note": CANARY}
    day = answer(await client.put("/v1/calendar/days/2026-03-03/quiet_day", json=marked))
    said = {"kind": "own", "title": CANARY, "note": CANARY, "from": "2026-03-03", "to": "2026-03-04"}
    event = answer(await client.post("/v1/calendar/events", json=said), 201)
    feed = answer(await client.post("/v1/calendar/feeds", json={"name": CANARY}), 201)
    shared = answer(await client.post(f"/v1/posts/{draft['id']}/shares", json={"name": CANARY}), 201)
    imported_id = await make_import(db, team, [{"title": CANARY}], state="done")
    finding = await make_finding(db, team, UUID(draft["id"]), quote=CANARY)
    return {
        "pack_id": rule_pack["id"],
        "event_id": event["id"],
        "share_id": shared["id"],
        "feed_id": feed["id"],
        "day": day["day"],
        "kind": day["kind"],
        "reference_id": reference["id"],
        "finding_id": str(finding),
        "import_id": str(imported_id),
        "brand_id": brand["id"],
        "campaign_id": campaign["id"],
        "template_id": pattern["id"],
        "key_id": key["id"],
        "asset_id": asset["id"],
        "channel_id": str(channel.id),
        "post_id": draft["id"],
        "version": "1",
        "delivery_id": delivery["id"],
        "series_id": series["id"],
        "slot_id": slot["id"],
        "freeze_id": freeze["id"],
        "interaction_id": str(interaction),
        "link_id": link["id"],
        "link_code": link["code"],
        "click_id": str(click),
        "conversion_id": conversion["id"],
        "member_id": str(team.reviewer_id),
        "reviewer_id": str(team.reviewer_id),
        "idea_id": idea["id"],
        "invitation_id": invitation["id"],
        "owner_id": str(team.owner_id),
        "assignee_id": str(team.owner_id),
        "external_id": CANARY,
    }


async def _post(client: httpx.AsyncClient, team: Team, **more: object) -> Json:
    fields = {"title": CANARY, "body": CANARY, "kind": "image_text", "nature": "editorial"}
    return answer(await client.post("/v1/posts", json=fields | {"brand_id": str(team.brand_id)} | more), 201)


async def _interaction(db: Database, channel: Any) -> UUID:
    async with db.transaction() as tx:
        await ingest(tx, channel, [said("c1", CANARY)], datetime.now(UTC))
        return (await tx.scalars(select(Interaction.id))).one()


async def _click(db: Database, team: Team, link_id: UUID) -> UUID:
    click = Click(
        id=new_id(), clicked_at=datetime.now(UTC), workspace_id=team.workspace_id, link_id=link_id, bot=False
    )
    async with db.transaction() as tx:
        tx.add(click)
    return click.id
