"""Rules for what comes back: comments once each, our own left out; numbers unknown rather than 0."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from drumtower.domain.failures import OutcomeUnknown
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    FeedbackSource,
    InteractionEvent,
    PlatformError,
    PostReference,
    Published,
    Replier,
    ReplyRequest,
    StatsSource,
)
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_stage import Hooks, Stage

STATUSES = (400, 401, 403, 404, 429, 500, 502, 503)
# What the public does, by the metric that it moves.
ACTS = {
    Metric.LIKES: ("like", 3),
    Metric.SHARES: ("share", 2),
    Metric.SAVES: ("save", 4),
    Metric.EXPOSURE: ("read", 57),
}


def reference(out: Published) -> PostReference:
    """The post as the core remembers it."""
    return PostReference(
        external_id=out.external_id, published_at=out.published_at or datetime.now(UTC), context=out.context
    )


async def drain(
    source: FeedbackSource, stage: Stage, cursor: dict[str, Any], posts: Sequence[PostReference]
) -> tuple[list[InteractionEvent], dict[str, Any]]:
    """Pull until nothing more is promised."""
    events: list[InteractionEvent] = []
    for _ in range(60):
        page = await source.feedback(stage.credentials, cursor, posts)
        events, cursor = events + list(page.events), page.cursor
        if not page.more:
            return events, cursor
    raise AssertionError("60 pulls, and it still promises more")


class FeedbackRules(Hooks):
    """Comments, read with a cursor."""

    async def _open_ears(self, stage: Stage) -> tuple[FeedbackSource, PostReference]:
        adapter = stage.adapter
        if not isinstance(adapter, FeedbackSource):
            pytest.skip(f"{self.adapter.__name__} is no FeedbackSource")
        return adapter, reference(await stage.out(self.message("欢迎留言")))

    async def _say(self, stage: Stage, post: PostReference, text: str, author: str = "9001") -> str:
        answer = await stage.public(
            "comment",
            account=stage.account,
            post=post.external_id,
            author={"id": author, "name": "胡同老王"},
            text=text,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def test_each_comment_comes_once(self, stage: Stage) -> None:
        source, post = await self._open_ears(stage)
        ids = [await self._say(stage, post, f"第{number}条留言 👍") for number in range(3)]
        events, cursor = await drain(source, stage, {}, [post])
        assert {event.external_id for event in events} == set(ids)
        assert all(event.post_external_id == post.external_id for event in events)
        assert all(event.kind is InteractionKind.COMMENT and event.occurred_at.tzinfo for event in events)
        assert {event.text for event in events} == {f"第{number}条留言 👍" for number in range(3)}
        assert (await drain(source, stage, cursor, [post]))[0] == []
        late = await self._say(stage, post, "后来的一条", author="9002")
        events, _ = await drain(source, stage, cursor, [post])
        assert [event.external_id for event in events] == [late]
        assert events[0].author_name in ("", "胡同老王"), "a name may be unknown, but not another"

    async def test_many_comments_over_many_pages(self, stage: Stage) -> None:
        source, post = await self._open_ears(stage)
        ids = [await self._say(stage, post, f"留言{number}") for number in range(130)]
        events, cursor = await drain(source, stage, {}, [post])
        assert sorted(event.external_id for event in events) == sorted(ids)
        assert (await drain(source, stage, cursor, [post]))[0] == []

    async def test_comments_that_arrive_while_pages_are_read_are_not_lost(self, stage: Stage) -> None:
        source, post = await self._open_ears(stage)
        ids = {await self._say(stage, post, f"早到{number}") for number in range(70)}
        page = await source.feedback(stage.credentials, {}, [post])
        ids |= {await self._say(stage, post, f"晚到{number}") for number in range(5)}
        seen = {event.external_id for event in page.events}
        rest, cursor = await drain(source, stage, page.cursor, [post])
        more, _ = await drain(source, stage, cursor, [post])
        assert seen | {event.external_id for event in [*rest, *more]} == ids

    async def test_what_we_said_is_left_out(self, stage: Stage) -> None:
        source, post = await self._open_ears(stage)
        adapter = stage.adapter
        if not isinstance(adapter, Replier):
            pytest.skip(f"{self.adapter.__name__} is no Replier")
        await self._say(stage, post, "在吗")
        (event,), cursor = await drain(source, stage, {}, [post])
        await adapter.reply(self.reply_to(stage, event, "在的，谢谢您。"))
        assert (await drain(source, stage, cursor, [post]))[0] == []
        assert len((await drain(source, stage, {}, [post]))[0]) == 1

    async def test_a_failed_pull_says_so(self, stage: Stage) -> None:
        source, post = await self._open_ears(stage)
        await self._say(stage, post, "别丢了我")
        for fault in [Fault(status=200, body=body) for body in ("", "{}", "null", "<html>")] + [
            Fault(status=status) for status in STATUSES
        ]:
            stage.break_with(fault.model_copy(update={"times": 100}))
            with pytest.raises(PlatformError) as caught:
                await drain(source, stage, {}, [post])
            assert not isinstance(caught.value.failure, OutcomeUnknown)
            stage.mend()
        assert len((await drain(source, stage, {}, [post]))[0]) == 1

    def reply_to(self, stage: Stage, event: InteractionEvent, text: str) -> ReplyRequest:
        """Our answer to `event` as the core would ask for it."""
        return ReplyRequest(
            credentials=stage.credentials,
            text=text,
            kind=event.kind,
            external_id=event.external_id,
            author_id=event.author_id,
            post_external_id=event.post_external_id,
            context=event.context,
            idempotency_key=f"reply{abs(hash(text)) % 10**12}",
            created_at=datetime.now(UTC),
        )


class StatsRules(Hooks):
    """Numbers are totals as the platform gave them; what it does not give is left out."""

    async def _open_books(self, stage: Stage) -> tuple[StatsSource, PostReference]:
        adapter = stage.adapter
        if not isinstance(adapter, StatsSource):
            pytest.skip(f"{self.adapter.__name__} is no StatsSource")
        return adapter, reference(await stage.out(self.message("看看数据")))

    async def _counted(self, stage: Stage) -> tuple[StatsSource, PostReference]:
        source, post = await self._open_books(stage)
        if not stage.adapter.capabilities.metrics:
            assert await source.post_stats(stage.credentials, [post]) == {}
            pytest.skip(f"{self.adapter.__name__} gives no numbers of posts")
        return source, post

    async def test_declared_metrics_come_and_no_others(self, stage: Stage) -> None:
        source, post = await self._counted(stage)
        expected = {metric: count for metric, (_, count) in ACTS.items()} | {Metric.COMMENTS: 1}
        for what, count in ACTS.values():
            await stage.public(what, account=stage.account, post=post.external_id, count=count)
        author = {"id": "9001", "name": "胡同老王"}
        await stage.public("comment", account=stage.account, post=post.external_id, author=author, text="好")
        stage.pass_time(stage.adapter.capabilities.metrics_delay)
        reading = (await source.post_stats(stage.credentials, [post]))[post.external_id]
        declared = {Metric(name) for name in stage.adapter.capabilities.metrics}
        assert reading.as_of.tzinfo is not None
        assert dict(reading.values) == {metric: expected[metric] for metric in declared}

    async def test_an_unknown_post_is_left_out(self, stage: Stage) -> None:
        source, post = await self._open_books(stage)
        stage.pass_time(stage.adapter.capabilities.metrics_delay)
        nobody = PostReference(external_id=post.external_id[:-3] + "000", published_at=post.published_at)
        readings = await source.post_stats(stage.credentials, [post, nobody])
        assert set(readings) <= {post.external_id}
        assert await source.post_stats(stage.credentials, []) == {}

    async def test_unknown_is_not_zero(self, stage: Stage) -> None:
        source, post = await self._counted(stage)
        stage.pass_time(stage.adapter.capabilities.metrics_delay)
        stage.break_with(self.stats_unknown(post.external_id))
        readings = await source.post_stats(stage.credentials, [post])
        assert stage.sandbox.faults.fired
        assert all(not reading.values for reading in readings.values())

    async def test_followers(self, stage: Stage) -> None:
        source, _ = await self._open_books(stage)
        if not stage.adapter.capabilities.channel_metrics:
            pytest.skip(f"{self.adapter.__name__} gives no numbers of the account")
        stage.pass_time(stage.adapter.capabilities.metrics_delay)
        before = (await source.channel_stats(stage.credentials)).values
        assert set(before) == {Metric(name) for name in stage.adapter.capabilities.channel_metrics}
        await stage.public("follow", account=stage.account, count=5)
        stage.pass_time(stage.adapter.capabilities.metrics_delay)
        after = (await source.channel_stats(stage.credentials)).values
        assert after[Metric.FOLLOWERS] == before[Metric.FOLLOWERS] + 5

    async def test_a_failed_reading_says_so(self, stage: Stage) -> None:
        source, post = await self._open_books(stage)
        for status in STATUSES:
            stage.break_with(Fault(status=status, times=100))
            if stage.adapter.capabilities.metrics:
                with pytest.raises(PlatformError) as caught:
                    await source.post_stats(stage.credentials, [post])
                assert not isinstance(caught.value.failure, OutcomeUnknown)
            with pytest.raises(PlatformError):
                await source.channel_stats(stage.credentials)
            stage.mend()
