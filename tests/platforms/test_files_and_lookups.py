"""Uploads that are not repeated, files that are what they say, and what a look-up proves."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from drumtower.domain import failures
from drumtower.domain.capabilities import MediaRule
from drumtower.domain.content import Kind
from drumtower.platforms import (
    Absent,
    Checkpoint,
    Credentials,
    Finding,
    Media,
    Message,
    NoOptions,
    PlatformError,
    Published,
    PublishRequest,
    Undecidable,
)
from drumtower.platforms.lookups import alike, ours, recent
from drumtower.platforms.media import check_file, parts, read_file, rejected, upload_each, upload_in_parts
from drumtower.testkit.files import reader

NOW = datetime(2026, 3, 1, tzinfo=UTC)
JPEG = MediaRule(types=("image/jpeg",), maximum_count=2, maximum_bytes=100)


def media(data: bytes = b"\xff\xd8\xff", content_type: str = "image/jpeg") -> Media:
    return Media(asset_id=uuid4(), content_type=content_type, size=len(data), read=reader(data))


def request(*files: Media) -> PublishRequest:
    return PublishRequest(
        credentials=Credentials(values={}),
        message=Message(title="", text="", body="", kind=Kind.IMAGE_TEXT, media=files),
        options=NoOptions(),
        idempotency_key="k",
        created_at=NOW,
    )


async def test_an_upload_goes_on_after_a_crash() -> None:
    files, saved, sent = [media(), media(), media()], list[Checkpoint](), list[UUID]()

    async def save(checkpoint: Checkpoint) -> None:
        saved.append(checkpoint)

    async def upload(one: Media) -> str:
        sent.append(one.asset_id)
        return f"ref-{one.asset_id}"

    asked = replace(request(*files), save=save)
    await upload_each(asked, {}, upload)
    again = await upload_each(asked, dict(saved[1]), upload)  # it died after the second save
    assert again == [f"ref-{one.asset_id}" for one in files]
    assert sent == [one.asset_id for one in files] + [files[2].asset_id]


async def test_an_upload_in_parts_goes_on_with_the_part_that_was_not_saved() -> None:
    file, saved, sent = media(bytes(range(20))), list[Checkpoint](), list[tuple[int, bytes]]()

    async def save(checkpoint: Checkpoint) -> None:
        saved.append(checkpoint)
        if len(saved) == 2:
            raise asyncio.CancelledError

    async def begin() -> str:
        return "u"

    async def send(upload: str, number: int, data: bytes) -> None:
        sent.append((number, data))

    asked = replace(request(file), save=save)
    with pytest.raises(asyncio.CancelledError):
        await upload_in_parts(asked, {"cover": "c"}, file, 8, begin, send)
    assert await upload_in_parts(asked, dict(saved[-1]), file, 8, begin, send) == "u"
    assert sent == [(1, bytes(range(8))), (2, bytes(range(8, 16))), (3, bytes(range(16, 20)))]
    assert saved[-1] == {"cover": "c", "parts": {"upload": "u", "sent": 3}}


@pytest.mark.parametrize(
    "one", [media(b"<html>"), media(b""), media(content_type="image/png"), media(b"\x89PNG\r\n\x1a\n")]
)
async def test_a_file_that_is_not_what_it_says_is_rejected(one: Media) -> None:
    with pytest.raises(PlatformError) as caught:
        await read_file(one, JPEG)
    with pytest.raises(PlatformError):
        await check_file(one, JPEG)
    assert isinstance(caught.value.failure, failures.ContentRejected)


async def test_a_file_that_is_what_it_says_is_read() -> None:
    assert await read_file(media(), JPEG) == b"\xff\xd8\xff"


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2)])
def test_parts_cover_a_file_once(size: int, count: int) -> None:
    cut = list(parts(size, 8))
    assert [number for number, _, _ in cut] == list(range(1, count + 1))
    assert b"".join(bytes(size)[start:end] for _, start, end in cut) == bytes(size)


class TestLookups:
    def test_what_a_list_reaches_back_to_is_absent(self) -> None:
        days = [NOW, NOW - timedelta(minutes=1), NOW - timedelta(days=1)]
        assert recent(days, NOW, lambda day: day).settle(None, "short") == Absent()
        assert recent(days[:2], NOW, lambda day: day).settle(None, "short") == Undecidable(reason="short")
        assert recent(days[:2], NOW, lambda day: day, total=2).whole

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("新品上架 #茶# https://a.example/1", "新品上架茶 http://t.cn/xyz", True),
            ("新品上架，今天到店", "门店公告：明天休息", False),
        ],
    )
    def test_rewritten_texts_are_alike(self, one: str, other: str, same: bool) -> None:
        assert alike(one, other) is same

    async def test_a_repeat_that_is_ours_is_published(self) -> None:
        published = Published(external_id="1")
        assert await ours(_found(published), rejected("repeat", "20019")) == published

    @pytest.mark.parametrize(
        ("found", "failure"),
        [
            (Absent(), failures.ContentRejected),
            (Undecidable(reason="?"), failures.OutcomeUnknown),
            (rejected("the look-up failed"), failures.OutcomeUnknown),
        ],
    )
    async def test_a_repeat_that_is_not_provably_ours(
        self, found: Finding | PlatformError, failure: type
    ) -> None:
        with pytest.raises(PlatformError) as caught:
            await ours(_found(found), rejected("repeat", "20019"))
        assert isinstance(caught.value.failure, failure)
        assert caught.value.failure.platform_code == "20019"


async def _found(found: Finding | PlatformError) -> Finding:
    if isinstance(found, PlatformError):
        raise found
    return found
