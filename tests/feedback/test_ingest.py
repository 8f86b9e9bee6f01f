"""One door: stored once, linked, read, echoes dropped, poison set apart, outcomes settled."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select, text

from drumtower.crypto import Box
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Attempt, Channel, Conversation, OutboxEvent
from drumtower.db.repositories.feedback import FeedbackRepository
from drumtower.domain.deliveries import Action, State
from drumtower.feedback import Ingested, ingest, transact
from drumtower.platforms import AccountEvent, FeedbackEvent, OutcomeEvent, Published
from services.scheduler.leases import LeaseLost, hold, take_due
from services.scheduler.settle import open_attempt, settle_published
from tests.factories import Team, make_team
from tests.feedback.rows import interactions, make_channel, make_delivery, reload, said

PUBLISHED = Published(external_id="article-1", url="https://example.com/1", context={"mid": "7"})


@pytest.fixture
async def channel(db: Database, team: Team, box: Box) -> Channel:
    return await make_channel(db, team, box)


async def take(db: Database, channel: Channel, *events: Any) -> Ingested:
    async def work(tx: Tx, careful: bool) -> Ingested:
        given = cast("tuple[FeedbackEvent, ...]", events)
        return await ingest(tx, channel, given, datetime.now(UTC), careful=careful)

    return await transact(db, work)


class TestInteractions:
    async def test_a_comment_is_stored_with_what_it_says(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        post = await make_delivery(
            db,
            team,
            channel,
            state="published",
            external_id="p1",
            published_at=datetime.now(UTC),
            next_at=None,
        )
        event = said("c1", "物流太慢了，三天还没到，差评！", post_external_id="p1", context={"floor": 1})
        assert (await take(db, channel, event)).added == 1
        (row,) = await interactions(db, channel.id)
        assert (row.text, row.author_name, row.context) == (event.text, "小鱼", {"floor": 1})
        assert (row.sentiment, row.intent, row.language) == ("negative", "complaint", "zh")
        assert row.reasons
        assert row.delivery_id == post.id
        assert (row.status, row.platform, row.revision) == ("open", "wechat", 1)
        assert row.workspace_id == team.workspace_id
        async with db.transaction() as tx:
            names = (await tx.scalars(select(OutboxEvent.name))).all()
        assert names == ["interaction.received"]

    async def test_the_same_again_changes_nothing(self, db: Database, channel: Channel) -> None:
        events = [said("c1"), said("c2"), said("c1", "an edit is another matter")]
        assert (await take(db, channel, *events)).added == 2
        again = await take(db, channel, *events)
        assert (again.added, again.known) == (0, 2)
        assert [row.text for row in await interactions(db, channel.id)] == [events[0].text, events[1].text]

    async def test_overlapping_batches_at_once_store_each_once(self, db: Database, channel: Channel) -> None:
        events = [said(f"c{number}", author_id=f"fan-{number % 7}") for number in range(40)]
        batches = [events[start : start + 25] for start in (0, 5, 10, 15)] + [events[::-1]] * 4
        taken = await asyncio.gather(*(take(db, channel, *batch) for batch in batches))
        assert sum(one.added for one in taken) == 40
        assert {row.external_id for row in await interactions(db, channel.id)} == {
            event.external_id for event in events
        }
        async with db.transaction() as tx:
            assert len((await tx.scalars(select(Conversation))).all()) == 7

    async def test_a_conversation_keeps_the_newest_name_and_time(
        self, db: Database, channel: Channel
    ) -> None:
        now = datetime.now(UTC)
        old, new = now - timedelta(hours=3), now - timedelta(hours=1)
        await take(db, channel, said("c2", author_name="新名", occurred_at=new))
        await take(db, channel, said("c1", author_name="", occurred_at=old))
        async with db.transaction() as tx:
            (conversation,) = (await tx.scalars(select(Conversation))).all()
        assert (conversation.author_name, conversation.last_at) == ("新名", new)

    async def test_nothing_is_said_in_the_future(self, db: Database, channel: Channel) -> None:
        before = datetime.now(UTC)
        await take(db, channel, said("c1", occurred_at=datetime(9999, 1, 1, tzinfo=UTC)))
        await take(db, channel, said("c2", occurred_at=before - timedelta(days=1)))
        async with db.transaction() as tx:
            (conversation,) = (await tx.scalars(select(Conversation))).all()
        assert before <= conversation.last_at <= datetime.now(UTC)

    async def test_a_long_batch_is_listed_in_the_order_it_was_said(
        self, db: Database, channel: Channel
    ) -> None:
        now = datetime.now(UTC)
        events = [
            said(f"c{minute}", "茶" * 200, occurred_at=now - timedelta(minutes=minute)) for minute in range(9)
        ]
        await take(db, channel, *events)
        assert [row.external_id for row in await interactions(db, channel.id)] == [
            f"c{minute}" for minute in reversed(range(9))
        ]

    async def test_a_comment_that_came_before_our_own_record_is_linked_later(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        post = await make_delivery(db, team, channel, state="unknown")
        await take(db, channel, said("c1", post_external_id="p1"), said("c2", post_external_id="not ours"))
        async with db.transaction() as tx:
            row = await hold(tx, post.id, post.fence)
            await settle_published(tx, row, Published(external_id="p1"), datetime.now(UTC))
            await FeedbackRepository(tx, team.workspace_id).link(channel.id)
        assert [row.delivery_id for row in await interactions(db, channel.id)] == [post.id, None]


class TestEchoes:
    async def test_our_own_posts_and_replies_are_no_feedback(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        out = {"state": "published", "published_at": datetime.now(UTC), "next_at": None}
        for number in range(50):
            await make_delivery(db, team, channel, external_id=f"post-{number}", **out)
            await make_delivery(db, team, channel, external_id=f"reply-{number}", action=Action.REPLY, **out)
        echoes = [
            said(f"{kind}-{number}", author_id="another name of ours")
            for kind in ("post", "reply")
            for number in range(50)
        ] + [said(f"by-us-{number}", author_id=channel.account_id) for number in range(50)]
        taken = await take(db, channel, *echoes, said("c1"))
        assert (taken.added, taken.echoes) == (1, 150)
        assert [row.external_id for row in await interactions(db, channel.id)] == ["c1"]

    async def test_another_tenants_ids_are_not_ours(
        self, db: Database, team: Team, channel: Channel, box: Box
    ) -> None:
        other = await make_team(db)
        theirs = await make_channel(db, other, box, "gh_theirs")
        await make_delivery(
            db,
            other,
            theirs,
            state="published",
            external_id="p1",
            published_at=datetime.now(UTC),
            next_at=None,
        )
        await take(db, channel, said("p1"), said("c1", post_external_id="p1"))
        assert [row.delivery_id for row in await interactions(db, channel.id)] == [None, None]

    async def test_a_reply_of_ours_is_no_post(self, db: Database, team: Team, channel: Channel) -> None:
        await make_delivery(
            db,
            team,
            channel,
            action=Action.REPLY,
            state="published",
            external_id="r1",
            published_at=datetime.now(UTC),
            next_at=None,
        )
        await take(db, channel, said("c1", post_external_id="r1"))
        assert (await interactions(db, channel.id))[0].delivery_id is None


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what a careless adapter hands over
POISON = [
    said(""),
    said("x" * 513),
    said("nul\x00"),
    said("half\ud800"),
    said("no author", author_id=""),
    said("naive", occurred_at=NAIVE),
    said("ancient", occurred_at=datetime.min.replace(tzinfo=UTC)),
    said("no text", cast("Any", None)),
    said("novel", "长" * 100_001),
    said("nan", context={"n": float("nan")}),
    said("nul inside", context={"deep": [{"x": "\x00"}]}),
    said("no json", context={"x": object()}),
    said("vast", context={"x": "y" * 70_000}),
    said("post", post_external_id="p" * 600),
    said("kind", kind=cast("Any", "shout")),
    cast("Any", None),
    cast("Any", {"external_id": "a dict"}),
]


HOSTILE = (
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "\u202e翻转\u200b",
    "' OR 1=1 --",
    "👨\u200d👩\u200d👧\u200d👦🍵",
    "{{7*7}} ${jndi:ldap://x} %s%n",
)


class TestPoison:
    async def test_bad_entries_stop_no_other(self, db: Database, channel: Channel) -> None:
        taken = await take(db, channel, said("c1"), *POISON, said("c2"))
        assert taken.added == 2
        assert len(taken.faults) == len(POISON)
        assert all(fault.reason and fault.entry for fault in taken.faults)
        assert len({fault.digest for fault in taken.faults}) == len(POISON)
        assert {row.external_id for row in await interactions(db, channel.id)} == {"c1", "c2"}

    async def test_a_thousand_with_one_bad(self, db: Database, channel: Channel) -> None:
        events = [said(f"c{number}") for number in range(999)]
        events.insert(500, said("bad\x00"))
        taken = await take(db, channel, *events)
        assert (taken.added, len(taken.faults)) == (999, 1)
        assert b"bad" in taken.faults[0].entry

    async def test_what_only_the_database_refuses_is_set_apart_too(
        self, db: Database, channel: Channel
    ) -> None:
        async with db.transaction() as tx:
            await tx.execute(text("ALTER TABLE interactions ADD CHECK (text <> 'bad')"))
        taken = await take(db, channel, said("c1"), said("c2", "bad"), said("c3", author_id="fan-2"))
        assert (taken.added, len(taken.faults)) == (2, 1)
        assert "violates check constraint" in taken.faults[0].reason
        assert {row.external_id for row in await interactions(db, channel.id)} == {"c1", "c3"}

    async def test_unreadable_characters_do_not_lose_a_comment(self, db: Database, channel: Channel) -> None:
        await take(db, channel, said("c1", "好\x00茶\ud83d", author_name="\udc00名"))
        (row,) = await interactions(db, channel.id)
        assert (row.text, row.author_name) == ("好\ufffd茶\ufffd", "\ufffd名")

    async def test_hostile_text_is_stored_as_it_is(self, db: Database, channel: Channel) -> None:
        await take(db, channel, *(said(f"c{number}", one) for number, one in enumerate(HOSTILE)))
        assert {row.text for row in await interactions(db, channel.id)} == set(HOSTILE)


def outcome(
    handle: dict[str, Any], found: Published | None = PUBLISHED, why: str | None = None
) -> OutcomeEvent:
    return OutcomeEvent(handle=handle, outcome=found, refusal=why)


class TestOutcomes:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.UNKNOWN])
    async def test_it_settles_what_waits_for_it(
        self, db: Database, team: Team, channel: Channel, state: State
    ) -> None:
        handle = {"publish_id": "7", "polls": 2}
        waiting = await make_delivery(db, team, channel, state=state.value, handle=handle)
        other = await make_delivery(db, team, channel, state=state.value, handle={"publish_id": "8"})
        async with db.transaction() as tx:
            tx.add(open_attempt(waiting, "send", datetime.now(UTC)))
        assert (await take(db, channel, outcome({"publish_id": "7"}))).settled == 1
        settled = await reload(db, waiting)
        assert settled.state == State.PUBLISHED
        assert (settled.external_id, settled.external_url) == ("article-1", "https://example.com/1")
        assert settled.context == {"mid": "7"}
        assert settled.next_at is None
        assert settled.lateness_ms is not None
        assert settled.lateness_ms >= 59_000
        assert (await reload(db, other)).state == state
        async with db.transaction() as tx:
            attempts = (await tx.scalars(select(Attempt).order_by(Attempt.fence))).all()
        assert [(one.step, one.outcome, one.fence) for one in attempts] == [
            ("send", None, 1),
            ("event", "published", 2),
        ]

    async def test_a_refusal_fails_it_with_the_platforms_reason(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        waiting = await make_delivery(db, team, channel, handle={"publish_id": "7"})
        await take(db, channel, outcome({"publish_id": "7"}, None, "原创校验失败"))
        settled = await reload(db, waiting)
        assert settled.state == State.FAILED
        assert settled.error is not None
        assert (settled.error["code"], settled.error["detail"]) == ("content_rejected", "原创校验失败")

    async def test_what_is_over_stays(self, db: Database, team: Team, channel: Channel) -> None:
        over = {"handle": {"publish_id": "7"}, "next_at": None, "external_url": "https://x.example"}
        states = ["published", "failed", "cancelled", "handoff"]
        rows = [await make_delivery(db, team, channel, state=state, **over) for state in states]
        assert (await take(db, channel, outcome({"publish_id": "7"}))).settled == 0
        assert [(await reload(db, row)).state for row in rows] == states

    async def test_an_outcome_before_our_own_record_harms_nothing(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        sending = await make_delivery(db, team, channel, state="sending")
        taken = await take(db, channel, outcome({"publish_id": "7"}))
        assert (taken.settled, taken.faults) == (0, ())
        assert (await reload(db, sending)).state == State.SENDING

    async def test_it_reaches_no_other_channel(
        self, db: Database, team: Team, channel: Channel, box: Box
    ) -> None:
        other = await make_team(db)
        theirs = await make_channel(db, other, box, "gh_theirs")
        waiting = await make_delivery(db, other, theirs, handle={"publish_id": "7"})
        assert (await take(db, channel, outcome({"publish_id": "7"}))).settled == 0
        assert (await reload(db, waiting)).state == State.ACCEPTED

    async def test_an_ambiguous_handle_settles_nothing(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        both = [await make_delivery(db, team, channel, handle={"batch": "b", "n": n}) for n in range(2)]
        assert (await take(db, channel, outcome({"batch": "b"}))).settled == 0
        assert {(await reload(db, one)).state for one in both} == {"accepted"}

    async def test_broken_outcomes_are_set_apart(self, db: Database, team: Team, channel: Channel) -> None:
        waiting = await make_delivery(db, team, channel, handle={"publish_id": "7"})
        broken = [
            outcome({}),
            outcome({"publish_id": "7"}, None, None),
            outcome({"publish_id": "7"}, Published(external_id="")),
            outcome({"publish_id": "7"}, Published(external_id="a\x00")),
            outcome({"publish_id": "7"}, Published(external_id="a", published_at=NAIVE)),
            outcome({"publish_id": "7"}, Published(external_id="a", context={"n": float("inf")})),
        ]
        taken = await take(db, channel, *broken, said("c1"))
        assert (taken.added, taken.settled, len(taken.faults)) == (1, 0, len(broken))
        assert (await reload(db, waiting)).state == State.ACCEPTED

    async def test_the_platforms_clock_stays_between_our_send_and_now(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        waiting = await make_delivery(db, team, channel, handle={"publish_id": "7"})
        ahead = replace(PUBLISHED, published_at=datetime.now(UTC) + timedelta(hours=8))
        await take(db, channel, outcome({"publish_id": "7"}, ahead))
        settled = await reload(db, waiting)
        assert settled.published_at is not None
        assert waiting.sent_at is not None
        assert waiting.sent_at <= settled.published_at <= datetime.now(UTC)

    async def test_other_news_are_kept_by_the_caller(self, db: Database, channel: Channel) -> None:
        assert await take(db, channel, AccountEvent(name="subscribe")) == Ingested()


class TestRaces:
    async def test_a_poll_under_way_loses_to_the_event(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        waiting = await make_delivery(
            db, team, channel, handle={"publish_id": "7"}, next_at=datetime.now(UTC) - timedelta(seconds=1)
        )
        async with db.transaction() as tx:
            (taken,) = await take_due(tx, State.ACCEPTED, limit=1, lease=timedelta(seconds=60))
        await take(db, channel, outcome({"publish_id": "7"}))
        with pytest.raises(LeaseLost):
            async with db.transaction() as tx:
                await hold(tx, waiting.id, taken.fence, State.ACCEPTED)
        assert (await reload(db, waiting)).external_id == "article-1"

    async def test_event_and_poll_at_once_settle_once(
        self, db: Database, team: Team, channel: Channel
    ) -> None:
        for number in range(25):
            handle = {"publish_id": str(number)}
            waiting = await make_delivery(db, team, channel, handle=handle)
            results = await asyncio.gather(
                take(db, channel, outcome(handle)),
                self._poll(db, waiting.id, waiting.fence),
                take(db, channel, outcome(handle)),
            )
            won = [results[0].settled == 1, results[1], results[2].settled == 1]
            assert won.count(True) == 1, won
            assert (await reload(db, waiting)).state == State.PUBLISHED

    async def _poll(self, db: Database, delivery_id: Any, fence: int) -> bool:
        try:
            async with db.transaction() as tx:
                row = await hold(tx, delivery_id, fence, State.ACCEPTED)
                await settle_published(tx, row, PUBLISHED, datetime.now(UTC))
        except LeaseLost:
            return False
        return True
