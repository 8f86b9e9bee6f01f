"""Rules for a healthy platform: what the limits allow goes out whole, what they forbid is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drumtower.domain.capabilities import MediaRule, Reconcile, TextRule
from drumtower.domain.disclosures import Disclosure, words
from drumtower.domain.failures import ContentRejected
from drumtower.domain.text import length
from drumtower.platforms import Absent, Finder, Message, PlatformError, Published
from drumtower.testkit.conformance_stage import Hooks, Progress, Stage
from drumtower.testkit.files import reader

CHARACTERS = {"chinese": "鼓", "emoji": "🎉", "family": "👨‍👩‍👧‍👦", "ascii": "a"}
TICK = timedelta(milliseconds=1)
# Files above this are not sent in a test.
LARGEST_FILE = 32 * 1024 * 1024


def _foreign(stage: Stage) -> str:
    """A type that no family's rule has."""
    takes = stage.adapter.capabilities
    rules = [rule for rule in (takes.image, takes.video, takes.audio, takes.document) if rule]
    taken = {content_type for rule in rules for content_type in rule.types}
    return next(one for one in ("application/pdf", "audio/amr", "image/webp") if one not in taken)


def fits(text: str, rule: TextRule) -> bool:
    """Say whether `text` is within the rule and its second limit."""
    return length(text, rule.unit) <= rule.maximum and (rule.also is None or fits(text, rule.also))


def fill(rule: TextRule, character: str, tail: str = "") -> str:
    """The longest text of one character, topped up with ASCII, that fits the rule together with `tail`."""
    low, high = 0, rule.maximum + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(character * middle + tail, rule) else (low, middle)
    text = character * low
    while fits(text + "a" + tail, rule):
        text += "a"
    return text


class PublishingRules(Hooks):
    """One post, and only one, with everything that was in it."""

    async def test_publishes_once_and_says_where(self, stage: Stage) -> None:
        request = stage.request(self.message("晨钟暮鼓，准点发声。"))
        shown = stage.adapter.render(request)
        out = await stage.settle(await stage.publish(request))
        assert isinstance(out, Published), f"not published: {out}"
        (post,) = self.published(stage.sandbox)
        assert shown.text in post["text"], "what a preview shows must be what leaves"
        assert out.external_id
        assert out.external_id == post["id"] or not self.names_posts
        assert "晨钟暮鼓，准点发声。" in post["text"]
        assert out.url is None or out.url.startswith(("https://", stage.base_url))
        assert out.published_at is None or out.published_at.tzinfo is not None

    async def test_what_must_be_disclosed_is_told_previewed_and_found_again(self, stage: Stage) -> None:
        request, progress = stage.request(self.disclosing(self.message("秋茶上新"))), Progress()
        shown = stage.adapter.render(request)
        await stage.settle(await stage.publish(request, progress))
        (post,) = self.published(stage.sandbox)
        for one in Disclosure:
            if one in stage.adapter.capabilities.native_disclosures:
                assert one in self.marked(post)
            else:
                assert words(one, "zh-CN") in post["text"]
                assert words(one, "zh-CN") in shown.text
        if isinstance(stage.adapter, Finder):
            looked = await stage.find(replace(request, checkpoint=progress.checkpoint))
            assert not isinstance(looked, Absent), "it would be published again"

    async def test_two_posts_are_two(self, stage: Stage) -> None:
        first, second = (
            await stage.out(self.message("第一篇")),
            await stage.out(self.message("第二篇，另写一段")),
        )
        assert first.external_id != second.external_id
        ids = {post["id"] for post in self.published(stage.sandbox)}
        assert ids == {first.external_id, second.external_id} or (len(ids) == 2 and not self.names_posts)

    async def test_odd_texts_go_out_as_they_are(self, stage: Stage) -> None:
        text = "引号\"'<b>&amp;</b> 反斜\\ 换\n行 \u200bRTL \u202e文 𠮷 é ＃ 100%"
        await stage.out(self.message(text))
        (post,) = self.published(stage.sandbox)
        assert "𠮷" in post["text"]
        assert "100%" in post["text"]

    async def test_the_same_key_twice_is_one_post(self, stage: Stage) -> None:
        if stage.adapter.capabilities.reconcile is not Reconcile.KEY:
            pytest.skip(f"{self.adapter.__name__} has no key on the wire")
        request = stage.request(self.message("同一个请求"))
        first = await stage.settle(await stage.publish(request))
        again = await stage.settle(await stage.publish(request))
        assert isinstance(first, Published)
        assert isinstance(again, Published)
        assert first.external_id == again.external_id
        assert len(self.published(stage.sandbox)) == 1


