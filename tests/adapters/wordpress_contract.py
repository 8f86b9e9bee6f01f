"""What a WordPress site does, checked on our sandbox and on a real one alike, so that the sandbox can't drift.

Our adapter does the work; what it did is read back with plain calls.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from drumtower.adapters.wordpress.adapter import WordPressAdapter
from drumtower.adapters.wordpress.articles import slug_of
from drumtower.adapters.wordpress.declaration import WordPressOptions
from drumtower.domain import failures
from drumtower.domain.capabilities import Feature
from drumtower.domain.content import Kind
from drumtower.http import client
from drumtower.platforms import (
    Absent,
    Accepted,
    Checkpoint,
    Credentials,
    Media,
    Message,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
    ReplyRequest,
    Undecidable,
)
from drumtower.testkit.files import reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A site with one user of each role, and a visitor who comments: `say(post id, text)`."""

    url: str
    passwords: dict[str, tuple[str, str]]  # role -> name, password
    say: Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The adapter as the site's editor, and plain calls to see what it did."""

    server: Server
    adapter: WordPressAdapter
    credentials: Credentials
    http: httpx.AsyncClient

    async def raw(
        self, method: str, path: str, role: str | None = "editor", **sent: object
    ) -> httpx.Response:
        """Call the site without our adapter; role None is nobody."""
        login = httpx.BasicAuth(*self.server.passwords[role]) if role else None
        url = f"{self.server.url}/wp-json/wp/v2/{path}"
        async with httpx.AsyncClient(auth=login) as plain:
            return await plain.request(method, url, **sent)  # type: ignore[arg-type]

    def credentials_of(self, role: str) -> Credentials:
        name, password = self.server.passwords[role]
        return Credentials(values={"username": name, "app_password": password})

    def request(self, text: str, *, media: tuple[Media, ...] = (), **options: object) -> PublishRequest:
        return PublishRequest(
            credentials=self.credentials,
            message=Message(
                title="钟 & 鼓 <b>", text=text, body=text, kind=Kind.ARTICLE, hashtags=("秋茶",), media=media
            ),
            options=WordPressOptions.model_validate(options),
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )

    async def out(self, request: PublishRequest) -> Published:
        out = await self.adapter.publish(request)
        assert isinstance(out, Published)
        return out


def picture() -> Media:
    """A real JPEG, because a real site looks inside."""
    made = BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(made, "JPEG")
    data = made.getvalue()
    return Media(
        asset_id=uuid4(), content_type="image/jpeg", size=len(data), read=reader(data), alt_text="红 & 茶"
    )


async def refused(call: Awaitable[object]) -> failures.Failure:
    with pytest.raises(PlatformError) as caught:
        await call
    return caught.value.failure


