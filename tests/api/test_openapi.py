"""The OpenAPI document is the contract: whole, honest, and equal to what is committed (A8, A9)."""

import json
import re
from collections import Counter
from typing import Any

import httpx
import pytest

from services.api import document
from services.api.problems import MEDIA_TYPE
from tests.api.desk import Json
from tests.api.world import Operation, operations

MADE: Json = json.loads(document.make())
OPERATIONS = operations(MADE)
# Anybody may ask these: no credential, so no refusal of one.
OPEN = {
    "calendar_ics",
    "downloads_get",
    "health_live",
    "health_ready",
    "links_follow",
    "shares_comment",
    "shares_get",
}
COMMITTED = "docs/openapi.json has drifted: python -m services.api.document"


@pytest.mark.long
def test_the_committed_document_is_this_one() -> None:
    assert document.DOCUMENT.read_text(encoding="utf-8") == document.make(), COMMITTED


def test_it_is_openapi_3_1_without_loose_ends() -> None:
    assert MADE["openapi"].startswith("3.1")
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(MADE)))
    assert named == set(MADE["components"]["schemas"])
    assert "HTTPValidationError" not in named
    assert MADE["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_every_operation_has_a_name_of_its_own() -> None:
    ids = [operation.id for operation in OPERATIONS]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert len(ids) >= 60
    for operation in OPERATIONS:
        # noun_verb, as api.md says: what generated clients call it.
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation.id), operation.id
        assert operation.described["summary"], operation.id
        assert len(operation.described["tags"]) == 1, operation.id
        assert "default" not in operation.described["responses"], operation.id


def test_every_operation_says_how_it_ends() -> None:
    for operation in OPERATIONS:
        statuses = set(operation.described["responses"])
        assert any(status[0] in "23" for status in statuses), operation.id
        if not operation.path.startswith("/health/"):
            assert any(status[0] == "4" for status in statuses), operation.id
        for status, response in operation.described["responses"].items():
            assert response["description"], (operation.id, status)
            if int(status) >= 400 and operation.id not in OPEN - {"downloads_get", "links_follow"}:
                assert list(response["content"]) == [MEDIA_TYPE], (operation.id, status)


def test_every_operation_says_who_may_call_it() -> None:
    for operation in OPERATIONS:
        public = operation.id in OPEN or operation.path.startswith(("/v1/webhooks/", "/v1/auth/"))
        if not public:
            assert operation.described.get("security") == [{"HTTPBearer": []}], operation.id
            assert {"401", "403"} <= set(operation.described["responses"]), operation.id


def test_posts_that_act_take_a_key() -> None:
    """api.md: Idempotency-Key on every POST that creates or acts."""
    # Repeating these changes nothing that a first call did not, or they have a replay of their own.
    exempt = {
        "auth_token": "every log-in is a session of its own, and its answer is a secret nobody may replay",
        "auth_refresh": "a refresh token is good once",
        "auth_invitation": "an invitation is good once",
        "auth_logout": "ended is ended",
        "ad_share_simulate": "asks, and changes nothing",
        "originality_check": "asks, and changes nothing",
        "channels_probe": "asks, and changes nothing",
        "compliance_check": "asks, and changes nothing",
        "freezes_preview": "asks, and changes nothing",
        "platforms_fit": "asks, and changes nothing",
        "posts_preflight": "asks, and changes nothing",
        "posts_preview": "asks, and changes nothing",
        "shares_comment": "the same words are the same comment",
        "webhooks_receive": "deduplicated by what the platform says",
    }
    for operation in OPERATIONS:
        if operation.method == "post":
            takes = any(p["name"] == "Idempotency-Key" for p in operation.described.get("parameters", []))
            assert takes != (operation.id in exempt), operation.id


def test_bodies_have_examples_or_few_fields() -> None:
    for operation in OPERATIONS:
        for media, body in operation.described.get("requestBody", {}).get("content", {}).items():
            if media == "application/json" and operation.method == "post":
                names = _resolved(body["schema"])
                assert any("example" in one for one in names) or all(_is_small(one) for one in names), (
                    f"{operation.id}: give its body an example"
                )


def _is_small(schema: Json) -> bool:
    return len(schema.get("properties", {})) <= 2


def _resolved(schema: Any) -> list[Json]:
    if "$ref" in schema:
        schema = MADE["components"]["schemas"][schema["$ref"].rsplit("/", maxsplit=1)[-1]]
    options = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    return [found for one in options for found in _resolved(one)] if options else [schema]


def test_bodies_take_documented_fields_only() -> None:
    """S5: states, owners, ids and times of others can't be slipped in, because nothing undocumented can."""
    seen = 0
    for operation in OPERATIONS:
        for media in operation.described.get("requestBody", {}).get("content", {}).values():
            for schema in _inside(media["schema"], frozenset()):
                if "properties" in schema:
                    assert schema.get("additionalProperties") is False, (operation.id, schema.get("title"))
                    seen += 1
    assert seen > 20


def _inside(schema: Json, seen: frozenset[str]) -> list[Json]:
    """Return a schema and all that it is made of."""
    name = schema.get("$ref", "")
    if name:
        inner = MADE["components"]["schemas"][name.rsplit("/", maxsplit=1)[-1]]
        return [] if name in seen else _inside(inner, seen | {name})
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    parts += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    return [schema, *(found for part in parts for found in _inside(part, seen))]


def test_lists_are_pages() -> None:
    for operation in _lists():
        assert {"limit", "cursor"} <= set(operation.query_names), operation.id


def _lists() -> list[Operation]:
    """Return what answers with `data` and `next_cursor`; few things that fit one page are no pages."""
    whole = {"platforms_list"}
    return [
        operation
        for operation in OPERATIONS
        if operation.id not in whole
        and any(
            "next_cursor" in _resolved(media.get("schema", {}))[0].get("properties", {})
            for media in operation.described["responses"].get("200", {}).get("content", {}).values()
        )
    ]


async def test_the_documentation_needs_no_other_host(client: httpx.AsyncClient) -> None:
    for page in ("/docs", "/redoc"):
        answer = await client.get(page)
        assert answer.status_code == 200
        named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert named
        for address in named:
            assert address.startswith("/"), address
            assert (await client.get(address)).status_code == 200, address