class LimitRules(Hooks):
    """At the limit it goes out whole; one above, it is refused as content and nothing is public."""

    @pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
    async def test_text_at_the_limit(self, stage: Stage, character: str) -> None:
        text = fill(stage.adapter.capabilities.body, character, self.tail)
        await stage.out(self.message(text))
        (post,) = self.published(stage.sandbox)
        assert text in post["text"]

    @pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
    async def test_text_one_above_the_limit(self, stage: Stage, character: str) -> None:
        text = fill(stage.adapter.capabilities.body, character, self.tail) + "a"
        await self._no_post(stage, self.message(text))

    @pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
    async def test_title_limits(self, stage: Stage, character: str) -> None:
        rule = stage.adapter.capabilities.title
        if rule is None:
            pytest.skip(f"{self.adapter.__name__} has no title")
        title = fill(rule, character)
        await stage.out(self.message("标题恰好", title=title))
        assert len(self.published(stage.sandbox)) == 1
        await self._no_post(stage, self.message("标题超一", title=title + "a"), already=1)

    @pytest.mark.parametrize("family", ["image", "video"])
    async def test_every_media_type_of_the_rule(self, stage: Stage, family: str) -> None:
        rule = self._rule(stage, family)
        for number, content_type in enumerate(rule.types, 1):
            media = self.files(content_type, max(1, rule.required))
            await stage.out(self.message(f"{content_type} 第{number * 7}次", media=media))
        assert len(self.published(stage.sandbox)) == len(rule.types)

    @pytest.mark.parametrize("family", ["image", "video"])
    async def test_a_type_that_is_not_in_the_rule(self, stage: Stage, family: str) -> None:
        self._rule(stage, family)
        await self._no_post(stage, self.message("类型不对", media=(self.file(_foreign(stage), 4096),)))

    @pytest.mark.parametrize("family", ["image", "video"])
    async def test_a_file_that_lies_about_its_type(self, stage: Stage, family: str) -> None:
        rule = self._rule(stage, family)

        page = b"<html>no picture</html>".ljust(4096)
        *needed, one = self.files(rule.types[0], max(1, rule.required))
        media = (*needed, replace(one, read=reader(page)))
        await self._no_post(stage, self.message("内容不对", media=media))

    @pytest.mark.parametrize("family", ["image", "video"])
    async def test_as_many_files_as_allowed_and_one_more(self, stage: Stage, family: str) -> None:
        rule = self._rule(stage, family)
        media = self.files(rule.types[0], rule.maximum_count + 1)
        await stage.out(self.message("恰好这么多", media=media[:-1]))
        await self._no_post(stage, self.message("多了一个文件", media=media), already=1)

    @pytest.mark.parametrize("family", ["image", "video"])
    async def test_a_file_at_the_limit_and_one_byte_more(self, stage: Stage, family: str) -> None:
        rule = self._rule(stage, family)
        if rule.maximum_bytes > LARGEST_FILE:
            pytest.skip(
                f"{self.adapter.__name__} takes files of {rule.maximum_bytes} bytes: too large to send here"
            )
        *needed, _ = self.files(rule.types[0], 1)
        exact, larger = (self.file(rule.types[0], rule.maximum_bytes + more) for more in (0, 1))
        await stage.out(self.message("大小恰好", media=(*needed, exact)))
        await self._no_post(stage, self.message("大了一字节", media=(*needed, larger)), already=1)

    @pytest.mark.parametrize("family", ["video", "audio"])
    async def test_a_recording_at_the_limits_and_a_millisecond_beyond(
        self, stage: Stage, family: str
    ) -> None:
        rule = self._rule(stage, family)
        if rule.duration is None:
            pytest.skip(f"{self.adapter.__name__} says nothing of how long they may be")
        *needed, one = self.files(rule.types[0], max(1, rule.required))
        for number, (limit, beyond) in enumerate(zip(rule.duration, (-TICK, TICK), strict=True)):
            media = (*needed, replace(one, duration=limit))
            await stage.out(self.message(f"长短恰好，第 {number * 7} 次", media=media))
            media = (*needed, replace(one, duration=limit + beyond))
            await self._no_post(stage, self.message(f"长短不对 {number}", media=media), already=number + 1)

    def _rule(self, stage: Stage, family: str) -> MediaRule:
        rule: MediaRule | None = getattr(stage.adapter.capabilities, family)
        if rule is None or rule.maximum_count == 0:
            pytest.skip(f"{self.adapter.__name__} takes no {family}")
        return rule

    async def _no_post(self, stage: Stage, message: Message, already: int = 0) -> None:
        outcome: object
        try:
            outcome = await stage.settle(await stage.publish(stage.request(message)))
        except PlatformError as error:
            outcome = error.failure
        assert isinstance(outcome, ContentRejected), outcome
        assert len(self.published(stage.sandbox)) == already
