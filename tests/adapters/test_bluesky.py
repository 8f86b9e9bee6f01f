"""The Bluesky adapter over real HTTP against the sandbox; what a real server proves stands in tests/real."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumtower.adapters.bluesky import feedback
from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.adapters.bluesky.errors import BREAKDOWNS, RULES
from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.http import client
from drumtower.platforms import (
    Credentials,
    FeedbackPage,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
    Token,
)
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.serving import serve
from tests.adapters.bluesky_publishing import message
from tests.adapters.bluesky_publishing import request as publish_request

_STATUSES = {
    "MethodNotImplemented": 501,
    "UpstreamFailure": 502,
    "UpstreamTimeout": 504,
    "NotEnoughResources": 507,
}
PUT, LIST = "repo.putRecord", "listNotifications"


def error(code: str, said: str = "", *, status: int | None = None, **fault: Any) -> Fault:
    """The server's error envelope with the status that the name comes with."""
    usual = _STATUSES.get(code, 500) if code in BREAKDOWNS else 429 if code == "RateLimitExceeded" else 400
    body = json.dumps({"error": code, "message": said})
    return Fault.model_validate({"status": status or usual, "body": body, **fault})


class TestBluesky(AdapterConformance):
    adapter = BlueskyAdapter
    sandbox = BlueskySandbox
    errors = RULES
    publish_path = "com.atproto.repo.putRecord"
    reply_path = "com.atproto.repo.putRecord"

    def error(self, code: str, said: str = "") -> Fault:
        return error(code, said)

    def stats_unknown(self, post_id: str) -> Fault:
        return Fault(path="getPosts", status=200, body=json.dumps({"posts": [{"uri": post_id}]}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The adapter with a session on a sandbox of its own."""

    adapter: BlueskyAdapter
    sandbox: BlueskySandbox
    credentials: Credentials
    url: str

    def break_with(self, *faults: Fault) -> None:
        self.sandbox.faults.waiting += faults

    async def public(self, what: str, **body: Any) -> str:
        answer = await self.adapter.http.post(f"{self.url}/control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json().get("id"))

    async def out(self, text: str = "欢迎留言") -> Published:
        return await self.adapter.publish(self.request(text))

    def request(self, text: str = "欢迎留言") -> Any:
        return publish_request(self, message(text))  # type: ignore[arg-type] - it only reads adapter and credentials

    async def pull(self, cursor: dict[str, Any]) -> FeedbackPage:
        page = await self.adapter.feedback(self.credentials, cursor, [])
        assert json.loads(json.dumps(page.cursor)) == page.cursor
        return page

    async def drain(self, cursor: dict[str, Any]) -> tuple[list[InteractionEvent], dict[str, Any]]:
        events: list[InteractionEvent] = []
        while True:
            page = await self.pull(cursor)
            events, cursor = [*events, *page.events], page.cursor
            if not page.more:
                return events, cursor


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    sandbox = BlueskySandbox()
    account = sandbox.add_account(name="gulou.test", followers=12)
    values = {"identifier": account["identifier"], "password": account["password"]}
    credentials = Credentials(values=values, account_id=account["id"])
    async with serve(sandbox.app) as url, client(allow_private=True) as http:
        adapter = BlueskyAdapter(http, url)
        token = await adapter.token(credentials)
        yield Desk(adapter=adapter, sandbox=sandbox, credentials=replace(credentials, token=token), url=url)


def reference(out: Published) -> PostReference:
    return PostReference(external_id=out.external_id, published_at=datetime.now(UTC))


class TestSessions:
    async def test_a_server_that_is_away_costs_no_log_in(self, desk: Desk) -> None:
        desk.break_with(error("InternalServerError", path="refreshSession"))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert isinstance(caught.value.failure, failures.Transient)
        log_ins = [one for one in desk.sandbox.store.log() if one["collection"] == "_refresh"]
        assert len(log_ins) == 1

    @pytest.mark.parametrize("acts", [False, True])
    async def test_a_lost_renewal_is_asked_for_again(self, desk: Desk, acts: bool) -> None:
        desk.break_with(Fault(path="refreshSession", status=502, acts=acts))
        with pytest.raises(PlatformError):
            await desk.adapter.token(desk.credentials)
        token = await desk.adapter.token(desk.credentials)
        await desk.adapter.identify(replace(desk.credentials, token=token))

    @pytest.mark.parametrize("code", ["AuthenticationRequired", "AuthFactorTokenRequired", "InvalidRequest"])
    async def test_a_log_in_that_is_refused_is_for_a_person(self, desk: Desk, code: str) -> None:
        desk.break_with(error(code, f"said {desk.credentials['password']}", path="createSession"))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(replace(desk.credentials, token=None))
        assert isinstance(caught.value.failure, failures.Disconnected)
        assert desk.credentials["password"] not in str(caught.value)

    async def test_a_closed_account(self, desk: Desk) -> None:
        account = desk.credentials.account_id
        await desk.public("status", account=account, status="deactivated")
        for call in (desk.adapter.identify(desk.credentials), desk.adapter.publish(desk.request())):
            with pytest.raises(PlatformError) as caught:
                await call
            assert isinstance(caught.value.failure, failures.NotPermitted)
        await desk.public("status", account=account, status="takendown")
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_an_access_token_at_its_end(self, desk: Desk) -> None:
        await desk.adapter.http.post(f"{desk.url}/control/clock", json={"seconds": 7201})
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(desk.request())
        assert caught.value.failure == failures.AuthExpired(
            detail="the session has ended (ExpiredToken: Token has expired)", platform_code="ExpiredToken"
        )
        token = await desk.adapter.token(desk.credentials)
        await desk.adapter.publish(
            replace(desk.request(), credentials=replace(desk.credentials, token=token))
        )

    @pytest.mark.parametrize("jwt", ["x", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.eyJleHAiOjFlOTl9.c"])
    async def test_a_token_that_tells_no_end(self, desk: Desk, jwt: str) -> None:
        body = json.dumps({"accessJwt": jwt, "refreshJwt": "r"})
        desk.break_with(Fault(path="refreshSession", status=200, body=body))
        assert await desk.adapter.token(desk.credentials) == Token(access=jwt, refresh="r")

    async def test_half_an_answer_shows_no_token(self, desk: Desk) -> None:
        desk.break_with(Fault(path="refreshSession", status=200, body='{"accessJwt": "eyJsecret.x.y"}'))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert caught.value.__cause__ is None
        assert "secret" not in repr(caught.value)


class TestErrors:
    @pytest.mark.parametrize("code", ["InvalidRequest", "ExpiredToken", "BlobNotFound", "RateLimitExceeded"])
    async def test_a_name_with_a_status_that_is_not_its_own_proves_nothing(
        self, desk: Desk, code: str
    ) -> None:
        desk.break_with(error(code, status=500, path=PUT))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)

    async def test_the_end_of_a_rate_limit_is_read(self, desk: Desk) -> None:
        resets = int(datetime.now(UTC).timestamp()) + 200
        headers = {"RateLimit-Reset": str(resets)}
        desk.break_with(error("RateLimitExceeded", path=PUT, headers=headers))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert caught.value.failure == failures.RateLimited(
            detail="over the server's rate limit (RateLimitExceeded)",
            platform_code="RateLimitExceeded",
            until=datetime.fromtimestamp(resets, UTC),
        )

    async def test_the_answer_names_another_post(self, desk: Desk) -> None:
        other = {"uri": "at://did:plc:x/app.bsky.feed.post/3ke6kg3wk2222", "cid": "bafy"}
        desk.break_with(Fault(path=PUT, status=200, body=json.dumps(other)))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)

    async def test_something_is_under_the_key_and_the_look_fails(self, desk: Desk) -> None:
        asked = desk.request()
        out = await desk.adapter.publish(asked)
        desk.break_with(Fault(path="getRecord", status=502))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(asked)
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)
        assert await desk.adapter.find(asked, asked.created_at) == out

    async def test_the_appview_is_away_and_publishing_works(self, desk: Desk) -> None:
        desk.break_with(error("UpstreamFailure", path="app.bsky", times=3))
        for call in (desk.pull({}), desk.adapter.channel_stats(desk.credentials)):
            with pytest.raises(PlatformError) as caught:
                await call
            assert isinstance(caught.value.failure, failures.Transient)
        assert (await desk.out()).external_id


class TestFeedback:
    async def test_what_is_said_in_each_way(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        author = {"id": "9001", "name": "胡同老王"}
        comment = await desk.public("public/comment", post=post, author=author, text="几点开门?")
        nested = await desk.public(
            "public/comment", post=post, in_reply_to=comment, author={"id": "9002", "name": ""}, text="同问"
        )
        quote = await desk.public("public/quote", post=post, author=author, text="说得好")
        called = await desk.public(
            "public/mention", account=desk.credentials.account_id, author=author, text="在吗"
        )
        for act in ("like", "share"):
            await desk.public(f"public/{act}", post=post, count=3)
        events = {event.external_id: event for event in (await desk.drain({}))[0]}
        assert set(events) == {comment, nested, quote, called}
        assert [events[uri].kind for uri in (comment, nested, quote, called)] == [
            InteractionKind.COMMENT,
            InteractionKind.COMMENT,
            InteractionKind.MENTION,
            InteractionKind.MENTION,
        ]
        assert [events[uri].post_external_id for uri in (comment, nested, quote, called)] == [
            post,
            post,
            post,
            None,
        ]
        assert [events[uri].in_reply_to for uri in (comment, nested, quote, called)] == [
            None,
            comment,
            None,
            None,
        ]
        assert events[comment].author_name == "胡同老王"
        assert events[nested].author_name.endswith(".public.test")  # no display name: the handle
        assert events[called].text == "@gulou.test 在吗"
        url = events[comment].url
        assert url is not None
        assert url.startswith("https://bsky.app/profile/did:plc:")

    async def test_an_answer_deep_in_a_thread_keeps_its_root(self, desk: Desk) -> None:
        out = await desk.out()
        author = {"id": "9001", "name": "胡同老王"}
        comment = await desk.public("public/comment", post=out.external_id, author=author, text="问")
        await desk.public(
            "public/comment", post=out.external_id, in_reply_to=comment, author=author, text="再问"
        )
        event = next(event for event in (await desk.drain({}))[0] if event.text == "再问")
        answer = await desk.adapter.reply(self._answer(desk, event))
        record = desk.sandbox.store.get("_records", answer.external_id)
        assert record is not None
        assert record["value"]["reply"]["root"] == {"uri": out.external_id, "cid": out.context["cid"]}
        assert record["value"]["reply"]["parent"]["uri"] == event.external_id

    async def test_an_answer_to_nowhere(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        await desk.public("public/comment", post=post, author={"id": "1"}, text="问")
        ((event,), _) = await desk.drain({})
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.reply(replace(self._answer(desk, event), context={}))
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_what_appears_below_the_mark_is_not_missed(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        await desk.public("public/comment", post=post, author={"id": "1"}, text="现在")
        _, cursor = await desk.drain({})
        written = (datetime.now(UTC) - feedback.OVERLAP + timedelta(minutes=1)).isoformat()
        late = await desk.public(
            "public/comment", post=post, author={"id": "2"}, text="迟到", created_at=written
        )
        events, cursor = await desk.drain(cursor)
        assert [event.external_id for event in events] == [late]
        assert (await desk.drain(cursor))[0] == []

    async def test_the_first_look_goes_back_a_month(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        for days in (1, 29, 32):
            written = (datetime.now(UTC) - timedelta(days=days)).isoformat()
            await desk.public(
                "public/comment", post=post, author={"id": "1"}, text=str(days), created_at=written
            )
        events, _ = await desk.drain({})
        assert {event.text for event in events} == {"1", "29"}

    async def test_the_cursor_does_not_grow(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        for number in range(240):
            await desk.public(
                "public/comment",
                post=post,
                author={"id": str(number)},
                text=str(number),
                created_at=(datetime.now(UTC) - timedelta(hours=1 + number)).isoformat(),
            )
        cursor: dict[str, Any] = {}
        events, largest = 0, 0
        while True:
            page = await desk.pull(cursor)
            events, cursor, largest = (
                events + len(page.events),
                page.cursor,
                max(largest, len(page.cursor["given"])),
            )
            if not page.more:
                break
        assert (events, set(cursor)) == (240, {"mark", "given"})
        assert largest <= 1

    async def test_a_page_that_the_server_takes_no_more_begins_anew(self, desk: Desk) -> None:
        post = (await desk.out()).external_id
        ids = {
            await desk.public("public/comment", post=post, author={"id": str(number)}, text=str(number))
            for number in range(120)
        }
        first = await desk.pull({})
        assert first.more
        desk.break_with(error("InvalidRequest", path=LIST))
        again = await desk.pull(first.cursor)
        assert (again.events, again.more) == ((), True)
        rest, _ = await desk.drain(again.cursor)
        assert {event.external_id for event in (*first.events, *rest)} == ids
        assert len(first.events) + len(rest) == 120

    async def test_odd_entries_block_no_others(self, desk: Desk) -> None:
        entry = self._entry("at://did:plc:b/app.bsky.feed.post/1", datetime.now(UTC))
        odd: list[Any] = [
            {},
            {**entry, "author": None},
            {**entry, "uri": 5},
            {**entry, "indexedAt": "yesterday"},
            {**entry, "indexedAt": "2026-01-01T00:00:00"},
            {**entry, "record": {"text": {}}},
        ]
        body = json.dumps({"notifications": [*odd, entry], "cursor": None})
        desk.break_with(Fault(path=LIST, status=200, body=body))
        ((event,), _) = await desk.drain({})
        assert event.external_id == entry["uri"]

    async def test_a_date_in_the_future_hides_nothing(self, desk: Desk) -> None:
        entry = self._entry("at://did:plc:b/app.bsky.feed.post/1", datetime.now(UTC) + timedelta(days=900))
        answer = Fault(path=LIST, status=200, body=json.dumps({"notifications": [entry]}))
        desk.break_with(answer.model_copy(), answer.model_copy())
        events, cursor = await desk.drain({})
        assert len(events) == 1
        assert datetime.fromisoformat(cursor["mark"]) <= datetime.now(UTC)
        assert (await desk.drain(cursor))[0] == []

    async def test_a_server_that_turns_in_circles(self, desk: Desk) -> None:
        now = datetime.now(UTC)
        entry = self._entry("at://did:plc:b/app.bsky.feed.post/1", now)
        body = json.dumps({"notifications": [entry], "cursor": "same"})
        desk.break_with(Fault(path=LIST, status=200, body=body, times=5))
        events, _ = await desk.drain({})
        assert len(events) == 1

    async def test_our_own_words_and_other_reasons_are_left_out(self, desk: Desk) -> None:
        now = datetime.now(UTC)
        ours = self._entry("at://did:plc:b/app.bsky.feed.post/1", now)
        ours["author"] = {"did": desk.credentials.account_id, "handle": "gulou.test"}
        other = self._entry("at://did:plc:b/app.bsky.feed.post/2", now) | {"reason": "subscribed-post"}
        body = json.dumps({"notifications": [ours, other]})
        desk.break_with(Fault(path=LIST, status=200, body=body))
        assert (await desk.drain({}))[0] == []

    def _answer(self, desk: Desk, event: InteractionEvent) -> ReplyRequest:
        return ReplyRequest(
            credentials=desk.credentials,
            text="九点",
            kind=event.kind,
            external_id=event.external_id,
            author_id=event.author_id,
            post_external_id=event.post_external_id,
            context=json.loads(json.dumps(event.context)),
            idempotency_key="answer",
            created_at=datetime.now(UTC),
        )

    def _entry(self, uri: str, at: datetime) -> dict[str, Any]:
        person = {"did": "did:plc:b", "handle": "b.test"}
        names = {"uri": uri, "cid": "bafy", "reason": "mention", "record": {"text": "hi"}}
        return {**names, "author": person, "indexedAt": at.isoformat()}


class TestNumbers:
    async def test_shares_are_reposts_and_quotes(self, desk: Desk) -> None:
        out = await desk.out()
        for act, count in (("like", 3), ("share", 2), ("save", 4)):
            await desk.public(f"public/{act}", post=out.external_id, count=count)
        await desk.public("public/quote", post=out.external_id, author={"id": "1"}, text="看")
        reading = (await desk.adapter.post_stats(desk.credentials, [reference(out)]))[out.external_id]
        assert reading.values == {
            Metric.LIKES: 3,
            Metric.COMMENTS: 0,
            Metric.SHARES: 3,
            Metric.SAVES: 4,
        }

    async def test_a_post_that_is_gone_has_no_numbers(self, desk: Desk) -> None:
        kept, gone = await desk.out("留"), await desk.out("撤")
        await desk.adapter.delete(desk.credentials, reference(gone))
        strange = PostReference(external_id="https://weibo.com/1", published_at=datetime.now(UTC))
        found = await desk.adapter.post_stats(desk.credentials, [reference(kept), reference(gone), strange])
        assert set(found) == {kept.external_id}

    async def test_many_posts_take_several_calls(self, desk: Desk) -> None:
        posts = [reference(await desk.out(f"第{number}条")) for number in range(60)]
        found = await desk.adapter.post_stats(desk.credentials, posts)
        assert set(found) == {post.external_id for post in posts}
        assert await desk.adapter.post_stats(desk.credentials, []) == {}

    async def test_numbers_that_are_none_are_left_out(self, desk: Desk) -> None:
        out = await desk.out()
        views = [
            {"uri": out.external_id, "likeCount": 5, "quoteCount": 2},
            {"uri": "at://did:plc:b/app.bsky.feed.post/1", "likeCount": 9},
            {"uri": out.external_id, "likeCount": -1},
            {"uri": out.external_id, "likeCount": 2**63},
        ]
        desk.break_with(Fault(path="getPosts", status=200, body=json.dumps({"posts": views})))
        found = await desk.adapter.post_stats(desk.credentials, [reference(out)])
        assert {uri: reading.values for uri, reading in found.items()} == {out.external_id: {Metric.LIKES: 5}}
        desk.break_with(Fault(path="getProfile", status=200, body="{}"))
        assert (await desk.adapter.channel_stats(desk.credentials)).values == {}
        assert (await desk.adapter.channel_stats(desk.credentials)).values == {Metric.FOLLOWERS: 12}
