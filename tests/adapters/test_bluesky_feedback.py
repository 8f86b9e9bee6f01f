"""Notifications as interactions: each once, none lost, our own left out."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumtower.adapters.bluesky import feedback
from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import InteractionEvent, PlatformError, ReplyRequest
from drumtower.sandbox.faults import Fault
from tests.adapters.bluesky_desk import Desk, desk, error

__all__ = ["desk"]

LIST = "listNotifications"


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

    @pytest.mark.long
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
        desk.break_with(Fault(path=LIST, status=200, body=body, times=9))
        events, _ = await desk.drain({})
        assert len(events) == 1
        assert desk.sandbox.faults.fired == 2

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
