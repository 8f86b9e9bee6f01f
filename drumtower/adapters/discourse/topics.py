"""Our topics: the text with its pictures, and how one is found again.

The delivery's key is the topic's `external_id`, which the forum keeps unique: a second topic under it is refused, and
`/t/external_id/{key}` leads to the first. A text that goes to the moderators loses the key on the way (the queue keeps
none), so it is known by its title and text: in the author's list of pending texts, later among the author's topics.
Source: `new_post_manager.rb`, `topic.rb`. `/posts/{username}/pending` and `/topics/created-by/{username}` stand in the
server's routes, not in its API document. UNVERIFIED: that topics show their `external_id`, which tells those with another
delivery's key apart; so a lost text that was let through before anybody looked is left to a person.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from drumtower.adapters.discourse.declaration import IMAGE
from drumtower.adapters.discourse.errors import NOT_FOUND
from drumtower.adapters.discourse.schemas import (
    LONGEST_TAG,
    MOST_TAGS,
    About,
    Created,
    DiscourseOptions,
    Moved,
    Pending,
    PendingList,
    Post,
    Rows,
    Topic,
    Uploaded,
)
from drumtower.platforms import (
    Absent,
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
from drumtower.platforms.answers import read_each
from drumtower.platforms.errors import lost
from drumtower.platforms.lookups import recent
from drumtower.platforms.media import read_file, upload_each
from drumtower.platforms.moments import iso

# The forum throws away files that no post uses after two days (clean_orphan_uploads_grace_period_hours).
FILES_KEPT = timedelta(hours=24)
QUEUE_POLL = timedelta(minutes=10)
_TAGS_AS_OBJECTS = 2026  # from this version on; names alone are to be dropped (posts_controller.rb)
_BREAKS_ALT = re.compile(r"[\[\]|\\`\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """One account's calls, and where its pages are."""

    api: Api
    username: str
    base_url: str

    def page(self, topic_id: str, slug: str = "", number: int = 1) -> str:
        tail = f"/{number}" if number > 1 else ""
        return f"{self.base_url}/t/{slug or '-'}/{topic_id}{tail}"


async def prepare(api: Api, request: PublishRequest) -> Checkpoint:
    """Upload the pictures, and learn how this forum takes tags; return the checkpoint."""
    progress = dict(request.checkpoint)
    began = iso(progress.get("uploaded_at"))
    if progress.get("files") and (began is None or datetime.now(UTC) - began > FILES_KEPT):
        progress.pop("files")
    if request.message.media and not progress.get("files"):
        progress["uploaded_at"] = datetime.now(UTC).isoformat()

    async def upload(media: Media) -> str:
        file = (media.file_name, await read_file(media, IMAGE), media.content_type)
        form = {"upload_type": "composer", "synchronous": "true"}
        sent = await api.send("POST", "uploads", Uploaded, data=form, files={"file": file})
        return _picture(media, sent)

    await upload_each(request, progress, upload)
    if _tags(request) and "tag_objects" not in progress:
        version = (await api.get("about", About)).version.partition(".")[0]
        progress["tag_objects"] = version.isdecimal() and int(version) >= _TAGS_AS_OBJECTS
        await request.save(dict(progress))
    return progress


def _picture(media: Media, sent: Uploaded) -> str:
    alt = _BREAKS_ALT.sub(" ", media.alt_text).strip() or "image"
    size = f"|{sent.width}x{sent.height}" if sent.width and sent.height else ""
    return f"![{alt}{size}]({sent.short_url})"


def text_of(message: Message, progress: Checkpoint) -> str:
    """Return the text as the forum keeps it: the message's, then its pictures."""
    files = progress.get("files", {})
    pictures = [files[str(media.asset_id)] for media in message.media if str(media.asset_id) in files]
    return "\n\n".join([message.text.strip(), *pictures])


def body_of(request: PublishRequest, progress: Checkpoint) -> dict[str, Any]:
    """Return what /posts takes for a new topic."""
    options = _options(request)
    body: dict[str, Any] = {"title": request.message.title, "raw": text_of(request.message, progress)}
    body["external_id"] = request.idempotency_key
    if options.category is not None:
        body["category"] = options.category
    if tags := _tags(request):
        body["tags"] = [{"name": tag} for tag in tags] if progress.get("tag_objects") else tags
    return body


def _options(request: PublishRequest) -> DiscourseOptions:
    return DiscourseOptions.model_validate(request.options.model_dump())


