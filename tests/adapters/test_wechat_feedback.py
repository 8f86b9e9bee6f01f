"""WeChat: comments, messages, the answers to both, and numbers."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    InteractionEvent,
    PostReference,
    Published,
    Undecidable,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_stage import Stage
from tests.adapters.wechat_stage import (
    READER,
    WeChatHooks,
    answer_to,
    failure_of,
    post,
    refusal,
    wechat,
)

DAY = timedelta(days=1)


class TestFeedback(WeChatHooks):
    async def test_pages_cursor_and_own_replies(self, stage: Stage) -> None:
        posts = [post(await stage.out(self.message("一"))), post(await stage.out(self.message("二")))]
        said = [await self._say(stage, posts[0], f"评论{n} 👍") for n in range(120)]
        said += [await self._say(stage, posts[1], "好", author=None)]
        events, cursor, pulls = await self._pull(stage, {}, posts)
        assert sorted(event.external_id for event in events) == sorted(said)
        assert pulls == 3
        assert {event.author_id for event in events} == {READER, f"unknown_{said[-1]}"}
        assert (await self._pull(stage, cursor, posts))[0] == []
        await wechat(stage).reply(
            answer_to(stage, InteractionKind.COMMENT, said[0], "谢谢", **events[-1].context)
        )
        newest = await self._say(stage, posts[0], "新")
        events, cursor, _ = await self._pull(stage, cursor, posts)
        assert [event.external_id for event in events] == [newest]

    async def test_a_comment_that_comes_between_two_pages(self, stage: Stage) -> None:
        posts = [post(await stage.out(self.message("一")))]
        said = [await self._say(stage, posts[0], str(n)) for n in range(60)]
        page = await wechat(stage).feedback(stage.credentials, {}, posts)
        assert page.more
        said.append(await self._say(stage, posts[0], "插进来"))
        rest, _, _ = await self._pull(stage, json.loads(json.dumps(page.cursor)), posts)
        later, _, _ = await self._pull(stage, json.loads(json.dumps(page.cursor)), posts)
        assert rest == later
        ids = [event.external_id for event in (*page.events, *rest)]
        cursor = (await self._pull(stage, page.cursor, posts))[1]
        ids += [event.external_id for event in (await self._pull(stage, cursor, posts))[0]]
        assert sorted(ids) == sorted(said)

    @pytest.mark.parametrize("shape", ["object", "array"])
    async def test_both_shapes_of_a_reply(self, stage: Stage, shape: str) -> None:
        await stage.http.post(f"{stage.base_url}/control/settings", json={"reply_shape": shape})
        posts = [post(await stage.out(self.message("一")))]
        comment = await self._say(stage, posts[0], "在吗")
        (event,) = (await self._pull(stage, {}, posts))[0]
        assert "answered" not in event.context
        await wechat(stage).reply(answer_to(stage, InteractionKind.COMMENT, comment, "在的", **event.context))
        (event,) = (await self._pull(stage, {}, posts))[0]
        assert event.context["answered"] == "在的"

    async def test_a_deleted_article_stops_no_other(self, stage: Stage) -> None:
        posts = [post(await stage.out(self.message("一"))), post(await stage.out(self.message("二")))]
        comment = await self._say(stage, posts[1], "好")
        await wechat(stage).delete(stage.credentials, posts[0])
        events, _, _ = await self._pull(stage, {}, posts)
        assert [event.external_id for event in events] == [comment]

    async def test_a_second_reply_stands_already(self, stage: Stage) -> None:
        posts = [post(await stage.out(self.message("一")))]
        comment = await self._say(stage, posts[0], "在吗")
        (event,) = (await self._pull(stage, {}, posts))[0]
        request = answer_to(stage, InteractionKind.COMMENT, comment, "在的", **event.context)
        stage.break_with(Fault(path="reply/add", acts=True, behaviour=Behaviour.RESET))
        assert isinstance(await failure_of(wechat(stage).reply(request)), failures.OutcomeUnknown)
        ours = Published(external_id=f"{comment}_reply")
        assert await wechat(stage).find_reply(request, request.created_at) == ours
        assert await wechat(stage).reply(request) == ours
        other = replace(request, text="另一句")
        assert isinstance(await wechat(stage).find_reply(other, request.created_at), Undecidable)
        assert isinstance(await failure_of(wechat(stage).reply(other)), failures.ContentRejected)
        replies = [one for one in stage.sandbox.store.all("comments") if one["in_reply_to"]]
        assert [one["text"] for one in replies] == ["在的"]

    async def test_messages_and_their_window(self, stage: Stage) -> None:
        request = answer_to(stage, InteractionKind.MESSAGE, "1", "在的\x00")
        assert (await failure_of(wechat(stage).message(request))).platform_code == "40003"
        await stage.public("message", account=stage.account, author={"id": READER}, text="在吗")
        for _ in range(5):
            await wechat(stage).message(request)
        failure = await failure_of(wechat(stage).message(request))
        assert isinstance(failure, failures.NotPermitted)
        assert failure.platform_code == "45047"
        await stage.public("message", account=stage.account, author={"id": READER}, text="还在吗")
        stage.pass_time(timedelta(minutes=90))
        assert await wechat(stage).message(request)
        sent = [one["text"] for one in stage.sandbox.store.all("messages") if one["direction"] == "out"]
        assert sent == ["在的"] * 6
        assert isinstance(await wechat(stage).find_reply(request, request.created_at), Undecidable)

    async def test_a_closed_window(self, stage: Stage) -> None:
        await stage.public("message", account=stage.account, author={"id": READER}, text="在吗")
        stage.pass_time(timedelta(hours=48))
        request = answer_to(stage, InteractionKind.MESSAGE, "1", "在的")
        failure = await failure_of(wechat(stage).message(request))
        assert isinstance(failure, failures.NotPermitted)
        assert failure.platform_code == "45015"

    async def test_a_lost_message_is_unknown(self, stage: Stage) -> None:
        await stage.public("message", account=stage.account, author={"id": READER}, text="在吗")
        stage.break_with(Fault(path="custom/send", acts=True, behaviour=Behaviour.RESET))
        request = answer_to(stage, InteractionKind.MESSAGE, "1", "在的")
        assert isinstance(await failure_of(wechat(stage).message(request)), failures.OutcomeUnknown)

    async def _say(self, stage: Stage, to: PostReference, text: str, author: str | None = READER) -> str:
        body = {"account": stage.account, "post": to.external_id, "text": text}
        answer = await stage.public("comment", **body, author={"id": author, "name": "读者"})
        return str(answer.json()["id"])

    async def _pull(self, stage: Stage, cursor: dict[str, object], posts: list[PostReference]) -> Any:
        events: list[InteractionEvent] = []
        pulls, more = 0, True
        while more:
            page = await wechat(stage).feedback(stage.credentials, cursor, posts)
            cursor, more, pulls = json.loads(json.dumps(page.cursor)), page.more, pulls + 1
            events += page.events
        return events, cursor, pulls


class TestNumbers(WeChatHooks):
    async def test_by_day_and_only_when_the_platform_is_ready(self, stage: Stage) -> None:
        reference = post(await stage.out(self.message("你好")))
        await self._act(stage, reference, read=10, like=3, share=2, save=1)
        assert await self._stats(stage, [reference]) == {}
        await self._tomorrow(stage)
        await self._act(stage, reference, read=5)
        reading = (await self._stats(stage, [reference]))[reference.external_id]
        expected = {
            Metric.EXPOSURE: 10,
            Metric.LIKES: 3,
            Metric.SHARES: 2,
            Metric.SAVES: 1,
            Metric.COMMENTS: 0,
        }
        assert reading.values == expected
        assert reading.final
        await self._tomorrow(stage)
        later = (await self._stats(stage, [reference]))[reference.external_id]
        assert later.values[Metric.EXPOSURE] == 15
        assert later.as_of - reading.as_of == DAY

    async def test_more_may_come(self, stage: Stage) -> None:
        reference = post(await stage.out(self.message("你好")))
        await self._act(stage, reference, read=3)
        await stage.http.post(f"{stage.base_url}/control/settings", json={"is_delay": True})
        await self._tomorrow(stage)
        assert not (await self._stats(stage, [reference]))[reference.external_id].final

    async def test_what_is_not_told_is_not_zero(self, stage: Stage) -> None:
        reference = post(await stage.out(self.message("你好")))
        await self._act(stage, reference, read=2)  # fewer than three reads are left out
        await self._tomorrow(stage)
        assert await self._stats(stage, [reference]) == {}
        row = {
            "stat_date": "2026-01-01",
            "read_user": 7,
            "like_user": None,
            "share_user": -1,
            "comment_count": "4",
        }
        msgid = f"{reference.context['msg_data_id']}_1"
        stage.break_with(self._told([{"msgid": msgid, "detail_list": [row]}]))
        reading = (await self._stats(stage, [reference]))[reference.external_id]
        assert reading.values == {Metric.EXPOSURE: 7}

    @pytest.mark.parametrize("code", ["61501", "61503"])
    async def test_not_ready_is_no_reading(self, stage: Stage, code: str) -> None:
        reference = PostReference(
            external_id="a", published_at=datetime.now(UTC), context={"msg_data_id": "1"}
        )
        stage.break_with(Fault(path="getarticletotaldetail", status=200, body=refusal(code)))
        assert await self._stats(stage, [reference]) == {}

    async def test_followers(self, stage: Stage) -> None:
        await stage.public("follow", account=stage.account, count=23_000)
        reading = await wechat(stage).channel_stats(stage.credentials)
        assert reading.values == {Metric.FOLLOWERS: 23_000}
        stage.break_with(Fault(path="user/get", status=200, body='{"count": 0}'))
        assert (await wechat(stage).channel_stats(stage.credentials)).values == {}

    def _told(self, rows: list[dict[str, Any]]) -> Fault:
        return Fault(
            path="getarticletotaldetail", status=200, body=json.dumps({"list": rows, "is_delay": False})
        )

    async def _act(self, stage: Stage, reference: PostReference, **acts: int) -> None:
        for what, count in acts.items():
            answer = await stage.public(what, post=reference.external_id, count=count)
            assert answer.status_code == httpx.codes.OK

    async def _tomorrow(self, stage: Stage) -> None:
        await stage.http.post(f"{stage.base_url}/control/clock", json={"days": 1})

    async def _stats(self, stage: Stage, posts: list[PostReference]) -> Any:
        return await wechat(stage).post_stats(stage.credentials, posts)
