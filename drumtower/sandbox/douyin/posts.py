"""Publishing: pictures, videos whole or in parts, posts that a review may take down again, lists and counts."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import Call, Refused
from drumtower.sandbox.store import Record

MB = 1024 * 1024
LARGEST_IMAGE, LARGEST_WHOLE, LARGEST_PART, SMALLEST_PART = 20 * MB, 128 * MB, 20 * MB, 5 * MB
LONGEST_TEXT, MOST_IMAGES = 1000, 30
MAGIC = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


async def upload_image(state: State, call: Call) -> Record:
    kind, data = _file(call)
    magic = MAGIC.get(kind)
    if magic is None or not data.startswith(magic) or len(data) > LARGEST_IMAGE:
        raise Refused(2100005, "image")
    image = state.new_id("image")
    state.store.put("_images", image, {"account": call.account["id"]})
    return {"image": {"image_id": image, "width": 360, "height": 360}}


async def upload_video(state: State, call: Call) -> Record:
    _, data = _file(call)
    if len(data) > LARGEST_WHOLE:
        raise Refused(2190005)
    return _video(state, call, data)


async def begin_parts(state: State, call: Call) -> Record:
    upload = state.new_id("upload")
    state.store.put("_uploads", upload, {"account": call.account["id"], "parts": {}})
    return {"upload_id": upload}


async def upload_part(state: State, call: Call) -> Record:
    upload = _upload(state, call)
    _, data = _file(call)
    number = call.number("part_number", 0, 10_000)
    if not number or len(data) > LARGEST_PART:
        raise Refused(2100005, "part_number")
    part = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "head": data[:16].hex()}
    state.store.put(
        "_uploads", call.need("upload_id"), upload | {"parts": upload["parts"] | {str(number): part}}
    )
    return {}


async def complete_parts(state: State, call: Call) -> Record:
    upload = _upload(state, call)
    parts = [upload["parts"].get(str(number + 1)) for number in range(len(upload["parts"]))]
    if not parts or None in parts or any(part["size"] < SMALLEST_PART for part in parts[:-1]):
        raise Refused(2100005, "parts")
    about = "".join(part["sha256"] for part in parts).encode()
    return _video(state, call, bytes.fromhex(parts[0]["head"]), digest=hashlib.sha256(about).hexdigest())


def _upload(state: State, call: Call) -> Record:
    found = state.store.get("_uploads", call.need("upload_id"))
    if found is None or found["account"] != call.account["id"]:
        raise Refused(2100005, "upload_id")
    return found


def _file(call: Call) -> tuple[str, bytes]:
    if call.file is None:
        raise Refused(2100005, "file")
    return call.file


def _video(state: State, call: Call, data: bytes, digest: str = "") -> Record:
    if data[4:8] != b"ftyp" and not data.startswith(b"\x1aE\xdf\xa3"):
        raise Refused(2100005, "video")
    video = f"v0200f{hashlib.sha256(state.new_id('video').encode()).hexdigest()[:26]}"
    about = {"account": call.account["id"], "digest": digest or hashlib.sha256(data).hexdigest()}
    state.store.put("_videos", video, about)
    return {"video": {"video_id": video, "width": 720, "height": 1280}}


async def create_video(state: State, call: Call) -> Record:
    video = state.store.get("_videos", call.need("video_id"))
    if video is None or video["account"] != call.account["id"]:
        raise Refused(2190007)
    cover = call.body.get("custom_cover_image_url")
    if cover and state.store.get("_images", cover) is None:
        raise Refused(2100005, "custom_cover_image_url")
    return _create(state, call, media_type=4, video=call.need("video_id"), digest=video["digest"])


async def create_image_text(state: State, call: Call) -> Record:
    images = call.body.get("image_list")
    known = isinstance(images, list) and all(state.store.get("_images", str(one)) for one in images)
    if not isinstance(images, list) or not known or not 0 < len(images) <= MOST_IMAGES:
        raise Refused(2100005, "image_list")
    return _create(state, call, media_type=2, images=images)


def _create(state: State, call: Call, **about: Any) -> Record:
    text = call.body.get("text", "")
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise Refused(2100005, "text")
    number = state.store.next_number("item")
    item = state.secret_id("item", number)
    post: Record = {
        "id": item,
        "account": call.account["id"],
        "text": text,
        "video_id": str(7_215_132_967_000_000_000 + number),
        "created_at": state.now().isoformat(),
        "private_status": call.body.get("private_status", 0),
        "download_type": call.body.get("download_type", 1),
        "cover_tsp": call.body.get("cover_tsp"),
        "custom_cover": call.body.get("custom_cover_image_url"),
        "likes": 0,
        "shares": 0,
        "reads": 0,
        "deleted": False,
        **about,
    }
    state.store.put("posts", item, post)
    return {"item_id": item, "video_id": post["video_id"]}


def review(state: State) -> None:
    """Take down what the review refuses, once its time has come; nobody is told."""
    settings = state.settings()
    for post in state.store.all("posts"):
        refused = any(word in post["text"] for word in settings["refused_words"])
        at = datetime.fromisoformat(post["created_at"]) + timedelta(seconds=settings["review_seconds"])
        if refused and not post["deleted"] and at <= state.now():
            state.store.put("posts", post["id"], post | {"deleted": True})


def own(state: State, call: Call) -> list[Record]:
    """What the account sees of its own, newest first."""
    review(state)
    rows = [one for one in state.store.all("posts") if one["account"] == call.account["id"]]
    return [one for one in reversed(rows) if not one["deleted"]]


async def video_list(state: State, call: Call) -> Record:
    rows = own(state, call)
    start, count = call.number("cursor", 0, 10**6), call.number("count", 10, 20)
    page = rows[start : start + count]
    more = start + count < len(rows)
    return {"list": [_row(state, one) for one in page], "cursor": start + len(page), "has_more": more}


async def video_data(state: State, call: Call) -> Record:
    asked = call.body.get("item_ids")
    if not isinstance(asked, list) or not 0 < len(asked) <= 20:
        raise Refused(2100005, "item_ids")
    return {"list": [_row(state, one) for one in own(state, call) if one["id"] in asked]}


def _row(state: State, post: Record) -> Record:
    comments = [one for one in state.store.all("comments") if one["post"] == post["id"]]
    counts = {
        "digg_count": post["likes"],
        "comment_count": len(comments),
        "share_count": post["shares"],
        "forward_count": 0,
        "download_count": 0,
        "play_count": post["reads"],
    }
    if state.settings()["numbers_as_strings"]:
        counts = {name: str(count) for name, count in counts.items()}
    return {
        "item_id": post["id"],
        "video_id": post["video_id"],
        "title": post["text"],
        "cover": "https://p3.douyinpic.example/c.jpeg",
        "share_url": f"https://www.iesdouyin.com/share/video/{post['video_id']}/",
        "is_top": False,
        "create_time": int(datetime.fromisoformat(post["created_at"]).timestamp()),
        "media_type": post["media_type"],
        "statistics": counts,
    }
