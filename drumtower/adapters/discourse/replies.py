"""Answers to posts, and how ours is found again: the forum gives a post no key, so it is known by place and text."""

from datetime import datetime

from drumtower.adapters.discourse.schemas import Created, Post, Posts, Topic
from drumtower.adapters.discourse.topics import Forum, pending
from drumtower.domain.failures import NotPermitted, OutcomeUnknown
from drumtower.platforms import Api, Finding, PlatformError, Published, ReplyRequest, Undecidable
from drumtower.platforms.answers import read_each
from drumtower.platforms.errors import lost
from drumtower.platforms.lookups import recent

CHUNK = 20  # posts in one call, as the forum's own pages ask
_LOOK_BACK = 60


async def reply(forum: Forum, request: ReplyRequest) -> Published:
    """Answer once. Where it goes to the moderators, it is not out: what became of it is looked up."""
    topic, number = _place(request)
    body = {"topic_id": int(topic), "raw": request.text}
    if number > 1:
        body["reply_to_post_number"] = number
    made = await forum.api.post("posts", Created, body, once=True)
    if made.action == "enqueued":
        raise PlatformError(OutcomeUnknown(detail="The answer waits for the forum's moderators."))
    if made.id is None:
        raise PlatformError(lost("the answer names no post", once=True))
    url = forum.page(topic, made.topic_slug, made.post_number)
    return Published(external_id=made.id, url=url, published_at=made.created_at)


def _place(request: ReplyRequest) -> tuple[str, int]:
    if request.external_id == request.post_external_id:
        return request.external_id, 1  # under the topic itself
    topic, number = request.context.get("topic_id"), request.context.get("post_number")
    if not (isinstance(topic, str) and topic.isdecimal() and isinstance(number, int)):
        detail = "where this stands in its topic was not kept: answer it on the forum"
        raise PlatformError(NotPermitted(detail=detail))
    return topic, number


async def find(forum: Forum, request: ReplyRequest, since: datetime) -> Finding:
    """Look among the topic's newest posts, then among our texts that wait."""
    topic, number = _place(request)
    stream = (await forum.api.get(f"t/{topic}", Topic)).stream
    posts = await posts_of(forum.api, topic, stream[-_LOOK_BACK:])
    seen = recent(posts, since, lambda post: post.created_at, total=len(stream))
    for post in seen.rows:
        to = post.reply_to_post_number or 1
        if _ours(post, forum) and to == number and (post.raw or "").strip() == request.text.strip():
            url = forum.page(topic, post.topic_slug, post.post_number)
            return Published(external_id=post.id, url=url, published_at=post.created_at)
    for one in await pending(forum):
        if one.topic_id == topic and (one.raw_text or "").strip() == request.text.strip():
            return Undecidable(reason="It waits for the forum's moderators.")
    return seen.settle(None, f"More than {_LOOK_BACK} posts were written since.")


def _ours(post: Post, forum: Forum) -> bool:
    return post.username.lower() == forum.username.lower()


async def posts_of(api: Api, topic: str, ids: list[str]) -> list[Post]:
    """Read posts of a topic; one that is gone meanwhile is left out."""
    found: list[Post] = []
    for start in range(0, len(ids), CHUNK):
        query = {"post_ids[]": ids[start : start + CHUNK], "include_raw": "true"}
        found += read_each(Post, (await api.get(f"t/{topic}/posts", Posts, **query)).posts)
    return found
