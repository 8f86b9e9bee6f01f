"""Mastodon: everything the conformance suite asks, then what only Mastodon has."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest

from drumtower.adapters.mastodon.adapter import MastodonAdapter
from drumtower.adapters.mastodon.declaration import ERRORS, MastodonOptions
from drumtower.domain import failures
from drumtower.domain.text import Unit, length
from drumtower.platforms import Absent, Media, Message, Published
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.mastodon import MastodonSandbox
from drumtower.sandbox.mastodon.counting import length as counted
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_feedback import FeedbackRules, drain, reference
from drumtower.testkit.conformance_stage import Stage


class TestMastodon(AdapterConformance):
    adapter = MastodonAdapter
    sandbox = MastodonSandbox
    own_server = True
    errors = ERRORS
    publish_path = "/api/v1/statuses"
    reply_path = "/api/v1/statuses"
    proven_statuses: ClassVar[dict[int, type]] = {
        401: failures.AuthExpired,
        403: failures.NotPermitted,
        **dict.fromkeys((404, 410, 413, 422), failures.ContentRejected),
    }

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        """With a picture, so that there is something to prepare."""
        files = (self.file("image/jpeg", 2048),) if media is None else media
        return super().message(text, title=title, media=files)

    def error(self, code: str, said: str = "") -> Fault:
        status = int(code) if code in ERRORS else 418
        return Fault(status=status, body=json.dumps({"error": said}))

    def stats_unknown(self, post_id: str) -> Fault:
        account = {"id": "1", "acct": "a", "url": "https://a.example/@a"}
        row = {"id": post_id, "created_at": "2026-01-01T00:00:00.000Z", "account": account}
        return Fault(path="/api/v1/statuses", status=200, body=json.dumps([row]))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await TestMastodon()._set(stack, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("鼓楼 tea", 6),
        ("👨‍👩‍👧‍👦", 1),
        ("https://gulou.example/" + "a" * 300, 23),
        ("看https://a.example。再见", 23 + 4),
        ("", 0),
    ],
)
def test_two_counters_agree(text: str, expected: int) -> None:
    assert length(text, Unit.MASTODON) == counted(text) == expected


async def test_the_key_is_kept_for_an_hour_and_then_only_the_look_up_protects(stage: Stage) -> None:
    assert MastodonAdapter.capabilities.key_life == timedelta(minutes=50)
    request = stage.request(TestMastodon().message("同一个键"))
    first, again = await stage.publish(request), await stage.publish(request)
    assert isinstance(first, Published)
    assert isinstance(again, Published)
    assert first.external_id == again.external_id
    stage.pass_time(timedelta(minutes=61))
    found = await stage.find(request)
    assert isinstance(found, Published)
    assert found.external_id == first.external_id
    await stage.publish(request)
    assert len(TestMastodon().published(stage.sandbox)) == 2, "the server has forgotten the key"


async def test_options_reach_the_server(stage: Stage) -> None:
    options = MastodonOptions(visibility="unlisted", content_warning="茶")
    await stage.publish(replace(stage.request(TestMastodon().message("小声说")), options=options))
    (post,) = TestMastodon().published(stage.sandbox)
    assert post["visibility"] == "unlisted"


async def test_an_answer_names_whom_it_answers(stage: Stage) -> None:
    assert isinstance(stage.adapter, MastodonAdapter)
    post = reference(await stage.out(TestMastodon().message("欢迎提问")))
    author = {"id": "7", "name": "王"}
    await stage.public("comment", account=stage.account, post=post.external_id, author=author, text="几点?")
    (event,), _ = await drain(stage.adapter, stage, {}, [post])
    request = FeedbackRules().reply_to(stage, event, "九点。")
    out = await stage.adapter.reply(request)
    (row,) = [row for row in stage.sandbox.store.all("comments") if row["id"] == out.external_id]
    assert row["text"] == "@wang7@elsewhere.example 九点。"
    stage.pass_time(timedelta(seconds=5))
    found = await stage.adapter.find_reply(request, request.created_at)
    assert isinstance(found, Published)
    assert found.external_id == out.external_id
    other = replace(request, text="十点。")
    assert isinstance(await stage.adapter.find_reply(other, request.created_at), Absent)


async def test_a_reset_that_is_an_iso_moment(stage: Stage) -> None:
    reset = stage.sandbox.now() + timedelta(seconds=90)
    headers = {"x-ratelimit-reset": reset.isoformat().replace("+00:00", "Z")}
    stage.break_with(
        Fault(path="/api/v1/statuses", status=429, body='{"error": "Too many"}', headers=headers)
    )
    failure = await stage.attempt(stage.request(TestMastodon().message("太快了")))
    assert isinstance(failure, failures.RateLimited)
    assert failure.until is not None
    assert abs(failure.until - reset) < timedelta(seconds=1)
