"""What holds for every operation: strict requests, problems, ids, limits, compression, tags."""

import gzip
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy import select

from drumtower import telemetry
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent
from drumtower.settings import Settings
from services.api.main import create_app
from tests.api.desk import answer, problems, write
from tests.conftest import client_for
from tests.factories import Team

BRANDS = "/v1/brands"
JSON = {"Content-Type": "application/json"}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return a refusal that must be a whole problem (RFC 9457), and this one."""
    body = answer(response, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/errors#{code}"
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == f"urn:request:{response.headers['x-request-id']}"
    return body


@asynccontextmanager
async def other_app(settings: Settings, **changes: Any) -> AsyncIterator[FastAPI]:
    """An API of its own, with other settings."""
    app = create_app(settings.model_copy(update=changes))
    async with LifespanManager(app):
        yield app


def named(value: str) -> bytes:
    return b'{"name": ' + value.encode() + b"}"


# What stock JSON parsing lets through, or dies of. Inputs 25 to 33.
LOOSE: dict[str, tuple[bytes, str, str]] = {
    "NaN": (named("NaN"), "", "not_json"),
    "Infinity": (named("-Infinity"), "", "not_json"),
    "1e400": (named("1e400"), "/name", "number_too_large"),
    "a lone surrogate": (named(r'"\ud800"'), "/name", "lone_surrogate"),
    "a lone surrogate as a key": (rb'{"\udfff": 1}', "", "lone_surrogate"),
    "NUL": (named(r'"a\u0000b"'), "/name", "nul_character"),
    "2^63": (named("9223372036854775808"), "/name", "number_too_large"),
    "an integer of 5,000 digits": (named("9" * 5_000), "", "number_too_large"),
    "100,000 arrays": (b"[" * 100_000, "", "too_deep"),
    "100,000 objects": (b'{"a":' * 100_000, "", "too_deep"),
    "equal keys": (b'{"name": "a", "name": "b"}', "/name", "duplicate_key"),
    "equal keys inside": (b'{"name": {"a": 1, "a": 2}}', "/a", "duplicate_key"),
    "invalid UTF-8": (b'{"name": "\xff"}', "", "not_utf8"),
    "overlong UTF-8": (b'{"name": "\xc0\xaf"}', "", "not_utf8"),
    "UTF-16": ('{"name": "a"}'.encode("utf-16"), "", "not_utf8"),
    "UTF-16 without a mark": ('{"name": "a"}'.encode("utf-16-le"), "", "not_json"),
    "a byte order mark": (b'\xef\xbb\xbf{"name": "a"}', "", "not_json"),
    "200,000 keys": (
        ("{" + ",".join(f'"k{n}":1' for n in range(60_000)) + "}").encode(),
        "",
        "too_many_keys",
    ),
    "two values": (b'{"name": "a"} {}', "", "not_json"),
    "a comment": (b'{"name": "a" /* b */}', "", "not_json"),
    "single quotes": (b"{'name': 'a'}", "", "not_json"),
    "nothing but white space": (b"  \n", "", "not_json"),
    "nothing": (b"", "", "field_missing"),
    "null": (b"null", "", "invalid_object"),
    "an array": (b"[]", "", "invalid_object"),
    "a string": (b'"a"', "", "invalid_object"),
}  # fmt: skip


@pytest.mark.long
async def test_loose_json_is_refused(client: httpx.AsyncClient, settings: Settings) -> None:
    for name, (body, pointer, code) in LOOSE.items():
        refused = await client.post(BRANDS, content=body, headers=JSON)
        assert refused.status_code == 422, f"{name}: {refused.text[:200]}"
        assert problems(refused) == {pointer: code}, name
        # What could not be stored is not echoed either.
        assert refused.text.isprintable()
        refused.text.encode()
    large = await client.post(BRANDS, content=named('"' + "x" * settings.largest_body + '"'), headers=JSON)
    problem(large, 413, "body_too_large")
    known = await client.get(BRANDS)
    assert [brand["name"] for brand in known.json()["data"]] == ["鼓楼茶"]
    # 64 levels are a lot, and taken; text is kept as it came.
    deep = answer(await client.post(BRANDS, content=named('{"a":' * 62 + "1" + "}" * 62), headers=JSON), 422)
    assert deep["errors"][0]["code"] == "invalid_string"
    text = "‮tfel ot thgir‬ ＝1+1 <script> {{7*7}} ${jndi:x} %s%n ' OR 1=1 -- 👨‍👩‍👧 𠮷 é"
    assert answer(await client.post(BRANDS, json={"name": text}), 201)["name"] == text


async def test_content_types(client: httpx.AsyncClient) -> None:
    """Inputs 36 and 37."""
    good = b'{"name": "x"}'
    for media in (
        None,
        "text/plain",
        "application/json; charset=gbk",
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "",
    ):
        headers = {} if media is None else {"Content-Type": media}
        problem(await client.post(BRANDS, content=good, headers=headers), 415, "content_type")
    for media in ("application/json", "Application/JSON ; charset=UTF-8"):
        answer(await client.post(BRANDS, content=good, headers={"Content-Type": media}), 201)
    packed = {**JSON, "Content-Encoding": "gzip"}
    refused = await client.post(BRANDS, content=gzip.compress(good), headers=packed)
    assert refused.status_code == 422  # nobody unpacks it, so no bomb goes off


async def test_every_violation_at_once(client: httpx.AsyncClient) -> None:
    wrong = {"name": "", "tone": 5, "pillars": ["x", "", 7], "nmae": "x", "id": "1", "workspace_id": "2"}
    body = problem(await client.post(BRANDS, json=wrong), 422, "invalid_request")
    found = {error["pointer"]: error["code"] for error in body["errors"]}
    assert found == {
        "/name": "invalid_string",
        "/tone": "invalid_string",
        "/pillars/1": "invalid_string",
        "/pillars/2": "invalid_string",
        "/nmae": "unknown_field",
        "/id": "unknown_field",
        "/workspace_id": "unknown_field",
    }
    assert all(error["detail"] for error in body["errors"])


async def test_queries_are_strict(client: httpx.AsyncClient) -> None:
    """Inputs 43 and 44."""
    for query, pointer in {
        "limit=-1": "?limit",
        "limit=0": "?limit",
        "limit=201": "?limit",
        "limit=1e3": "?limit",
        "limit=99999999999": "?limit",
        "limit=": "?limit",
        "limit=1&limit=2": "?limit",
        "limit=１": "?limit",
        "limit%5B%5D=1": "?limit[]",
        "LIMIT=1": "?LIMIT",
        "page=2": "?page",
        "cursor=" + "A" * 1_000: "?cursor",
        "cursor=%00": "?",
        "cursor=bnVsbA": "?cursor",
        "cursor=MQ": "?cursor",
        "cursor=WyJhIl0": "?cursor",
        "cursor=%F0%9F%8D%B5": "?cursor",
        "q=%FF": "?q",
    }.items():
        refused = await client.get(f"{BRANDS}?{query}")
        assert refused.status_code == 422, (query, refused.text)
        assert problems(refused).keys() == {pointer}, query
    assert problems(await client.get(f"{BRANDS}?a=1&b=2&limit=1&limit=2")) == {
        "?a": "unknown_parameter",
        "?b": "unknown_parameter",
        "?limit": "repeated_parameter",
    }


@pytest.mark.long
async def test_cursors_are_bound_to_their_list(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, team: Team
) -> None:
    for number in range(4):
        answer(await client.post(BRANDS, json={"name": str(number)}), 201)
        await write(client, team)
    cursor = answer(await client.get(BRANDS, params={"limit": 2}))["next_cursor"]
    for address in ("/v1/posts", "/v1/api-keys"):
        refused = await client.get(address, params={"cursor": cursor})
        assert problems(refused) == {"?cursor": "cursor_of_another_list"}
    filtered = answer(await client.get("/v1/posts", params={"kind": "image_text", "limit": 2}))["next_cursor"]
    refused = await client.get("/v1/posts", params={"kind": "video", "cursor": filtered})
    assert problems(refused) == {"?cursor": "cursor_of_another_list"}
    # Another workspace's cursor opens nothing: it is a place, not a permission.
    theirs = answer(await stranger.get(BRANDS, params={"cursor": cursor}))
    ours = {brand["id"] for brand in answer(await client.get(BRANDS))["data"]}
    assert not ours & {brand["id"] for brand in theirs["data"]}


async def test_problems_for_what_http_itself_refuses(client: httpx.AsyncClient) -> None:
    """Inputs 40 and 48 among them."""
    problem(await client.get("/v1/nothing"), 404, "not_found")
    for path in (
        "/v1/brands/%2e%2e%2fme",
        "//v1/brands",
        "/v1//brands",
        "/v1/brands/%00",
        "/V1/BRANDS",
        "/v1/brands/",
    ):
        refused = await client.get(path)
        assert refused.status_code in (404, 422), (path, refused.text)
        assert refused.headers["content-type"] == "application/problem+json"
    assert problems(await client.get("/v1/brands/1")) == {"path brand_id": "invalid_uuid"}
    for method in ("PUT", "TRACE", "DELETE", "PATCH", "BREW"):
        wrong = await client.request(method, BRANDS)
        problem(wrong, 405, "method_not_allowed")
        assert set(re.split(", ?", wrong.headers["allow"])) <= {"GET", "POST"}
    override = await client.post(BRANDS, json={"name": "x"}, headers={"X-HTTP-Method-Override": "DELETE"})
    assert override.status_code == 201
    problem(await client.get(f"{BRANDS}/0199c5c0-0000-7000-8000-000000000000"), 404, "not_found")


@pytest.mark.long
async def test_a_bug_is_a_problem_without_its_text(settings: Settings, team: Team) -> None:
    async with other_app(settings) as app, client_for(app, team.owner_key) as client:

        @app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("with a secret: dt_abcdefghijklmnop")

        failed = await client.get("/broken")
    body = problem(failed, 500, "internal_error")
    assert "ratelimit-limit" in failed.headers
    assert "secret" not in str(body)


async def test_request_ids(client: httpx.AsyncClient, db: Database) -> None:
    """Inputs 21 and 38: what is no id is replaced, and never comes back."""
    given = "order-42:retry.1"
    made = await client.post(BRANDS, json={"name": "x"}, headers={"X-Request-Id": given})
    assert made.headers["x-request-id"] == given
    async with db.transaction() as tx:
        assert (await tx.scalars(select(AuditEvent.request_id))).one() == given
    for bad in ("", "a b", "x" * 129, "a\tb", "<script>", "\x1b[31m", "é"):
        kept = (await client.get(BRANDS, headers={b"X-Request-Id": bad.encode()})).headers["x-request-id"]
        assert UUID(kept).version == 7
    first, second = [(await client.get("/health/live")).headers["x-request-id"] for _ in range(2)]
    assert first != second


@pytest.mark.long
async def test_rate_limits(settings: Settings, team: Team) -> None:
    async with other_app(settings, requests_per_minute=3) as app, client_for(app, team.owner_key) as client:
        seen = [await client.get("/v1/me") for _ in range(3)]
        assert [answer.headers["ratelimit-limit"] for answer in seen] == ["3", "3", "3"]
        assert [answer.headers["ratelimit-remaining"] for answer in seen] == ["2", "1", "0"]
        assert all(0 < int(answer.headers["ratelimit-reset"]) <= 61 for answer in seen)
        over = await client.get("/v1/me", headers={"X-Forwarded-For": "203.0.113.9"})
        problem(over, 429, "rate_limited")
        assert 0 < int(over.headers["retry-after"]) <= 61
        assert over.headers["ratelimit-remaining"] == "0"
        # Others have budgets of their own; probes have none.
        async with client_for(app, team.reviewer_key) as other:
            assert answer(await other.get("/v1/me"))["role"] == "reviewer"
        for _ in range(4):
            assert (await client.get("/health/live")).status_code == 200


async def test_gzip(client: httpx.AsyncClient) -> None:
    packed = await client.get("/v1/platforms", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    plain = await client.get("/v1/platforms", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == packed.json()
    assert "content-encoding" not in (await client.get("/v1/me")).headers  # too small to be worth it


async def test_cors(settings: Settings, client: httpx.AsyncClient, team: Team) -> None:
    asked = {"Origin": "https://desk.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in (await client.get("/v1/me", headers=asked)).headers
    origins = ("https://desk.example",)
    async with other_app(settings, cors_origins=origins) as app, client_for(app, team.owner_key) as desk:
        pre = await desk.options(BRANDS, headers=asked)
        assert pre.status_code == 200
        assert pre.headers["access-control-allow-origin"] == "https://desk.example"
        assert "POST" in pre.headers["access-control-allow-methods"]
        shown = (await desk.get("/v1/me", headers=asked)).headers
        assert shown["access-control-allow-origin"] == "https://desk.example"
        assert "access-control-allow-credentials" not in shown
        exposed = shown["access-control-expose-headers"].lower()
        assert all(name in exposed for name in ("etag", "location", "x-request-id", "retry-after"))
        evil = await desk.get("/v1/me", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers
        # A refusal must be readable too.
        refused = await desk.post(BRANDS, json={}, headers=asked)
        assert refused.headers["access-control-allow-origin"] == "https://desk.example"


async def test_etags_guard_edits(client: httpx.AsyncClient, team: Team) -> None:
    """Input 42, and A6's lost update."""
    post = await write(client, team)
    address = f"/v1/posts/{post['id']}"
    tag = (await client.get(address)).headers["etag"]
    problem(await client.patch(address, json={"title": "x"}), 428, "if_match_required")
    for bad in ('"0"', '"x"', "1", ", ".join(f'"{n}"' for n in range(100, 200)), '"1', "W/", "\\"):
        refused = await client.patch(address, json={"title": "x"}, headers={"If-Match": bad})
        problem(refused, 412, "edited_meanwhile")
    many = ", ".join(f'"{n}"' for n in range(1_000))
    refused = await client.patch(address, json={"title": "x"}, headers={"If-Match": many})
    assert problems(refused) == {"header if-match": "invalid_string"}
    assert (await client.get(address)).headers["etag"] == tag
    good = await client.patch(address, json={"title": "一"}, headers={"If-Match": f'"x", W/{tag}'})
    assert answer(good)["title"] == "一"
    assert good.headers["etag"] != tag
    late = await client.patch(address, json={"title": "二"}, headers={"If-Match": tag})
    problem(late, 412, "edited_meanwhile")
    answer(await client.patch(address, json={"title": "三"}, headers={"If-Match": "*"}))


