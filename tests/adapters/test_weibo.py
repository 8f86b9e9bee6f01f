"""Weibo: everything the conformance suite asks, then what only Weibo has."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest

from drumtower.adapters.weibo.adapter import WeiboAdapter, fan_service
from drumtower.adapters.weibo.errors import ERRORS
from drumtower.adapters.weibo.posts import marked
from drumtower.adapters.weibo.schemas import permalink, read_time
from drumtower.domain.failures import AuthExpired, ContentRejected, NotPermitted, OutcomeUnknown, RateLimited
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.domain.text import length as text_length
from drumtower.platforms import (
    Absent,
    Accepted,
    AccountEvent,
    Credentials,
    InteractionEvent,
    Message,
    PlatformError,
    Published,
    PublishRequest,
    Received,
    Undecidable,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.weibo import WeiboSandbox
from drumtower.sandbox.weibo.messages import sign
from drumtower.sandbox.weibo.wire import length, stamp
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_feedback import FeedbackRules, drain, reference
from drumtower.testkit.conformance_stage import Stage

LINK = "https://shop.gulou.example/new?from=weibo"


class TestWeibo(AdapterConformance):
    adapter = WeiboAdapter
    sandbox = WeiboSandbox
    errors = ERRORS
    publish_path = "statuses/share"
    reply_path = "comments/reply"
    message_path = "messages/reply"
    links = (LINK,)
    tail = f"\n{LINK}"
    deleting_options: ClassVar[dict[str, Any]] = {"level": "advanced"}
    outcomes: ClassVar[dict[str, type]] = {"20032": Accepted}

    def error(self, code: str, said: str = "") -> Fault:
        body = {"request": "/2/statuses/share.json", "error_code": int(code), "error": said}
        return Fault(status=400, body=json.dumps(body))

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"id": int(post_id), "comments": None, "attitudes": "--"}
        return Fault(path="statuses/count", status=200, body=json.dumps([row]))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        push = {"type": "text", "receiver_id": int(credentials.account_id), "sender_id": 2489518277}
        push |= {"created_at": stamp(at), "text": text, "data": {}}
        raw = json.dumps(push, ensure_ascii=False).encode() if body is None else body
        query = signed(credentials["app_secret"], at)
        return WebhookRequest(method="POST", query=query, headers={}, body=raw, received_at=at)

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        query = signed(credentials["app_secret"], at) | {"echostr": echo}
        return WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=at)


def signed(secret: str, at: datetime) -> dict[str, str]:
    timestamp, nonce = str(int(at.timestamp() * 1000)), str(secrets.randbelow(10**8))
    return {"signature": sign(secret, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await TestWeibo()._set(stack, {})


def message(text: str) -> Message:
    return TestWeibo().message(text)


async def settings(stage: Stage, **changed: Any) -> None:
    assert (await stage.http.post(f"{stage.base_url}/control/settings", json=changed)).status_code == 200


async def lose(stage: Stage, text: str) -> PublishRequest:
    """Publish so that the platform acts and the answer is lost."""
    stage.break_with(Fault(path="share", behaviour=Behaviour.RESET, acts=True))
    request = stage.request(message(text))
    assert isinstance(await stage.attempt(request), OutcomeUnknown)
    return request


def weibo(stage: Stage) -> WeiboAdapter:
    assert isinstance(stage.adapter, WeiboAdapter)
    return stage.adapter


class TestForms:
    """Pure forms: dates, page addresses, the mark."""

    @pytest.mark.parametrize(
        ("mid", "name"),
        # Published by users; the third has a group that needs padding.
        [
            ("4331051486294436", "Hd1N2qpta"),
            ("4404101091169383", "I1IGF4Ud1"),
            ("3500330408906190", "z08AUBmUe"),
        ],
    )
    def test_permalink(self, mid: str, name: str) -> None:
        assert permalink("2034565060", mid) == f"https://weibo.com/2034565060/{name}"

    def test_time(self) -> None:
        assert read_time("Wed Oct 24 23:49:17 +0800 2012") == datetime(2012, 10, 24, 15, 49, 17, tzinfo=UTC)

    @pytest.mark.parametrize(
        "bad",
        [
            "",
            "yesterday",
            "Wed Foo 24 23:49:17 +0800 2012",
            None,
            7,
            "a b c d e f",
            "Wed Jan 01 00:00:17 +0800 0001",
        ],
    )
    def test_no_time(self, bad: object) -> None:
        with pytest.raises(ValueError, match="no time of Weibo"):
            read_time(bad)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("看 https://gulou.example", "看 https://gulou.example/?dt=k1"),
            ("看https://shop.gulou.example/a。新品", "看https://shop.gulou.example/a?dt=k1。新品"),
            ("(https://gulou.example/a?b=1#top).", "(https://gulou.example/a?b=1&dt=k1#top)."),
            ("https://gulou.example/a🎉", "https://gulou.example/a?dt=k1🎉"),
            ("https://[bad https://gulou.example/a", "https://[bad https://gulou.example/a?dt=k1"),
            (
                "https://other.example/ https://gulou.example/ x",
                "https://other.example/ https://gulou.example/?dt=k1 x",
            ),
        ],
    )
    def test_mark(self, text: str, expected: str) -> None:
        result = marked(text, "gulou.example", "k1")
        assert result == expected
        assert length(result) == length(text)

    @pytest.mark.parametrize(
        "text", ["没有链接", "https://evilgulou.example/", "https://gulou.example.evil.test/", "https://["]
    )
    def test_no_link_under_the_domain(self, text: str) -> None:
        with pytest.raises(PlatformError) as caught:
            marked(text, "gulou.example", "k1")
        failure = caught.value.failure
        assert isinstance(failure, ContentRejected)
        assert failure.violations[0].code == "link_domain_required"

    def test_two_counters_agree(self) -> None:
        for text in (
            "鼓楼",
            "ab",
            "abc",
            "鼓a",
            "🎉",
            "👨‍👩‍👧‍👦",
            "看 https://t.cn/A6 吧",
            "\n \t",
            "é",
            "https://a.example/x?y=1 z",
        ):
            assert length(text) == text_length(text, Unit.WEIBO), text

    def test_messages_go_to_their_own_host_on_the_real_platform_only(self) -> None:
        assert fan_service("https://api.weibo.com") == "https://m.api.weibo.com"
        assert fan_service("http://127.0.0.1:9/weibo") == "http://127.0.0.1:9/weibo"


class TestPublishing:
    """What only Weibo has: the mark, 20032, 20019, links that can't be read, a timeline of five."""

    async def test_the_mark_is_on_the_link_and_nowhere_else(self, stage: Stage) -> None:
        request = stage.request(message("新品上架"))
        await stage.publish(request)
        (post,) = stage.sandbox.store.all("posts")
        assert post["text"] == f"新品上架\n{LINK}&dt={request.idempotency_key}"
        assert "dt=" not in post["wire_text"]

    async def test_ids_beyond_floats_are_exact(self, stage: Stage) -> None:
        out = await stage.out(message("大号码"))
        assert int(out.external_id) > 2**53
        assert out.external_id == stage.sandbox.store.all("posts")[0]["id"]

    async def test_20032_is_accepted_until_it_shows(self, stage: Stage) -> None:
        await settings(stage, pending=1)
        outcome = await stage.publish(stage.request(message("稍后可见")))
        assert isinstance(outcome, Accepted)
        assert isinstance(await weibo(stage).confirm(stage.credentials, outcome.handle), Accepted)
        stage.pass_time(timedelta(seconds=95))
        shown = await weibo(stage).confirm(stage.credentials, outcome.handle)
        assert isinstance(shown, Published)
        assert shown.external_id == stage.sandbox.store.all("posts")[0]["id"]

    async def test_20032_that_never_shows_was_withheld(self, stage: Stage) -> None:
        await settings(stage, pending=1)
        outcome = await stage.publish(stage.request(message("被拦下")))
        assert isinstance(outcome, Accepted)
        (post,) = stage.sandbox.store.all("posts")
        await stage.http.post(f"{stage.base_url}/control/moderate", json={"post": post["id"]})
        handle = outcome.handle | {"since": (datetime.now(UTC) - timedelta(minutes=16)).isoformat()}
        with pytest.raises(PlatformError) as caught:
            await weibo(stage).confirm(stage.credentials, handle)
        assert isinstance(caught.value.failure, ContentRejected)

    async def test_a_lost_20032_is_found_too(self, stage: Stage) -> None:
        await settings(stage, pending=1)
        request = await lose(stage, "回执与展示都慢")
        assert isinstance(await stage.find(request), Published)

    async def test_a_repeat_of_a_lost_attempt_is_our_own(self, stage: Stage) -> None:
        request = await lose(stage, "第一次其实成功了")
        outcome = await stage.publish(request)
        assert isinstance(outcome, Published)
        assert [post["id"] for post in stage.sandbox.store.all("posts")] == [outcome.external_id]

    @pytest.mark.parametrize("code", ["20017", "20019", "20111"])
    async def test_a_repeat_in_the_first_attempt_is_refused(self, stage: Stage, code: str) -> None:
        await stage.out(message("早上已发"))
        stage.break_with(TestWeibo().error(code).model_copy(update={"path": "share"}))
        failure = await stage.attempt(stage.request(message("早上已发，再发")))
        assert isinstance(failure, ContentRejected)
        assert failure.platform_code == code

    async def test_equal_text_of_another_delivery_is_not_ours(self, stage: Stage) -> None:
        first = await stage.out(message("同样的话"))
        request = stage.request(message("同样的话"))
        assert isinstance(await stage.attempt(request), ContentRejected)  # 20017: equal but for the link
        await settings(stage, duplicate_minutes=0)
        assert isinstance(await stage.find(request), Absent)
        second = await stage.publish(request)
        found = await stage.find(request)
        assert isinstance(second, Published)
        assert isinstance(found, Published)
        assert found.external_id == second.external_id != first.external_id

    async def test_a_repeat_that_cannot_be_looked_up_is_unknown(self, stage: Stage) -> None:
        request = await lose(stage, "查不了")
        stage.break_with(Fault(path="user_timeline", status=500))
        failure = await stage.attempt(request)
        assert isinstance(failure, OutcomeUnknown)
        assert failure.platform_code == "20019"

    async def test_links_that_cannot_be_read_leave_it_to_a_person(self, stage: Stage) -> None:
        await settings(stage, expand_closed=True)
        request = await lose(stage, "短链接查不了")
        found = await stage.find(request)
        assert isinstance(found, Undecidable)
        assert "https://weibo.com/" in found.reason
        assert isinstance(await stage.attempt(request), OutcomeUnknown)
        other = stage.request(message("完全不同的另外一段话，讲的是别的事情"))
        assert isinstance(await stage.find(other), Absent)

    async def test_a_pending_one_is_known_by_its_text_where_links_cannot_be_read(self, stage: Stage) -> None:
        await settings(stage, expand_closed=True, pending=1)
        outcome = await stage.settle(await stage.publish(stage.request(message("稍后可见，短链接查不了"))))
        assert isinstance(outcome, Published)

    async def test_a_timeline_of_five_that_does_not_reach_back_proves_nothing(self, stage: Stage) -> None:
        request = stage.request(message("没有发出去"))
        for number in range(6):
            await stage.out(message(f"之后的第{number}条，内容各不相同{'哈' * number}"))
        assert isinstance(await stage.find(request), Undecidable)

    async def test_a_deleted_row_in_the_timeline_harms_nothing(self, stage: Stage) -> None:
        row = {
            "id": 1,
            "created_at": "Wed Oct 24 23:49:17 +0800 2012",
            "text": "抱歉，此微博已被作者删除。",
            "deleted": "1",
        }
        body = json.dumps({"statuses": [row], "total_number": 9})
        stage.break_with(Fault(path="user_timeline", status=200, body=body))
        request = stage.request(message("没有发出去"))
        assert isinstance(await weibo(stage).find(request, request.created_at), Absent)

    async def test_the_picture_goes_along(self, stage: Stage) -> None:
        media = (TestWeibo().file("image/png", 5000),)
        await stage.out(TestWeibo().message("有图", media=media))
        (post,) = stage.sandbox.store.all("posts")
        assert post["picture"] == {"content_type": "image/png", "size": 5000}

    @pytest.mark.parametrize("rip", ["", "not-an-ip", "10.0.0.1.2"])
    async def test_the_operators_address_is_checked(self, stage: Stage, rip: str) -> None:
        values = dict(stage.credentials.values) | {"rip": rip}
        request = replace(
            stage.request(message("地址")), credentials=replace(stage.credentials, values=values)
        )
        assert isinstance(await stage.attempt(request), ContentRejected)

    async def test_error_codes_may_be_strings(self, stage: Stage) -> None:
        await settings(stage, string_codes=True)
        failure = await stage.attempt(stage.request(message("含有违禁词")))
        assert isinstance(failure, ContentRejected)
        assert failure.platform_code == "20021"

    async def test_budgets(self, stage: Stage) -> None:
        account = stage.sandbox.add_account(posts_per_hour=1)
        mine = replace(stage, credentials=TestWeibo().credentials_of(account))
        assert isinstance(await mine.attempt(mine.request(message("第一条"))), Published)
        assert isinstance(await mine.attempt(mine.request(message("换个说法再来"))), RateLimited)


