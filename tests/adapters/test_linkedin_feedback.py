"""LinkedIn's notifications, pushed and pulled, answers to them, and numbers."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drumtower.adapters.linkedin.adapter import LinkedInAdapter
from drumtower.domain.failures import ContentRejected, NotPermitted
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    FeedbackEvent,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    Received,
    Undecidable,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.signatures import hmac_sha256
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.linkedin.pushes import TYPE, pushed
from drumtower.testkit.conformance_feedback import FeedbackRules, drain, reference
from drumtower.testkit.conformance_stage import Stage
from tests.adapters.linkedin_stage import (
    ACTIVITY,
    LinkedInHooks,
    linkedin,
    message,
    notification,
    push,
    refusal,
    settings,
)

AT = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
PAGE = "urn:li:organization:123"
CREDENTIALS = Credentials(values={"client_secret": "demo-client-secret"}, account_id=PAGE)
CODE = "890e4665-4dfe-4ab1-b689-ed553bceeed0"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await LinkedInHooks()._set(stack, {})


async def say(stage: Stage, post: Published, text: str, **more: Any) -> str:
    author = {"id": more.pop("by", "9001"), "name": "胡同老王"}
    body = {"account": stage.account, "post": post.external_id, "author": author, "text": text}
    answer = await stage.public("comment", **(body | more))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def receive(*notifications: dict[str, Any]) -> Received:
    request = push(CREDENTIALS, pushed(*notifications), AT)
    return LinkedInAdapter(httpx.AsyncClient()).receive(request, CREDENTIALS)


def events(*notifications: dict[str, Any]) -> tuple[FeedbackEvent, ...]:
    return receive(*notifications).events


def interaction(told: dict[str, Any]) -> InteractionEvent:
    (event,) = events(told)
    assert isinstance(event, InteractionEvent)
    return event


class TestWebhook:
    def _challenge(self, code: str | None) -> str:
        query = {} if code is None else {"challengeCode": code}
        request = WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=AT)
        return LinkedInAdapter(httpx.AsyncClient()).challenge(request, CREDENTIALS).body

    def test_the_worked_examples(self) -> None:
        assert json.loads(self._challenge(CODE)) == {
            "challengeCode": CODE,
            "challengeResponse": "557f952ac259485d56422913b082abbb8ebe810bdd38c0e8626dcdea6c4195a1",
        }
        body = (
            b'{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[{"notificationId":1001,'
            b'"organizationalEntity":"urn:li:organization:123","action":"COMMENT"}]}'
        )
        signature = "d5e069929f7325ae9205c4aa2ccf8ec31fa0c83a974c5fa1f921a80ad6581d37"
        assert push(CREDENTIALS, body, AT).headers["x-li-signature"] == signature

    @pytest.mark.parametrize(
        "code",
        ["", "1", "hmacsha256={}", f"{CODE}\n", f"hmacsha256={CODE}", CODE.replace("-", ""), None, "鼓"],
    )
    def test_nothing_but_a_uuid_is_answered(self, code: str | None) -> None:
        with pytest.raises(WebhookRefused):
            self._challenge(code)

    def test_a_challenge_is_no_way_to_a_signature(self) -> None:
        body = pushed(notification(PAGE, "假的", AT))
        with pytest.raises(WebhookRefused):
            self._challenge(f"hmacsha256={body.decode()}")
        answered = json.loads(self._challenge(CODE))["challengeResponse"]
        request = WebhookRequest(
            method="POST", query={}, headers={"x-li-signature": answered}, body=CODE.encode(), received_at=AT
        )
        with pytest.raises(WebhookRefused):
            LinkedInAdapter(httpx.AsyncClient()).receive(request, CREDENTIALS)

    def test_the_signature_may_carry_its_prefix(self) -> None:
        request = push(CREDENTIALS, pushed(notification(PAGE, "好", AT)), AT)
        prefixed = {"x-li-signature": f"hmacsha256={request.headers['x-li-signature']}"}
        assert LinkedInAdapter(httpx.AsyncClient()).receive(replace(request, headers=prefixed), CREDENTIALS)

    def test_the_prefix_is_signed_too(self) -> None:
        request = push(CREDENTIALS, pushed(notification(PAGE, "好", AT)), AT)
        plain = {"x-li-signature": hmac_sha256("demo-client-secret", request.body)}
        with pytest.raises(WebhookRefused, match="signature_invalid"):
            LinkedInAdapter(httpx.AsyncClient()).receive(replace(request, headers=plain), CREDENTIALS)

    def test_a_push_that_was_received(self) -> None:
        event = interaction(notification(PAGE, "你好 (1)", AT))
        assert event.post_external_id == "urn:li:share:7094637247487995904"
        assert event.external_id.startswith(f"urn:li:comment:({ACTIVITY},")
        assert (event.author_id, event.text) == ("urn:li:person:zLqTygBP8S", "你好 (1)")
        assert event.occurred_at == AT
        assert event.context == {"object": ACTIVITY, "parent": event.external_id}

    def test_the_short_form_of_a_comments_name(self) -> None:
        told = notification(PAGE, "短", AT)
        said = told["decoratedGeneratedActivity"]["comment"]
        whole = said["entity"]
        said["entity"] = told["generatedActivity"]
        assert interaction(told).external_id == whole

    @pytest.mark.parametrize("form", ["object", "parentComment"])
    def test_an_answer_to_a_comment(self, form: str) -> None:
        told = notification(PAGE, "楼中楼", AT)
        above = f"urn:li:comment:({ACTIVITY},1)"
        told["decoratedGeneratedActivity"]["comment"][form] = above
        event = interaction(told)
        assert event.in_reply_to == above
        assert event.context == {"object": ACTIVITY, "parent": above}, "LinkedIn nests one level only"

    def test_several_at_once(self) -> None:
        told = [notification(PAGE, f"第{number}条", AT) for number in range(10)]
        received = receive(*told)
        assert [event.text for event in received.events if isinstance(event, InteractionEvent)] == [
            f"第{number}条" for number in range(10)
        ]
        assert received.event_key == receive(*reversed(told)).event_key != receive(*told[:9]).event_key
        assert len(received.event_key) < 100

    def test_another_pages_are_left_out(self) -> None:
        other = notification("urn:li:organization:9", "别的主页", AT)
        received = receive(other, notification(PAGE, "我们的", AT))
        assert [event.text for event in received.events if isinstance(event, InteractionEvent)] == ["我们的"]
        with pytest.raises(WebhookRefused, match="foreign_account"):
            receive(other)

    @pytest.mark.parametrize(
        "action", ["LIKE", "SHARE", "COMMENT_EDIT", "COMMENT_DELETE", "ADMIN_COMMENT", "HOLOGRAM"]
    )
    def test_what_nobody_said_anything_in(self, action: str) -> None:
        told = notification(PAGE, "x", AT, action=action)
        assert events(told) == (AccountEvent(name=action.lower()),)

    def test_a_comment_without_its_words(self) -> None:
        told = notification(PAGE, "x", AT)
        del told["decoratedGeneratedActivity"]
        assert events(told) == (AccountEvent(name="comment"),)

    def test_our_own_words_are_no_interaction(self) -> None:
        told = notification(PAGE, "我们自己", AT)
        told["decoratedGeneratedActivity"]["comment"]["owner"] = PAGE
        assert events(told) == ()

    def test_a_mention(self) -> None:
        share = {"entity": "urn:li:share:5", "owner": "urn:li:person:x", "text": "推荐 @鼓楼"}
        told = notification(PAGE, "", AT, action="SHARE_MENTION", decoratedGeneratedActivity={"share": share})
        event = interaction(told)
        assert (event.kind, event.external_id, event.post_external_id) == (
            InteractionKind.MENTION,
            "urn:li:share:5",
            None,
        )
        assert event.url == "https://www.linkedin.com/feed/update/urn:li:share:5/"

    def test_ten_long_ones_fit(self) -> None:
        told = [notification(PAGE, f"{number}" + "长" * 1240, AT) for number in range(10)]
        body = json.dumps({"type": TYPE, "notifications": told}).encode()
        assert len(body) > 64 * 1024
        received = LinkedInAdapter(httpx.AsyncClient()).receive(push(CREDENTIALS, body, AT), CREDENTIALS)
        assert len(received.events) == 10


class TestPull:
    async def test_pushed_and_pulled_are_one(self, stage: Stage) -> None:
        post = await stage.out(message("留言"))
        await say(stage, post, "一样的")
        (told,) = stage.sandbox.store.all("notifications")
        request = push(stage.credentials, pushed(told), AT)
        (pulled,), _ = await drain(linkedin(stage), stage, {}, [])
        assert linkedin(stage).receive(request, stage.credentials).events == (pulled,)

    async def test_a_gap_of_days_is_repaired(self, stage: Stage) -> None:
        post = await stage.out(message("断了几天"))
        _, cursor = await drain(linkedin(stage), stage, {}, [])
        cursor = cursor | {"mark": (datetime.now(UTC) - timedelta(days=50)).isoformat()}
        ids = {await say(stage, post, f"第{number}天") for number in range(5)}
        found, _ = await drain(linkedin(stage), stage, cursor, [])
        assert {event.external_id for event in found} == ids

    async def test_a_cursor_older_than_linkedin_keeps(self, stage: Stage) -> None:
        post = await stage.out(message("很久以前"))
        await say(stage, post, "还在")
        old = {"mark": (datetime.now(UTC) - timedelta(days=300)).isoformat()}
        events, cursor = await drain(linkedin(stage), stage, old, [])
        assert len(events) == 1
        assert (await drain(linkedin(stage), stage, cursor, []))[0] == []

    async def test_one_that_goes_away_between_pages_hides_no_other(self, stage: Stage) -> None:
        post = await stage.out(message("翻页"))
        ids = [await say(stage, post, f"留言{number}") for number in range(130)]
        page = await linkedin(stage).feedback(stage.credentials, {}, [])
        assert page.more
        rows = stage.sandbox.store.all("notifications")
        for row in rows[-5:]:
            stage.sandbox.store.delete("notifications", str(row["notificationId"]))
        rest, _ = await drain(linkedin(stage), stage, page.cursor, [])
        assert {event.external_id for event in (*page.events, *rest)} == set(ids)

    async def test_an_odd_entry_blocks_no_other(self, stage: Stage) -> None:
        post = await stage.out(message("怪"))
        await say(stage, post, "正常")
        (told,) = stage.sandbox.store.all("notifications")
        body = json.dumps({"elements": [{"notificationId": None}, told, {}]})
        stage.break_with(Fault(path="Notifications", status=200, body=body))
        assert len((await linkedin(stage).feedback(stage.credentials, {}, [])).events) == 1

    async def test_mentions_come_and_are_answered(self, stage: Stage) -> None:
        answer = await stage.public("mention", account=stage.account, author={"id": "9001"}, text="推荐")
        (event,), _ = await drain(linkedin(stage), stage, {}, [])
        assert (event.kind, event.external_id) == (InteractionKind.MENTION, answer.json()["id"])
        out = await linkedin(stage).reply(FeedbackRules().reply_to(stage, event, "谢谢推荐！"))
        (row,) = stage.sandbox.store.all("comments")
        assert (row["id"], row["post"], row["in_reply_to"]) == (out.external_id, event.external_id, None)
        request = FeedbackRules().reply_to(stage, event, "谢谢推荐！")
        found = await linkedin(stage).find_reply(request, request.created_at)
        assert isinstance(found, Undecidable), "a page does not read what stands under others' posts"


class TestReplies:
    async def test_the_text_is_plain(self, stage: Stage) -> None:
        post = await stage.out(message("问"))
        await say(stage, post, "在吗")
        (event,), _ = await drain(linkedin(stage), stage, {}, [])
        await linkedin(stage).reply(FeedbackRules().reply_to(stage, event, "在的 (九点) #鼓楼 \\o/"))
        assert stage.sandbox.store.all("comments")[-1]["text"] == "在的 (九点) #鼓楼 \\o/"

    async def test_an_answer_to_an_answer_hangs_on_the_first_level(self, stage: Stage) -> None:
        post = await stage.out(message("楼"))
        first = await say(stage, post, "一楼")
        await say(stage, post, "楼中楼", in_reply_to=first, by="9002")
        events, _ = await drain(linkedin(stage), stage, {}, [])
        nested = next(event for event in events if event.text == "楼中楼")
        assert nested.in_reply_to == first
        request = FeedbackRules().reply_to(stage, nested, "回复楼中楼")
        out = await linkedin(stage).reply(request)
        row = stage.sandbox.store.get("comments", out.external_id)
        assert row is not None
        assert row["in_reply_to"] == first
        found = await linkedin(stage).find_reply(request, request.created_at)
        assert isinstance(found, Published)
        assert found.external_id == out.external_id

    async def test_the_same_answer_twice_cannot_be_told_apart(self, stage: Stage) -> None:
        post = await stage.out(message("问"))
        await say(stage, post, "在吗")
        (event,), _ = await drain(linkedin(stage), stage, {}, [])
        request = FeedbackRules().reply_to(stage, event, "在的")
        await linkedin(stage).reply(request)
        await linkedin(stage).reply(request)
        assert isinstance(await linkedin(stage).find_reply(request, request.created_at), Undecidable)

    async def test_a_full_list_proves_nothing(self, stage: Stage) -> None:
        post = await stage.out(message("热帖"))
        first = await say(stage, post, "一楼")
        events, _ = await drain(linkedin(stage), stage, {}, [])
        for number in range(100):
            await say(stage, post, f"{number}", in_reply_to=first)
        request = FeedbackRules().reply_to(stage, events[0], "没有发出去")
        assert isinstance(await linkedin(stage).find_reply(request, request.created_at), Undecidable)

    async def test_what_stands_nowhere_cannot_be_answered(self, stage: Stage) -> None:
        event = InteractionEvent(
            external_id="x", kind=InteractionKind.COMMENT, author_id="9", text="?", occurred_at=AT
        )
        with pytest.raises(PlatformError) as caught:
            await linkedin(stage).reply(FeedbackRules().reply_to(stage, event, "哪里？"))
        assert isinstance(caught.value.failure, ContentRejected)


class TestNumbers:
    async def _read(self, stage: Stage, *posts: Published) -> None:
        for post in posts:
            await stage.public("read", account=stage.account, post=post.external_id, count=7)

    async def test_both_kinds_of_posts_are_counted(self, stage: Stage) -> None:
        files = tuple(LinkedInHooks().file("image/png", 2048) for _ in range(2))
        posts = [await stage.out(message("甲")), await stage.out(message("乙", media=files))]
        await self._read(stage, *posts)
        readings = await linkedin(stage).post_stats(stage.credentials, [reference(post) for post in posts])
        assert {urn: reading.values[Metric.EXPOSURE] for urn, reading in readings.items()} == {
            post.external_id: 7 for post in posts
        }

    async def test_a_post_without_activity_has_no_reading(self, stage: Stage) -> None:
        post = await stage.out(message("没人看"))
        assert await linkedin(stage).post_stats(stage.credentials, [reference(post)]) == {}

    @pytest.mark.parametrize("how", ["refuse", "omit"])
    async def test_one_that_is_gone_hides_no_other(self, stage: Stage, how: str) -> None:
        await settings(stage, foreign_statistics=how, duplicate_hours=0)
        posts = [await stage.out(message(f"第{number}篇")) for number in range(7)]
        await self._read(stage, *posts)
        await linkedin(stage).delete(stage.credentials, reference(posts[3]))
        stranger = PostReference(external_id="urn:li:share:12", published_at=AT)
        asked = [*(reference(post) for post in posts), stranger]
        readings = await linkedin(stage).post_stats(stage.credentials, asked)
        assert set(readings) == {post.external_id for post in posts} - {posts[3].external_id}

    async def test_a_page_that_is_closed_says_so(self, stage: Stage) -> None:
        posts = [reference(await stage.out(message(f"第{number}篇"))) for number in range(3)]
        stage.break_with(refusal("ACCESS_DENIED").model_copy(update={"path": "Statistics", "times": 50}))
        with pytest.raises(PlatformError) as caught:
            await linkedin(stage).post_stats(stage.credentials, posts)
        assert isinstance(caught.value.failure, NotPermitted)
