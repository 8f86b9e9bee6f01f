"""Answers in our topics, by polling.

One call lists our topics with their counts; only those that changed are read. A topic's `stream` holds the ids of all
its posts, so what is not known of it is new, wherever it stands: late, let through by the moderators, moved here or
restored. A topic that is not in the list (unlisted, or too far down) is read each time. Private messages, and mentions
in other topics, come by webhook only.
"""

from collections.abc import Sequence
from typing import Any

from drumtower.adapters.discourse.errors import INVALID_ACCESS, NOT_FOUND
from drumtower.adapters.discourse.replies import CHUNK, posts_of
from drumtower.adapters.discourse.schemas import Post, Rows, Topic
from drumtower.adapters.discourse.topics import Forum
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import FeedbackPage, InteractionEvent, PlatformError, PostReference
from drumtower.platforms.answers import read_each
from drumtower.platforms.markup import as_text
from drumtower.platforms.walks import State, by_others, numbers_of, ranges_of

LISTS = 2  # of 30 topics each
AT_ONCE = 3 * CHUNK  # posts of one topic in one pull
_REGULAR = 1  # post_type; the others are notes about the topic, and whispers of the staff


async def pull(
    forum: Forum, own: str, cursor: dict[str, Any], posts: Sequence[PostReference]
) -> FeedbackPage:
    """Read on in one topic. `left` are those still to read in this round; an empty one begins with the list."""
    wanted = {post.external_id for post in posts}
    topics: dict[str, State] = {
        key: state for key, state in cursor.get("topics", {}).items() if key in wanted
    }
    left = [key for key in cursor.get("left", []) if key in wanted]
    if not left and wanted:
        counts = await _counts(forum, wanted)
        left = [key for key in sorted(wanted) if counts.get(key, 0) != topics.get(key, {}).get("at")]
    events: list[InteractionEvent] = []
    if left:
        events, topics[left[0]], done = await _read(forum, left[0], topics.get(left[0], {}))
        left = left[1:] if done else left
    state = {"topics": topics, "left": left}
    return FeedbackPage(events=by_others(events, own), cursor=state, more=bool(left))


async def _counts(forum: Forum, wanted: set[str]) -> dict[str, list[int | None]]:
    """Return [posts, highest number] of the topics that the list shows; the last active come first."""
    counts: dict[str, list[int | None]] = {}
    for page in range(LISTS):
        rows = await forum.api.get(f"topics/created-by/{forum.username}", Rows, page=page)
        counts |= {row.id: [row.posts_count, row.highest_post_number] for row in rows.topics}
        if rows.more is None or wanted <= set(counts):
            break
    return counts


async def _read(forum: Forum, key: str, before: State) -> tuple[list[InteractionEvent], State, bool]:
    """Read what is new of a topic, as far as one pull goes; `at`: its counts when all of it was read."""
    try:
        topic = await forum.api.get(f"t/{key}", Topic, include_raw="true")
    except PlatformError as error:
        if error.failure.platform_code in (NOT_FOUND, INVALID_ACCESS):
            return [], before, True  # taken down, or moved to where we may not look
        raise
    stream = {int(number) for number in topic.stream}
    known = numbers_of(before.get("known", [])) & stream
    shown = read_each(Post, topic.posts)
    first = [post for post in shown if int(post.id) not in known]
    ahead = sorted(stream - known - {int(post.id) for post in first})
    now, rest = ahead[:AT_ONCE], ahead[AT_ONCE:]
    found = first + await posts_of(forum.api, key, [str(number) for number in now])
    known |= {int(post.id) for post in first} | set(now)
    state: State = {"known": ranges_of(known)}
    if not rest:
        state["at"] = [topic.posts_count, topic.highest_post_number]
    ids = {post.post_number: post.id for post in [*shown, *found]}
    return [event(post, forum, ids) for post in found if is_answer(post)], state, not rest


def is_answer(post: Post) -> bool:
    return post.post_number > 1 and post.post_type == _REGULAR and not post.hidden


def event(
    post: Post,
    forum: Forum | None,
    ids: dict[int, str] | None = None,
    kind: InteractionKind = InteractionKind.COMMENT,
) -> InteractionEvent:
    """Make the interaction; `ids` are those of the posts read with it, by their number in the topic."""
    above = post.reply_to_post_number
    return InteractionEvent(
        external_id=post.id,
        kind=kind,
        author_id=post.user_id,
        author_name=post.name or post.username,
        text=post.raw if post.raw is not None else as_text(post.cooked).strip(),
        occurred_at=post.created_at,
        post_external_id=post.topic_id,
        in_reply_to=(ids or {}).get(above) if above else None,
        url=forum.page(post.topic_id, post.topic_slug, post.post_number) if forum else None,
        context={"topic_id": post.topic_id, "post_number": post.post_number},
    )