class WordPressContract:
    """Subclasses give the fixture `server`."""

    @pytest.fixture
    async def desk(self, server: Server):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a fixture that yields
        async with client(allow_private=True) as http:
            adapter = WordPressAdapter(http, server.url)
            name, password = server.passwords["editor"]
            values = {"username": name, "app_password": password}
            account = await adapter.identify(Credentials(values=values))
            credentials = Credentials(values=values, account_id=account.id)
            yield Desk(server=server, adapter=adapter, credentials=credentials, http=http)

    async def test_an_account_is_its_record_in_the_api(self, desk: Desk) -> None:
        account = await desk.adapter.identify(desk.credentials)
        assert account.id.rpartition("/")[0].endswith("/wp-json/wp/v2/users")
        assert account.name == "鼓楼茶"
        spaced = " ".join(desk.credentials["app_password"])
        again = Credentials(values={**desk.credentials.values, "app_password": spaced})
        assert await desk.adapter.identify(again) == account, "spaces in the password mean nothing"

    async def test_a_role_says_what_it_may(self, desk: Desk) -> None:
        for role, allowed in (("editor", True), ("contributor", False)):
            grants = {g.feature: g for g in await desk.adapter.probe(desk.credentials_of(role))}
            assert grants[Feature.PUBLISH].allowed is grants[Feature.DELETE].allowed is allowed

    async def test_a_post_is_what_was_written(self, desk: Desk) -> None:
        request = desk.request("一 <b>粗</b> & 二\n三\n\n四", media=(picture(),), slug="tea", categories=[1])
        out = await desk.out(request)
        post = (await desk.raw("GET", f"posts/{out.external_id}?context=edit")).json()
        assert (post["slug"], post["status"], post["link"]) == (slug_of(request), "publish", out.url)
        assert post["categories"] == [1]
        assert "<p>一 &lt;b&gt;粗&lt;/b&gt; &amp; 二<br />\n三</p>" in post["content"]["raw"]
        assert post["title"]["raw"] == "钟 &amp; 鼓 &lt;b&gt;"
        assert out.published_at is not None
        assert abs((datetime.now(UTC) - out.published_at).total_seconds()) < 120
        file = (await desk.raw("GET", f"media/{post['featured_media']}")).json()
        assert file["alt_text"] == "红 & 茶"
        assert file["source_url"] in post["content"]["raw"]
        tags = (await desk.raw("GET", "tags?search=秋茶")).json()
        assert post["tags"] == [tags[0]["id"]]

    async def test_a_lost_answer_is_found_under_the_slug(self, desk: Desk) -> None:
        request = desk.request("回执丢失")
        assert isinstance(await desk.adapter.find(request, request.created_at), Absent)
        out = await desk.out(request)
        found = await desk.adapter.find(request, request.created_at)
        assert isinstance(found, Published)
        assert (found.external_id, found.url) == (out.external_id, out.url)
        twice = await desk.out(request)
        assert twice.external_id != out.external_id, "a taken slug is no conflict: only the look-up protects"

    async def test_what_is_in_the_bin_is_not_sent_again(self, desk: Desk) -> None:
        request = desk.request("发了又删")
        out = await desk.out(request)
        post = PostReference(external_id=out.external_id, published_at=request.created_at)
        for _ in range(2):
            await desk.adapter.delete(desk.credentials, post)
        assert isinstance(await desk.adapter.find(request, request.created_at), Undecidable)
        assert (await desk.raw("DELETE", f"posts/{out.external_id}")).json()["code"] == "rest_already_trashed"

    async def test_what_waits_for_an_editor(self, desk: Desk) -> None:
        out = await desk.adapter.publish(desk.request("待审", status="pending"))
        assert isinstance(out, Accepted)
        assert isinstance(await desk.adapter.confirm(desk.credentials, out.handle), Accepted)
        path = f"posts/{out.handle['post']}"
        await desk.raw("POST", path, json={"status": "publish"})
        assert isinstance(await desk.adapter.confirm(desk.credentials, out.handle), Published)

    async def test_who_is_not_known_and_who_may_not(self, desk: Desk) -> None:
        wrong = replace(desk.credentials, values={**desk.credentials.values, "app_password": "no"})
        assert isinstance(await refused(desk.adapter.identify(wrong)), failures.AuthExpired)
        request = desk.request("无权")
        failure = await refused(desk.adapter.publish(replace(request, credentials=wrong)))
        assert isinstance(failure, failures.AuthExpired)
        low = replace(request, credentials=desk.credentials_of("contributor"))
        assert isinstance(await refused(desk.adapter.publish(low)), failures.NotPermitted)
        assert isinstance(await desk.adapter.find(request, request.created_at), Absent)

    async def test_a_category_that_is_not_there(self, desk: Desk) -> None:
        failure = await refused(desk.adapter.publish(desk.request("分类", categories=[99_999])))
        assert isinstance(failure, failures.ContentRejected)

    async def test_what_was_uploaded_in_vain_is_taken_away(self, desk: Desk) -> None:
        kept: Checkpoint = {}

        async def save(checkpoint: Checkpoint) -> None:
            kept.update(checkpoint)

        request = replace(desk.request("不发了", media=(picture(), picture())), save=save)
        await desk.adapter.prepare(request)
        there = await desk.raw("GET", f"media?search={kept['mark']}")
        assert len(there.json()) == 2
        await desk.adapter.discard(desk.credentials, kept)
        assert (await desk.raw("GET", f"media?search={kept['mark']}")).json() == []

    async def test_a_comment_and_its_answer(self, desk: Desk) -> None:
        out = await desk.out(desk.request("欢迎留言", comments="open"))
        await desk.server.say(out.external_id, '几点开门? "请问"')
        page = await desk.adapter.feedback(desk.credentials, {}, [])
        (event,) = [one for one in page.events if one.post_external_id == out.external_id]
        assert event.author_name == "胡同老王"
        assert "几点开门?" in event.text
        assert abs((datetime.now(UTC) - event.occurred_at).total_seconds()) < 120
        request = ReplyRequest(
            credentials=desk.credentials,
            text='九点 <开门> & "欢迎" -- 您。',
            kind=event.kind,
            external_id=event.external_id,
            author_id=event.author_id,
            post_external_id=event.post_external_id,
            context=event.context,
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )
        assert isinstance(await desk.adapter.find_reply(request, request.created_at), Absent)
        first, again = await desk.adapter.reply(request), await desk.adapter.reply(request)
        assert first.external_id == again.external_id, "a repeat is a 409, and found to be our own"
        shown = (await desk.raw("GET", f"comments/{first.external_id}")).json()
        assert shown["parent"] == int(event.external_id)
        later = await desk.adapter.feedback(desk.credentials, page.cursor, [])
        assert later.events == ()

    async def test_refusals_are_worded_as_the_table_says(self, desk: Desk) -> None:
        post = (await desk.out(desk.request("措辞"))).external_id
        await desk.raw("POST", "tags", json={"name": "重名"})
        jpeg = {"Content-Type": "image/jpeg"}
        named = {**jpeg, "Content-Disposition": 'attachment; filename="a.jpg"'}
        asked: list[tuple[int, str, httpx.Response]] = [
            (401, "rest_not_logged_in", await desk.raw("GET", "users/me", None)),
            (401, "rest_cannot_create", await desk.raw("POST", "posts", None, json={"title": "x"})),
            (403, "rest_cannot_create", await desk.raw("POST", "media", "contributor", headers=named, content=b"x")),
            (403, "rest_cannot_publish", await desk.raw("POST", "posts", "contributor", json={"title": "x", "status": "publish"})),
            (404, "rest_post_invalid_id", await desk.raw("GET", "posts/999999")),
            (400, "rest_invalid_json", await desk.raw("POST", "posts", content=b"{", headers={"Content-Type": "application/json"})),
            (400, "rest_invalid_param", await desk.raw("POST", "posts", json={"title": "x", "status": "odd"})),
            (400, "empty_content", await desk.raw("POST", "posts", json={"title": ""})),
            (400, "term_exists", await desk.raw("POST", "tags", json={"name": "重名"})),
            (400, "rest_upload_no_content_disposition", await desk.raw("POST", "media", headers=jpeg, content=b"x")),
            (500, "rest_upload_sideload_error", await desk.raw("POST", "media", headers=named, content=b"<html>")),
            (400, "rest_comment_content_invalid", await desk.raw("POST", "comments", json={"post": int(post), "content": ""})),
            (400, "rest_post_invalid_page_number", await desk.raw("GET", "posts?page=99")),
            (403, "rest_comment_invalid_post_id", await desk.raw("POST", "comments", json={"post": 999999, "content": "x"})),
        ]  # fmt: skip
        found = [(answer.status_code, answer.json().get("code")) for _, _, answer in asked]
        assert found == [(status, code) for status, code, _ in asked]
