"""The Bluesky sandbox: the contract that a real PDS keeps, and what only the sandbox has (AppView, clock, control)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from drumtower.http import client
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.bluesky.identifiers import record_cid
from drumtower.sandbox.bluesky.limits import Limits
from drumtower.testkit.serving import serve
from tests.adapters.bluesky_contract import BlueskyContract
from tests.adapters.bluesky_stage import PNG, Account, Caller, Server, key, log_in, post, refusal


async def open_account(http: httpx.AsyncClient, url: str, name: str) -> Account:
    email = f"{name}@mail.test"
    made = (await http.post(f"{url}/control/accounts", json={"name": name, "email": email})).json()
    return Account(did=made["id"], handle=made["identifier"], email=email, password=made["password"])


class TestContract(BlueskyContract):
    @pytest.fixture
    async def server(self, http: httpx.AsyncClient) -> AsyncIterator[Server]:
        async with serve(BlueskySandbox().app) as url:
            yield Server(url=url, http=http, open=lambda name: open_account(http, url, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A sandbox, and a caller for each account on it."""

    sandbox: BlueskySandbox
    server: Server

    async def caller(self, name: str) -> Caller:
        caller = Caller(server=self.server, account=await self.server.open(name))
        caller.headers["Authorization"] = f"Bearer {(await log_in(caller))['accessJwt']}"
        return caller

    async def control(self, what: str, **body: Any) -> Any:
        answer = await self.server.http.post(f"{self.server.url}/control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, Any] = (await self.server.http.get(f"{self.server.url}/control/state")).json()
        return found


async def build(stack: AsyncExitStack, log: Path | None = None) -> Town:
    sandbox = BlueskySandbox(log)
    http = await stack.enter_async_context(client(allow_private=True))
    url = await stack.enter_async_context(serve(sandbox.app))
    server = Server(url=url, http=http, open=lambda name: open_account(http, url, name))
    return Town(sandbox=sandbox, server=server)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield await build(stack)


async def told(caller: Caller, **parameters: str) -> list[dict[str, Any]]:
    answer = await caller.get("app.bsky.notification.listNotifications", **parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["notifications"])


async def seen(caller: Caller, uri: str) -> dict[str, Any]:
    (found,) = (await caller.get("app.bsky.feed.getPosts", uris=uri)).json()["posts"]
    return dict(found)


class TestNotifications:
    async def test_a_reply_tells_the_four_above_it(self, town: Town) -> None:
        callers = [await town.caller(f"person{number}") for number in range(7)]
        uris: list[dict[str, str]] = []
        for number, caller in enumerate(callers):
            reply = {"reply": {"root": uris[0], "parent": uris[-1]}} if uris else {}
            made = (await caller.put(key(), post(f"post {number}", **reply))).json()
            uris.append({"uri": made["uri"], "cid": made["cid"]})
        below = [{one["record"]["text"] for one in await told(caller)} for caller in callers]
        assert below[0] == {"post 1", "post 2", "post 3", "post 4"}
        assert below[4] == {"post 5", "post 6"}
        assert below[6] == set()

    async def test_nobody_is_told_of_himself_or_twice(self, town: Town) -> None:
        alice, bob = await town.caller("alice"), await town.caller("bob")
        first = (await alice.put(key(), post())).json()
        place = {"uri": first["uri"], "cid": first["cid"]}
        await alice.put(key(), post(reply={"root": place, "parent": place}))
        mention = {"$type": "app.bsky.richtext.facet#mention", "did": alice.account.did}
        facets = [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [mention]}]
        await bob.put(key(), post(reply={"root": place, "parent": place}, facets=facets))
        assert [one["reason"] for one in await told(alice)] == ["mention"]

    async def test_pages_reasons_and_order(self, town: Town) -> None:
        alice = await town.caller("alice")
        uri = (await alice.put(key(), post())).json()["uri"]
        for number in range(7):
            await town.control("public/comment", post=uri, author={"id": str(number)}, text=str(number))
            await asyncio.sleep(0.002)  # the order is by millisecond
        await town.control("public/like", post=uri, count=2)
        answer = (
            await alice.get("app.bsky.notification.listNotifications", limit="5", reasons="reply")
        ).json()
        rest = await told(alice, limit="5", reasons="reply", cursor=answer["cursor"])
        texts = [one["record"]["text"] for one in [*answer["notifications"], *rest]]
        assert texts == ["6", "5", "4", "3", "2", "1", "0"]
        assert [one["reason"] for one in await told(alice, reasons="like")] == ["like"]
        for limit in ("0", "101", "x"):
            refused = await alice.get("app.bsky.notification.listNotifications", limit=limit)
            assert refusal(refused) == (400, "InvalidRequest")

    async def test_a_deleted_comment_is_told_no_more(self, town: Town) -> None:
        alice = await town.caller("alice")
        uri = (await alice.put(key(), post())).json()["uri"]
        comment = (await town.control("public/comment", post=uri, author={"id": "1"}, text="x"))["id"]
        assert (await seen(alice, uri))["replyCount"] == 1
        await town.control("public/uncomment", id=comment)
        assert await told(alice) == []
        assert (await seen(alice, uri))["replyCount"] == 0


