"""Uploads, one video, and what became of it.

Kuaishou takes an upload in fragments at a host of its own, documented for plain HTTP only. The real platform is tried by
HTTPS first; where nothing answers there, the documented way is taken (UNVERIFIED: which of its hosts have HTTPS).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.adapters.kuaishou.declaration import (
    CAPABILITIES,
    COVER,
    MISSING,
    UPLOAD_WIRE,
    VIDEO,
    KuaishouOptions,
)
from drumtower.adapters.kuaishou.schemas import Begun, Done, Video, VideoIn, Videos
from drumtower.domain.capabilities import family
from drumtower.domain.failures import Transient
from drumtower.platforms import (
    Accepted,
    Adapter,
    Api,
    Checkpoint,
    Finding,
    Media,
    Message,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import check_file, read_file, rejected, upload_in_parts
from drumtower.platforms.wire import connect

LISTED, COUNTED = 50, 200
SHOWN_WITHIN = timedelta(minutes=30)
POLL = timedelta(seconds=30)
_GONE = "Kuaishou took it, and has no such video: its review refused it, or somebody took it down."
_SHALLOW = "More than 50 videos were made since: the list asked for does not reach back far enough."


def fitting(message: Message) -> Message:
    """Return the message as it leaves, a video with its cover; raise ContentRejected for what Kuaishou would refuse."""
    check_message(message, CAPABILITIES, "kuaishou")
    return message


def _file(message: Message, kind: str) -> Media:
    return next(media for media in message.media if family(media.content_type) == kind)


async def upload(adapter: Adapter, request: PublishRequest, progress: Checkpoint) -> str:
    """Return the upload token of the whole video."""
    if "token" not in progress:
        media = _file(request.message, "video")
        await check_file(media, VIDEO)
        begun = await _sent(adapter, request, progress, media)
        progress["token"] = begun["token"]
        await request.save(dict(progress))
    return str(progress["token"])


async def _sent(
    adapter: Adapter, request: PublishRequest, progress: Checkpoint, media: Media
) -> dict[str, str]:
    api, part = adapter.api(request.credentials), VIDEO.parts or 0

    async def begin() -> dict[str, str]:
        begun = await api.post("photo/start_upload", Begun, app_id=request.credentials["app_id"])
        host = await _reached(adapter, begun)
        return {"token": begun.upload_token, "host": host}

    async def send(begun: dict[str, str], number: int, content: bytes) -> None:
        query = {"upload_token": begun["token"], "fragment_id": str(number - 1)}
        await _put(adapter, begun["host"], "/fragment", query, content, media.content_type)

    begun: dict[str, str]
    if media.size <= part:
        begun, data = await begin(), await media.read()
        await _put(adapter, begun["host"], "", {"upload_token": begun["token"]}, data, media.content_type)
        return begun
    begun = await upload_in_parts(request, progress, media, part, begin, send)
    query = {"upload_token": begun["token"], "fragment_count": str(-(-media.size // part))}
    await _put(adapter, begun["host"], "/complete", query)
    return begun


async def _reached(adapter: Adapter, begun: Begun) -> str:
    """Return the upload host's address, by HTTPS where it answers there."""
    if not adapter.base_url.startswith("https:"):
        return f"http://{begun.endpoint}"
    secure = connect(adapter.http, f"https://{begun.endpoint}", UPLOAD_WIRE, token="")
    try:
        await secure.get("/resume", dict[str, Any], upload_token=begun.upload_token)
    except PlatformError as error:
        if isinstance(error.failure, Transient) and error.failure.detail.startswith("not sent"):
            return f"http://{begun.endpoint}"
        raise
    return f"https://{begun.endpoint}"


async def _put(
    adapter: Adapter, host: str, name: str, query: dict[str, str], content: bytes = b"", kind: str = ""
) -> None:
    api = connect(adapter.http, host, UPLOAD_WIRE, secrets=(query["upload_token"],))
    headers = {"Content-Type": kind} if kind else {}
    await api.send("POST", name, Done, params=query, content=content, headers=headers)


async def create(api: Api, request: PublishRequest, token: str) -> Accepted:
    """Publish the uploaded video, once."""
    cover, options = (
        _file(request.message, "image"),
        KuaishouOptions.model_validate(request.options.model_dump()),
    )
    form = {"caption": fitting(request.message).text, "stereo_type": options.panorama}
    form |= {"merchant_product_id": options.merchant_product_id} if options.merchant_product_id else {}
    files = {"cover": (cover.file_name, await read_file(cover, COVER), cover.content_type)}
    query = {"app_id": request.credentials["app_id"], "upload_token": token}
    made = await api.send("POST", "photo/publish", VideoIn, once=True, params=query, data=form, files=files)
    return _accepted(made.video_info)


def _accepted(video: Video) -> Accepted:
    handle = {"photo_id": video.photo_id, "at": video.create_time.isoformat()}
    return Accepted(handle=handle, poll_after=POLL, detail="Kuaishou took it and is still at work on it.")


def _published(video: Video) -> Published:
    url = f"https://www.kuaishou.com/short-video/{video.photo_id}"
    return Published(external_id=video.photo_id, url=url, published_at=video.create_time)


async def confirm(api: Api, app: str, handle: dict[str, Any]) -> Published | Accepted:
    """Look whether people see it; just after it was made, Kuaishou may not know it yet."""
    photo, at = str(handle["photo_id"]), datetime.fromisoformat(str(handle["at"]))
    try:
        video = (await api.get("photo/info", VideoIn, app_id=app, photo_id=photo)).video_info
    except PlatformError as error:
        if error.failure.platform_code not in MISSING:
            raise
        if datetime.now(UTC) - at > SHOWN_WITHIN:
            raise rejected(_GONE, error.failure.platform_code) from error
        return Accepted(handle=handle, poll_after=POLL)
    return _accepted(video) if video.pending else _published(video)


async def find(api: Api, request: PublishRequest, since: datetime) -> Finding:
    """Look for the caption among the account's newest videos; a hidden mark is not possible."""
    app = request.credentials["app_id"]
    rows = (await api.get("photo/list", Videos, app_id=app, count=LISTED)).video_list
    seen = recent(rows, since, lambda row: row.create_time, len(rows) if len(rows) < LISTED else None)
    ours = next((row for row in seen.rows if bare(row.caption) == bare(request.message.text)), None)
    return _accepted(ours) if ours else seen.settle(None, _SHALLOW)


async def counted(api: Api, app: str, posts: Sequence[PostReference]) -> list[Video]:
    """Return our videos down to the oldest of `posts`: two hundred a call, which spares the day's calls."""
    found: list[Video] = []
    cursor: str | None = None
    oldest = min((post.published_at for post in posts), default=None)
    while oldest is not None:
        page = (await api.get("photo/list", Videos, app_id=app, count=COUNTED, cursor=cursor)).video_list
        new = [row for row in page if row.photo_id not in {one.photo_id for one in found}]
        found += new
        last = min(new, key=lambda row: row.create_time, default=None)
        if last is None or len(page) < COUNTED or last.create_time < oldest:
            break
        cursor = last.photo_id
    wanted = {post.external_id for post in posts}
    return [row for row in found if row.photo_id in wanted]
