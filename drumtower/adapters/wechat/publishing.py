"""Draft, submit, confirm, find.

A lost answer is settled by the cover. Every delivery uploads its own under its idempotency key as the file name, and
`thumb_media_id` stands in the platform's lists of drafts and of published articles: so it marks the delivery without a
trace in what readers see, even where our own progress is lost. The platform's own signs are the draft (it leaves the
box once it is published) and the list (it may lag, see `read_lag`). UNVERIFIED: that the lists put the newest first.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from drumtower.adapters.wechat.articles import draft, fingerprint
from drumtower.adapters.wechat.errors import BAD_MEDIA_ID
from drumtower.adapters.wechat.results import published, result
from drumtower.adapters.wechat.schemas import CAPABILITIES, Body, WeChatOptions, instant
from drumtower.domain import failures
from drumtower.platforms import (
    Absent,
    Accepted,
    Api,
    Checkpoint,
    Finding,
    Media,
    PlatformError,
    Published,
    PublishRequest,
    Undecidable,
)
from drumtower.platforms.answers import listed, objects, required
from drumtower.platforms.limits import check_message
from drumtower.platforms.media import rejected, upload_each

# freepublish/get has about 100 calls a day [obs]; the event is expected to be faster.
_POLLS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600))
_PAGE = 20
_PAGES = 10
_LEFT = "The draft has left the box, but no published article has its cover: deleted or mass-sent by hand?"
_STATUS = "publish_status_"


async def publish(api: Api, request: PublishRequest) -> Published | Accepted:
    """Draft what is not drafted yet, and submit it. What was submitted before is asked for instead of repeated."""
    if "publish_id" in request.checkpoint:
        try:
            return await confirm(api, request.checkpoint)
        except PlatformError as error:
            if not (error.failure.platform_code or "").startswith(_STATUS):
                raise
        # The platform refused it, and a person says: again. Its draft and cover belong to the refused article.
        request = replace(request, checkpoint={})
    return accepted(await _submit(api, request, await ensure_draft(api, request)))


async def ensure_draft(api: Api, request: PublishRequest) -> Checkpoint:
    """Return the progress with the `media_id` of a draft of exactly this content; resumes where it stopped."""
    if "publish_id" in request.checkpoint:
        return request.checkpoint
    check_message(request.message, CAPABILITIES, "WeChat")
    options = cast("WeChatOptions", request.options)
    mark = fingerprint(request.message, options)
    # An edit after `prepare` starts anew, cover included: the old cover would lead to the old draft.
    done = {**request.checkpoint} if request.checkpoint.get("content") == mark else {"content": mark}
    if "media_id" in done:
        return done
    resumed = done.get("cover")
    done = await _upload(api, request, done)
    media_id = await _drafted(api, resumed) if resumed else None
    return await _saved(request, {**done, "media_id": media_id or await _add(api, request, done)})


async def _submit(api: Api, request: PublishRequest, done: Checkpoint) -> Checkpoint:
    body = await api.post("/cgi-bin/freepublish/submit", Body, {"media_id": done["media_id"]}, once=True)
    publish_id = required(body, "publish_id", once=True)
    return await _saved(request, {**done, "publish_id": publish_id, "msg_data_id": body.get("msg_data_id")})


async def discard(api: Api, done: Mapping[str, Any]) -> None:
    """Delete the draft and the cover of an article that will not go out; pictures inside it have no call for that."""
    if "publish_id" in done:
        return  # it was submitted: what the platform made of it is the owner's
    media_id = done.get("media_id") or (await _drafted(api, done["cover"]) if "cover" in done else None)
    if media_id is not None:
        await _gone(api, "/cgi-bin/draft/delete", media_id)
    if "cover" in done:
        await _gone(api, "/cgi-bin/material/del_material", done["cover"])


async def _gone(api: Api, path: str, media_id: str) -> None:
    try:
        await api.post(path, Body, {"media_id": media_id})
    except PlatformError as error:
        if error.failure.platform_code != BAD_MEDIA_ID:
            raise


def accepted(done: Mapping[str, Any], polls: int = 0) -> Accepted:
    """Return the handle of a submitted draft; the gaps grow, because polls are few."""
    handle = {"publish_id": done["publish_id"], "msg_data_id": done.get("msg_data_id"), "polls": polls}
    return Accepted(
        handle=handle, poll_after=_POLLS[min(polls, len(_POLLS) - 1)], detail="WeChat is publishing it"
    )


async def confirm(api: Api, handle: dict[str, object]) -> Published | Accepted:
    """Look once how the publish ended; raise ContentRejected where the platform refused it."""
    body = await _status(api, handle["publish_id"])
    outcome = result({**body, "publish_id": handle["publish_id"]}, msg_data_id=handle.get("msg_data_id"))
    if isinstance(outcome, Published):
        return outcome
    if outcome is None:
        polls = handle.get("polls")
        return accepted(handle, polls + 1 if isinstance(polls, int) else 1)
    raise rejected(outcome, f"{_STATUS}{body.get('publish_status')}")


async def find(api: Api, request: PublishRequest, since: datetime) -> Finding:
    """Settle a lost submit: out where an article has this delivery's cover, absent where its draft is in the box."""
    done = request.checkpoint
    if "publish_id" in done:
        return accepted(done)
    if "media_id" in done and await _in_box(api, done["media_id"]):
        return Absent()
    covers = {done["cover"]} if "cover" in done else await _covers(api, request.idempotency_key)
    out = await _published(api, covers, since) if covers else None
    if out is None and "media_id" in done:
        return Undecidable(reason=_LEFT)
    return out or Absent()


