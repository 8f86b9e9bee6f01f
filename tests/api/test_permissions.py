"""S6 and S27: every operation asks for the one permission that stands here, and for nothing less."""

import httpx
import pytest
from fastapi import FastAPI

from drumtower.db.engine import Database
from drumtower.db.models import Member
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import ACTS, Permission
from tests.api import pictures
from tests.api.desk import PASSED, Json, soon
from tests.api.world import NOWHERE, Operation, operations
from tests.conftest import client_for
from tests.factories import Team, make_key

P = Permission
# Anybody, or anybody with a credential of whatever width.
FREE = {
    "auth_invitation",
    "auth_logout",
    "auth_refresh",
    "auth_token",
    "calendar_ics",
    "downloads_get",
    "health_live",
    "health_ready",
    "links_follow",
    "me_get",
    "oauth_callback",
    "shares_comment",
    "shares_get",
    "webhooks_challenge",
    "webhooks_receive",
}
# Reading takes workspace.read, except:
READS = {
    "api_keys_list": P.API_KEYS_WRITE,
    "invitations_list": P.MEMBERS_WRITE,
    "metrics_dictionary": P.METRICS_READ,
    "metrics_samples_list": P.METRICS_READ,
    "metrics_kpis": P.METRICS_READ,
}
WRITES: dict[str, Permission | tuple[Permission, ...]] = {
    "originality_check": P.WORKSPACE_READ,
    "references_import": P.POSTS_WRITE,
    "references_remove": P.POSTS_WRITE,
    "ad_share_overrides_create": P.POSTS_REVIEW,
    "ad_share_simulate": P.WORKSPACE_READ,
    "api_keys_create": P.API_KEYS_WRITE,
    "api_keys_revoke": P.API_KEYS_WRITE,
    "assets_render": P.ASSETS_WRITE,
    "assets_update": P.ASSETS_WRITE,
    "assets_upload": P.ASSETS_WRITE,
    "brands_create": P.BRANDS_WRITE,
    "brands_update": P.BRANDS_WRITE,
    "calendar_events_create": P.POSTS_PUBLISH,
    "calendar_events_import": P.POSTS_PUBLISH,
    "calendar_events_remove": P.POSTS_PUBLISH,
    "calendar_events_update": P.POSTS_PUBLISH,
    "calendar_days_remove": P.POSTS_PUBLISH,
    "calendar_days_set": P.POSTS_PUBLISH,
    "campaigns_archive": P.POSTS_PUBLISH,
    "campaigns_create": P.POSTS_PUBLISH,
    "campaigns_update": P.POSTS_PUBLISH,
    "calendar_feeds_create": P.WORKSPACE_READ,
    "calendar_feeds_revoke": P.WORKSPACE_READ,
    "channels_audience_import": P.METRICS_WRITE,
    "channels_authorize": P.CHANNELS_WRITE,
    "channels_create": P.CHANNELS_WRITE,
    "channels_disconnect": P.CHANNELS_WRITE,
    "channels_probe": P.CHANNELS_WRITE,
    "channels_update": P.CHANNELS_WRITE,
    "compliance_check": P.WORKSPACE_READ,
    "compliance_feedback_create": P.WORKSPACE_READ,
    "compliance_findings_dismiss": P.POSTS_REVIEW,
    "conversions_create": P.CONVERSIONS_WRITE,
    "deliveries_assign": ACTS,
    "deliveries_cancel": ACTS,
    "deliveries_proof": ACTS,
    "deliveries_reconcile": ACTS,
    "deliveries_reschedule": ACTS,
    "deliveries_retry": ACTS,
    "freezes_create": P.POSTS_PUBLISH,
    "interactions_import": P.INTERACTIONS_WRITE,
    "metrics_samples_import": P.METRICS_WRITE,
    "freezes_lift": P.POSTS_PUBLISH,
    "freezes_preview": P.POSTS_PUBLISH,
    "freezes_update": P.POSTS_PUBLISH,
    "ideas_create": P.POSTS_WRITE,
    "ideas_develop": P.POSTS_WRITE,
    "ideas_drop": P.POSTS_WRITE,
    "ideas_score": P.POSTS_WRITE,
    "ideas_shortlist": P.POSTS_WRITE,
    "ideas_update": P.POSTS_WRITE,
    "interactions_update": P.INTERACTIONS_WRITE,
    "invitations_create": P.MEMBERS_WRITE,
    "invitations_revoke": P.MEMBERS_WRITE,
    "links_create": P.LINKS_WRITE,
    "links_update": P.LINKS_WRITE,
    "members_end": P.MEMBERS_WRITE,
    "members_update": P.MEMBERS_WRITE,
    "platforms_fit": P.WORKSPACE_READ,
    "posts_archive": P.POSTS_WRITE,
    "imports_cancel": P.POSTS_WRITE,
    "posts_bulk": P.POSTS_WRITE,
    "posts_import": P.POSTS_WRITE,
    "posts_create": P.POSTS_WRITE,
    "posts_duplicate": P.POSTS_WRITE,
    "posts_preflight": P.WORKSPACE_READ,
    "posts_preview": P.WORKSPACE_READ,
    "posts_reviews_create": P.POSTS_REVIEW,
    "posts_reviewers_set": P.POSTS_WRITE,
    "posts_schedule": P.POSTS_PUBLISH,
    "posts_shares_create": P.POSTS_WRITE,
    "posts_shares_revoke": P.POSTS_WRITE,
    "posts_submit": P.POSTS_WRITE,
    "posts_update": P.POSTS_WRITE,
    "replies_create": P.INTERACTIONS_WRITE,
    "rule_packs_activate": P.RULES_WRITE,
    "rule_packs_create": P.RULES_WRITE,
    "rule_packs_deactivate": P.RULES_WRITE,
    "rule_packs_versions_create": P.RULES_WRITE,
    "series_create": P.POSTS_PUBLISH,
    "series_end": P.POSTS_PUBLISH,
    "series_pause": P.POSTS_PUBLISH,
    "series_resume": P.POSTS_PUBLISH,
    "series_update": P.POSTS_PUBLISH,
    "slots_add": P.POSTS_PUBLISH,
    "slots_remove": P.POSTS_PUBLISH,
    "slots_replace": P.POSTS_PUBLISH,
    "workspace_close": P.WORKSPACE_WRITE,
    "workspace_update": P.WORKSPACE_WRITE,
}
ID = str(new_id())
SLOT = {"weekday": "mon", "local": "09:30", "timezone": "Asia/Shanghai"}
POST = {"title": "x", "body": "x", "kind": "image_text", "nature": "editorial", "brand_id": ID}
RULE = {"code": "x", "severity": "warn", "terms": ["茶"]}
BODIES: dict[str, Json] = {
    "originality_check": {"text": "x"},
    "references_import": {"references": [{"title": "x", "text": "x"}]},
    "ad_share_overrides_create": {"post_id": ID, "channel_id": ID, "reason": "x"},
    "ad_share_simulate": {"channel_ids": [ID], "posts": [{"nature": "editorial", "at": soon()}]},
    "api_keys_create": {"name": "x"},
    "assets_render": {"platform": "weibo"},
    "assets_update": {"credit": "x"},
    "brands_create": {"name": "x"},
    "brands_update": {"name": "x"},
    "calendar_days_set": {"name": "x"},
    "calendar_events_create": {"kind": "own", "title": "x", "from": "2026-01-01", "to": "2026-01-01"},
    "calendar_events_import": {"csv": "title"},
    "calendar_events_update": {"title": "x"},
    "campaigns_create": {"name": "x", "brand_id": ID, "starts_on": "2026-01-01"},
    "campaigns_update": {"name": "x"},
    "channels_authorize": {"platform": "weibo", "name": "x", "brand_id": ID, "credentials": {"none": "none"}},
    "channels_create": {
        "platform": "weibo",
        "name": "x",
        "brand_id": ID,
        "credentials": {"none": "none"},
        "base_url": NOWHERE,
    },
    "channels_update": {"name": "x"},
    "compliance_check": {"texts": ["x"]},
    "compliance_feedback_create": {"verdict": "missed", "text": "x", "start": 0, "end": 1},
    "compliance_findings_dismiss": {"reason": "accepted", "note": "x"},
    "conversions_create": {"external_id": "x", "event": "x", "occurred_at": "2026-01-01T00:00:00Z"},
    "deliveries_assign": {"deadline": soon()},
    "deliveries_proof": {"url": "https://example.com/1", "published_at": "2026-01-01T00:00:00Z"},
    "deliveries_reconcile": {},
    "deliveries_reschedule": {"at": soon()},
    "calendar_feeds_create": {"name": "x"},
    "freezes_create": {"scope": "all", "reason": "x"},
    "freezes_preview": {"scope": "all", "reason": "x"},
    "freezes_update": {"reason": "x"},
    "interactions_import": {"channel_id": ID, "csv": "text"},
    "ideas_create": {"brand_id": ID, "title": "x", "source": "brand"},
    "ideas_develop": {"kind": "image_text", "nature": "editorial"},
    "ideas_score": {"brand_fit": 1, "user_need": 1, "timeliness": 1, "feasibility": 1},
    "ideas_update": {"title": "x"},
    "interactions_update": {"tags": ["x"]},
    "channels_audience_import": {"csv": "day"},
    "metrics_samples_import": {"channel_id": ID, "csv": "post"},
    "invitations_create": {"email": "x@example.com", "role": "viewer"},
    "links_create": {"target_url": "https://example.com"},
    "links_update": {"name": "x"},
    "members_update": {"name": "x"},
    "platforms_fit": {"audience": {}, "goals": ["awareness"]},
    "posts_bulk": {"filter": {}, "verb": "archive", "expected_count": 1},
    "posts_import": {"brand_id": ID, "csv": "title"},
    "posts_create": POST,
    "posts_reviews_create": {"criteria": PASSED, "version": 1},
    "posts_reviewers_set": {"reviewers": []},
    "posts_shares_create": {"name": "x"},
    "posts_schedule": {"channel_ids": [ID], "at": soon()},
    "posts_update": {"title": "x"},
    "replies_create": {"text": "x"},
    "rule_packs_create": {"key": "x", "name": "x", "rules": [RULE]},
    "rule_packs_versions_create": {"rules": [RULE]},
    "series_create": {
        "name": "x",
        "post_id": ID,
        "channel_ids": [ID],
        "rule": {"every": "day"},
        "local": "09:30",
        "timezone": "Asia/Shanghai",
        "starts_on": "2026-01-01",
    },
    "series_update": {"name": "x"},
    "slots_add": SLOT,
    "slots_replace": {"slots": [SLOT]},
    "workspace_update": {"name": "x"},
}
QUERIES = {
    "assets_rendition": {"width": "160"},
    "calendar_get": {"from": "2026-01-01", "to": "2026-01-02"},
    "calendar_gaps": {"from": "2026-01-01", "to": "2026-01-02"},
    "metrics_kpis": {"from": "2026-01-01", "to": "2026-01-02"},
}
NAMES = {"version": "1", "platform": "weibo", "day": "2026-01-01", "kind": "quiet_day"}