class TestCounts:
    async def test_counts_are_what_the_public_did(self, town: Town) -> None:
        alice = await town.caller("alice")
        uri = (await alice.put(key(), post())).json()["uri"]
        for act, count in (("like", 3), ("share", 2), ("save", 4), ("read", 9)):
            await town.control(f"public/{act}", post=uri, count=count)
        await town.control("public/quote", post=uri, author={"id": "1"}, text="q")
        await town.control("public/follow", account=alice.account.did, count=5)
        view = await seen(alice, uri)
        counts = [
            view[name] for name in ("likeCount", "repostCount", "quoteCount", "replyCount", "bookmarkCount")
        ]
        assert counts == [3, 2, 1, 0, 4]
        profile = (await alice.get("app.bsky.actor.getProfile", actor=alice.account.handle)).json()
        assert (profile["followersCount"], profile["postsCount"]) == (5, 1)

    async def test_state_for_checkers(self, town: Town) -> None:
        alice = await town.caller("alice")
        made = (await alice.put(key(), post("kept"))).json()
        place = {"uri": made["uri"], "cid": made["cid"]}
        gone = key()
        await alice.put(gone, post("gone"))
        await alice.delete(gone)
        answer = (await alice.put(key(), post("answer", reply={"root": place, "parent": place}))).json()[
            "uri"
        ]
        await town.control("public/share", post=made["uri"], count=2)
        state = await town.state()
        rows = {row["text"]: row for row in state["posts"]}
        assert set(rows) == {"kept", "gone"}
        assert rows["gone"]["deleted"] is True
        wanted = ("id", "account", "likes", "comments", "shares", "reads", "deleted")
        assert [rows["kept"][name] for name in wanted] == [
            made["uri"],
            alice.account.did,
            0,
            1,
            2,
            None,
            False,
        ]
        (comment,) = state["comments"]
        assert [comment[name] for name in ("id", "post", "author", "text", "in_reply_to")] == [
            answer,
            made["uri"],
            alice.account.did,
            "answer",
            made["uri"],
        ]
        assert [(row["id"], row["name"], row["followers"]) for row in state["accounts"]] == [
            (alice.account.did, "alice.test", 0)
        ]
        assert alice.account.password not in str(state)

    async def test_posts_are_asked_for_by_twenty_five(self, town: Town) -> None:
        alice = await town.caller("alice")
        method = f"{town.server.url}/xrpc/app.bsky.feed.getPosts"
        for uris in ([], ["nonsense"], [f"at://{alice.account.did}/app.bsky.feed.post/{key()}"] * 26):
            refused = await town.server.http.get(method, params={"uris": uris}, headers=alice.headers)
            assert refusal(refused) == (400, "InvalidRequest")

    async def test_own_posts_newest_first(self, town: Town) -> None:
        alice = await town.caller("alice")
        for text in ("1", "2", "3"):
            await alice.put(key(), post(text))
        feed = (await alice.get("app.bsky.feed.getAuthorFeed", actor=alice.account.did, limit="2")).json()
        rest = await alice.get(
            "app.bsky.feed.getAuthorFeed", actor=alice.account.did, limit="2", cursor=feed["cursor"]
        )
        found = [*feed["feed"], *rest.json()["feed"]]
        assert [one["post"]["record"]["text"] for one in found] == ["3", "2", "1"]
        assert "cursor" not in rest.json()


