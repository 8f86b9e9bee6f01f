"""Kuaishou: everything the conformance suite asks, then what only Kuaishou has."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from drumtower.adapters.kuaishou.adapter import KuaishouAdapter
from drumtower.adapters.kuaishou.declaration import ERRORS, VIDEO, KuaishouOptions
from drumtower.domain.capabilities import Feature, family
from drumtower.domain.content import Kind
from drumtower.domain.failures import ContentRejected, Disconnected, RateLimited
from drumtower.platforms import (
    Accepted,
    Credentials,
    Media,
    Message,
    PlatformError,
    PostReference,
    Published,
    Token,
    WebhookRequest,
    oauth,
)
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.kuaishou import KuaishouSandbox
from drumtower.sandbox.kuaishou.pushes import pushed, sign
from drumtower.testkit.conformance import AdapterConformance, Hooks
from drumtower.testkit.conformance_feedback import reference
from drumtower.testkit.conformance_stage import Crashed, Progress, Stage


def push(credentials: Credentials, body: bytes, at: datetime) -> WebhookRequest:
    headers = {"kwaisign": sign(credentials["app_secret"], body)}
    return WebhookRequest(method="POST", query={}, headers=headers, body=body, received_at=at)


class KuaishouHooks(Hooks):
    adapter = KuaishouAdapter
    sandbox = KuaishouSandbox
    errors = ERRORS
    publish_path = "/photo/publish"
    signature_parameter = "kwaisign"
    signed_parameters = ()
    body_is_signed = True
    signs_time = False
    has_challenge = False
    tells_words = False
    malformed: ClassVar[tuple[bytes, ...]] = (b'{"event": "TEST", "app_id": "x"}',)

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        """With what a post must have: a video and its cover."""
        given = media or ()
        has = {family(one.content_type) for one in given}
        needed = {"video": "video/mp4", "image": "image/jpeg"}
        files = (*given, *(self.file(kind, 4096) for name, kind in needed.items() if name not in has))
        return replace(super().message(text, title=title, media=files), kind=Kind.VIDEO)

    def media(self, content_type: str, size: int) -> bytes:
        return super().media("video/mp4" if content_type == "video/quicktime" else content_type, size)

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(status=200, body=json.dumps({"result": int(code), "error": "x", "error_msg": said}))

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"photo_id": post_id, "create_time": 1_767_225_600_000, "view_count": None}
        return Fault(path="photo/list", status=200, body=json.dumps({"result": 1, "video_list": [row]}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        if body is None:
            number = hashlib.sha256(text.encode()).hexdigest()[:12]
            data = {"open_id": credentials.account_id, "scope": ["user_video_info"], "note": text}
            stamp = int(at.timestamp() * 1000)
            body = pushed(credentials["app_id"], "UN_AUTHORIZE", number, stamp, data)
        return push(credentials, body, at)


class TestKuaishou(KuaishouHooks, AdapterConformance):
    """Videos, which are all that Kuaishou takes."""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await KuaishouHooks()._set(stack, {})


def kuaishou(stage: Stage) -> KuaishouAdapter:
    assert isinstance(stage.adapter, KuaishouAdapter)
    return stage.adapter


async def settings(stage: Stage, **changed: Any) -> None:
    assert (await stage.http.post(f"{stage.base_url}/control/settings", json=changed)).status_code == 200


class TestVideos:
    async def test_a_long_video_goes_on_where_it_stopped(self, stage: Stage) -> None:
        """Three fragments; the process dies after the second, and the third time the upload itself is forgotten."""
        part = VIDEO.parts or 0
        message = KuaishouHooks().message("长片", media=(KuaishouHooks().file("video/mp4", 2 * part + 9),))
        request, progress = stage.request(message), Progress(crash_at=2)
        with pytest.raises(Crashed):
            await stage.publish(request, progress)
        (upload,) = stage.sandbox.store.all("_uploads")
        assert list(upload["fragments"]) == ["0", "1"]
        await stage.publish(request, Progress(checkpoint=dict(progress.checkpoint)))
        (upload,) = stage.sandbox.store.all("_uploads")
        assert [row["size"] for row in upload["fragments"].values()] == [part, part, 9]
        gone = {"token": "gone", "host": stage.base_url}
        forgotten = {"parts": {"upload": gone, "sent": 1}}
        await stage.publish(replace(request, checkpoint=forgotten), Progress(checkpoint=forgotten))
        assert len({row["digest"] for row in stage.sandbox.store.all("posts")}) == 1

    async def test_not_known_yet_is_not_gone(self, stage: Stage) -> None:
        await settings(stage, unknown_seconds=60, pending_seconds=90)
        outcome = await stage.publish(stage.request(KuaishouHooks().message("刚刚发出")))
        assert isinstance(outcome, Accepted)
        assert isinstance(await kuaishou(stage).confirm(stage.credentials, outcome.handle), Accepted)
        out = await stage.settle(outcome)
        assert isinstance(out, Published)
        assert out.url == f"https://www.kuaishou.com/short-video/{out.external_id}"

    async def test_a_review_that_refuses_is_seen_by_the_video_being_gone(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(KuaishouHooks().message("违禁词")))
        assert isinstance(outcome, Accepted)
        stage.pass_time(timedelta(seconds=30))
        early = await kuaishou(stage).confirm(stage.credentials, outcome.handle)
        assert isinstance(early, Accepted), "it may not be known yet"
        half_an_hour_ago = (datetime.now(UTC) - timedelta(minutes=31)).isoformat()
        with pytest.raises(PlatformError) as caught:
            await kuaishou(stage).confirm(stage.credentials, outcome.handle | {"at": half_an_hour_ago})
        assert isinstance(caught.value.failure, ContentRejected)

    async def test_an_upload_can_be_published_once(self, stage: Stage) -> None:
        request, progress = stage.request(KuaishouHooks().message("第一次")), Progress()
        await stage.publish(request, progress)
        again = await stage.attempt(replace(request, message=KuaishouHooks().message("第二次")), progress)
        assert isinstance(again, ContentRejected)
        assert again.platform_code == "100120002"

    async def test_options_reach_the_video(self, stage: Stage) -> None:
        options = KuaishouOptions(panorama="SPHERICAL_VIDEO_360", merchant_product_id="9")
        await stage.publish(replace(stage.request(KuaishouHooks().message("全景")), options=options))
        (post,) = stage.sandbox.store.all("posts")
        assert (post["stereo_type"], post["merchant_product_id"]) == ("SPHERICAL_VIDEO_360", "9")

    async def test_numbers_of_more_videos_than_a_page_holds(self, stage: Stage) -> None:
        out = await stage.out(KuaishouHooks().message("最早的一条"))
        row = stage.sandbox.store.all("posts")[0]
        for number in range(205):
            stage.pass_time(timedelta(seconds=1))
            later = {"id": f"3y{number}", "created_at": stage.sandbox.now().isoformat()}
            stage.sandbox.store.put("posts", later["id"], row | later)
        await settings(stage, numbers_as_strings=True)
        await stage.public("like", post=out.external_id, count=7)
        found = await kuaishou(stage).post_stats(stage.credentials, [reference(out)])
        assert [dict(one.values) for one in found.values()] == [{"exposure": 0, "likes": 7, "comments": 0}]

    async def test_the_days_calls_are_used_up(self, stage: Stage) -> None:
        await settings(stage, calls_a_day=0)
        with pytest.raises(PlatformError) as caught:
            await kuaishou(stage).post_stats(
                stage.credentials, [PostReference(external_id="3x", published_at=datetime.now(UTC))]
            )
        assert isinstance(caught.value.failure, RateLimited)
        assert caught.value.failure.until is not None
        assert caught.value.failure.until.hour == 16, "midnight in Beijing"


class TestPushes:
    """The worked example was computed from the documented rule: md5(body + app_secret)."""

    BODY = (
        '{"app_id":"ks684828620219089813","event":"AUTHORIZE","timestamp":1767225600000,"message_id":"msg-0001",'
        '"data":{"open_id":"f198e20b0c24ac9014bf5724d9d5c043","scope":["user_info","user_video_info"],"is_new":true}}'
    )

    def test_the_answer_repeats_the_messages_id(self, stage: Stage) -> None:
        values = {"app_id": "ks684828620219089813", "app_secret": "ksAppSecret0001"}
        owner = Credentials(values=values, account_id="f198e20b0c24ac9014bf5724d9d5c043")
        headers = {"kwaisign": "73afbdcdd807f9aa03c97d64935f268b"}
        asked = WebhookRequest(
            method="POST", query={}, headers=headers, body=self.BODY.encode(), received_at=datetime.now(UTC)
        )
        received = kuaishou(stage).receive(asked, owner)
        assert json.loads(received.answer.body) == {"result": 1, "message_id": "msg-0001"}
        assert received.event_key == "msg-0001"

    def test_the_address_check_names_no_account(self, stage: Stage) -> None:
        body = pushed(stage.credentials["app_id"], "TEST", "msg-7", 1_767_225_600_000, None)
        received = kuaishou(stage).receive(
            push(stage.credentials, body, datetime.now(UTC)), stage.credentials
        )
        assert json.loads(received.answer.body)["message_id"] == "msg-7"


class TestSigningIn:
    async def _token(self, stage: Stage, **more: str) -> tuple[Credentials, Token]:
        values = {name: stage.credentials[name] for name in ("app_id", "app_secret")} | more
        asked = oauth.Asked(redirect_uri="https://desk.example/back", state="s")
        page = oauth.authorize_url(stage.adapter, KuaishouAdapter.auth, values, asked)
        back = parse_qs(urlsplit((await stage.http.get(page)).headers["location"]).query)
        token = await oauth.exchange(stage.adapter, KuaishouAdapter.auth, values, back["code"][0], asked)
        return Credentials(values=values, account_id=stage.account, token=token), token

    async def test_a_refresh_token_is_used_once_and_keeps_the_first_ones_end(self, stage: Stage) -> None:
        credentials, token = await self._token(stage)
        assert (token.account_id, token.scopes) == (
            stage.account,
            ("user_info", "user_video_publish", "user_video_info"),
        )
        new = await oauth.renewed(stage.adapter, credentials)
        assert token.refresh_expires_at is not None
        assert new.refresh_expires_at is not None
        assert abs(new.refresh_expires_at - token.refresh_expires_at) < timedelta(seconds=5)
        assert new.refresh != token.refresh
        assert new.account_id == stage.account, "the renewal's answer does not name it"
        await kuaishou(stage).identify(credentials)  # the earlier token is good until its own end
        with pytest.raises(PlatformError) as caught:
            await oauth.renewed(stage.adapter, credentials)
        assert isinstance(caught.value.failure, Disconnected)
        assert oauth.authorise_by(stage.adapter, new) == new.refresh_expires_at

    async def test_what_was_not_granted_makes_a_handoff(self, stage: Stage) -> None:
        credentials, _ = await self._token(stage, scopes="user_video_info")
        allowed = {grant.feature: grant.allowed for grant in await kuaishou(stage).probe(credentials)}
        assert allowed == {Feature.PUBLISH: False, Feature.STATISTICS: True, Feature.DELETE: False}

    async def test_a_token_by_hand_is_tried(self, stage: Stage) -> None:
        (found,) = await kuaishou(stage).probe(stage.credentials)
        assert (found.feature, found.allowed) == (Feature.STATISTICS, True)
