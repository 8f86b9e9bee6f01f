"""Topics on a forum: options, pictures, keys, the moderators' queue, refusals, taking down."""

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from drumtower.adapters.discourse.adapter import DiscourseAdapter
from drumtower.adapters.discourse.errors import read_error
from drumtower.adapters.discourse.schemas import DiscourseOptions, Moved
from drumtower.domain import failures
from drumtower.platforms import Absent, Accepted, PlatformError, PostReference, Published, Undecidable
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_feedback import reference
from drumtower.testkit.conformance_stage import Progress, Stage
from tests.adapters.discourse_stage import (
    TEXT,
    TITLE,
    adapter,
    confirm,
    control,
    credentials,
    forum,
    lose,
    message,
    moderate,
    queued,
    request,
    set_stage,
    topics,
)

__all__ = ["forum"]


class TestWhatGoesOut:
    async def test_a_topic_with_its_category_and_address(self, forum: Stage) -> None:
        out = await forum.publish(request(forum, message(), category=4))
        assert isinstance(out, Published)
        (topic,) = topics(forum)
        assert (topic["title"], topic["text"], topic["category"]) == (TITLE, TEXT, 4)
        assert out.url == f"{forum.base_url}/t/topic/{topic['id']}"
        page = await forum.http.get(f"{out.url}.json", headers=_headers(forum))
        assert page.json()["title"] == TITLE

    @pytest.mark.parametrize(
        ("version", "kept"), [("3.4.0.beta2", ["秋茶", "新品"]), ("2026.8.0", ["秋茶", "新品"])]
    )
    async def test_hashtags_are_tags_in_the_form_that_the_version_takes(
        self, forum: Stage, version: str, kept: list[str]
    ) -> None:
        await control(forum, "settings", version=version)
        await forum.publish(request(forum, message(hashtags=("秋茶", "新品"))))
        (topic,) = topics(forum)
        assert topic["tags"] == kept
        assert "#" not in topic["text"]

    async def test_the_forum_never_cuts_tags_in_silence(self, forum: Stage) -> None:
        long = "一个比二十个字还要长的标签谁会用它来写帖子呢"
        hashtags = (long, *(f"标签{number}" for number in range(9)))
        await forum.publish(request(forum, message(hashtags=hashtags)))
        await forum.publish(request(forum, message("另一篇", hashtags=hashtags), tags=["评测"]))
        await forum.publish(request(forum, message("第三篇", hashtags=hashtags), tags=[]))
        found = [topic["tags"] for topic in topics(forum)]
        assert found == [[f"标签{number}" for number in range(5)], ["评测"], []]

    @pytest.mark.parametrize(
        "options", [{"category": 0}, {"category": "x"}, {"tags": ["长" * 21]}, {"tags": ["a"] * 6}, {"x": 1}]
    )
    def test_options_that_no_forum_takes(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            DiscourseOptions(**options)

    async def test_pictures_stand_at_the_end_of_the_text(self, forum: Stage) -> None:
        said = message(pictures=2)
        odd = replace(said.media[0], alt_text="钟[鼓]楼|夜\n景")
        await forum.publish(request(forum, replace(said, media=(odd, said.media[1]))))
        (topic,) = topics(forum)
        text, first, second = topic["text"].split("\n\n")
        assert text == TEXT
        assert first.startswith("![钟 鼓 楼 夜 景|640x480](upload://")
        assert second.startswith("![钟鼓楼|640x480](upload://")
        assert forum.sandbox.store.count("uploads") == 2

    async def test_an_upload_is_used_again_for_a_day_only(self, forum: Stage) -> None:
        asked, progress = request(forum, message(pictures=1)), Progress()
        for _ in range(2):
            await adapter(forum).prepare(replace(asked, checkpoint=progress.checkpoint, save=progress.save))
        assert forum.sandbox.store.count("uploads") == 1
        progress.checkpoint["uploaded_at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
        await forum.publish(asked, progress)
        assert forum.sandbox.store.count("uploads") == 2

    async def test_site_rules_that_are_not_ours_to_know(self) -> None:
        async with AsyncExitStack() as stack:
            forum = await set_stage(stack, settings={"min_post_length": 20, "min_topic_title_length": 6})
            for said in (
                message("太短"),
                message("含有违禁词的一段话，够长够长够长够长。"),
                message(title="短"),
            ):
                outcome = await forum.attempt(request(forum, said))
                assert isinstance(outcome, failures.ContentRejected), outcome
            assert not topics(forum)

    async def test_a_category_that_is_not_there_or_closed(self, forum: Stage) -> None:
        missing = await forum.attempt(request(forum, message(), category=99))
        closed = await forum.attempt(request(forum, message("另一段话"), category=7))
        assert isinstance(missing, failures.ContentRejected)
        assert isinstance(closed, failures.NotPermitted)


class TestKeys:
    async def test_the_key_is_the_topics_external_id(self, forum: Stage) -> None:
        asked = request(forum, message())
        await forum.publish(asked)
        assert topics(forum)[0]["external_id"] == asked.idempotency_key

    async def test_a_repeat_of_a_lost_attempt_is_our_own(self, forum: Stage) -> None:
        asked = request(forum, message())
        await lose(forum, asked)
        forum.pass_time(timedelta(minutes=10))  # longer than the forum remembers the same call
        outcome = await forum.publish(asked)
        assert isinstance(outcome, Published)
        assert [topic["id"] for topic in topics(forum)] == [outcome.external_id]

    async def test_a_refusal_that_can_not_be_looked_into_is_unknown(self, forum: Stage) -> None:
        forum.break_with(Fault(path="external_id", status=500))
        outcome = await forum.attempt(request(forum, message("违禁词")))
        assert isinstance(outcome, failures.OutcomeUnknown)

    async def test_the_same_text_of_another_delivery_is_not_ours(self, forum: Stage) -> None:
        await control(forum, "settings", unique_posts_mins=0)
        first, second = request(forum, message()), request(forum, message())
        await forum.publish(first)
        assert isinstance(await forum.find(second), Absent)
        await forum.publish(second)
        found = [await forum.find(asked) for asked in (first, second)]
        assert [one.external_id for one in found if isinstance(one, Published)] == [
            topic["id"] for topic in topics(forum)
        ]

    @pytest.mark.parametrize(
        ("location", "topic"),
        [
            ("https://f.example/t/autumn-tea/42.json", "42"),
            ("/forum/t/42.json", "42"),
            ("/t/%E7%A7%8B/42?x=1", "42"),
            ("/t/autumn/", None),
            ("/t/a/b/42.json", None),
        ],
    )
    def test_where_a_redirect_leads(self, location: str, topic: str | None) -> None:
        assert Moved(location=location).topic_id == topic


class TestModerators:
    async def test_a_text_waits_until_it_is_let_through(self, forum: Stage) -> None:
        accepted = await queued(forum)
        assert not topics(forum)
        assert isinstance(await confirm(forum, accepted), Accepted)
        await moderate(forum, "approve")
        out = await confirm(forum, accepted)
        assert isinstance(out, Published)
        assert [topic["id"] for topic in topics(forum)] == [out.external_id]
        assert topics(forum)[0]["external_id"] is None  # the queue keeps no key

    async def test_a_text_that_is_refused(self, forum: Stage) -> None:
        accepted = await queued(forum)
        await moderate(forum, "reject")
        with pytest.raises(PlatformError) as caught:
            await confirm(forum, accepted)
        assert isinstance(caught.value.failure, failures.ContentRejected)
        assert "/activity/topics" in caught.value.failure.detail

    @pytest.mark.parametrize("changed", [{"title": "秋茶：换了题目"}, {"raw": "改过的正文，意思一样。"}])
    async def test_a_text_that_was_changed_on_the_way_is_still_ours(
        self, forum: Stage, changed: dict[str, str]
    ) -> None:
        accepted = await queued(forum)
        await moderate(forum, "approve", **changed)
        assert isinstance(await confirm(forum, accepted), Published)

    async def test_another_topic_is_not_taken_for_the_one_that_waited(self, forum: Stage) -> None:
        await forum.publish(request(forum, message("早先的另一篇，题目相同。")))
        accepted = await queued(forum)
        await moderate(forum, "reject")
        with pytest.raises(PlatformError):
            await confirm(forum, accepted)

    async def test_a_lost_answer_is_found_in_the_queue_and_behind_it(self, forum: Stage) -> None:
        await control(forum, "settings", needs_approval=True)
        asked, progress = request(forum, message(pictures=1)), Progress()
        await lose(forum, asked, progress)
        asked = replace(asked, checkpoint=progress.checkpoint)
        waiting = await adapter(forum).find(asked, asked.created_at)
        assert isinstance(waiting, Accepted)
        assert isinstance(await confirm(forum, waiting), Accepted)
        await moderate(forum, "approve")
        assert isinstance(await confirm(forum, waiting), Published)
        found = await forum.find(asked)
        assert isinstance(found, Undecidable)  # it came without its key
        assert forum.base_url in found.reason

    async def test_a_text_of_another_delivery_in_the_queue_is_not_ours(self, forum: Stage) -> None:
        await queued(forum)
        assert isinstance(await forum.find(request(forum, message("别的正文，没有发。"))), Absent)

    async def test_an_older_forum_does_not_name_what_waits(self, forum: Stage) -> None:
        await control(forum, "settings", needs_approval=True)
        body = json.dumps({"action": "enqueued", "success": True, "pending_count": 1})
        forum.break_with(Fault(path="/posts.json", acts=True, status=200, body=body))
        accepted = await forum.publish(request(forum, message()))
        assert isinstance(accepted, Accepted)
        assert accepted.handle["pending"] is None
        assert isinstance(await confirm(forum, accepted), Accepted)
        await moderate(forum, "approve")
        assert isinstance(await confirm(forum, accepted), Published)


class TestRefusals:
    async def test_the_wait_is_read_from_the_body_where_the_header_is_gone(self, forum: Stage) -> None:
        body = {"errors": ["慢一点"], "error_type": "rate_limit", "extras": {"wait_seconds": 90}}
        forum.break_with(Fault(path="/posts.json", status=429, body=json.dumps(body)))
        outcome = await forum.attempt(request(forum, message()))
        assert isinstance(outcome, failures.RateLimited)
        assert outcome.until is not None
        assert timedelta(seconds=80) < outcome.until - datetime.now(UTC) < timedelta(seconds=91)

    @pytest.mark.parametrize("wait", [0, -1, True, "9", 10**9, None, [], {}])
    async def test_a_wait_that_is_none(self, forum: Stage, wait: object) -> None:
        for extras in ({"wait_seconds": wait}, wait):
            body = {"errors": "x", "error_type": "rate_limit", "extras": extras}
            forum.break_with(Fault(path="/posts.json", status=429, body=json.dumps(body)))
            outcome = await forum.attempt(request(forum, message()))
            assert isinstance(outcome, failures.RateLimited)
            assert outcome.until is None

    async def test_the_limiter_per_address_speaks_plain_text(self, forum: Stage) -> None:
        text = {"body": "Slow down, too many requests from this IP.", "content_type": "text/plain"}
        forum.break_with(
            Fault.model_validate(
                {"path": "/posts.json", "status": 429, "headers": {"retry-after": "7"}, **text}
            )
        )
        outcome = await forum.attempt(request(forum, message()))
        assert isinstance(outcome, failures.RateLimited)
        assert outcome.until is not None

    async def test_the_forums_own_pace(self) -> None:
        async with AsyncExitStack() as stack:
            forum = await set_stage(stack, settings={"rate_limit_create_topic": 15})
            assert isinstance(await forum.attempt(request(forum, message())), Published)
            outcome = await forum.attempt(request(forum, message("马上又来一篇")))
            assert isinstance(outcome, failures.RateLimited)
            assert outcome.until is not None

    async def test_read_only_mode_passes(self, forum: Stage) -> None:
        await control(forum, "settings", read_only=True)
        assert isinstance(await forum.attempt(request(forum, message())), failures.Transient)
        body = json.dumps({"errors": ["x"], "error_type": "not_found"})
        forum.break_with(Fault(path="/posts.json", status=500, body=body))
        assert isinstance(await forum.attempt(request(forum, message())), failures.OutcomeUnknown)

    async def test_a_key_that_was_revoked_is_told_from_a_right_that_is_missing(self, forum: Stage) -> None:
        await control(forum, "key", key=forum.credentials["api_key"], action="revoke")
        outcome = await forum.attempt(request(forum, message()))
        assert isinstance(outcome, failures.Disconnected)
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).identify(forum.credentials)
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_a_key_of_somebody_else(self, forum: Stage) -> None:
        other = forum.sandbox.add_account(username="other")
        staff = forum.sandbox.add_account(username="boss", staff=True)
        for changed in ({"username": "other"}, {"api_key": str(other["api_key"])}):
            with pytest.raises(PlatformError):
                await adapter(forum).identify(credentials(forum, **changed))
        boss = credentials(forum, username="boss", api_key=str(staff["api_key"]))
        assert (await adapter(forum).identify(boss)).id.endswith(f"/users/{staff['id']}")

    @pytest.mark.parametrize(
        "changed",
        [
            {"username": "鼓楼"},
            {"username": "a\r\nX: y"},
            {"username": "../admin"},
            {"api_key": "k\n"},
            {"api_key": "钥匙"},
        ],
    )
    async def test_what_no_header_takes_is_not_sent(self, forum: Stage, changed: dict[str, str]) -> None:
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).identify(credentials(forum, **changed))
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_a_forum_without_an_address_gets_no_key(self, forum: Stage) -> None:
        homeless = DiscourseAdapter(forum.http)
        with pytest.raises(PlatformError) as caught:
            await homeless.identify(forum.credentials)
        assert "base_url" in str(caught.value)

    async def test_a_page_of_a_user_that_the_key_does_not_act_as(self, forum: Stage) -> None:
        body = {"user": {"id": 5, "username": "gulou", "can_edit": False}}
        forum.break_with(Fault(path="/u/", status=200, body=json.dumps(body)))
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).identify(forum.credentials)
        assert isinstance(caught.value.failure, failures.NotPermitted)

    def test_an_error_is_read_from_an_error_only(self) -> None:
        body = {"errors": ["x"], "error_type": "not_found"}
        assert read_error(httpx.Response(200), body) is None
        assert read_error(httpx.Response(404), [body]) is None
        assert read_error(httpx.Response(404), {"error_type": 7}) is None
        assert read_error(httpx.Response(500), body) is None