class TestTokens:
    """A token ends early or belongs to somebody else."""

    @pytest.mark.parametrize("action", ["expire", "revoke"])
    async def test_a_token_that_ended(self, stage: Stage, action: str) -> None:
        body = {"token": stage.credentials["access_token"], "action": action}
        await stage.http.post(f"{stage.base_url}/control/token", json=body)
        assert isinstance(await stage.attempt(stage.request(message("过期"))), AuthExpired)
        with pytest.raises(PlatformError) as caught:
            await stage.adapter.identify(stage.credentials)
        assert isinstance(caught.value.failure, AuthExpired)

    async def test_a_token_of_another_app(self, stage: Stage) -> None:
        values = dict(stage.credentials.values) | {"app_key": "1"}
        with pytest.raises(PlatformError) as caught:
            await stage.adapter.identify(replace(stage.credentials, values=values))
        assert isinstance(caught.value.failure, NotPermitted)

    async def test_no_address_holds_the_token(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG", logger="httpx")
        await stage.out(message("令牌不进地址"))
        await weibo(stage).channel_stats(stage.credentials)
        assert "/2/users/show.json" in caplog.text
        assert stage.credentials["access_token"] not in caplog.text

    async def test_a_normal_app_may_not_delete(self, stage: Stage) -> None:
        out = await stage.out(message("撤不下"))
        with pytest.raises(PlatformError) as caught:
            await weibo(stage).delete(stage.credentials, reference(out))
        assert isinstance(caught.value.failure, NotPermitted)


class TestFeedback:
    """Mentions, short pages, and answers under statuses of others."""

    async def _mention(self, stage: Stage, text: str) -> str:
        author = {"id": "9001", "name": "胡同老王"}
        answer = await stage.public("mention", account=stage.account, author=author, text=text)
        return str(answer.json()["id"])

    async def test_a_mention_is_answered_under_its_status(self, stage: Stage) -> None:
        adapter = weibo(stage)
        number = await self._mention(stage, "你们家的扇子真好看")
        (event,), cursor = await drain(adapter, stage, {}, [])
        assert (event.external_id, event.kind) == (number, InteractionKind.MENTION)
        request = FeedbackRules().reply_to(stage, event, "谢谢喜欢！")
        stage.break_with(Fault(path="comments/create", behaviour=Behaviour.HALF, acts=True))
        with pytest.raises(PlatformError) as caught:
            await adapter.reply(request)
        assert isinstance(caught.value.failure, OutcomeUnknown)
        found = await adapter.find_reply(request, request.created_at)
        again = await adapter.reply(request)  # 20019: it is our own
        assert isinstance(found, Published)
        assert again.external_id == found.external_id
        (row,) = stage.sandbox.store.all("comments")
        assert (row["id"], row["post"], row["text"]) == (found.external_id, number, "谢谢喜欢！")
        assert (await drain(adapter, stage, cursor, []))[0] == []

    async def test_comments_come_without_the_permission_for_mentions(self, stage: Stage) -> None:
        out = await stage.out(message("只看评论"))
        await stage.public(
            "comment", account=stage.account, post=out.external_id, author={"id": "9001"}, text="在"
        )
        denied = TestWeibo().error("10014")
        stage.break_with(denied.model_copy(update={"path": "statuses/mentions", "times": 9}))
        events, _ = await drain(weibo(stage), stage, {}, [])
        assert [event.text for event in events] == ["在"]

    async def test_a_short_page_is_not_the_end(self, stage: Stage) -> None:
        out = await stage.out(message("有人删评"))
        ids = []
        for number in range(70):
            body = {
                "account": stage.account,
                "post": out.external_id,
                "author": {"id": "9001"},
                "text": f"{number}",
            }
            ids.append((await stage.public("comment", **body)).json()["id"])
        for number in ids[25:65]:
            await stage.public("uncomment", id=number)
        events, _ = await drain(weibo(stage), stage, {}, [])
        assert sorted(event.external_id for event in events) == sorted(ids[:25] + ids[65:])

    async def test_an_answer_to_an_answer_names_its_parent(self, stage: Stage) -> None:
        out = await stage.out(message("楼中楼"))
        body = {"account": stage.account, "post": out.external_id, "author": {"id": "9001", "name": "甲"}}
        first = (await stage.public("comment", **body, text="一楼")).json()["id"]
        await stage.public("comment", **body, text="二楼", in_reply_to=first)
        events, _ = await drain(weibo(stage), stage, {}, [])
        assert {event.text: event.in_reply_to for event in events} == {"一楼": None, "二楼": first}
        assert {event.url for event in events} == {permalink(stage.account, out.external_id)}

    async def test_a_comment_without_its_status_cannot_be_answered(self, stage: Stage) -> None:
        event = InteractionEvent(
            external_id="1",
            kind=InteractionKind.COMMENT,
            author_id="9",
            text="?",
            occurred_at=datetime.now(UTC),
        )
        with pytest.raises(PlatformError) as caught:
            await weibo(stage).reply(FeedbackRules().reply_to(stage, event, "哪里？"))
        assert isinstance(caught.value.failure, ContentRejected)

    async def test_more_than_a_hundred_posts_are_counted(self, stage: Stage) -> None:
        out = await stage.out(message("统计"))
        asked = [replace(reference(out), external_id=str(number)) for number in range(10_000, 10_150)]
        readings = await weibo(stage).post_stats(stage.credentials, [*asked, reference(out)])
        assert list(readings) == [out.external_id]
        assert readings[out.external_id].values == {Metric.LIKES: 0, Metric.COMMENTS: 0, Metric.SHARES: 0}


class TestFanService:
    """Pushes: the official example, every type, and what no signature can guard."""

    OFFICIAL: ClassVar[dict[str, str]] = {
        "signature": "90e4c22c90a58f26526c2dd5b6c56c8822edeaa1",
        "timestamp": "1397022061823",
        "nonce": "57155157",
    }
    AT = datetime.fromtimestamp(1397022061, UTC)
    CREDENTIALS = Credentials(values={"app_secret": "xyz123xyz"}, account_id="1902538057")

    def _adapter(self) -> WeiboAdapter:
        return WeiboAdapter(httpx.AsyncClient())

    def _received(self, push: dict[str, Any] | bytes) -> Received:
        head = {
            "receiver_id": 1902538057,
            "sender_id": 2489518277,
            "created_at": "Mon Jul 16 18:09:20 +0800 2012",
        }
        body = push if isinstance(push, bytes) else json.dumps(head | push).encode()
        request = WebhookRequest(
            method="POST", query=self.OFFICIAL, headers={}, body=body, received_at=self.AT
        )
        return self._adapter().receive(request, self.CREDENTIALS)

    def test_the_official_example(self) -> None:
        query = self.OFFICIAL | {"echostr": "8371823"}
        request = WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=self.AT)
        assert self._adapter().challenge(request, self.CREDENTIALS).body == "8371823"
        assert sign("xyz123xyz", "1397022061823", "57155157") == self.OFFICIAL["signature"]
        with pytest.raises(WebhookRefused, match="stale"):
            self._adapter().challenge(replace(request, received_at=datetime.now(UTC)), self.CREDENTIALS)

    def test_the_official_push(self) -> None:
        received = self._received({"type": "text", "text": "hello", "data": {}})
        (event,) = received.events
        assert isinstance(event, InteractionEvent)
        assert (event.author_id, event.text, event.kind) == ("2489518277", "hello", InteractionKind.MESSAGE)
        assert event.occurred_at == datetime(2012, 7, 16, 10, 9, 20, tzinfo=UTC)
        assert received.answer.body == ""

    @pytest.mark.parametrize("subtype", ["follow", "unfollow", "subscribe", "scan", "click", "view"])
    def test_an_event_is_no_message(self, subtype: str) -> None:
        received = self._received({"type": "event", "text": "关注事件消息", "data": {"subtype": subtype}})
        assert received.events == (AccountEvent(name=subtype),)

    @pytest.mark.parametrize(
        ("kind", "text"), [("image", "[图片]"), ("voice", "[语音]"), ("position", "[位置]")]
    )
    def test_a_message_without_words(self, kind: str, text: str) -> None:
        (event,) = self._received({"type": kind, "text": None, "data": {"tovfid": 7}}).events
        assert isinstance(event, InteractionEvent)
        assert event.text == text

    def test_a_mention_can_be_answered_where_its_status_is_named(self) -> None:
        mention = {
            "type": "mention",
            "text": "@鼓楼 好看",
            "data": {"subtype": "status", "key": "3504803600502730"},
        }
        (event,) = self._received(mention).events
        assert isinstance(event, InteractionEvent)
        assert (event.kind, event.external_id) == (InteractionKind.MENTION, "3504803600502730")
        comment = self._received(mention | {"data": {"subtype": "comment", "key": "12"}})
        assert comment.events == (AccountEvent(name="mention"),)

    def test_what_nobody_knows_is_kept_as_an_event(self) -> None:
        assert self._received({"type": "hologram", "data": None}).events == (AccountEvent(name="hologram"),)

    def test_two_messages_in_one_second_are_two(self) -> None:
        keys = {self._received({"type": "text", "text": text}).event_key for text in ("好", "好的", "好的。")}
        assert len(keys) == 3

    def test_a_captured_triple_with_another_body_is_another_event(self) -> None:
        # The signature can't tell; the key at least keeps the first event and the other apart.
        assert self._received({"type": "text", "text": "真"}) != self._received(
            {"type": "text", "text": "假"}
        )

    @pytest.mark.parametrize("stamp_", ["1397022061", "1397022061823"])
    def test_seconds_and_milliseconds(self, stamp_: str) -> None:
        query = {
            "signature": sign("xyz123xyz", stamp_, "1"),
            "timestamp": stamp_,
            "nonce": "1",
            "echostr": "e",
        }
        request = WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=self.AT)
        assert self._adapter().challenge(request, self.CREDENTIALS).body == "e"

    async def test_a_message_goes_out_with_the_fan_services_token(self, stage: Stage) -> None:
        token = {"token": stage.credentials["access_token"], "action": "revoke"}
        await stage.http.post(f"{stage.base_url}/control/token", json=token)
        await stage.public("message", account=stage.account, author={"id": "9001"}, text="在吗")
        event = InteractionEvent(
            external_id="k",
            kind=InteractionKind.MESSAGE,
            author_id="9001",
            text="?",
            occurred_at=datetime.now(UTC),
        )
        request = FeedbackRules().reply_to(stage, event, "在的 100% & “引号” + 🎉")
        out = await weibo(stage).message(request)
        assert out.external_id == request.idempotency_key
        assert stage.sandbox.store.all("messages")[-1]["text"] == request.text
        assert isinstance(await weibo(stage).find_reply(request, request.created_at), Undecidable)
