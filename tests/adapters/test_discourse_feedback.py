"""What comes back from a forum: answers by polling without holes, pushes, and our own answers."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    Received,
    ReplyRequest,
    Undecidable,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.sandbox.discourse import DiscourseSandbox
from drumtower.sandbox.discourse.webhooks import headers
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_feedback import drain, reference
from drumtower.testkit.conformance_stage import Stage
from tests.adapters import test_discourse
from tests.adapters.discourse_stage import (
    adapter,
    calls,
    control,
    credentials,
    forum,
    ids,
    message,
    moderate,
    rules,
)

__all__ = ["forum"]

GUEST = {"id": "9001", "name": "胡同老王"}
NOW = datetime.now(UTC)


async def say(forum: Stage, post: PostReference, text: str, **more: Any) -> str:
    answer = await forum.public("comment", post=post.external_id, author=GUEST, text=text, **more)
    return str(answer.json()["id"])


async def out(forum: Stage, text: str = "欢迎留言，茶师都会看。") -> PostReference:
    return reference(await forum.out(message(text)))


class TestPolling:
    async def test_what_did_not_change_is_not_read(self, forum: Stage) -> None:
        await control(forum, "settings", max_admin_api_reqs_per_minute=1000)
        posts = [await out(forum, f"第{number}篇，欢迎留言。") for number in range(8)]
        await say(forum, posts[3], "在吗")
        before = calls(forum)
        events, cursor = await drain(adapter(forum), forum, {}, posts)
        first, before = calls(forum) - before, calls(forum)
        assert (len(events), first) == (1, 9)  # the list, and every topic once
        for _ in range(3):
            events, cursor = await drain(adapter(forum), forum, cursor, posts)
            assert events == []
        assert calls(forum) - before == 3
        await say(forum, posts[5], "有人吗")
        before = calls(forum)
        events, cursor = await drain(adapter(forum), forum, cursor, posts)
        assert (len(events), calls(forum) - before) == (1, 2)

    async def test_answers_that_appear_below_what_was_read(self, forum: Stage) -> None:
        post, other = await out(forum), await out(forum, "另一个主题，也欢迎留言。")
        first, second = await say(forum, post, "第一条"), await say(forum, post, "第二条")
        elsewhere = await say(forum, other, "本来在别处")
        third = await say(forum, post, "第三条")
        await control(forum, "public/uncomment", id=second)
        events, cursor = await drain(adapter(forum), forum, {}, [post])
        assert ids(events) == sorted([first, third])
        await control(forum, "recover", id=second)
        events, cursor = await drain(adapter(forum), forum, cursor, [post])
        assert ids(events) == [second]
        await control(forum, "move", id=elsewhere, post=post.external_id)
        events, cursor = await drain(adapter(forum), forum, cursor, [post])
        assert ids(events) == [elsewhere]

    async def test_a_deletion_and_an_answer_at_once(self, forum: Stage) -> None:
        post = await out(forum)
        gone = await say(forum, post, "说错了")
        _, cursor = await drain(adapter(forum), forum, {}, [post])
        await control(forum, "public/uncomment", id=gone)
        late = await say(forum, post, "换一句")
        events, _ = await drain(adapter(forum), forum, cursor, [post])
        assert ids(events) == [late]

    async def test_a_pull_that_breaks_off_goes_on_where_it_was(self, forum: Stage) -> None:
        post = await out(forum)
        said = [await say(forum, post, f"留言{number}") for number in range(150)]
        page = await adapter(forum).feedback(forum.credentials, {}, [post])
        assert page.more
        forum.break_with(Fault(path="/posts.json", status=503))
        with pytest.raises(PlatformError):
            await adapter(forum).feedback(forum.credentials, page.cursor, [post])
        cursor = json.loads(json.dumps(page.cursor))
        rest, _ = await drain(adapter(forum), forum, cursor, [post])
        assert ids([*page.events, *rest]) == sorted(said)

    async def test_a_topic_that_is_gone_stops_no_other(self, forum: Stage) -> None:
        gone, post = await out(forum), await out(forum, "另一个主题，也欢迎留言。")
        await adapter(forum).delete(forum.credentials, gone)
        said = await say(forum, post, "在")
        events, _ = await drain(adapter(forum), forum, {}, [gone, post])
        assert ids(events) == [said]

    async def test_no_topics_no_calls(self, forum: Stage) -> None:
        forum.break_with(Fault(status=500, times=9))
        page = await adapter(forum).feedback(forum.credentials, {}, [])
        assert (page.events, page.more) == ((), False)

    async def test_whom_an_answer_answers(self, forum: Stage) -> None:
        post = await out(forum)
        first = await say(forum, post, "几点开门？")
        second = await say(forum, post, "我也想知道", in_reply_to=first)
        events, _ = await drain(adapter(forum), forum, {}, [post])
        above = {event.external_id: event.in_reply_to for event in events}
        assert above == {first: None, second: first}
        assert events[0].url == f"{forum.base_url}/t/topic/{post.external_id}/2"
        assert {event.author_name for event in events} == {"胡同老王"}

    async def test_notes_whispers_and_hidden_posts_are_no_answers(self, forum: Stage) -> None:
        post = await out(forum)
        said = await say(forum, post, "看得见")
        page = (
            await forum.http.get(f"{forum.base_url}/t/{post.external_id}.json", headers=_key(forum))
        ).json()
        shown = page["post_stream"]["posts"]
        for number, odd in enumerate(
            ({"post_type": 3}, {"post_type": 4}, {"hidden": True}, {"user_id": None})
        ):
            shown.append(shown[1] | odd | {"id": 9990 + number, "post_number": 90 + number})
            page["post_stream"]["stream"].append(9990 + number)
        forum.break_with(Fault(path=f"/t/{post.external_id}.json", status=200, body=json.dumps(page)))
        forum.break_with(
            Fault(path="/posts.json", status=200, body=json.dumps({"post_stream": {"posts": []}}))
        )
        events, _ = await drain(adapter(forum), forum, {}, [post])
        assert ids(events) == [said]

    async def test_a_forum_that_gives_no_raw_text(self, forum: Stage) -> None:
        post = await out(forum)
        await say(forum, post, "1 < 2 & 3")
        page = (
            await forum.http.get(f"{forum.base_url}/t/{post.external_id}.json", headers=_key(forum))
        ).json()
        assert "raw" not in page["post_stream"]["posts"][1]
        forum.break_with(Fault(path=f"/t/{post.external_id}.json", status=200, body=json.dumps(page)))
        (event,), _ = await drain(adapter(forum), forum, {}, [post])
        assert event.text == "1 < 2 & 3"

    async def test_likes_are_the_topics_own(self, forum: Stage) -> None:
        post = await out(forum)
        read = (await adapter(forum).post_stats(forum.credentials, [post]))[post.external_id]
        assert dict(read.values) == {Metric.EXPOSURE: 0, Metric.LIKES: 0, Metric.COMMENTS: 0}


class TestAnswering:
    async def _asked(self, forum: Stage) -> ReplyRequest:
        post = await out(forum)
        await say(forum, post, "几点开门？")
        (event,), _ = await drain(adapter(forum), forum, {}, [post])
        return rules().reply_to(forum, event, "每天九点开门，欢迎来。")

    async def test_an_answer_stands_below_what_it_answers(self, forum: Stage) -> None:
        asked = await self._asked(forum)
        given = await adapter(forum).reply(asked)
        row = forum.sandbox.store.get("comments", given.external_id)
        assert row is not None
        assert (row["reply_to_post_number"], row["text"]) == (2, asked.text)
        assert given.url == f"{forum.base_url}/t/topic/{asked.post_external_id}/3"

    async def test_a_refused_repeat_is_our_own_lost_answer(self, forum: Stage) -> None:
        asked = await self._asked(forum)
        forum.break_with(Fault(path="/posts.json", behaviour=Behaviour.RESET, acts=True))
        with pytest.raises(PlatformError):
            await adapter(forum).reply(asked)
        await control(forum, "settings", unique_posts_mins=60)
        forum.sandbox.store.put("_memos", "x", {})
        for memo in list(forum.sandbox.store._collections["_memos"]):
            forum.sandbox.store.delete("_memos", memo)
        given = await adapter(forum).reply(asked)
        assert [row["id"] for row in forum.sandbox.store.all("comments")][1:] == [given.external_id]

    async def test_the_same_words_to_somebody_else_are_not_it(self, forum: Stage) -> None:
        asked = await self._asked(forum)
        assert asked.post_external_id is not None
        await adapter(forum).reply(asked)
        other = replace(asked, context={**asked.context, "post_number": 9})
        found = await adapter(forum).find_reply(other, other.created_at)
        assert not isinstance(found, Published)

    async def test_an_answer_that_waits_for_the_moderators(self, forum: Stage) -> None:
        asked = await self._asked(forum)
        await control(forum, "settings", needs_approval=True)
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).reply(asked)
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)
        assert isinstance(await adapter(forum).find_reply(asked, asked.created_at), Undecidable)
        await moderate(forum, "approve")
        assert isinstance(await adapter(forum).find_reply(asked, asked.created_at), Published)

    @pytest.mark.parametrize("context", [{}, {"topic_id": "x", "post_number": 2}, {"topic_id": "1201"}])
    async def test_an_interaction_whose_place_was_not_kept(
        self, forum: Stage, context: dict[str, Any]
    ) -> None:
        asked = replace(await self._asked(forum), context=context)
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).reply(asked)
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_a_key_that_was_revoked(self, forum: Stage) -> None:
        asked = await self._asked(forum)
        await control(forum, "key", key=forum.credentials["api_key"], action="revoke")
        with pytest.raises(PlatformError) as caught:
            await adapter(forum).reply(asked)
        assert isinstance(caught.value.failure, failures.Disconnected)


def _key(forum: Stage) -> dict[str, str]:
    return {"Api-Key": forum.credentials["api_key"], "Api-Username": forum.credentials["username"]}


def push(who: Credentials, body: object, event: str = "post_created", number: str = "7") -> WebhookRequest:
    raw = json.dumps(body, ensure_ascii=False).encode()
    given = headers(who["webhook_secret"], event, number, raw)
    lower = {name.lower(): value for name, value in given.items()}
    return WebhookRequest(method="POST", query={}, headers=lower, body=raw, received_at=NOW)


class TestPushes:
    def _receive(
        self, forum: Stage, body: object, event: str = "post_created", number: str = "7"
    ) -> Received:
        return adapter(forum).receive(push(forum.credentials, body, event, number), forum.credentials)

    def _post(self, forum: Stage, **changed: Any) -> dict[str, Any]:
        return {"post": test_discourse.post(forum.credentials, NOW, "在吗") | changed}

    async def test_only_what_is_said_to_us_is_heard(self, forum: Stage) -> None:
        name = forum.credentials["username"]
        heard = {
            "to us": {},
            "names us": {"reply_to_user": None, "raw": f"问问 @{name.upper()}，几点开门？"},
        }
        silent: dict[str, dict[str, Any]] = {
            "to others": {"reply_to_user": {"username": "other"}},
            "to nobody": {"reply_to_user": None},
            "a longer name": {"reply_to_user": None, "raw": f"@{name}x 在吗"},
            "an address": {"reply_to_user": None, "raw": f"mail@@{name} 在吗"},
            "our own": {"user_id": int(forum.account)},
            "private": {"topic_archetype": "private_message"},
            "hidden": {"hidden": True},
        }
        kinds = []
        for changed in heard.values():
            (event,) = self._receive(forum, self._post(forum, **changed)).events
            assert isinstance(event, InteractionEvent)
            assert event.post_external_id == "1201"
            kinds.append(event.kind)
        assert kinds == [InteractionKind.COMMENT, InteractionKind.MENTION]
        for what, changed in silent.items():
            (quiet,) = self._receive(forum, self._post(forum, **changed)).events
            assert quiet == AccountEvent(name="post_created"), what

    async def test_a_retry_has_the_same_key_though_the_forum_numbers_it_anew(self, forum: Stage) -> None:
        first, again = (self._receive(forum, self._post(forum), number=number) for number in ("7", "8"))
        assert first.event_key == again.event_key
        edits = [self._receive(forum, self._post(forum, raw=raw), "post_edited") for raw in ("a", "b", "a")]
        assert edits[0].event_key == edits[2].event_key != edits[1].event_key
        assert edits[0].events == (AccountEvent(name="post_edited"),)

    async def test_other_events_are_taken_and_change_nothing(self, forum: Stage) -> None:
        assert self._receive(forum, {"ping": "OK"}, "ping").events == (AccountEvent(name="ping"),)
        topic = self._receive(forum, {"topic": {"id": 1}}, "topic_created")
        assert topic.events == (AccountEvent(name="topic_created"),)

    async def test_a_long_post_comes_twice_in_its_body(self, forum: Stage) -> None:
        text = "茶" * 20_000
        received = self._receive(forum, self._post(forum, raw=text, cooked=f"<p>{text}</p>"))
        assert isinstance(received.events[0], InteractionEvent)
        with pytest.raises(WebhookRefused, match="body_too_large"):
            self._receive(forum, self._post(forum, raw=text * 5))

    async def test_a_channel_without_a_secret_takes_nothing(self, forum: Stage) -> None:
        asked = push(forum.credentials, self._post(forum))
        for secret in ({"webhook_secret": ""}, {}):
            values = {name: forum.credentials[name] for name in ("username", "api_key")} | secret
            with pytest.raises(WebhookRefused):
                adapter(forum).receive(asked, replace(forum.credentials, values=values))

    async def test_a_worked_signature(self, forum: Stage) -> None:
        """The digest that Discourse's own test of its webhooks expects."""
        body = b'{"ping":"OK"}'
        digest = "162f107f6b5022353274eb1a7197885cfd35744d8d08e5bcea025d309386b7d6"
        who = credentials(forum, webhook_secret="my_lovely_secret_for_web_hook")
        request = WebhookRequest(
            method="POST",
            query={},
            headers={"x-discourse-event": "ping", "x-discourse-event-signature": f"sha256={digest}"},
            body=body,
            received_at=NOW,
        )
        assert adapter(forum).receive(request, who).events == (AccountEvent(name="ping"),)

    async def test_what_is_pushed_and_polled_is_one_interaction(self, forum: Stage) -> None:
        sandbox = forum.sandbox
        assert isinstance(sandbox, DiscourseSandbox)
        post = await out(forum)
        await control(forum, "webhook", account=forum.account, url=f"{forum.base_url}/nowhere")
        first = await say(forum, post, "几点开门？")
        (event,), cursor = await drain(adapter(forum), forum, {}, [post])
        ours = await adapter(forum).reply(rules().reply_to(forum, event, "九点开门，欢迎来。"))
        thanks = await say(forum, post, "谢谢", in_reply_to=ours.external_id)
        await asyncio.wait_for(sandbox.pusher.drained(), 5)
        pushed = {
            received.external_id
            for row in sandbox.store.all("pushes")
            for received in self._receive(forum, json.loads(row["body"])).events
            if isinstance(received, InteractionEvent)
        }
        events, _ = await drain(adapter(forum), forum, cursor, [post])
        assert pushed == {thanks}
        assert ids(events) == [thanks]
        assert first not in pushed  # an answer to the topic is polled
