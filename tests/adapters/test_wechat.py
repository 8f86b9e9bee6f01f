"""WeChat: draft, submit, confirm; lost answers; comments, messages and numbers, all over real HTTP."""

import json
import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from drumtower.adapters.wechat.adapter import WeChatAdapter
from drumtower.adapters.wechat.articles import article_html
from drumtower.adapters.wechat.client import BEIJING, daily_limit
from drumtower.adapters.wechat.errors import RULES
from drumtower.adapters.wechat.schemas import WeChatOptions
from drumtower.domain import failures
from drumtower.domain.content import Disclosure, Kind
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Absent,
    Accepted,
    InteractionEvent,
    Message,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
    StatsSource,
    Undecidable,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_stage import Crashed, Progress, Stage
from drumtower.testkit.conformance_webhooks import WebhookRules
from tests.adapters.wechat_stage import SUBMIT, PlainHooks, WeChatHooks, refusal

DAY = timedelta(days=1)
READER = "oReader0000000000000000000001"

# Section 8 of the facts: every code, and what it must become where nothing else is proved.
CLASSES: dict[type[failures.Failure], Iterable[int]] = {
    failures.Transient: (-1, 40007, 45066, 61450, 61503, 89503, 89504, 89505, 268487001, 268487002),
    failures.AuthExpired: (40001, 40014, 42001, 42007),
    failures.Disconnected: (40013, 40125, 40243),
    failures.RateLimited: (45009, 45011, 45028, 48006, 53501),
    failures.NotPermitted: (
        *(40164, 43004, 43019, 45015, 45047, 45106, 47009, 48001, 48002, 48004, 48008, 48021, 48022),
        *(50001, 50002, 50005, 53404, 53405, 53406, 53500, 53504, 53505, 88000, 89506, 89507),
    ),
    failures.ContentRejected: (
        *(40002, 40003, 40004, 40005, 40006, 40008, 40009, 40010, 40011, 40012, 40029, 40032, 40033, 40035),
        *(40038, 40114, 40130, 40152, 40163, 40215, *range(41001, 41010), 41039, 41040, 43001, 43002, 43003),
        *(44001, 44002, 44003, 44004, 45001, 45002, 45003, 45004, 45005, 45008, 45067, 45072, 45080, 45081),
        *(45113, 45166, 46001, 46004, 47001, 47003, 53502, 53503, 53600, 61451, 61500, 61501),
        *(*range(65400, 65418), 76001, 76002, 76003, 76004, 76021, 76022, 87009),
        *(88001, 88002, 88003, 88004, 88007, 88008, 88009, 88010, 88011),
    ),
}
ALL_CODES = [(str(code), kind) for kind, codes in CLASSES.items() for code in codes]


def wechat(stage: Stage) -> WeChatAdapter:
    assert isinstance(stage.adapter, WeChatAdapter)
    return stage.adapter


def post(published: Published) -> PostReference:
    at = published.published_at or datetime.now(UTC)
    return PostReference(external_id=published.external_id, published_at=at, context=published.context)


def answer_to(stage: Stage, kind: InteractionKind, external_id: str, text: str, **more: Any) -> ReplyRequest:
    return ReplyRequest(
        credentials=stage.credentials,
        text=text,
        kind=kind,
        external_id=external_id,
        author_id=READER,
        post_external_id=None,
        context=more,
        idempotency_key="k" * 32,
        created_at=datetime.now(UTC),
    )


async def failure_of(action: Any) -> failures.Failure:
    with pytest.raises(PlatformError) as caught:
        await action
    return caught.value.failure


class TestWeChatPlain(PlainHooks, WebhookRules):
    """Callbacks of an account that does not encrypt."""


class TestWeChat(WeChatHooks, AdapterConformance):
    """What the contract promises of every adapter, in safe mode."""

    readers = 0

    async def test_an_unknown_post_is_left_out(self, stage: Stage) -> None:
        """An article with fewer than three reads is unknown to the platform's statistics, so it is read first."""
        self.readers = 3
        await super().test_an_unknown_post_is_left_out(stage)

    async def _open_books(self, stage: Stage) -> tuple[StatsSource, PostReference]:
        source, reference = await super()._open_books(stage)
        await stage.public("read", post=reference.external_id, count=self.readers)
        return source, reference


