"""Platforms: what an adapter declares is what clients read."""

import httpx

from drumtower.platforms import registry
from tests.api.desk import answer


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