class TestTakingDown:
    async def test_an_author_may_until_somebody_answers(self, forum: Stage) -> None:
        out = await forum.out(message())
        await forum.public("comment", post=out.external_id, author={"id": "9001"}, text="好")
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).delete(forum.credentials, reference(out))
        assert isinstance(caught.value.failure, failures.NotPermitted)
        assert len(topics(forum)) == 1

    async def test_the_staff_may_always(self) -> None:
        async with AsyncExitStack() as stack:
            forum = await set_stage(stack, staff=True)
            out = await forum.out(message())
            await forum.public("comment", post=out.external_id, author={"id": "9001"}, text="好")
            await adapter(forum).delete(forum.credentials, reference(out))
            assert not topics(forum)

    async def test_numbers_of_what_is_gone_are_left_out(self, forum: Stage) -> None:
        keep, gone = await forum.out(message()), await forum.out(message("第二篇"))
        await adapter(forum).delete(forum.credentials, reference(gone))
        strange = PostReference(external_id="not-a-topic", published_at=datetime.now(UTC))
        found = await adapter(forum).post_stats(forum.credentials, [reference(gone), reference(keep)])
        assert set(found) == {keep.external_id}
        with pytest.raises(PlatformError):
            await adapter(forum).post_stats(forum.credentials, [strange])

    async def test_numbers_with_a_key_that_was_revoked(self, forum: Stage) -> None:
        out = await forum.out(message())
        await control(forum, "key", key=forum.credentials["api_key"], action="revoke")
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).post_stats(forum.credentials, [reference(out)])
        assert isinstance(caught.value.failure, failures.Disconnected)


def _headers(forum: Stage) -> dict[str, str]:
    return {"Api-Key": forum.credentials["api_key"], "Api-Username": forum.credentials["username"]}