class TestErrors(WeChatHooks):
    def test_the_table_is_whole(self) -> None:
        assert {code for code, _ in ALL_CODES} == set(RULES)

    @pytest.mark.parametrize(("code", "kind"), ALL_CODES)
    async def test_every_code(self, stage: Stage, code: str, kind: type[failures.Failure]) -> None:
        stage.break_with(Fault(path="draft/count", status=200, body=refusal(code, "说明")))
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        assert isinstance(failure, kind)
        assert failure.platform_code == code
        assert "说明" in failure.detail

    @pytest.mark.parametrize("code", ["-1", "40007", "61450", "89503", "99999"])
    async def test_no_proof_on_the_one_call(self, stage: Stage, code: str) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal(code)))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)

    async def test_the_daily_quota_opens_at_midnight_in_beijing(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal("45009")))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        opens = failure.until.astimezone(BEIJING)
        assert (opens.hour, opens.minute, opens.second) == (0, 0, 0)
        assert timedelta() < failure.until - datetime.now(UTC) <= DAY

    def test_midnight_is_beijing_not_greenwich(self) -> None:
        limited = failures.RateLimited(detail="", platform_code="45009")
        late = daily_limit(limited, datetime(2026, 1, 1, 15, 59, tzinfo=UTC))
        early = daily_limit(limited, datetime(2026, 1, 1, 16, 0, tzinfo=UTC))
        assert isinstance(late, failures.RateLimited)
        assert isinstance(early, failures.RateLimited)
        assert late.until == datetime(2026, 1, 1, 16, tzinfo=UTC)
        assert early.until == datetime(2026, 1, 2, 16, tzinfo=UTC)

    async def test_a_minute_for_the_minute_limit(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal("45011")))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        assert timedelta(seconds=50) < failure.until - datetime.now(UTC) <= timedelta(minutes=1)

    @pytest.mark.parametrize(
        "body", ["", "<html>", "[]", "null", '{"publish_id": null}', '{"publish_id": ""}']
    )
    async def test_a_submit_answer_that_proves_nothing(self, stage: Stage, body: str) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=body))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)

    async def test_an_endless_id_is_none(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=json.dumps({"publish_id": "9" * 10_000})))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)