def _tags(request: PublishRequest) -> list[str]:
    chosen = _options(request).tags
    if chosen is not None:
        return chosen
    short = [tag for tag in request.message.hashtags if len(tag) <= LONGEST_TAG]
    return short[:MOST_TAGS]


async def create(forum: Forum, request: PublishRequest, progress: Checkpoint) -> Published | Accepted:
    """Write the topic, once."""
    began = datetime.now(UTC)
    body = body_of(request, progress)
    made = await forum.api.post("posts", Created, body, once=True)
    if made.action == "enqueued":
        number = made.pending_post.id if made.pending_post else None
        return _queued(number, request.message.title, body["raw"], began)
    if made.id is None or made.topic_id is None:
        raise PlatformError(lost("the answer names no topic", once=True))
    url = forum.page(made.topic_id, made.topic_slug)
    return Published(external_id=made.topic_id, url=url, published_at=made.created_at)


def _queued(number: str | None, title: str, raw: str, since: datetime) -> Accepted:
    handle = {"pending": number, "title": title, "digest": _digest(raw), "since": since.isoformat()}
    return Accepted(handle=handle, poll_after=QUEUE_POLL, detail="It waits for the forum's moderators.")


def _digest(raw: str) -> str:
    return hashlib.sha256(raw.strip().encode("utf-8", "surrogatepass")).hexdigest()


async def by_key(forum: Forum, key: str) -> Finding:
    """Look under the delivery's key."""
    try:
        moved = await forum.api.get(f"t/external_id/{key}", Moved)
    except PlatformError as error:
        if error.failure.platform_code == NOT_FOUND:
            return Absent()
        raise
    if moved.topic_id is None:
        raise PlatformError(lost("the forum leads somewhere else", once=False))
    return published(forum, await forum.api.get(f"t/{moved.topic_id}", Topic))


def published(forum: Forum, topic: Topic) -> Published:
    url = forum.page(topic.id, topic.slug)
    return Published(external_id=topic.id, url=url, published_at=topic.created_at)


async def find(forum: Forum, request: PublishRequest, since: datetime) -> Finding:
    """Look under the key, then among the texts that wait, then among our topics that have no key."""
    found = await by_key(forum, request.idempotency_key)
    if not isinstance(found, Absent):
        return found
    title, raw = request.message.title, text_of(request.message, request.checkpoint)
    for one in await pending(forum):
        if one.title == title and (one.raw_text or "").strip() == raw:
            return _queued(one.id, title, raw, since)
    alike = await _approved(forum, title, _digest(raw), since)
    if isinstance(alike, Topic):
        where = forum.page(alike.id, alike.slug)
        return Undecidable(
            reason=f"{where} looks like it; the moderators' queue keeps no key that would tell."
        )
    return alike


async def confirm(forum: Forum, handle: dict[str, object]) -> Finding:
    """Look whether the moderators have decided; Absent: it waits no more, and is no topic of ours."""
    title, digest = str(handle["title"]), str(handle["digest"])
    since = datetime.fromisoformat(str(handle["since"]))
    waiting = await pending(forum)
    if any(_is_it(one, handle) for one in waiting):
        return Accepted(handle=dict(handle), poll_after=QUEUE_POLL)
    found = await _approved(forum, title, digest, since)
    return published(forum, found) if isinstance(found, Topic) else found


def _is_it(one: Pending, handle: dict[str, object]) -> bool:
    if handle["pending"] is not None:
        return one.id == handle["pending"]
    return one.title == handle["title"] and _digest(one.raw_text or "") == handle["digest"]


async def pending(forum: Forum) -> list[Pending]:
    """Return our texts that wait for the moderators."""
    return (await forum.api.get(f"posts/{forum.username}/pending", PendingList)).pending_posts


async def _approved(forum: Forum, title: str, digest: str, since: datetime) -> Topic | Finding:
    """Look for a topic of ours without a key and with this title or text; it is returned as it is.

    One of the two is enough, because moderators may change a text as they let it through.
    """
    rows = await forum.api.get(f"topics/created-by/{forum.username}", Rows, order="created")
    total = len(rows.topics) if rows.more is None else None
    seen = recent(rows.topics, since, lambda row: row.created_at, total)
    for row in seen.rows:
        topic = await forum.api.get(f"t/{row.id}", Topic, include_raw="true")
        first = next((post for post in read_each(Post, topic.posts) if post.post_number == 1), None)
        same = first is not None and _digest(first.raw or "") == digest
        if topic.external_id is None and (same or row.title.casefold() == title.casefold()):
            return topic
    return seen.settle(None, "The forum's list of our topics does not reach back to it.")
