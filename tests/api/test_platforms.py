"""Platforms: what an adapter declares is what clients read, and enough to draw a composer from."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.domain.text import Unit
from drumtower.platforms import registry
from tests.api.desk import answer
from tests.factories import Team, make_channel

Json = dict[str, Any]
# What a form knows how to draw.
DRAWN = {"string", "boolean", "integer", "number", "array", "null"}


async def test_every_platform_tells_all_a_composer_needs(client: httpx.AsyncClient) -> None:
    listed = answer(await client.get("/v1/platforms"))
    assert listed["next_cursor"] is None
    adapters = registry.load().adapters
    assert [one["platform"] for one in listed["data"]] == list(adapters)
    assert {"weibo", "wechat", "bluesky"} <= set(adapters)
    for one in listed["data"]:
        assert answer(await client.get(f"/v1/platforms/{one['platform']}")) == one
        declared = adapters[one["platform"]]
        assert one["name"] == {"zh_cn": declared.name.zh_cn, "en": declared.name.en}
        limits = one["capabilities"]
        assert limits["body"]["maximum"] == declared.capabilities.body.maximum > 0
        assert limits["kinds"] == [kind.value for kind in declared.capabilities.kinds]
        window = declared.capabilities.reply_window
        assert limits["reply_window_seconds"] == (window.total_seconds() if window else None)
        assert [field["name"] for field in one["auth"]["fields"]] == [f.name for f in declared.auth.fields]
        proved = any(field["secret"] for field in one["auth"]["fields"])
        assert proved or "publish" in one["by_hand"]["features"], "what nobody proves, a person does"
        assert one["options"]["type"] == "object"
        assert one["features"] == sorted(one["features"])


async def test_unknown_platforms_are_not_found(client: httpx.AsyncClient) -> None:
    for name in ("myspace", "weibo%00", "..%2f..", "WEIBO"):
        missing = await client.get(f"/v1/platforms/{name}")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.long
@pytest.mark.parametrize("platform", sorted(registry.load().adapters))
async def test_a_composer_can_be_drawn(client: httpx.AsyncClient, platform: str) -> None:
    """Counters, file pickers, option fields and every word that is shown, from the answer alone."""
    told = answer(await client.get(f"/v1/platforms/{platform}"))
    takes = told["capabilities"]
    assert takes["kinds"], "nothing could be chosen"
    for rule in (takes["body"], takes["title"], takes["reply"], takes["alt_text"]):
        _countable(rule)
    for family in ("image", "video", "audio", "document"):
        _pickable(takes[family], family)
    if "video" in takes["kinds"]:
        assert takes["video"], "what a video may be must be said"
    steps = told["by_hand"]["steps"]
    labels = [told["name"], takes["audience"], *steps, *(field["label"] for field in told["auth"]["fields"])]
    assert all(label["zh_cn"].strip() and label["en"].strip() for label in labels)
    options = told["options"]
    assert options["additionalProperties"] is False
    for name, field in options.get("properties", {}).items():
        assert set(_types(field, options)) <= DRAWN, f"no field can be drawn for {name}"
        assert "default" in field or "$ref" in field, f"{name} must say what it is when nobody sets it"


def _countable(rule: Json | None) -> None:
    while rule is not None:
        assert rule["maximum"] > 0
        assert rule["unit"] in {unit.value for unit in Unit}
        rule = rule["also"]


def _pickable(rule: Json | None, family: str) -> None:
    if rule is None:
        return
    assert rule["types"]
    assert family == "document" or all(kind.startswith(f"{family}/") for kind in rule["types"])
    assert rule["maximum_count"] >= rule["required"]
    assert rule["maximum_bytes"] > rule["minimum_bytes"]


def _types(field: Json, whole: Json) -> Iterator[str]:
    """The JSON types that a field may have, references followed; objects by their own fields."""
    if "$ref" in field:
        field = whole["$defs"][field["$ref"].rpartition("/")[2]]
    for one in field.get("anyOf", [field]):
        if "enum" in one or "const" in one:
            yield "string"
        elif "$ref" in one:
            yield from _types(one, whole)
        elif one.get("type") == "object":
            for inner in one["properties"].values():
                yield from _types(inner, whole)
        else:
            yield one["type"]


async def test_platforms_are_ranked_with_reasons_in_the_readers_language(client: httpx.AsyncClient) -> None:
    asked = {
        "audience": {"interests": ["food"], "languages": ["zh"], "genders": ["female"]},
        "goals": ["conversion"],
        "content_kinds": ["image_text"],
    }
    told = answer(await client.post("/v1/platforms/fit", json=asked))
    assert {one["platform"] for one in told["data"]} == set(registry.load().adapters)
    assert 1 <= len(told["core"]) <= 2
    assert told["core"] == [one["platform"] for one in told["data"] if one["role"] == "core"]
    best = told["data"][0]
    assert best["reason"].startswith("Suggested role: core")
    assert [part["name"] for part in best["components"]] == [
        "languages",
        "interests",
        "goals",
        "content_kinds",
        "genders",
    ]
    chinese = await client.post("/v1/platforms/fit", json=asked, headers={"Accept-Language": "zh-CN"})
    assert "主阵地" in answer(chinese)["data"][0]["reason"]
    nothing = await client.post("/v1/platforms/fit", json={"audience": {}})
    assert (nothing.status_code, nothing.json()["errors"][0]["code"]) == (422, "nothing_to_fit")


async def test_the_brands_own_channels_are_shown_as_evidence(
    client: httpx.AsyncClient, db: Database, team: Team, box: Box
) -> None:
    await make_channel(db, team, box)
    asked = {"audience": {}, "goals": ["awareness"], "brand_id": str(team.brand_id)}
    told = answer(await client.post("/v1/platforms/fit", json=asked))
    (own,) = [one for one in told["data"] if one["evidence"]]
    assert own["evidence"][0]["posts"] == 0
    assert own["evidence"][0]["engagements"] is None, "no results are not 0 engagements"