async def _status(api: Api, publish_id: object) -> dict[str, Any]:
    try:
        return await api.post("/cgi-bin/freepublish/get", Body, {"publish_id": publish_id})
    except PlatformError as error:
        # A question that went wrong says nothing about the article.
        if isinstance(error.failure, failures.ContentRejected):
            raise PlatformError(failures.Transient(detail=error.failure.detail)) from error
        raise


async def _saved(request: PublishRequest, done: Checkpoint) -> Checkpoint:
    await request.save(done)
    return done


async def _upload(api: Api, request: PublishRequest, done: Checkpoint) -> Checkpoint:
    async def image(media: Media) -> str:
        name = _file_name(str(media.asset_id), media)
        return required(await _send(api, "/cgi-bin/media/uploadimg", media, name), "url")

    await upload_each(request, done, image, "images")
    if "cover" not in done:
        cover = request.message.media[0]
        name = _file_name(request.idempotency_key, cover)
        body = await _send(api, "/cgi-bin/material/add_material", cover, name, type="image")
        done = await _saved(request, {**done, "cover": required(body, "media_id")})
    return done


async def _send(api: Api, path: str, media: Media, name: str, **query: str) -> dict[str, Any]:
    files = {"media": (name, await media.read(), media.content_type)}
    return await api.send("POST", path, Body, files=files, params=query)


async def _add(api: Api, request: PublishRequest, done: Checkpoint) -> str:
    images = [done["images"][str(media.asset_id)] for media in request.message.media]
    article = draft(request.message, cast("WeChatOptions", request.options), done["cover"], images)
    return required(await api.post("/cgi-bin/draft/add", Body, {"articles": [article]}), "media_id")


async def _drafted(api: Api, cover: str) -> str | None:
    """Return the draft that a lost answer left in the box; a second one would harm nobody, so one page is enough."""
    body = await api.post("/cgi-bin/draft/batchget", Body, {"offset": 0, "count": _PAGE, "no_content": 1})
    drafts = (item for item in listed(body, "item") if _has(item, {cover}))
    return next((required(item, "media_id") for item in drafts), None)


async def _covers(api: Api, key: str) -> set[str]:
    """Return the covers uploaded for a delivery whose progress is lost; an edit uploads another one."""
    query = {"type": "image", "offset": 0, "count": _PAGE}
    body = await api.post("/cgi-bin/material/batchget_material", Body, query)
    named = (item for item in listed(body, "item") if str(item.get("name")).startswith(f"{key}."))
    return {required(item, "media_id") for item in named}


async def _in_box(api: Api, media_id: str) -> bool:
    try:
        listed(await api.post("/cgi-bin/draft/get", Body, {"media_id": media_id}), "news_item")
    except PlatformError as error:
        if error.failure.platform_code == BAD_MEDIA_ID:
            return False
        raise
    return True


async def _published(api: Api, covers: set[str], since: datetime) -> Published | None:
    for page in range(_PAGES):
        query = {"offset": page * _PAGE, "count": _PAGE, "no_content": 1}
        items = listed(await api.post("/cgi-bin/freepublish/batchget", Body, query), "item")
        for item in items:
            if _has(item, covers):
                return _listed(item)
        too_old = all(instant(item.get("update_time")) < since - timedelta(minutes=1) for item in items)
        if len(items) < _PAGE or too_old:
            break
    return None


def _listed(item: dict[str, Any]) -> Published:
    url = next(iter(_news(item)), {}).get("url")
    return published(required(item, "article_id"), url, at=instant(item.get("update_time")))


def _has(item: dict[str, Any], covers: set[str]) -> bool:
    return any(news.get("thumb_media_id") in covers for news in _news(item))


def _file_name(stem: str, media: Media) -> str:
    # The platform judges a file by its ending too, and the author's own name may be anything.
    return f"{stem}.png" if media.content_type == "image/png" else f"{stem}.jpg"


def _news(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    return objects(content.get("news_item")) if isinstance(content, dict) else []
