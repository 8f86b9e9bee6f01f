"""What only LinkedIn has: little text, duplicates that name the first post, pictures, pages and members."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from drumtower.adapters.linkedin.declaration import VERSION, LinkedInOptions
from drumtower.adapters.linkedin.little import escape, plain
from drumtower.domain.content import Kind
from drumtower.domain.failures import (
    AuthExpired,
    ContentRejected,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Scope,
    Transient,
)
from drumtower.domain.text import Unit, length
from drumtower.platforms import Absent, Credentials, PlatformError, Published, PublishRequest, Undecidable
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.linkedin.little import shown
from drumtower.testkit.conformance_feedback import reference
from drumtower.testkit.conformance_stage import Progress, Stage
from tests.adapters.linkedin_stage import LinkedInHooks, linkedin, message, refusal, settings

LINK = "https://gulou.example/a_(b)#c"
TEXTS = (
    "a (b) c",
    "鼓楼茶（新品）(限时) [五折] {满减} <今日> *起*~ 找@前台 #1 a#b",
    "反斜\\杠 \\( 与 \\\\",
    "看 https://gulou.example/a_b(c)#d_e 吧",
    "a|b_c",
    "{hashtag|\\#|x}",
    "@[Gulou](urn:li:organization:1)",
    "换\n行 🎉 𠮷",
    "",
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await LinkedInHooks()._set(stack, {})


@pytest.fixture
async def member() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await LinkedInHooks()._set(stack, {"kind": "person", "name": "鼓楼小李"})


def pictures(count: int) -> dict[str, Any]:
    return {"media": tuple(LinkedInHooks().file("image/png", 2048) for _ in range(count))}


async def lose(stage: Stage, request: PublishRequest, progress: Progress) -> None:
    """Publish so that LinkedIn acts and the answer is lost."""
    stage.break_with(Fault(path="/rest/posts", behaviour=Behaviour.RESET, acts=True))
    assert isinstance(await stage.attempt(request, progress), OutcomeUnknown)


async def failure_of(stage: Stage, text: str = "随便一段话", **changed: Any) -> Any:
    return await stage.attempt(stage.request(message(text, **changed)))


class TestLittleText:
    @pytest.mark.parametrize("text", TEXTS)
    def test_every_text_is_shown_as_it_is(self, text: str) -> None:
        assert shown(escape(text)) == text
        assert plain(escape(text)) == text

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("(", "\\("),
            ("#鼓楼", "{hashtag|\\#|鼓楼}"),
            ("x#鼓楼", "x\\#鼓楼"),
            ("#1 #1a", "\\#1 {hashtag|\\#|1a}"),
            ("#a_b!", "{hashtag|\\#|a\\_b}!"),
            ("https://a.example/#top", "https://a.example/\\#top"),
        ],
    )
    def test_forms(self, text: str, written: str) -> None:
        assert escape(text) == written

    def test_a_wide_hashtag_becomes_a_plain_one(self) -> None:
        assert plain(escape("＃鼓楼 开门")) == "#鼓楼 开门"

    def test_a_bare_sign_would_cut_the_text(self) -> None:
        assert shown("开门 (九点) 见") == "开门 "
        assert shown("看 #鼓楼 吧") == "看 #鼓楼 吧"

    def test_a_mention_is_read_as_its_name(self) -> None:
        assert plain("谢谢 @[Gulou \\(Tea\\)](urn:li:organization:1)！") == "谢谢 Gulou (Tea)！"

    async def test_nothing_is_lost_on_the_way(self, stage: Stage) -> None:
        for text in filter(None, TEXTS):
            out = await stage.out(message(text))
            row = stage.sandbox.store.get("posts", out.external_id)
            assert row is not None
            assert row["text"] == text


class TestPosts:
    async def test_every_call_says_the_version(self, stage: Stage) -> None:
        await settings(stage, newest_version=str(int(VERSION) - 1))
        outcome = await failure_of(stage)
        assert isinstance(outcome, NotPermitted)
        assert outcome.platform_code == "NONEXISTENT_VERSION"

    async def test_one_picture_and_several(self, stage: Stage) -> None:
        one = await stage.out(message("一张", **pictures(1)))
        three = await stage.out(message("三张", **pictures(3)))
        rows = {row["id"]: row["content"] for row in stage.sandbox.store.all("posts")}
        assert rows[one.external_id]["media"]["altText"] == "钟鼓楼"
        assert [set(image) for image in rows[three.external_id]["multiImage"]["images"]] == [
            {"id", "altText"}
        ] * 3
        assert three.external_id.startswith("urn:li:ugcPost:")
        assert three.url == f"https://www.linkedin.com/feed/update/{three.external_id}/"

    async def test_a_link_becomes_a_card(self, stage: Stage) -> None:
        await stage.out(message(f"看 {LINK}", links=(LINK,), title="新品"))
        (post,) = stage.sandbox.store.all("posts")
        assert post["content"] == {"article": {"source": LINK, "title": "新品"}}

    async def test_the_card_can_be_left_out_or_filled(self, stage: Stage) -> None:
        bare = stage.request(message(f"甲 {LINK}", links=(LINK,)))
        await stage.publish(replace(bare, options=LinkedInOptions(card=False, resharing=False)))
        full = stage.request(message(f"乙 {LINK}", links=(LINK,)))
        await stage.publish(replace(full, options=LinkedInOptions(card_description="第二行")))
        first, second = stage.sandbox.store.all("posts")
        assert (first["content"], first["resharing"]) == ({}, False)
        assert second["content"]["article"]["description"] == "第二行"

    async def test_an_article_is_a_link_with_a_picture_of_its_own(self, stage: Stage) -> None:
        kind: dict[str, Any] = {"kind": Kind.ARTICLE, "links": (LINK,)}
        await stage.out(message("文章", **kind, **pictures(1)))
        (post,) = stage.sandbox.store.all("posts")
        assert post["content"]["article"]["thumbnail"].startswith("urn:li:image:")
        assert isinstance(await failure_of(stage, **(kind | {"links": ()})), ContentRejected)
        assert isinstance(await failure_of(stage, **kind, **pictures(2)), ContentRejected)
        assert stage.sandbox.store.count("images") == 1, "what is refused is not uploaded"

    async def test_too_many_pixels(self, stage: Stage) -> None:
        (one,) = pictures(1)["media"]
        assert isinstance(
            await failure_of(stage, media=(replace(one, width=8000, height=4520),)), ContentRejected
        )

    async def test_a_picture_is_uploaded_once_and_by_its_owner(self, stage: Stage) -> None:
        request, progress = stage.request(message("三张图", **pictures(3))), Progress()
        stage.break_with(Fault(path="/rest/posts", status=409, body='{"status": 409, "code": "CONFLICT"}'))
        assert isinstance(await stage.attempt(request, progress), OutcomeUnknown)
        assert isinstance(await stage.attempt(request, progress), Published)
        images = stage.sandbox.store.all("images")
        assert [(image["owner"], image["size"]) for image in images] == [(stage.account, 2048)] * 3

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/dms-uploads/x",
            "https://linkedin.com.evil.example/x",
            "https://user@www.linkedin.com/x",
            "http://www.linkedin.com/x",
            "https://[",
            "//x",
            "",
        ],
    )
    async def test_no_token_goes_to_an_address_that_is_not_linkedins(
        self, stage: Stage, address: str
    ) -> None:
        value = {"uploadUrl": address, "image": "urn:li:image:x"}
        stage.break_with(Fault(path="/rest/images", status=200, body=json.dumps({"value": value})))
        outcome = await failure_of(stage, **pictures(1))
        assert isinstance(outcome, Transient)
        assert "not its own" in outcome.detail

    async def test_the_real_upload_address_is_taken(self) -> None:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            if request.method == "PUT":
                return httpx.Response(201)
            if request.url.path == "/rest/images":
                value = {
                    "uploadUrl": "https://www.linkedin.com/dms-uploads/x/0?a=(b)",
                    "image": "urn:li:image:x",
                }
                return httpx.Response(200, json={"value": value})
            return httpx.Response(201, headers={"x-restli-id": "urn:li:share:7"})

        adapter = LinkedInHooks.adapter(httpx.AsyncClient(transport=httpx.MockTransport(answer)))
        values = {"client_id": "i", "client_secret": "s", "access_token": "t0ken"}
        credentials = Credentials(values=values, account_id="urn:li:organization:1")
        request = PublishRequest(
            credentials=credentials,
            message=message("图", **pictures(1)),
            options=LinkedInOptions(),
            idempotency_key="k",
            created_at=datetime.now(UTC),
        )
        out = await adapter.publish(request)
        assert isinstance(out, Published)
        assert out.external_id == "urn:li:share:7"
        begun, put, posted = seen
        assert {urlsplit(str(one.url)).hostname for one in (begun, posted)} == {"api.linkedin.com"}
        assert (put.url.host, put.headers["content-type"]) == ("www.linkedin.com", "image/png")
        assert put.headers["authorization"] == "Bearer t0ken"
        assert "linkedin-version" not in put.headers
        assert posted.headers["x-restli-protocol-version"] == "2.0.0"

    async def test_the_strictest_counting_is_ours(self) -> None:
        assert length("🎉a鼓", Unit.UTF16) == 4

    async def test_connections_are_for_members(self, stage: Stage, member: Stage) -> None:
        for one, expected in ((stage, ContentRejected), (member, Published)):
            request = replace(
                one.request(message("只给人脉")), options=LinkedInOptions(visibility="CONNECTIONS")
            )
            assert isinstance(await one.attempt(request), expected)


class TestDuplicates:
    """422 names the first post: ours, an older one, one that is gone, or one that nobody may read."""

    @pytest.mark.parametrize("files", [0, 2])
    async def test_our_own_lost_attempt_is_adopted(self, stage: Stage, files: int) -> None:
        request, progress = stage.request(message("第一次其实成功了", **pictures(files))), Progress()
        await lose(stage, request, progress)
        outcome = await stage.publish(request, progress)
        assert isinstance(outcome, Published)
        assert [post["id"] for post in stage.sandbox.store.all("posts")] == [outcome.external_id]

    async def test_an_older_equal_post_is_not_ours(self, stage: Stage) -> None:
        await stage.out(message("每周一句"))
        (post,) = stage.sandbox.store.all("posts")
        older = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        stage.sandbox.store.put("posts", post["id"], post | {"created_at": older})
        outcome = await failure_of(stage, text="每周一句")
        assert isinstance(outcome, ContentRejected)
        assert outcome.platform_code == "DUPLICATE_POST"
        assert post["id"] in outcome.detail

    async def test_the_ghost_of_a_deleted_post(self, stage: Stage) -> None:
        out = await stage.out(message("发了又删"))
        await linkedin(stage).delete(stage.credentials, reference(out))
        assert isinstance(await failure_of(stage, text="发了又删"), ContentRejected)
        await settings(stage, duplicate_hours=0)
        assert isinstance(await failure_of(stage, text="发了又删"), Published)

    async def test_a_first_post_that_cannot_be_looked_at(self, stage: Stage) -> None:
        request, progress = stage.request(message("查不了")), Progress()
        await lose(stage, request, progress)
        stage.break_with(Fault(path="/rest/posts/", status=500))
        assert isinstance(await stage.attempt(request, progress), OutcomeUnknown)

    async def test_a_member_may_not_look(self, member: Stage) -> None:
        request, progress = member.request(message("个人动态")), Progress()
        await lose(member, request, progress)
        assert isinstance(await member.find(request), Undecidable)
        assert isinstance(await member.attempt(request, progress), OutcomeUnknown)
        assert len(member.sandbox.store.all("posts")) == 1

    async def test_a_refusal_that_names_nothing_is_looked_up_in_the_list(self, stage: Stage) -> None:
        request, progress = stage.request(message("没说是哪一篇")), Progress()
        await lose(stage, request, progress)
        stage.pass_time(timedelta(minutes=2))
        stage.break_with(refusal("DUPLICATE_POST").model_copy(update={"path": "/rest/posts"}))
        assert isinstance(await stage.attempt(request, progress), Published)


class TestLookUp:
    async def test_a_post_that_is_not_listed_yet_is_absent_until_it_is(self, stage: Stage) -> None:
        request, progress = stage.request(message("列表慢一步")), Progress()
        await lose(stage, request, progress)
        assert isinstance(await linkedin(stage).find(request, request.created_at), Absent)
        assert isinstance(await stage.find(request), Published)

    async def test_a_full_page_that_does_not_reach_back_proves_nothing(self, stage: Stage) -> None:
        await settings(stage, duplicate_hours=0, list_lag_seconds=0)
        for number in range(100):
            await stage.out(message(f"第{number}条"))
        request = stage.request(message("没有发出去"))
        since = datetime.now(UTC) - timedelta(hours=1)
        assert isinstance(await linkedin(stage).find(request, since), Undecidable)
        later = datetime.now(UTC) + timedelta(hours=1)
        assert isinstance(await linkedin(stage).find(request, later), Absent)

    async def test_equal_words_under_other_pictures_are_not_ours(self, stage: Stage) -> None:
        await stage.out(message("同样的话", **pictures(1)))
        request, progress = stage.request(message("同样的话", **pictures(1))), Progress()
        await linkedin(stage).prepare(replace(request, save=progress.save))
        prepared = replace(request, checkpoint=progress.checkpoint)
        assert isinstance(await stage.find(prepared), Absent)
        out = await stage.publish(request, progress)
        found = await stage.find(replace(request, checkpoint=progress.checkpoint))
        assert isinstance(out, Published)
        assert isinstance(found, Published)
        assert found.external_id == out.external_id
        assert found.published_at is not None

    async def test_no_role_to_read_leaves_it_to_a_person(self, stage: Stage) -> None:
        request = stage.request(message("权限没了"))
        stage.break_with(refusal("ACCESS_DENIED").model_copy(update={"path": "/rest/posts"}))
        assert isinstance(await linkedin(stage).find(request, request.created_at), Undecidable)


class TestAccounts:
    async def test_a_page_and_a_member(self, stage: Stage, member: Stage) -> None:
        page = await linkedin(stage).identify(stage.credentials)
        assert (page.id, page.url) == (
            stage.account,
            f"https://www.linkedin.com/company/gulou-{stage.credentials['organization']}/",
        )
        person = await linkedin(member).identify(member.credentials)
        assert (person.id, person.name, person.url) == (member.account, "鼓楼小李", None)

    @pytest.mark.parametrize("number", ["1", "x", "../1", "1)", "鼓"])
    async def test_a_page_on_which_the_member_has_no_role(self, stage: Stage, number: str) -> None:
        values = dict(stage.credentials.values) | {"organization": number}
        with pytest.raises(PlatformError) as caught:
            await linkedin(stage).identify(replace(stage.credentials, values=values))
        assert isinstance(caught.value.failure, NotPermitted)

    async def test_a_role_that_may_not_post(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await LinkedInHooks()._set(stack, {"role": "ANALYST"})
            with pytest.raises(PlatformError) as caught:
                await linkedin(stage).identify(stage.credentials)
            assert isinstance(caught.value.failure, NotPermitted)
            assert isinstance(await failure_of(stage), NotPermitted)

    async def test_a_missing_scope(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await LinkedInHooks()._set(stack, {"scopes": ["rw_organization_admin"]})
            assert isinstance(await failure_of(stage), NotPermitted)

    @pytest.mark.parametrize("action", ["expire", "revoke"])
    async def test_a_token_that_ended(self, stage: Stage, action: str) -> None:
        body = {"token": stage.credentials["access_token"], "action": action}
        await stage.http.post(f"{stage.base_url}/control/token", json=body)
        assert isinstance(await failure_of(stage), AuthExpired)

    async def test_the_days_calls_are_used_up_until_midnight_utc(self) -> None:
        async with AsyncExitStack() as stack:
            stage = await LinkedInHooks()._set(stack, {"calls_per_day": 1})
            assert isinstance(await failure_of(stage), Published)
            outcome = await stage.attempt(stage.request(message("又一条")))
            assert isinstance(outcome, RateLimited)
            assert (outcome.scope, outcome.platform_code) == (
                Scope.CHANNEL,
                "APPLICATION_AND_MEMBER_DAY_LIMIT",
            )
            assert outcome.until is not None
            assert (outcome.until.hour, outcome.until.minute) == (0, 0)

    async def test_the_apps_day_is_the_apps(self, stage: Stage) -> None:
        stage.break_with(refusal("APPLICATION_DAY_LIMIT").model_copy(update={"path": "/rest/posts"}))
        outcome = await failure_of(stage)
        assert isinstance(outcome, RateLimited)
        assert outcome.scope is Scope.APP

    async def test_a_members_numbers_and_comments_are_not_to_be_had(self, member: Stage) -> None:
        adapter, post = linkedin(member), reference(await member.out(message("个人动态")))
        for asked in (
            adapter.post_stats(member.credentials, [post]),
            adapter.channel_stats(member.credentials),
            adapter.feedback(member.credentials, {}, [post]),
        ):
            with pytest.raises(PlatformError) as caught:
                await asked
            assert isinstance(caught.value.failure, NotPermitted)

    async def test_somebody_elses_post_is_not_deleted(self, stage: Stage, member: Stage) -> None:
        other = stage.sandbox.add_account(kind="person")
        theirs = LinkedInHooks().credentials_of(other)
        out = await stage.out(message("我们的"))
        with pytest.raises(PlatformError) as caught:
            await linkedin(stage).delete(theirs, reference(out))
        assert isinstance(caught.value.failure, NotPermitted)