class TestTime:
    async def test_tokens_end_by_the_sandbox_clock(self, town: Town) -> None:
        alice = await town.caller("alice")
        session = await log_in(alice)
        await town.control("clock", seconds=7199)
        assert (await alice.get("com.atproto.server.getSession")).status_code == 200
        await town.control("clock", seconds=2)
        assert refusal(await alice.get("com.atproto.server.getSession")) == (400, "ExpiredToken")
        assert refusal(await alice.put(key(), post())) == (400, "ExpiredToken")
        assert await self._refresh(alice, session["refreshJwt"]) == 200
        await town.control("clock", days=90)
        assert await self._refresh(alice, session["refreshJwt"]) == 400

    async def test_a_used_refresh_token_works_for_two_hours_more(self, town: Town) -> None:
        alice = await town.caller("alice")
        old = (await log_in(alice))["refreshJwt"]
        assert await self._refresh(alice, old) == 200
        await town.control("clock", seconds=7190)
        assert await self._refresh(alice, old) == 200
        await town.control("clock", seconds=7210)
        assert await self._refresh(alice, old) == 400

    async def test_the_budget_of_an_address_is_off_until_asked_for(self, town: Town) -> None:
        alice = await town.caller("alice")
        assert "ratelimit-limit" not in (await alice.get("com.atproto.server.getSession")).headers
        await town.control("settings", rate_limit_per_address=True)
        answer = await alice.get("com.atproto.server.getSession")
        assert answer.headers["ratelimit-policy"] == "3000;w=300"
        assert answer.headers["ratelimit-remaining"] == "2999"

    async def _refresh(self, caller: Caller, token: str) -> int:
        bearer = {"Authorization": f"Bearer {token}"}
        return (await caller.post("com.atproto.server.refreshSession", headers=bearer)).status_code