class TestAccess(WeChatHooks):
    async def test_the_stable_token_repeats(self, stage: Stage) -> None:
        assert stage.credentials.token is not None
        again = await wechat(stage).token(stage.credentials)
        assert again.access == stage.credentials.access
        assert again.expires_at is not None
        assert timedelta(hours=1) < again.expires_at - datetime.now(UTC) <= timedelta(hours=2)

    async def test_who_it_is(self, stage: Stage) -> None:
        account = await wechat(stage).identify(stage.credentials)
        assert account.id == stage.account == stage.credentials["account"]

    async def test_a_void_token_is_renewed_by_asking_again(self, stage: Stage) -> None:
        await stage.http.post(f"{stage.base_url}/control/tokens/void", json={"account": stage.account})
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        assert isinstance(failure, failures.AuthExpired)
        token = await wechat(stage).token(stage.credentials)
        assert await wechat(stage).identify(replace(stage.credentials, token=token))

    async def test_an_expired_token(self, stage: Stage) -> None:
        await stage.http.post(
            f"{stage.base_url}/control/tokens/age", json={"account": stage.account, "seconds": 7200}
        )
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        assert isinstance(failure, failures.AuthExpired)
        assert failure.platform_code == "42001"

    @pytest.mark.parametrize(("name", "code"), [("app_secret", "40125"), ("app_id", "40013")])
    async def test_wrong_credentials_are_a_persons_work(self, stage: Stage, name: str, code: str) -> None:
        wrong = replace(stage.credentials, values={**stage.credentials.values, name: "f" * 32})
        failure = await failure_of(wechat(stage).token(wrong))
        assert isinstance(failure, failures.Disconnected)
        assert failure.platform_code == code

    async def test_40001_on_the_token_call_is_the_secret(self, stage: Stage) -> None:
        stage.break_with(Fault(path="stable_token", status=200, body=refusal("40001")))
        failure = await failure_of(wechat(stage).token(stage.credentials))
        assert isinstance(failure, failures.Disconnected)

    async def test_a_wrong_aes_key_is_told_at_once(self, stage: Stage) -> None:
        wrong = replace(stage.credentials, values={**stage.credentials.values, "encoding_aes_key": "short"})
        assert isinstance(await failure_of(wechat(stage).identify(wrong)), failures.Disconnected)

    async def test_nothing_secret_is_logged_or_told(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        token, secret = stage.credentials.access, stage.credentials["app_secret"]
        await stage.out(self.message("你好"))
        stage.break_with(
            Fault(path="draft/count", status=200, body=refusal("40001", f"bad {token} or {secret}"))
        )
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        told = caplog.text + repr(failure) + repr(stage.credentials) + repr(stage.adapter)
        assert "access_token=***" in caplog.text  # the addresses are logged, without it
        assert token not in told
        assert secret not in told


class TestArticle(WeChatHooks):
    def text(self, text: str, **more: Any) -> Message:
        return Message(title="鼓楼", text=text, body=text, kind=Kind.ARTICLE, **more)

    def test_paragraphs_and_escapes(self) -> None:
        html = article_html(self.text("第一段 <b>&\"'\n\n第二段 👩‍👩‍👧\x00\x0b"), [])
        assert html == "<p>第一段 &lt;b&gt;&amp;&quot;&#x27;</p><p>第二段 👩‍👩‍👧</p>"

    def test_own_links_are_links_and_others_stay_readable(self) -> None:
        html = article_html(
            self.text("看 https://mp.weixin.qq.com/s/a?b=1&c=2，或 https://example.com/x"), []
        )
        own = "https://mp.weixin.qq.com/s/a?b=1&amp;c=2"
        assert html == f'<p>看 <a href="{own}">{own}</a>，或 https://example.com/x</p>'

    def test_pictures_carry_their_words(self) -> None:
        media = (replace(self.file("image/png", 64), alt_text='"><script>'),)
        html = article_html(self.text("你好", media=media), ["http://mmbiz.qpic.cn/1"])
        assert html.endswith('<p><img src="http://mmbiz.qpic.cn/1" alt="&quot;&gt;&lt;script&gt;"/></p>')

    @pytest.mark.parametrize(("language", "label"), [("zh-CN", "广告"), ("en", "Advertisement")])
    def test_the_reader_is_told(self, language: str, label: str) -> None:
        message = self.text("你好", language=language, disclosures=(Disclosure.AD,))
        assert article_html(message, []).endswith(f"<p>{label}</p>")

    async def test_the_draft_as_the_platform_has_it(self, stage: Stage) -> None:
        message = replace(self.message("正文\nhttps://example.com/a"), links=("https://example.com/a",))
        options = WeChatOptions(author="鼓楼", digest="摘要", only_fans_can_comment=True)
        await wechat(stage).prepare(replace(stage.request(message), options=options))
        (draft,) = stage.sandbox.store.all("drafts")
        (article,) = draft["news_item"]
        assert article["title"] == "鼓楼"
        assert (article["author"], article["digest"]) == ("鼓楼", "摘要")
        assert article["content_source_url"] == "https://example.com/a"
        assert (article["need_open_comment"], article["only_fans_can_comment"]) == (1, 1)
        assert article["content"].count("<img") == 1

    @pytest.mark.parametrize("option", ["author", "digest", "content_source_url", "mode", "unknown"])
    def test_options_are_checked(self, option: str) -> None:
        with pytest.raises(ValidationError):
            WeChatOptions.model_validate({option: "长" * 200})

    async def test_every_violation_at_once(self, stage: Stage) -> None:
        message = self.message("长" * 15_001, title="", media=())
        failure = await failure_of(stage.publish(stage.request(message)))
        assert isinstance(failure, failures.ContentRejected)
        codes = {(violation.pointer, violation.code) for violation in failure.violations}
        assert codes == {
            ("/title", "title_required"),
            ("/body", "body_too_long"),
            ("/asset_ids", "image_required"),
        }

    async def test_the_longest_article_passes(self, stage: Stage) -> None:
        message = self.message(
            "长" * 15_000, title="😀" * 32, media=tuple(self.file("image/jpeg", 300) for _ in range(20))
        )
        assert await stage.out(message)

    # aiohttp warns about every body over 1 MiB; the multipart frame takes this one over it.
    @pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
    async def test_the_largest_picture_passes_and_one_more_byte_does_not(self, stage: Stage) -> None:
        largest = 1024 * 1024 - 1
        assert await stage.out(self.message("你好", media=(self.file("image/png", largest),)))
        over = self.message("你好", media=(self.file("image/png", largest + 1),))
        assert isinstance(await failure_of(stage.publish(stage.request(over))), failures.ContentRejected)


class TestPublishing(WeChatHooks):
    async def test_the_way_out(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(self.message("钟鼓楼 👩‍👩‍👧")))
        assert isinstance(outcome, Accepted)
        assert outcome.poll_after == timedelta(seconds=30)
        out = await stage.settle(outcome)
        (record,) = self.published(stage.sandbox)
        assert isinstance(out, Published)
        assert (out.external_id, out.url) == (record["id"], record["url"].replace("http:", "https:"))
        assert record["text"] == "钟鼓楼 👩‍👩‍👧"
        assert out.context["msg_data_id"] == record["msg_data_id"]
        assert stage.sandbox.store.all("drafts") == []

    async def test_preparing_publishes_nothing(self, stage: Stage) -> None:
        progress = Progress()
        await wechat(stage).prepare(stage.request(self.message("你好"), progress))
        assert self.published(stage.sandbox) == []
        assert stage.sandbox.store.all("publishes") == []
        assert set(progress.checkpoint) == {"content", "images", "cover", "media_id"}

    async def test_polls_grow_apart(self, stage: Stage) -> None:
        await stage.http.post(f"{stage.base_url}/control/settings", json={"publish_delay": 10_000})
        outcome = await stage.publish(stage.request(self.message("你好")))
        gaps = []
        for _ in range(6):
            assert isinstance(outcome, Accepted)
            gaps.append(outcome.poll_after.total_seconds())
            outcome = await wechat(stage).confirm(stage.credentials, json.loads(json.dumps(outcome.handle)))
        assert gaps == [30, 120, 600, 1800, 3600, 3600]

    @pytest.mark.parametrize("status", [2, 3, 4, 6])
    async def test_refused_later(self, stage: Stage, status: int) -> None:
        await self._plan(stage, status)
        outcome = await stage.publish(stage.request(self.message("你好")))
        failure = await failure_of(stage.settle(outcome))
        assert isinstance(failure, failures.ContentRejected)
        assert failure.platform_code == f"publish_status_{status}"

    async def test_deleted_by_the_owner_later(self, stage: Stage) -> None:
        await self._plan(stage, 5)
        out = await stage.out(self.message("你好"))
        assert out.context["taken_down"]

    async def test_a_person_may_send_a_refused_one_again(self, stage: Stage) -> None:
        await self._plan(stage, 4)
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        await failure_of(stage.settle(await stage.publish(request, progress)))
        out = await stage.settle(await stage.publish(request, progress))
        assert isinstance(out, Published)
        assert len(self.published(stage.sandbox)) == 1

    async def test_what_was_submitted_is_asked_for_not_repeated(self, stage: Stage) -> None:
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        first = await stage.publish(request, progress)
        assert isinstance(first, Accepted)
        again = await stage.publish(request, progress)
        assert isinstance(again, Accepted)
        assert again.handle["publish_id"] == first.handle["publish_id"]
        await stage.settle(again)
        assert isinstance(await stage.publish(request, progress), Published)
        assert len(self.published(stage.sandbox)) == 1

    async def test_an_edit_after_preparing_is_what_goes_out(self, stage: Stage) -> None:
        progress = Progress()
        message = self.message("旧")
        await wechat(stage).prepare(stage.request(message, progress))
        edited = stage.request(replace(message, text="新", body="新"), progress)
        await stage.settle(await stage.publish(edited, progress))
        assert [record["text"] for record in self.published(stage.sandbox)] == ["新"]

    async def test_a_poll_that_goes_wrong_says_nothing_about_the_article(self, stage: Stage) -> None:
        outcome = await stage.publish(stage.request(self.message("你好")))
        assert isinstance(outcome, Accepted)
        for fault in (
            Fault(path="freepublish/get", status=404),
            Fault(path="freepublish/get", status=200, body=refusal("40035")),
        ):
            stage.break_with(fault)
            failure = await failure_of(wechat(stage).confirm(stage.credentials, outcome.handle))
            assert isinstance(failure, failures.Transient)

    async def test_a_personal_account_is_a_handoff(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await self._set(stack, {"profile": "personal"})
            failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
            assert isinstance(failure, failures.NotPermitted)
            assert failure.platform_code == "48001"

    async def _plan(self, stage: Stage, status: int) -> None:
        body = {"account": stage.account, "publish_status": status}
        await stage.http.post(f"{stage.base_url}/control/scenario", json=body)


LIES = [
    Fault(path=SUBMIT, acts=True, behaviour=Behaviour.HANG, seconds=3),
    Fault(path=SUBMIT, acts=True, behaviour=Behaviour.RESET),
    Fault(path=SUBMIT, acts=True, behaviour=Behaviour.HALF),
    Fault(path=SUBMIT, acts=True, status=500),
    Fault(path=SUBMIT, acts=True, status=502, body="<html>bad gateway</html>"),
    Fault(path=SUBMIT, acts=True, status=200, body="<html>"),
    Fault(path=SUBMIT, acts=True, status=200, body=refusal("-1")),
    Fault(path=SUBMIT, acts=True, status=400),
]


class TestLost(WeChatHooks):
    @pytest.mark.parametrize("acted", [True, False], ids=["acted", "did not act"])
    @pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.behaviour}-{lie.status}-{lie.body[:6]}")
    async def test_the_answer_to_submit(self, stage: Stage, lie: Fault, acted: bool) -> None:
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        stage.break_with(lie.model_copy(update={"acts": acted}))
        failure = await failure_of(stage.publish(request, progress, adapter=stage.impatient))
        assert isinstance(failure, failures.OutcomeUnknown)
        assert stage.sandbox.faults.fired == 1
        stage.mend()
        found = await stage.find(replace(request, checkpoint=dict(progress.checkpoint)))
        assert isinstance(found, Published if acted else Absent)
        out = await stage.recover(request, progress)
        assert isinstance(out, Published)
        assert [record["id"] for record in self.published(stage.sandbox)] == [out.external_id]

    @pytest.mark.parametrize("path", ["uploadimg", "add_material", "draft/add"])
    @pytest.mark.parametrize("lie", LIES[:6], ids=lambda lie: f"{lie.behaviour}-{lie.status}")
    async def test_any_answer_before_it_is_harmless(self, stage: Stage, path: str, lie: Fault) -> None:
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        stage.break_with(lie.model_copy(update={"path": path}))
        failure = await failure_of(stage.publish(request, progress, adapter=stage.impatient))
        assert isinstance(failure, failures.Transient)
        assert stage.sandbox.faults.fired == 1
        stage.mend()
        await stage.settle(await stage.publish(request, progress))
        assert len(self.published(stage.sandbox)) == 1
        # A draft whose answer was lost is found by its cover, not made twice.
        assert stage.sandbox.store.all("drafts") == []

    @pytest.mark.parametrize("save", range(1, 7))
    async def test_a_crash_after_each_save(self, stage: Stage, save: int) -> None:
        progress = Progress(crash_at=save)
        request = stage.request(
            self.message("你好", media=tuple(self.file("image/jpeg", 99) for _ in range(3))), progress
        )
        with pytest.raises(Crashed):
            await stage.publish(request, progress)
        progress.crash_at = 0
        out = await stage.recover(request, progress)
        assert isinstance(out, Published)
        assert len(self.published(stage.sandbox)) == 1
        assert stage.sandbox.store.all("drafts") == []

    async def test_equal_posts_are_told_apart(self, stage: Stage) -> None:
        message = self.message("一样的话")
        lost, progress = stage.request(message), Progress()
        stage.break_with(Fault(path=SUBMIT, acts=True, behaviour=Behaviour.RESET))
        await failure_of(stage.publish(lost, progress))
        other = await stage.out(message)
        found = await stage.find(replace(lost, checkpoint=dict(progress.checkpoint)))
        assert isinstance(found, Published)
        assert found.external_id != other.external_id

    async def test_a_draft_deleted_by_hand_is_left_to_a_person(self, stage: Stage) -> None:
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        await wechat(stage).prepare(request)
        stage.sandbox.store.delete("drafts", progress.checkpoint["media_id"])
        failure = await failure_of(stage.publish(request, progress))
        assert isinstance(failure, failures.OutcomeUnknown)
        found = await stage.find(replace(request, checkpoint=dict(progress.checkpoint)))
        assert isinstance(found, Undecidable)

    async def test_a_draft_published_by_hand_counts(self, stage: Stage) -> None:
        progress = Progress()
        request = stage.request(self.message("你好"), progress)
        await wechat(stage).prepare(request)
        by_hand = {"media_id": progress.checkpoint["media_id"]}
        params = {"access_token": stage.credentials.access}
        await stage.http.post(f"{stage.base_url}/cgi-bin/{SUBMIT}", params=params, json=by_hand)
        stage.pass_time(timedelta(seconds=2))
        failure = await failure_of(stage.publish(request, progress))
        assert isinstance(failure, failures.OutcomeUnknown)
        assert isinstance(await stage.recover(request, progress), Published)
        assert len(self.published(stage.sandbox)) == 1


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
