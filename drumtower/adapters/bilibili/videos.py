"""Uploads in parts, one submission, and what its review makes of it.

An upload token gives one submission at most. Bilibili has no key for a repeat: what is unknown is looked up in the
account's own list by title and description.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumtower.adapters.bilibili.declaration import (
    CAPABILITIES,
    COVER,
    LONGEST_TAGS,
    UPLOAD_HOST,
    UPLOAD_WIRE,
    VIDEO,
    BilibiliOptions,
)
from drumtower.adapters.bilibili.schemas import Archive, Archives, Begun, Cover, In, Made
from drumtower.domain.capabilities import family
from drumtower.platforms import (
    Accepted,
    Adapter,
    Api,
    Checkpoint,
    Finding,
    Media,
    Message,
    Published,
    PublishRequest,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import check_file, read_file, rejected, upload_each, upload_in_parts
from drumtower.platforms.wire import connect

OPEN, RETURNED = 0, -2
LISTED = 50  # at once
POLL = timedelta(minutes=2)
_SHALLOW = "More than 50 videos were submitted since: the list asked for does not reach back far enough."


def check(message: Message) -> None:
    """Raise ContentRejected for what Bilibili would refuse: a video, and a cover or none."""
    check_message(message, CAPABILITIES, "bilibili")


async def upload(adapter: Adapter, request: PublishRequest, progress: Checkpoint) -> Mapping[str, str]:
    """Return the upload token and, where there is a cover, its address."""
    api = adapter.api(request.credentials)

    async def one(media: Media) -> str:
        if family(media.content_type) == "video":
            return await _video(adapter, api, request, progress, media)
        file = {"file": (media.file_name, await read_file(media, COVER), media.content_type)}
        return (await api.send("POST", "archive/cover/upload", In[Cover], files=file)).data.url

    made = await upload_each(request, progress, one)
    return {
        family(media.content_type): str(one) for media, one in zip(request.message.media, made, strict=True)
    }


async def _video(
    adapter: Adapter, api: Api, request: PublishRequest, progress: Checkpoint, media: Media
) -> str:
    await check_file(media, VIDEO)
    host = UPLOAD_HOST if adapter.base_url == adapter.default_base_url else adapter.base_url

    async def begin() -> str:
        # The name must carry the extension; "0": in parts, which is right for small files too.
        about = {"name": f"{media.asset_id.hex}.{_extension(media)}", "utype": "0"}
        return (await api.post("archive/video/init", In[Begun], about)).data.upload_token

    async def send(token: str, number: int, content: bytes) -> None:
        bytes_api = connect(adapter.http, host, UPLOAD_WIRE, secrets=(token,))
        query = {"upload_token": token, "part_number": str(number)}
        await bytes_api.send("POST", "part/upload", object, params=query, content=content)

    token: str = await upload_in_parts(request, progress, media, VIDEO.parts or media.size, begin, send)
    await api.post("archive/video/complete", object, upload_token=token)
    return token


def _extension(media: Media) -> str:
    return "flv" if media.content_type == "video/x-flv" else "mp4"


async def submit(api: Api, request: PublishRequest, files: Mapping[str, str]) -> Accepted:
    """Submit the uploaded video, once; its review follows."""
    body = body_of(request.message, BilibiliOptions.model_validate(request.options.model_dump()))
    body |= {"cover": files["image"]} if "image" in files else {}
    token = files["video"]
    made = await api.post("archive/add-by-utoken", In[Made], body, once=True, upload_token=token)
    return _accepted(made.data.resource_id, "Bilibili took it; its review is still to come.")


def body_of(message: Message, options: BilibiliOptions) -> dict[str, Any]:
    """Return the submission; raise ContentRejected where its tags are longer than Bilibili takes."""
    tags = ",".join(tag.replace(",", " ") for tag in (message.hashtags or options.tags))
    if len(tags) > LONGEST_TAGS:
        raise rejected(f"Bilibili takes {LONGEST_TAGS} characters of tags; these are {len(tags)}.")
    own = options.copyright == "own"
    body: dict[str, Any] = {"title": message.title, "tid": options.tid, "tag": tags, "desc": message.text}
    body |= (
        {"copyright": 1, "no_reprint": int(options.no_reprint)}
        if own
        else {"copyright": 2, "source": options.source}
    )
    return body | ({"topic_id": options.topic_id} if options.topic_id else {})


def _accepted(resource_id: str, detail: str) -> Accepted:
    return Accepted(handle={"resource_id": resource_id}, poll_after=POLL, detail=detail)


async def confirm(api: Api, handle: Mapping[str, Any]) -> Published | Accepted:
    """Ask how the review stands."""
    resource_id = str(handle["resource_id"])
    return _stands((await api.get("archive/view", In[Archive], resource_id=resource_id)).data)


def _stands(row: Archive) -> Published | Accepted:
    review = row.addit_info
    if review.state == RETURNED:
        raise rejected(f"Bilibili's review returned it: {review.reject_reason or review.state_desc}")
    if review.state != OPEN:
        return _accepted(row.resource_id, review.state_desc)
    shared = row.video_info.share_url if row.video_info else ""
    url = shared if shared.startswith("https://") else address(row.resource_id)
    return Published(external_id=row.resource_id, url=url, published_at=row.ptime or row.ctime)


def address(resource_id: str) -> str:
    return f"https://www.bilibili.com/video/{resource_id}"


async def find(api: Api, request: PublishRequest, since: datetime) -> Finding:
    """Look for title and description among the account's newest submissions."""
    page = (await api.get("archive/viewlist", In[Archives], pn=1, ps=LISTED, status="all")).data
    seen = recent(page.rows, since, lambda row: row.ctime, page.page.total)
    wanted = (bare(request.message.title), bare(request.message.text))
    ours = next((row for row in seen.rows if (bare(row.title), bare(row.desc)) == wanted), None)
    if ours is None:
        return seen.settle(None, _SHALLOW)
    return _accepted(ours.resource_id, "It is in the account's list; its review is asked for next.")
