"""Uploads, one post, and what became of it.

Douyin reviews in its own time and tells nobody: no event comes on this route, and the fields that showed the review were
withdrawn in December 2024. What can be seen is the account's own list: a post that it still holds ten minutes on Douyin's
clock after it was made passes for published; one that was there and is gone, or does not come within half an hour, was
refused or taken down.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.adapters.douyin.declaration import CAPABILITIES, IMAGE, VIDEO, DouyinOptions
from drumtower.adapters.douyin.schemas import Created, ImageIn, In, Row, Rows, Upload, VideoIn
from drumtower.domain.capabilities import family
from drumtower.domain.failures import NotPermitted
from drumtower.platforms import (
    Accepted,
    Api,
    Checkpoint,
    Finding,
    Media,
    Message,
    PlatformError,
    Published,
    PublishRequest,
    Undecidable,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import check_file, read_file, rejected, upload_each, upload_in_parts

BASE = "/api/douyin/v1/video"
LISTED = 20  # at once
REVIEWED, SHOWN_WITHIN = timedelta(minutes=10), timedelta(minutes=30)
POLL = timedelta(minutes=5)
_VISIBILITY = {"private": 1, "friends": 2}
_GONE = "Douyin took it, and does not list it any more: its review refused it, or somebody took it down."
_SHALLOW = "More than 20 posts were made since: Douyin's list does not reach back far enough."


def fitting(message: Message) -> Message:
    """Return the message as it leaves; raise ContentRejected for what Douyin would refuse.

    A post is a video, with its cover or not, or pictures.
    """
    check_message(message, CAPABILITIES, "douyin")
    return message


def _of(message: Message, kind: str) -> list[int]:
    return [place for place, media in enumerate(message.media) if family(media.content_type) == kind]


async def upload(api: Api, request: PublishRequest, progress: Checkpoint) -> list[str]:
    """Return the ids of all files, in order."""
    about: dict[str, Any] = {"open_id": request.credentials.account_id}

    async def one(media: Media) -> str:
        if family(media.content_type) == "video":
            return await _video(api, about, request, progress, media)
        file = (media.file_name, await read_file(media, IMAGE), media.content_type)
        answer = await api.send(
            "POST", f"{BASE}/upload_image/", In[ImageIn], params=about, files={"image": file}
        )
        return answer.data.image.image_id

    return await upload_each(request, progress, one)


async def _video(
    api: Api, about: dict[str, Any], request: PublishRequest, progress: Checkpoint, media: Media
) -> str:
    await check_file(media, VIDEO)
    part = VIDEO.parts or 0

    async def send(name: str, shape: Any, content: bytes, **more: str) -> Any:
        files = {"video": (media.file_name, content, media.content_type)}
        return await api.send("POST", f"{BASE}/{name}/", shape, params=about | more, files=files)

    if media.size <= part:
        whole: In[VideoIn] = await send("upload_video", In[VideoIn], await media.read())
        return whole.data.video.video_id

    async def begin() -> str:
        return (await api.post(f"{BASE}/init_video_part_upload/", In[Upload], **about)).data.upload_id

    async def send_part(upload_id: str, number: int, content: bytes) -> None:
        await send("upload_video_part", object, content, upload_id=upload_id, part_number=str(number))

    upload_id: str = await upload_in_parts(request, progress, media, part, begin, send_part)
    done = await api.post(f"{BASE}/complete_video_part_upload/", In[VideoIn], upload_id=upload_id, **about)
    return done.data.video.video_id


async def create(api: Api, request: PublishRequest, files: list[str]) -> Accepted:
    """Make the post, once."""
    name, body = call_of(
        fitting(request.message), DouyinOptions.model_validate(request.options.model_dump()), files
    )
    about: dict[str, Any] = {"open_id": request.credentials.account_id}
    made = await api.post(f"{BASE}/{name}/", In[Created], body, once=True, **about)
    at = made.extra.now or datetime.now(UTC)
    return _accepted(made.data.item_id, made.data.video_id, at, kind=name)


def call_of(message: Message, options: DouyinOptions, files: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the call that makes the post, and its body; what an author left alone is not sent."""
    body: dict[str, Any] = {"text": message.text}
    body |= {"private_status": _VISIBILITY[options.visibility]} if options.visibility in _VISIBILITY else {}
    body |= {} if options.downloadable else {"download_type": 2}
    anchors = ("poi_id", "micro_app_id", "micro_app_title", "micro_app_url")
    body |= {anchor: value for anchor in anchors if (value := getattr(options, anchor))}
    videos, pictures = _of(message, "video"), _of(message, "image")
    if not videos:
        return "create_image_text", body | {"image_list": [files[place] for place in pictures]}
    body |= {"video_id": files[videos[0]]}
    body |= {"custom_cover_image_url": files[pictures[0]]} if pictures else {}
    return "create_video", body | ({"cover_tsp": options.cover_at} if options.cover_at is not None else {})


def _accepted(item: str, video: str | None, at: datetime, *, kind: str, seen: bool = False) -> Accepted:
    handle = {"item_id": item, "video_id": video, "at": at.isoformat(), "kind": kind, "seen": seen}
    return Accepted(handle=handle, poll_after=POLL, detail="Douyin took it; its review is still to come.")


async def confirm(api: Api, me: str, handle: dict[str, Any]) -> Published | Accepted:
    """Look whether the account's own list holds the post."""
    item, at = str(handle["item_id"]), datetime.fromisoformat(str(handle["at"]))
    try:
        found = await api.post(f"{BASE}/video_data/", In[Rows], {"item_ids": [item]}, open_id=me)
    except PlatformError as error:
        if isinstance(error.failure, NotPermitted):
            return _published(handle, at)  # nobody can look: that Douyin took it is the last that is certain
        raise
    row = next((row for row in found.data.rows if row.item_id == item), None)
    now = found.extra.now or datetime.now(UTC)
    if row is None and (handle["seen"] or now - at > SHOWN_WITHIN):
        raise rejected(_GONE)
    if row is not None and now - row.create_time >= REVIEWED:
        return _published(handle, row.create_time)
    video, kind = handle["video_id"], str(handle["kind"])
    return _accepted(item, video, at, kind=kind, seen=row is not None)


def _published(handle: dict[str, Any], at: datetime) -> Published:
    video = str(handle["video_id"] or "")
    page = "note" if handle["kind"] == "create_image_text" else "video"
    url = f"https://www.douyin.com/{page}/{video}" if video.isdecimal() else None
    return Published(external_id=str(handle["item_id"]), url=url, published_at=at)


async def find(api: Api, request: PublishRequest, since: datetime) -> Finding:
    """Look for the text among the account's newest posts; a hidden mark is not possible."""
    try:
        found = await api.get(
            f"{BASE}/video_list/", In[Rows], open_id=request.credentials.account_id, cursor=0, count=LISTED
        )
    except PlatformError as error:
        if isinstance(error.failure, NotPermitted):
            return Undecidable(reason="This account's list may not be read: look into the app.")
        raise
    rows = found.data.rows
    seen = recent(rows, since, lambda row: row.create_time, None if found.data.has_more else len(rows))
    ours = next((row for row in seen.rows if bare(row.title) == bare(request.message.text)), None)
    return _of_row(ours) if ours else seen.settle(None, _SHALLOW)


def _of_row(row: Row) -> Accepted:
    kind = "create_image_text" if row.media_type == 2 else "create_video"
    return _accepted(row.item_id, row.video_id, row.create_time, kind=kind, seen=True)