async def test_headers_are_no_way_in(client: httpx.AsyncClient, app: FastAPI) -> None:
    """Inputs 38 and 39."""
    for headers in (
        {f"X-{number}": "1" for number in range(300)},
        {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"},
        {"Accept": "application/xml"},
        {"Accept-Language": "x" * 10_000},
        {"Range": "bytes=" + ",".join(f"{n}-" for n in range(10_000))},
    ):
        made = await client.post(BRANDS, json={"name": "x"}, headers=headers)
        assert made.status_code == 201
        assert made.headers["location"].startswith(f"{BRANDS}/")
        assert "evil" not in str(made.headers)


@pytest.mark.long
async def test_logs_are_lines_of_json_without_secrets(
    settings: Settings,
    team: Team,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """S20 and S21, as far as a request reaches."""
    secret = "dt_" + "S3cretS3cret" * 4

    async with other_app(settings) as app, client_for(app, team.owner_key) as client:

        @app.get("/raise")
        async def fail(word: str) -> None:
            raise RuntimeError(f"Bearer {secret} {word}")

        caplog.set_level(logging.DEBUG)
        telemetry.configure(service="api")  # other levels than the tests' own
        await client.get("/raise", params={"word": "a\r\nb\x1b[31m"}, headers={"X-Token": secret})
        await client.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
        await client.post("/v1/auth/token", json={"email": secret, "password": secret})
    out, err = capfd.readouterr()
    lines = [json.loads(line) for line in err.splitlines()]
    lines = [line for line in lines if line["event"] != "loop.stalled"]  # a busy machine's
    assert [line["event"] for line in lines] == ["request.failed"]
    assert all({"request_id", "service", "level", "timestamp"} <= line.keys() for line in lines)
    assert secret not in out + err
    assert "\x1b" not in out + err
