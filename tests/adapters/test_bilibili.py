"""Bilibili: everything the conformance suite asks, then what only Bilibili has."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from drumtower.adapters.bilibili.adapter import BilibiliAdapter
from drumtower.adapters.bilibili.declaration import VIDEO, BilibiliOptions
from drumtower.adapters.bilibili.errors import ERRORS
from drumtower.adapters.bilibili.signing import signed
from drumtower.domain import failures
from drumtower.domain.capabilities import Feature, family
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Accepted,
    Credentials,
    Media,
    Message,
    OutcomeEvent,
    PlatformError,
    PostReference,
    Published,
    WebhookRequest,
    oauth,
)
from drumtower.sandbox.bilibili import BilibiliSandbox
from drumtower.sandbox.bilibili.pushes import pushed, sign
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance, Hooks
from drumtower.testkit.conformance_stage import Crashed, Progress, Stage


def push(credentials: Credentials, body: bytes, at: datetime) -> WebhookRequest:
    headers = {"x-bilibili-signature": sign(credentials["app_secret"], body)}
    return WebhookRequest(method="POST", query={}, headers=headers, body=body, received_at=at)


class BilibiliHooks(Hooks):
    adapter = BilibiliAdapter
    sandbox = BilibiliSandbox
    errors = ERRORS
    publish_path = "/archive/add-by-utoken"
    signature_parameter = "x-bilibili-signature"
    signed_parameters = ()
    body_is_signed = True
    signs_time = False
    has_challenge = False
    tells_words = False
    malformed: ClassVar[tuple[bytes, ...]] = (b'{"event": "video_open"}', b'{"event": "x", "content": []}')

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        """With what a submission must have: a video."""
        given = media or ()
        if not any(family(one.content_type) == "video" for one in given):
            given = (*given, self.file("video/mp4", 4096))
        return replace(super().message(text, title=title, media=given), kind=Kind.VIDEO, hashtags=("茶",))

    def media(self, content_type: str, size: int) -> bytes:
        return (
            b"FLV\x01".ljust(size, b"\0")
            if content_type == "video/x-flv"
            else super().media(content_type, size)
        )

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(
            status=200, body=json.dumps({"code": int(code), "message": said, "ttl": 1, "data": None})
        )

    def stats_unknown(self, post_id: str) -> Fault:
        return Fault(path="data/arc/stat", status=200, body=json.dumps({"code": 0, "data": {"title": "x"}}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        if body is None:
            content = {
                "openid": credentials.account_id,
                "resource_id": "BV1xx411c7mD",
                "state": -2,
                "state_desc": text,
            }
            body = pushed("video_fail", content, at)
        return push(credentials, body, at)


class TestBilibili(BilibiliHooks, AdapterConformance):
    """Videos, which are all that is spoken here."""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await BilibiliHooks()._set(stack, {})


def bilibili(stage: Stage) -> BilibiliAdapter:
    assert isinstance(stage.adapter, BilibiliAdapter)
    return stage.adapter


async def control(stage: Stage, path: str, **body: Any) -> None:
    assert (await stage.http.post(f"{stage.base_url}/control/{path}", json=body)).status_code == 200


class TestSignature:
    def test_the_documents_worked_example(self) -> None:
        body = b'{"name":"clip.mp4","utype":"0"}'
        nonce = "ad184c09-095f-91c3-0849-230dd3744045"
        made = signed("demo-client-id", "demo-app-secret", body, nonce=nonce, at=1_700_000_000)
        assert made["x-bili-content-md5"] == "bd8c66fa91a319f189a6b6e7c59e5077"
        assert made["Authorization"] == "3d2171726267e5a45984cfcfa5def9c6f91f73396dcc8cdeb7413fb07df211d7"
        empty = signed("demo-client-id", "demo-app-secret", b"", nonce=nonce, at=1_700_000_000)
        assert empty["Authorization"] == "bd3a6e8f89ab6cde57d6e96b3661f7e9360e7d6d945067564bb6ee5d9520707f"

    async def test_another_secret_is_refused_and_so_is_a_clock_far_off(self, stage: Stage) -> None:
        values = {**stage.credentials.values, "app_secret": "another"}
        with pytest.raises(PlatformError) as refused:
            await stage.adapter.identify(replace(stage.credentials, values=values))
        assert isinstance(refused.value.failure, failures.Disconnected)
        assert refused.value.failure.platform_code == "4002"
        await control(stage, "settings", clock_skew=601)
        with pytest.raises(PlatformError) as late:
            await stage.adapter.identify(stage.credentials)
        assert isinstance(late.value.failure, failures.Transient), "the clock is corrected, and it goes again"


class TestVideos:
    async def test_a_long_video_goes_on_where_it_stopped(self, stage: Stage) -> None:
        """Three parts; the process dies after the second, and later the upload itself is forgotten."""
        part = VIDEO.parts or 0
        message = BilibiliHooks().message("长片", media=(BilibiliHooks().file("video/mp4", 2 * part + 9),))
        request, progress = stage.request(message), Progress(crash_at=2)
        with pytest.raises(Crashed):
            await stage.publish(request, progress)
        (upload,) = stage.sandbox.store.all("_uploads")
        assert list(upload["parts"]) == ["1", "2"]
        assert isinstance(
            await stage.publish(request, Progress(checkpoint=dict(progress.checkpoint))), Accepted
        )
        (upload,) = stage.sandbox.store.all("_uploads")
        assert [row["size"] for row in upload["parts"].values()] == [part, part, 9]
        forgotten = {"parts": {"upload": "gone", "sent": 1}}
        await stage.publish(replace(request, checkpoint=forgotten), Progress(checkpoint=forgotten))
        assert len({row["digest"] for row in stage.sandbox.store.all("_archives")}) == 1

    async def test_nothing_is_published_before_the_review_ends(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(BilibiliHooks().message("刚刚投稿")))
        assert isinstance(outcome, Accepted)
        waiting = await bilibili(stage).confirm(stage.credentials, outcome.handle)
        assert isinstance(waiting, Accepted)
        assert waiting.detail == "待审"
        out = await stage.settle(outcome)
        assert isinstance(out, Published)
        assert out.url == f"https://www.bilibili.com/video/{out.external_id}"

    async def test_a_review_that_returns_it_says_why(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(BilibiliHooks().message("有违禁词")))
        assert isinstance(outcome, Accepted)
        stage.pass_time(outcome.poll_after)
        with pytest.raises(PlatformError) as caught:
            await bilibili(stage).confirm(stage.credentials, outcome.handle)
        assert isinstance(caught.value.failure, failures.ContentRejected)
        assert "视频内容违规" in caught.value.failure.detail

    async def test_options_and_hashtags_reach_the_submission(self, stage: Stage) -> None:
        options = BilibiliOptions(tid=138, copyright="reprint", source="https://gulou.example")
        cover = BilibiliHooks().file("image/jpeg", 2048)
        request = replace(stage.request(BilibiliHooks().message("转载", media=(cover,))), options=options)
        await stage.publish(request)
        (row,) = stage.sandbox.store.all("_archives")
        assert (row["tid"], row["copyright"], row["source"], row["tag"]) == (
            138,
            2,
            "https://gulou.example",
            "茶",
        )
        assert row["cover"].startswith("https://")
        with pytest.raises(ValueError, match="names its source"):
            BilibiliOptions(copyright="reprint")

    async def test_two_submissions_at_once_wait_and_so_does_the_sixth_of_a_day(self, stage: Stage) -> None:
        await control(stage, "settings", seconds_between=30, submissions_a_day=2)
        await stage.publish(stage.request(BilibiliHooks().message("第一个")))
        soon = await stage.attempt(stage.request(BilibiliHooks().message("第二个")))
        assert isinstance(soon, failures.RateLimited)
        assert soon.until is not None
        assert soon.until <= datetime.now(UTC) + timedelta(seconds=31)
        stage.pass_time(timedelta(seconds=31))
        await stage.publish(stage.request(BilibiliHooks().message("第二个")))
        stage.pass_time(timedelta(seconds=31))
        full = await stage.attempt(stage.request(BilibiliHooks().message("第三个")))
        assert isinstance(full, failures.RateLimited)
        assert full.platform_code == "123036"


class TestPushes:
    async def test_a_review_settles_the_delivery_whose_handle_it_names(self, stage: Stage) -> None:
        content = {
            "openid": stage.credentials.account_id,
            "resource_id": "BV1xx411c7mD",
            "state": 0,
            "state_desc": "开放浏览",
        }
        body = pushed("video_open", content, datetime.now(UTC))
        told = bilibili(stage).receive(push(stage.credentials, body, datetime.now(UTC)), stage.credentials)
        (event,) = told.events
        assert isinstance(event, OutcomeEvent)
        assert event.handle == {"resource_id": "BV1xx411c7mD"}
        assert event.outcome is not None
        later = pushed("video_open", content, datetime.now(UTC) + timedelta(minutes=1))
        again = bilibili(stage).receive(push(stage.credentials, later, datetime.now(UTC)), stage.credentials)
        assert again.event_key == told.event_key, "a later try is the same event"

    async def test_the_address_check_gives_the_number_back(self, stage: Stage) -> None:
        body = b'{"event":"verify_webhooks","content":{"data":1371848576},"timestamp":"2021-01-01 12:01:01"}'
        digest = hashlib.sha1(b"demo-app-secret" + body, usedforsecurity=False).hexdigest()
        assert digest == "55337fe5a8b26d7ca3b3636456a9425132c5c55f", "the documents' worked example"
        told = bilibili(stage).receive(push(stage.credentials, body, datetime.now(UTC)), stage.credentials)
        assert (told.events, json.loads(told.answer.body)) == ((), {"data": 1371848576})


class TestAccounts:
    async def test_consent_token_and_a_refresh_token_that_works_once(self, stage: Stage) -> None:
        adapter, auth = bilibili(stage), BilibiliAdapter.auth
        asked = oauth.Asked(redirect_uri="https://drum.example/callback", state="s")
        address = oauth.authorize_url(adapter, auth, stage.credentials.values, asked)
        assert "gourl=https%3A%2F%2Fdrum.example%2Fcallback" in address
        answer = await stage.http.get(address)
        code = answer.headers["location"].partition("code=")[2].partition("&")[0]
        token = await oauth.exchange(adapter, auth, stage.credentials.values, code, asked)
        assert token.expires_at is not None
        assert timedelta(days=29) < token.expires_at - datetime.now(UTC) < timedelta(days=31), (
            "an epoch second"
        )
        assert "ARC_BASE" in token.scopes
        held = replace(stage.credentials, token=token)
        renewed = await oauth.renewed(adapter, held)
        assert (await adapter.identify(replace(held, token=renewed))).id == stage.account
        with pytest.raises(PlatformError) as spent:
            await oauth.renewed(adapter, held)
        assert isinstance(spent.value.failure, failures.Disconnected)

    async def test_what_was_not_granted_makes_a_handoff(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await BilibiliHooks()._set(stack, {"scopes": "USER_INFO,ARC_DATA"})
            grants = {
                grant.feature: grant.allowed for grant in await bilibili(stage).probe(stage.credentials)
            }
            assert grants == {Feature.PUBLISH: False, Feature.DELETE: False, Feature.STATISTICS: True}
            refused = await stage.attempt(stage.request(BilibiliHooks().message("没有权限")))
            assert isinstance(refused, failures.NotPermitted)

    async def test_numbers_of_a_video_that_is_gone_are_left_out(self, stage: Stage) -> None:
        out = await stage.out(BilibiliHooks().message("看看数据"))
        await stage.public("read", post=out.external_id, count=7)
        posts = [
            PostReference(external_id=one, published_at=datetime.now(UTC))
            for one in ("BV1none00000", out.external_id)
        ]
        found = await bilibili(stage).post_stats(stage.credentials, posts)
        assert list(found) == [out.external_id]
        assert found[out.external_id].values[Metric.EXPOSURE] == 7