class TestStaff:
    async def test_everything_survives_a_crash(self, tmp_path: Path) -> None:
        log, rkey = tmp_path / "bluesky.jsonl", key()
        async with AsyncExitStack() as stack:
            town = await build(stack, log)
            alice = await town.caller("alice")
            cid = (await alice.put(rkey, post())).json()["cid"]
            file = await alice.upload(PNG)
            before = await town.state()
            town.sandbox.store.close()
        async with AsyncExitStack() as stack:
            town = await build(stack, log)
            again = Caller(server=town.server, account=alice.account, headers=alice.headers)
            assert await town.state() == before
            assert (await again.record(rkey)).json()["cid"] == cid
            assert (await again.put(rkey, post(), swapRecord=None)).json()["cid"] == cid
            images = [{"image": file, "alt": ""}]
            pictured = post(embed={"$type": "app.bsky.embed.images", "images": images})
            assert (await again.put(key(), pictured)).status_code == 200
            await log_in(again)
            town.sandbox.store.close()

    async def test_closed_accounts(self, town: Town) -> None:
        alice = await town.caller("alice")
        rkey = key()
        for status, error in (("deactivated", "AccountDeactivated"), ("takendown", "AccountTakedown")):
            await town.control("status", account=alice.account.did, status=status)
            assert refusal(await alice.put(rkey, post())) == (401, error)
            session = (await alice.get("com.atproto.server.getSession")).json()
            assert (session["active"], session["status"]) == (False, status)
        await town.control("status", account=alice.account.did, status=None)
        assert (await alice.put(rkey, post())).status_code == 200

    async def test_sessions_and_files_that_are_taken_away(self, town: Town) -> None:
        alice = await town.caller("alice")
        bearer = {"Authorization": f"Bearer {(await log_in(alice))['refreshJwt']}"}
        await town.control("sessions/end", account=alice.account.did)
        ended = await alice.post("com.atproto.server.refreshSession", headers=bearer)
        assert refusal(ended) == (400, "ExpiredToken")
        await alice.upload(PNG)
        assert await town.control("blobs/expire") == {"dropped": 1}

    @pytest.mark.parametrize(
        ("what", "body", "status"),
        [
            ("public/comment", {"post": "at://nowhere", "text": "x"}, 404),
            ("public/like", {"post": "at://nowhere"}, 404),
            ("public/follow", {"account": "did:plc:nobody"}, 404),
            ("public/comment", {}, 422),
            ("status", {"account": "x", "status": "odd"}, 422),
        ],
    )
    async def test_acts_that_make_no_sense(self, town: Town, what: str, body: Any, status: int) -> None:
        answer = await town.server.http.post(f"{town.server.url}/control/{what}", json=body)
        assert answer.status_code == status

    async def test_a_comment_is_as_long_as_a_post_may_be(self, town: Town) -> None:
        alice = await town.caller("alice")
        uri = (await alice.put(key(), post())).json()["uri"]
        url = f"{town.server.url}/control/public/comment"
        answer = await town.server.http.post(url, json={"post": uri, "text": "字" * 301})
        assert answer.status_code == 422

    async def test_what_is_not_here(self, town: Town) -> None:
        alice = await town.caller("alice")
        assert refusal(await alice.get("chat.bsky.convo.listConvos")) == (404, "XRPCNotSupported")
        assert refusal(await alice.get("app.bsky.feed.getTimeline")) == (501, "MethodNotImplemented")

    async def test_names_in_any_script_make_a_handle(self, town: Town) -> None:
        names = ("鼓楼文创", "胡同咖啡", "Drum Tower & Co", "shop.example.com")
        made = [town.sandbox.add_account(name=name) for name in names]
        assert [one["identifier"] for one in made[2:]] == ["drumtowerco.test", "shop.example.com"]
        assert len({one["id"] for one in made}) == 4
        assert all(set(one) == {"id", "identifier", "password"} for one in made)


def test_budgets_open_again() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    limits = Limits(now=lambda: now)
    drawn = [limits.draw([("write:did:plc:a", 2)], "") for _ in range(2501)]
    last, over = drawn[-2:]
    assert last is not None
    assert over is not None
    assert (last.exceeded, last.remaining, over.exceeded) == (False, 0, True)
    assert over.headers == {
        "RateLimit-Limit": "5000",
        "RateLimit-Reset": str(int(now.timestamp()) + 3600),
        "RateLimit-Remaining": "0",
        "RateLimit-Policy": "5000;w=3600",
    }
    other = limits.draw([("write:did:plc:b", 2)], "")
    assert other is not None
    assert other.remaining == 4998
    now += timedelta(hours=1)
    again = limits.draw([("write:did:plc:a", 2)], "")
    assert again is not None
    assert not again.exceeded
    limits.enabled = False
    assert limits.draw([("write:did:plc:a", 2)], "") is None


@pytest.mark.parametrize(
    ("record", "cid"),
    [
        # As PDS 0.4.217 gave them.
        (post(), "bafyreigq3exe2m23sojzoachuyucow4vu7eyatati4uy6scr4ixt6xwlhi"),
        (post("y"), "bafyreifq3xlkqlnkkjsqgen5csvqdtd3pok3zhy7c7a3jmdgxnnm3pk5cm"),
        (post(foo="bar"), "bafyreihlyj7z4hzht3iybjqu6s4zg6pz64j3i4up4baki3nhtp6x4utzxi"),
        (post("字" * 300), "bafyreiepficw6ahm7wqebor326qy2shnfu5uuaxwcznbcxzx5sv3tqkree"),
    ],
)
def test_content_ids(record: dict[str, Any], cid: str) -> None:
    assert record_cid(record) == cid
