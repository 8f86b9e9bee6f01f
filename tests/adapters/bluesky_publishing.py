"""What the Bluesky adapter does on a server, ours or a real one."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest

from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.domain.content import Kind
from drumtower.domain.failures import AuthExpired, ContentRejected, Disconnected
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Absent,
    Checkpoint,
    Credentials,
    Media,
    Message,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
    ReplyRequest,
    Token,
)
from drumtower.testkit.files import reader
from tests.adapters.bluesky_stage import PNG, Account, Caller, ContractStage, Server

TEXT = "你好 https://example.com #新品"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The adapter with an open session, and what a look behind its back shows."""

    adapter: BlueskyAdapter
    credentials: Credentials
    caller: Caller

    async def records(self) -> list[dict[str, Any]]:
        """All posts of the account, oldest first."""
        place = {"repo": self.credentials.account_id, "collection": "app.bsky.feed.post", "reverse": "true"}
        found = (await self.caller.get("com.atproto.repo.listRecords", **place)).json()["records"]
        return list(found)


def message(text: str = TEXT, *media: Media) -> Message:
    return Message(title="", text=text, body=text, kind=Kind.IMAGE_TEXT, hashtags=("新品",), media=media)


def picture(data: bytes = PNG, *, asset_id: UUID | None = None) -> Media:
    return Media(
        asset_id=asset_id or uuid4(),
        content_type="image/png",
        size=len(data),
        read=reader(data),
        alt_text="红点",
        width=1,
        height=1,
    )


class Keeper:
    """Keeps what was saved, as the database does."""

    def __init__(self) -> None:
        self.checkpoint: Checkpoint = {}

    async def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint


class Writer(Protocol):
    """Whose request it is."""

    @property
    def adapter(self) -> BlueskyAdapter: ...
    @property
    def credentials(self) -> Credentials: ...


def request(desk: Writer, content: Message | None = None, keeper: Keeper | None = None) -> PublishRequest:
    keeper = keeper or Keeper()
    return PublishRequest(
        credentials=desk.credentials,
        message=content or message(),
        options=desk.adapter.options(),
        idempotency_key=uuid4().hex,
        created_at=datetime.now(UTC) - timedelta(days=3),
        checkpoint=keeper.checkpoint,
        save=keeper.save,
    )


