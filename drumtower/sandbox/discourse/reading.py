"""The forum's pages as JSON: users, topics, posts, lists."""

from datetime import datetime
from typing import Any

from drumtower.sandbox.discourse.state import State
from drumtower.sandbox.discourse.wire import Call, Refused, cooked, stamp
from drumtower.sandbox.store import Record

CHUNK = 20  # posts on a page
LIST = 30  # topics in a list


def first_post(state: State, topic: Record) -> Record:
    """The topic's own text as a post; a topic of the public has its author with it."""
    author = topic.get("author") or state.account(topic["account"])
    return {
        "id": topic["post_id"],
        "post": topic["id"],
        "post_number": 1,
        "author": author,
        "text": topic["text"],
        "reply_to_post_number": None,
        "likes": topic["likes"],
        "created_at": topic["created_at"],
    }


def post_json(topic: Record, post: Record, *, raw: bool, reader: Record | None = None) -> Record:
    """One post as Discourse's post serializer writes it."""
    author, mine = post["author"], reader is not None and reader["id"] == post["author"]["id"]
    acts = [{"id": 2, "count": post["likes"], "can_act": not mine}] if post["likes"] else []
    others = [{"id": number, "can_act": True} for number in (3, 4, 8, 7)]
    body = {
        "id": int(post["id"]),
        "name": author["name"],
        "username": author["username"],
        "avatar_template": f"/letter_avatar_proxy/v4/letter/{author['username'][0]}/ed655f/{{size}}.png",
        "created_at": stamp(post["created_at"]),
        "cooked": cooked(post["text"]),
        "post_number": post["post_number"],
        "post_type": 1,
        "updated_at": stamp(post["created_at"]),
        "reply_count": 0,
        "reply_to_post_number": post["reply_to_post_number"],
        "quote_count": 0,
        "reads": 1,
        "score": 0.0,
        "yours": mine,
        "topic_id": int(topic["id"]),
        "topic_slug": topic["slug"],
        "display_username": author["name"],
        "version": 1,
        "actions_summary": acts + others,
        "moderator": False,
        "admin": False,
        "staff": bool(author.get("staff")),
        "user_id": int(author["id"]),
        "hidden": False,
        "trust_level": 2,
        "deleted_at": None,
        "user_deleted": False,
        "post_url": f"/t/{topic['slug']}/{topic['id']}/{post['post_number']}",
    }
    return body | ({"raw": post["text"]} if raw else {})


def topic_json(state: State, call: Call, topic: Record) -> Record:
    """One topic's page: its first posts, and the ids of all."""
    posts = [first_post(state, topic), *state.answers(topic["id"])]
    raw = "include_raw" in call.parameters
    shown = [post_json(topic, post, raw=raw, reader=call.account) for post in posts[:CHUNK]]
    key = {"external_id": topic["external_id"]} if topic["external_id"] else {}
    return {
        "post_stream": {"posts": shown, "stream": [int(post["id"]) for post in posts]},
        **_row(state, topic, len(posts)),
        "user_id": int(posts[0]["author"]["id"]),
        "chunk_size": CHUNK,
        "deleted_at": None,
        "details": {"can_delete": topic["account"] == call.account["id"]},
        **key,
    }


def _row(state: State, topic: Record, count: int) -> Record:
    answers = state.answers(topic["id"])
    last = answers[-1]["created_at"] if answers else topic["created_at"]
    return {
        "id": int(topic["id"]),
        "title": topic["title"],
        "fancy_title": topic["title"],
        "slug": topic["slug"],
        "posts_count": count,
        "reply_count": sum(answer["reply_to_post_number"] is not None for answer in answers),
        "highest_post_number": topic["highest"],
        "created_at": stamp(topic["created_at"]),
        "last_posted_at": stamp(last),
        "bumped_at": stamp(last),
        "archetype": "regular",
        "visible": True,
        "closed": False,
        "archived": False,
        "views": topic["views"],
        "like_count": topic["likes"] + sum(answer["likes"] for answer in answers),
        "category_id": topic["category"] or 1,
        "tags": [{"id": index, "name": tag, "slug": tag} for index, tag in enumerate(topic["tags"], 1)],
    }


async def about(state: State, call: Call) -> Any:
    return {"about": {"title": "鼓楼论坛", "locale": "zh_CN", "version": state.settings()["version"]}}


async def user(state: State, call: Call) -> Any:
    who = state.named(str(call.parameters["username"]))
    may = who["id"] == call.account["id"] or call.account["staff"]
    shown = {"id": int(who["id"]), "username": who["username"], "name": who["name"], "can_edit": may}
    return {"user_badges": [], "user": shown | {"trust_level": 2, "admin": False, "moderator": who["staff"]}}


async def topic(state: State, call: Call) -> Any:
    return topic_json(state, call, state.topic(str(call.parameters["id"])))


async def topic_posts(state: State, call: Call) -> Any:
    """The posts that `post_ids[]` names, or the first ones."""
    found = state.topic(str(call.parameters["id"]))
    posts = [first_post(state, found), *state.answers(found["id"])]
    asked = call.lists.get("post_ids[]")
    chosen = [post for post in posts if post["id"] in asked] if asked else posts[:CHUNK]
    raw = "include_raw" in call.parameters
    shown = [post_json(found, post, raw=raw, reader=call.account) for post in chosen]
    return {"post_stream": {"posts": shown}, "id": int(found["id"])}


async def post(state: State, call: Call) -> Any:
    number = str(call.parameters["id"])
    answer = state.store.get("comments", number)
    if answer and not answer["deleted"]:
        return post_json(state.topic(answer["post"]), answer, raw=True, reader=call.account)
    found = next((row for row in state.store.all("posts") if row["post_id"] == number), None)
    if found is None or found["deleted"]:
        raise Refused("not_found")
    return post_json(found, first_post(state, found), raw=True, reader=call.account)


def _active(state: State, topic: Record, *, newest: bool) -> datetime:
    answers = () if newest else state.answers(topic["id"])
    return max(datetime.fromisoformat(row["created_at"]) for row in (topic, *answers))


async def created_by(state: State, call: Call) -> Any:
    """A user's topics: the last active first, or the newest."""
    who = state.named(str(call.parameters["username"]))
    topics = [row for row in state.store.all("posts") if row["account"] == who["id"] and not row["deleted"]]
    # By the forum's own clock, which is finer than what it writes.
    newest = call.parameters.get("order") == "created"
    topics.sort(key=lambda found: _active(state, found, newest=newest), reverse=True)
    rows = [_row(state, found, 1 + len(state.answers(found["id"]))) for found in topics]
    page = call.number("page")
    shown, more = rows[page * LIST : (page + 1) * LIST], len(rows) > (page + 1) * LIST
    following = f"/topics/created-by/{who['username']}?page={page + 1}"
    return {
        "users": [],
        "topic_list": {"per_page": LIST, **({"more_topics_url": following} if more else {}), "topics": shown},
    }
