"""Douyin: everything the conformance suite asks, then what only Douyin has."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from drumtower.adapters.douyin.adapter import DouyinAdapter
from drumtower.adapters.douyin.declaration import VIDEO, DouyinOptions
from drumtower.adapters.douyin.errors import ERRORS
from drumtower.domain.capabilities import Feature
from drumtower.domain.failures import AuthExpired, ContentRejected, Disconnected, NotPermitted
from drumtower.platforms import (
    Accepted,
    AccountEvent,
    Credentials,
    InteractionEvent,
    Media,
    Message,
    PlatformError,
    Published,
    Token,
    WebhookRefused,
    WebhookRequest,
    oauth,
)
from drumtower.sandbox.douyin import DouyinSandbox
from drumtower.sandbox.douyin.pushes import pushed, sign
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance, Hooks
from drumtower.testkit.conformance_feedback import reference
from drumtower.testkit.conformance_stage import Crashed, Progress, Stage

SECRET = "0123456789abcdef0123456789abcdef"


def push(credentials: Credentials, body: bytes, at: datetime, message: str = "") -> WebhookRequest:
    signature = sign(credentials["client_secret"], body)
    name = message or hashlib.sha256(body).hexdigest()[:32]
    headers = {"x-douyin-signature": signature, "msg-id": name}
    return WebhookRequest(method="POST", query={}, headers=headers, body=body, received_at=at)


def written(credentials: Credentials, text: str, at: datetime, **changed: Any) -> bytes:
    """A message to the account as Douyin tells it."""
    number = hashlib.sha256(f"{text}{at}".encode()).hexdigest()[:12]
    content = {
        "conversation_short_id": "@9VwKzvat==",
        "server_message_id": f"@{number}",
        "create_time": int(at.timestamp() * 1000),
        "message_type": "text",
        "text": text,
        "user_infos": [{"open_id": "user_open_1", "nick_name": "胡同老王"}],
    }
    as_text = json.dumps(content | changed, ensure_ascii=False)
    key = credentials["client_key"]
    return pushed("im_receive_msg", "user_open_1", credentials.account_id, key, as_text)


class DouyinHooks(Hooks):
    adapter = DouyinAdapter
    sandbox = DouyinSandbox
    errors = ERRORS
    publish_path = "/create_image_text/"
    reply_path = "/item/comment/reply/"
    message_path = "/im/send/msg/"
    message_context: ClassVar[dict[str, Any]] = {"conversation_id": "@9VwKz9001=="}
    signature_parameter = "x-douyin-signature"
    signed_parameters = ()
    body_is_signed = True
    signs_time = False
    has_challenge = False

    def message(self, text: str, *, title: str = "鼓楼", media: tuple[Media, ...] | None = None) -> Message:
        """With a picture: Douyin takes no text alone."""
        files = (self.file("image/jpeg", 2048),) if media is None else media
        return super().message(text, title=title, media=files)

    def media(self, content_type: str, size: int) -> bytes:
        if content_type == "video/webm":
            return b"\x1aE\xdf\xa3".ljust(size, b"\x00")
        return super().media(content_type, size)

    def error(self, code: str, said: str = "") -> Fault:
        body = {"error_code": int(code), "description": said}
        return Fault(status=200, body=json.dumps({"data": body, "extra": {**body, "logid": "x"}}))

    def stats_unknown(self, post_id: str) -> Fault:
        row = {"item_id": post_id, "create_time": 1_767_225_600, "statistics": {"play_count": None}}
        return Fault(path="video_data", status=200, body=json.dumps({"data": {"list": [row]}, "extra": {}}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        return push(credentials, written(credentials, text, at) if body is None else body, at)


class TestDouyin(DouyinHooks, AdapterConformance):
    """Pictures; videos make the same one call."""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await DouyinHooks()._set(stack, {})


def douyin(stage: Stage) -> DouyinAdapter:
    assert isinstance(stage.adapter, DouyinAdapter)
    return stage.adapter


async def settings(stage: Stage, **changed: Any) -> None:
    assert (await stage.http.post(f"{stage.base_url}/control/settings", json=changed)).status_code == 200


class TestPosts:
    async def test_a_review_that_refuses_is_seen_by_the_post_being_gone(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(DouyinHooks().message("违禁词 大促")))
        assert isinstance(outcome, Accepted)
        first = await douyin(stage).confirm(stage.credentials, outcome.handle)
        assert isinstance(first, Accepted)
        with pytest.raises(PlatformError) as caught:
            await stage.settle(first)
        assert isinstance(caught.value.failure, ContentRejected)
        assert "review" in caught.value.failure.detail

    async def test_where_nobody_may_look_taken_is_the_last_that_is_certain(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await DouyinHooks()._set(stack, {"scopes": "user_info,video.create.bind"})
            request = stage.request(DouyinHooks().message("只有发布权限"))
            out = await stage.settle(await stage.publish(request))
            assert isinstance(out, Published)
            assert out.url == "https://www.douyin.com/note/7215132967000000001"
            found = await douyin(stage).find(request, request.created_at)
            assert "may not be read" in str(found)

    async def test_options_and_a_cover_reach_the_post(self, stage: Stage) -> None:
        files = (DouyinHooks().file("video/mp4", 4096), DouyinHooks().file("image/png", 2048))
        options = DouyinOptions(visibility="friends", downloadable=False, cover_at=2.5)
        request = replace(stage.request(DouyinHooks().message("带封面", media=files)), options=options)
        await stage.publish(request)
        (post,) = stage.sandbox.store.all("posts")
        assert (post["private_status"], post["download_type"], post["cover_tsp"]) == (2, 2, 2.5)
        assert (post["media_type"], post["custom_cover"][0]) == (4, "@")

    @pytest.mark.parametrize("kinds", [(), ("video/mp4", "image/png", "image/png")])
    async def test_what_is_no_post_is_refused_before_an_upload(
        self, stage: Stage, kinds: tuple[str, ...]
    ) -> None:
        files = tuple(DouyinHooks().file(kind, 2048) for kind in kinds)
        outcome = await stage.attempt(stage.request(DouyinHooks().message("不成一条", media=files)))
        assert isinstance(outcome, ContentRejected)
        assert not stage.sandbox.store.all("_images")

    async def test_a_long_video_goes_on_where_it_stopped(self, stage: Stage) -> None:
        """Two parts of 20 MB; the process dies between them, and in the end the upload itself is forgotten."""
        part = VIDEO.parts or 0
        message = DouyinHooks().message("长片", media=(DouyinHooks().file("video/mp4", part + 1024),))
        request, progress = stage.request(message), Progress(crash_at=1)
        with pytest.raises(Crashed):
            await stage.publish(request, progress)
        (upload,) = stage.sandbox.store.all("_uploads")
        assert list(upload["parts"]) == ["1"]
        await stage.publish(request, Progress(checkpoint=dict(progress.checkpoint)))
        (upload,) = stage.sandbox.store.all("_uploads")
        assert [row["size"] for row in upload["parts"].values()] == [part, 1024]
        forgotten = {"parts": {"upload": "@gone", "sent": 1}}
        await stage.publish(replace(request, checkpoint=forgotten), Progress(checkpoint=forgotten))
        assert len(stage.sandbox.store.all("_uploads")) == 2
        digests = {row["digest"] for row in stage.sandbox.store.all("_videos")}
        assert len(digests) == 1, "the same file, whatever way it went"

    def test_one_anchor_a_post(self) -> None:
        with pytest.raises(ValueError, match="one anchor"):
            DouyinOptions(poi_id="1", micro_app_id="tt1")


class TestWireQuirks:
    async def test_numbers_as_text_and_no_code_in_extra(self, stage: Stage) -> None:
        await settings(stage, numbers_as_strings=True, bare_extra=True)
        out = await stage.out(DouyinHooks().message("数字是文字"))
        assert await douyin(stage).channel_stats(stage.credentials)
        bad = replace(stage.credentials, values={**stage.credentials.values, "access_token": "act.x"})
        with pytest.raises(PlatformError) as caught:
            await douyin(stage).post_stats(bad, [reference(out)])
        assert isinstance(caught.value.failure, AuthExpired)

    async def test_followers_are_those_at_the_end_of_a_day(self, stage: Stage) -> None:
        given = await douyin(stage).channel_stats(stage.credentials)
        assert given.as_of.hour == 16, "midnight in Beijing"
        assert given.as_of < datetime.now(UTC)


class TestGrants:
    async def test_a_scope_that_the_person_refused_makes_a_handoff(self, stage: Stage) -> None:
        token = Token(access=stage.credentials["access_token"], scopes=("user_info", "item.comment"))
        found = await douyin(stage).probe(replace(stage.credentials, token=token))
        allowed = {grant.feature: grant.allowed for grant in found}
        assert allowed[Feature.PUBLISH] is False
        assert allowed[Feature.FEEDBACK] is True
        assert allowed[Feature.WEBHOOKS] is False, "no address is saved in the console yet"
        assert "video.create.bind" in next(one.reason for one in found if one.feature is Feature.PUBLISH)

    async def test_a_token_by_hand_is_asked(self, stage: Stage) -> None:
        found = await douyin(stage).probe(stage.credentials)
        assert {grant.feature for grant in found} == {Feature.STATISTICS, Feature.WEBHOOKS}

    async def test_a_token_of_another_account(self, stage: Stage) -> None:
        other = stage.sandbox.add_account()
        values = {**stage.credentials.values, "open_id": str(other["id"])}
        with pytest.raises(PlatformError) as caught:
            await douyin(stage).identify(replace(stage.credentials, values=values))
        assert isinstance(caught.value.failure, NotPermitted)


class TestPushes:
    """The two worked examples were computed from the documented rule: sha1(client_secret + body)."""

    def _owner(self, account: str) -> Credentials:
        return Credentials(
            values={"client_key": "awclientkey0001", "client_secret": SECRET}, account_id=account
        )

    def _request(self, body: str, signature: str) -> WebhookRequest:
        headers = {"x-douyin-signature": signature, "msg-id": "m1"}
        return WebhookRequest(
            method="POST", query={}, headers=headers, body=body.encode(), received_at=datetime.now(UTC)
        )

    def test_the_address_check_is_a_push(self, stage: Stage) -> None:
        body = '{"event":"verify_webhook","client_key":"","content":{"challenge":12345}}'
        asked = self._request(body, "74745991ee3b7d722f0ae126a4d40c0dcadcb19a")
        received = douyin(stage).receive(asked, self._owner("biz_open_1"))
        assert (received.answer.body, received.events) == ('{"challenge": 12345}', ())

    def test_a_message_without_its_ids_is_malformed_though_it_is_signed(self, stage: Stage) -> None:
        body = (
            '{"event":"im_receive_msg","from_user_id":"user_open_1","to_user_id":"biz_open_1",'
            '"client_key":"awclientkey0001","content":"{\\"message_type\\":\\"text\\",\\"text\\":\\"你好\\"}",'
            '"log_id":"20260101000000ABC"}'
        )
        asked = self._request(body, "eb770e2d26069dfa077669caccf3c262ba89a288")
        with pytest.raises(WebhookRefused, match="body_malformed"):
            douyin(stage).receive(asked, self._owner("biz_open_1"))

    @pytest.mark.parametrize("as_text", [True, False], ids=["content as text", "content as an object"])
    async def test_a_comment_comes_with_its_thread(self, stage: Stage, as_text: bool) -> None:
        content: Any = {
            "comment_id": "@c2",
            "comment_user_id": "user_open_1",
            "content": "我也想问",
            "create_time": 1_767_225_600,
            "reply_to_comment_id": "@c1",
            "reply_to_item_id": "@item",
        }
        content = json.dumps(content) if as_text else content
        key = stage.credentials["client_key"]
        body = pushed("item_comment_reply", "user_open_1", stage.account, key, content)
        received = douyin(stage).receive(push(stage.credentials, body, datetime.now(UTC)), stage.credentials)
        (event,) = received.events
        assert isinstance(event, InteractionEvent)
        assert (event.post_external_id, event.in_reply_to, event.text) == ("@item", "@c1", "我也想问")

    async def test_what_is_no_word_of_anybody(self, stage: Stage) -> None:
        key, now = stage.credentials["client_key"], datetime.now(UTC)
        body = pushed("new_follow_action", "user_open_1", stage.account, key, {"action_type": 1})
        received = douyin(stage).receive(push(stage.credentials, body, now, "m7"), stage.credentials)
        assert (received.events, received.event_key) == ((AccountEvent(name="new_follow_action"),), "m7")


class TestRenewal:
    async def _token(self, stage: Stage, **app: Any) -> tuple[Credentials, Token]:
        """Go through the consent page as a browser would."""
        values = {name: stage.credentials[name] for name in ("client_key", "client_secret")} | app
        asked = oauth.Asked(redirect_uri="https://desk.example/back", state="s")
        page = oauth.authorize_url(stage.adapter, DouyinAdapter.auth, values, asked)
        back = parse_qs(urlsplit((await stage.http.get(page)).headers["location"]).query)
        token = await oauth.exchange(stage.adapter, DouyinAdapter.auth, values, back["code"][0], asked)
        return Credentials(values=values, account_id=stage.account, token=token), token

    async def test_a_token_says_whose_it_is_and_what_was_granted(self, stage: Stage) -> None:
        await settings(stage, numbers_as_strings=True)
        credentials, token = await self._token(stage, scopes="video.create.bind")
        assert (token.account_id, token.scopes) == (stage.account, ("user_info", "video.create.bind"))
        assert token.expires_at is not None
        assert token.expires_at - datetime.now(UTC) > timedelta(days=14)
        assert (await douyin(stage).identify(replace(credentials, account_id=""))).id == stage.account
        assert oauth.authorise_by(stage.adapter, token) is None, "its refresh token is renewed five times"

    async def test_a_refresh_token_is_renewed_late_and_five_times_only(self, stage: Stage) -> None:
        credentials, token = await self._token(stage)
        same = await oauth.renewed(stage.adapter, credentials)
        assert (same.access, same.refresh, same.extended) == (token.access, token.refresh, 0), "too early"
        seen = {token.refresh}
        for count in range(1, 6):
            stage.pass_time(timedelta(days=26))
            token = replace(token, refresh_expires_at=datetime.now(UTC) + timedelta(days=4))
            token = await oauth.renewed(stage.adapter, replace(credentials, token=token))
            seen.add(token.refresh)
            assert (token.extended, len(seen)) == (count, count + 1)
        assert token.refresh_expires_at is not None
        assert oauth.authorise_by(stage.adapter, token) == token.refresh_expires_at, "now a person must come"
        last = await oauth.renewed(stage.adapter, replace(credentials, token=token))
        assert last.refresh == token.refresh

    async def test_an_app_without_the_scope_is_not_asked_twice(self, stage: Stage) -> None:
        credentials, token = await self._token(stage, scopes="video.create.bind")
        soon = replace(token, refresh_expires_at=datetime.now(UTC) + timedelta(days=4))
        new = await oauth.renewed(stage.adapter, replace(credentials, token=soon))
        assert (new.refresh, new.refresh_expires_at) == (soon.refresh, soon.refresh_expires_at)
        assert oauth.authorise_by(stage.adapter, new) == soon.refresh_expires_at

    async def test_what_was_taken_back_needs_a_person(self, stage: Stage) -> None:
        credentials, _ = await self._token(stage)
        await stage.http.post(f"{stage.base_url}/control/revoke", json={"account": stage.account})
        with pytest.raises(PlatformError) as caught:
            await oauth.renewed(stage.adapter, credentials)
        assert isinstance(caught.value.failure, Disconnected)
