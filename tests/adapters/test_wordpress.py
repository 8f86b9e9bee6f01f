"""WordPress: everything the conformance suite asks, then what only WordPress has."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import ClassVar

import pytest

from drumtower.adapters.wordpress.adapter import WordPressAdapter
from drumtower.adapters.wordpress.articles import EDITORS_POLL, slug_of
from drumtower.adapters.wordpress.declaration import ERRORS, WordPressOptions
from drumtower.domain import failures
from drumtower.domain.capabilities import Feature
from drumtower.platforms import Accepted, Message, PlatformError, Published, PublishRequest, Undecidable
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.sandbox.wordpress import WordPressSandbox
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_feedback import FeedbackRules, drain, reference
from drumtower.testkit.conformance_stage import Stage


class TestWordPress(AdapterConformance):
    adapter = WordPressAdapter
    sandbox = WordPressSandbox
    own_server = True
    errors = ERRORS
    publish_path = "/wp/v2/posts"
    reply_path = "/wp/v2/comments"
    deleting_options: ClassVar[dict[str, str]] = {}
    proven_statuses: ClassVar[dict[int, type]] = {401: failures.AuthExpired, 413: failures.ContentRejected}

    def message(self, text: str, *, title: str = "鼓楼", media: tuple | None = None) -> Message:  # type: ignore[type-arg]
        """With a picture, so that there is something to prepare."""
        files = (self.file("image/jpeg", 2048),) if media is None else media
        return super().message(text, title=title, media=files)

    def error(self, code: str, said: str = "") -> Fault:
        status = int(code) if code in ("401", "413") else 400
        return Fault(
            status=status, body=json.dumps({"code": code, "message": said, "data": {"status": status}})
        )

    def prepared(self, sandbox: SandboxPlatform) -> list[Record]:
        shown = {post["featured_media"] for post in sandbox.store.all("posts")}
        return [one for one in sandbox.store.all("media") if int(one["id"]) not in shown]


KIT = TestWordPress()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await KIT._set(stack, {})


def asking(stage: Stage, message: Message, **options: object) -> PublishRequest:
    return replace(stage.request(message), options=WordPressOptions.model_validate(options))


async def test_a_post_has_blocks_terms_and_a_featured_picture(stage: Stage) -> None:
    message = replace(
        KIT.message("第一段 a<b\n还是第一段\n\n第二段 https://gulou.example/a?b=1&c=2。"),
        hashtags=("秋茶", "Tea"),
    )
    request = asking(stage, message, slug="autumn-tea", categories=[1], excerpt="摘要")
    out = await stage.publish(request)
    (post,) = KIT.published(stage.sandbox)
    (picture,) = stage.sandbox.store.all("media")
    assert isinstance(out, Published)
    assert out.url == f"https://gulou.example/{slug_of(request)}/"
    assert slug_of(request).startswith("autumn-tea-dt")
    assert "<p>第一段 a&lt;b<br />\n还是第一段</p>" in post["content"]
    assert '<a href="https://gulou.example/a?b=1&amp;c=2">' in post["content"]
    assert post["featured_media"] == int(picture["id"])
    assert picture["alt_text"] == "钟鼓楼"
    assert len(post["tags"]) == 2
    await stage.publish(asking(stage, message))
    assert KIT.published(stage.sandbox)[1]["tags"] == post["tags"], (
        "a tag that is there is used, not made again"
    )


async def test_a_category_that_is_not_there_is_said_and_not_left_out(stage: Stage) -> None:
    failure = await stage.attempt(asking(stage, KIT.message("分类"), categories=[1, 77]))
    assert isinstance(failure, failures.ContentRejected)
    (violation,) = failure.violations
    assert violation.pointer == "/options/categories/1"
    assert not stage.sandbox.store.all("posts")


async def test_what_waits_for_an_editor_is_not_out(stage: Stage) -> None:
    out = await stage.publish(asking(stage, KIT.message("待审"), status="pending"))
    assert isinstance(out, Accepted)
    assert out.poll_after == EDITORS_POLL
    assert isinstance(stage.adapter, WordPressAdapter)
    assert isinstance(await stage.adapter.confirm(stage.credentials, out.handle), Accepted)
    post = stage.sandbox.store.get("posts", str(out.handle["post"])) or {}
    stage.sandbox.store.put("posts", post["id"], post | {"status": "publish"})
    assert isinstance(await stage.adapter.confirm(stage.credentials, out.handle), Published)
    stage.sandbox.store.put("posts", post["id"], post | {"status": "trash"})
    with pytest.raises(PlatformError) as caught:
        await stage.adapter.confirm(stage.credentials, out.handle)
    assert isinstance(caught.value.failure, failures.ContentRejected)


async def test_a_lost_post_that_somebody_threw_away_is_for_a_person(stage: Stage) -> None:
    request = stage.request(KIT.message("发了又删"))
    out = await stage.publish(request)
    assert isinstance(out, Published)
    assert isinstance(stage.adapter, WordPressAdapter)
    await stage.adapter.delete(stage.credentials, reference(out))
    assert isinstance(await stage.find(request), Undecidable)


async def test_the_files_of_a_post_that_is_out_are_not_taken_away(stage: Stage) -> None:
    request = stage.request(KIT.message("已经发了"))
    kept: dict[str, object] = {}

    async def save(checkpoint: dict[str, object]) -> None:
        kept.update(checkpoint)

    await stage.adapter.publish(replace(request, save=save))
    assert isinstance(stage.adapter, WordPressAdapter)
    await stage.adapter.discard(stage.credentials, kept)
    assert len(stage.sandbox.store.all("media")) == 1


async def test_a_repeated_answer_is_our_own(stage: Stage) -> None:
    assert isinstance(stage.adapter, WordPressAdapter)
    post = reference(await stage.out(KIT.message("欢迎提问")))
    author = {"id": "7", "name": "王"}
    await stage.public("comment", account=stage.account, post=post.external_id, author=author, text="几点?")
    (event,), _ = await drain(stage.adapter, stage, {}, [post])
    request = FeedbackRules().reply_to(stage, event, "九点 <开门> & 欢迎。")
    first, again = await stage.adapter.reply(request), await stage.adapter.reply(request)
    assert first.external_id == again.external_id
    assert len(stage.sandbox.store.all("comments")) == 2


@pytest.mark.parametrize(("role", "allowed"), [("editor", True), ("contributor", False)])
async def test_a_role_says_what_it_may(role: str, *, allowed: bool) -> None:
    async with AsyncExitStack() as stack:
        stage = await KIT._set(stack, {"role": role})
        assert isinstance(stage.adapter, WordPressAdapter)
        grants = {grant.feature: grant for grant in await stage.adapter.probe(stage.credentials)}
        assert grants[Feature.PUBLISH].allowed is grants[Feature.DELETE].allowed is allowed
        assert allowed or "upload_files" in grants[Feature.PUBLISH].reason


async def test_without_an_address_no_password_leaves(stage: Stage) -> None:
    nowhere = WordPressAdapter(stage.http)
    with pytest.raises(PlatformError) as caught:
        await nowhere.identify(stage.credentials)
    assert isinstance(caught.value.failure, failures.NotPermitted)