class PublishingContract(ContractStage):
    """The adapter on a server that is well."""

    @pytest.fixture
    async def desk(self, server: Server, account: Account) -> Desk:
        adapter = BlueskyAdapter(server.http, server.url)
        values = {"identifier": account.handle, "password": account.password}
        credentials = Credentials(values=values, account_id=account.did)
        token = await adapter.token(credentials)
        return Desk(
            adapter=adapter,
            credentials=replace(credentials, token=token),
            caller=Caller(server=server, account=account),
        )

    async def test_says_whose_account_it_is(self, desk: Desk, account: Account) -> None:
        found = await desk.adapter.identify(desk.credentials)
        assert (found.id, found.name) == (account.did, account.handle)

    async def test_renews_with_the_same_old_token_after_a_lost_answer(self, desk: Desk) -> None:
        first = await desk.adapter.token(desk.credentials)
        again = await desk.adapter.token(desk.credentials)  # as if the first answer had never come
        for token in (first, again):
            assert token.expires_at is not None
            assert timedelta(minutes=110) < token.expires_at - datetime.now(UTC) <= timedelta(hours=2)
            await desk.adapter.identify(replace(desk.credentials, token=token))

    async def test_logs_in_anew_where_the_session_has_ended(self, desk: Desk) -> None:
        assert desk.credentials.token is not None
        ended = {"Authorization": f"Bearer {desk.credentials.token.refresh}"}
        await desk.caller.post("com.atproto.server.deleteSession", headers=ended)
        token = await desk.adapter.token(desk.credentials)
        await desk.adapter.identify(replace(desk.credentials, token=token))

    async def test_a_wrong_password_is_for_a_person_to_mend(self, desk: Desk) -> None:
        values = {**desk.credentials.values, "password": "aaaa-bbbb-cccc-dddd"}
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(Credentials(values=values))
        assert isinstance(caught.value.failure, Disconnected)
        assert "bbbb" not in str(caught.value)

    async def test_a_token_that_is_not_taken(self, desk: Desk) -> None:
        bad = replace(desk.credentials, token=Token(access="nonsense"))
        for call in (
            desk.adapter.identify(bad),
            desk.adapter.publish(replace(request(desk), credentials=bad)),
        ):
            with pytest.raises(PlatformError) as caught:
                await call
            assert isinstance(caught.value.failure, AuthExpired)

    async def test_publishes_text_links_tags_and_pictures(self, desk: Desk) -> None:
        out = await desk.adapter.publish(request(desk, message(TEXT, picture(), picture(PNG + b"\0"))))
        (record,) = await desk.records()
        assert (out.external_id, out.context["cid"]) == (record["uri"], record["cid"])
        value = record["value"]
        assert value["text"] == TEXT
        assert value["langs"] == ["zh-CN"]
        assert [facet["index"] for facet in value["facets"]] == [
            {"byteStart": 7, "byteEnd": 26},
            {"byteStart": 27, "byteEnd": 34},
        ]
        assert [image["alt"] for image in value["embed"]["images"]] == ["红点", "红点"]
        assert value["embed"]["images"][0]["aspectRatio"] == {"width": 1, "height": 1}
        # Readers see a post as old as its date: it is that of the first attempt, not of the plan.
        assert datetime.now(UTC) - datetime.fromisoformat(value["createdAt"]) < timedelta(minutes=1)
        assert out.published_at == datetime.fromisoformat(value["createdAt"])

    async def test_a_repeat_is_no_second_post(self, desk: Desk) -> None:
        keeper = Keeper()
        asked = request(desk, message(TEXT, picture()), keeper)
        first = await desk.adapter.publish(asked)
        assert await desk.adapter.publish(replace(asked, checkpoint=keeper.checkpoint)) == first
        assert len(await desk.records()) == 1

    async def test_a_repeat_that_forgot_everything_is_no_second_post_and_no_edit(self, desk: Desk) -> None:
        asked = request(desk)
        first = await desk.adapter.publish(asked)
        again = await desk.adapter.publish(asked)
        assert again == first
        edited = await desk.adapter.publish(replace(asked, message=message("another text")))
        assert edited == first
        assert [record["value"]["text"] for record in await desk.records()] == [TEXT]

    async def test_prepared_pictures_are_not_uploaded_again(self, desk: Desk) -> None:
        keeper, media = Keeper(), picture()
        asked = request(desk, message(TEXT, media), keeper)
        await desk.adapter.prepare(asked)
        assert await desk.records() == []
        forgotten = replace(media, read=_never)
        asked = replace(asked, checkpoint=keeper.checkpoint, message=message(TEXT, forgotten))
        await desk.adapter.publish(asked)
        assert len(await desk.records()) == 1

    async def test_a_picture_that_the_server_dropped_is_uploaded_again(self, desk: Desk) -> None:
        keeper, media = Keeper(), picture(PNG + b"\1")
        before = await desk.adapter.publish(request(desk, message("first", media)))
        asked = request(desk, message("second", media), keeper)
        await desk.adapter.prepare(asked)
        reference = PostReference(external_id=before.external_id, published_at=datetime.now(UTC))
        await desk.adapter.delete(desk.credentials, reference)  # the file goes with its last record
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(replace(asked, checkpoint=keeper.checkpoint))
        assert caught.value.failure.platform_code == "BlobNotFound"
        await desk.adapter.publish(replace(asked, checkpoint=keeper.checkpoint))
        assert [record["value"]["text"] for record in await desk.records()] == ["second"]

    async def test_too_long_a_text(self, desk: Desk) -> None:
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(request(desk, message("字" * 301)))
        assert isinstance(caught.value.failure, ContentRejected)
        assert "maximum 300, got 301" in caught.value.failure.detail

    async def test_finds_what_is_out_and_knows_what_is_not(self, desk: Desk) -> None:
        asked = request(desk)
        assert await desk.adapter.find(asked, asked.created_at) == Absent()
        out = await desk.adapter.publish(asked)
        assert await desk.adapter.find(asked, asked.created_at) == out

    async def test_deletes_and_deletes_again(self, desk: Desk) -> None:
        asked = request(desk)
        out = await desk.adapter.publish(asked)
        reference = PostReference(external_id=out.external_id, published_at=datetime.now(UTC))
        for _ in range(2):
            await desk.adapter.delete(desk.credentials, reference)
        assert await desk.records() == []
        assert await desk.adapter.find(asked, asked.created_at) == Absent()

    async def test_deletes_nothing_of_others(self, desk: Desk) -> None:
        strange = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3ke6kg3wk2222"
        for uri in (strange, "https://bsky.app/x", ""):
            with pytest.raises(PlatformError) as caught:
                await desk.adapter.delete(
                    desk.credentials, PostReference(external_id=uri, published_at=datetime.now(UTC))
                )
            assert isinstance(caught.value.failure, ContentRejected)

    async def test_answers_once(self, desk: Desk) -> None:
        out = await desk.adapter.publish(request(desk))
        place = {"uri": out.external_id, "cid": out.context["cid"]}
        answer = ReplyRequest(
            credentials=desk.credentials,
            text="谢谢!see https://example.com",
            kind=InteractionKind.COMMENT,
            external_id=out.external_id,
            author_id=desk.credentials.account_id,
            post_external_id=out.external_id,
            context={"root": place, "parent": place},
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )
        assert await desk.adapter.find_reply(answer, answer.created_at) == Absent()
        first = await desk.adapter.reply(answer)
        assert await desk.adapter.reply(answer) == first
        assert await desk.adapter.find_reply(answer, answer.created_at) == first
        assert isinstance(first, Published)
        (_, record) = sorted(await desk.records(), key=lambda record: "reply" in record["value"])
        assert record["uri"] == first.external_id
        assert record["value"]["reply"] == {"root": place, "parent": place}
        assert len(record["value"]["facets"]) == 1


async def _never(start: int = 0, end: int | None = None) -> bytes:
    raise AssertionError("the file was read again")
