"""WeChat: the article as the platform has it, the way out, and answers that are lost."""

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from drumtower.adapters.wechat.articles import article_html
from drumtower.adapters.wechat.schemas import WeChatOptions
from drumtower.domain import failures
from drumtower.domain.content import Kind
from drumtower.platforms import (
    Accepted,
    Message,
    Published,
    Undecidable,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_stage import Crashed, Progress, Stage
from tests.adapters.wechat_stage import (
    SUBMIT,
    WeChatHooks,
    failure_of,
    refusal,
    wechat,
)


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
    Fault(acts=True, behaviour=Behaviour.HANG, seconds=3),
    Fault(acts=True, behaviour=Behaviour.RESET),
    Fault(acts=True, behaviour=Behaviour.HALF),
    Fault(acts=True, status=500),
    Fault(acts=True, status=502, body="<html>bad gateway</html>"),
    Fault(acts=True, status=200, body="<html>"),
]


class TestLost(WeChatHooks):
    @pytest.mark.parametrize("path", ["uploadimg", "add_material", "draft/add"])
    @pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.behaviour}-{lie.status}")
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