def needed(operation: Operation) -> tuple[Permission, ...]:
    """Any one of these."""
    if operation.method == "get":
        return (READS.get(operation.id, P.WORKSPACE_READ),)
    assert operation.id in WRITES, f"{operation.id}: say in WRITES which permission it takes"
    found = WRITES[operation.id]
    return (found,) if isinstance(found, Permission) else found


async def call(client: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    path = operation.path.format(**{name: NAMES.get(name, ID) for name in operation.path_names})
    headers = {"If-Match": "*"} if operation.takes_if_match else {}
    params = QUERIES.get(operation.id, {})
    if operation.id == "assets_upload":
        files = {"file": ("x.gif", pictures.gif_with_frames(1))}
        return await client.request(operation.method, path, headers=headers, files=files)
    assert not operation.takes_body or operation.id in BODIES, f"{operation.id}: add a body to BODIES"
    body = BODIES.get(operation.id)
    return await client.request(operation.method, path, headers=headers, params=params, json=body)


@pytest.mark.long
async def test_every_operation_asks_for_its_permission(app: FastAPI, db: Database, team: Team) -> None:
    asked = [operation for operation in operations(app.openapi()) if operation.id not in FREE]
    assert WRITES.keys() | READS.keys() <= {operation.id for operation in asked}
    async with db.transaction() as tx:
        owner = await tx.get_one(Member, team.owner_id)
        only = {p: await make_key(tx, owner, [p.value]) for p in P}
        choices = {needed(operation) for operation in asked}
        without = {some: await make_key(tx, owner, [q.value for q in P if q not in some]) for some in choices}
    for operation in asked:
        enough = needed(operation)
        async with client_for(app, without[enough]) as narrow:
            refused = await call(narrow, operation)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing"), (
            operation.id,
            refused.text,
        )
        for permission in enough:
            async with client_for(app, only[permission]) as wide:
                taken = await call(wide, operation)
            assert taken.status_code not in (401, 403), (operation.id, taken.text)
        async with client_for(app, None) as nobody:
            assert (await call(nobody, operation)).status_code == 401, operation.id
