"""What is written to the forum: topics, answers, files; what of it goes to the moderators; what is taken down."""

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any

from drumtower.sandbox.discourse.reading import first_post, post_json
from drumtower.sandbox.discourse.state import State
from drumtower.sandbox.discourse.wire import Call, Invalid, Refused, stamp
from drumtower.sandbox.store import Record

_KEY = re.compile(r"[\w-]{1,50}", re.ASCII)
_MAGIC = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"RIFF": "webp"}
_TAGS_AS_OBJECTS = 2026


async def create(state: State, call: Call) -> Any:
    """Write a topic, or (with `topic_id`) an answer. The same call again within two minutes gets the same answer."""
    if state.settings()["read_only"]:
        raise Refused("read_only")
    told = json.dumps([call.account["id"], dict(call.parameters)], sort_keys=True, default=str)
    signature = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    answer = state.memo(signature)
    if answer is None:
        try:
            answer = _create(state, call)
        except Invalid as invalid:
            answer = {"action": "create_post", "errors": [str(invalid)]}
        state.memorise(signature, answer)
    return answer


def _create(state: State, call: Call) -> Record:
    given, settings = dict(call.parameters), state.settings()
    raw = str(call.need("raw")).strip()
    _check_text("Body", raw, settings["min_post_length"], settings["max_post_length"])
    if any(word in f"{given.get('title', '')} {raw}" for word in settings["blocked_words"]):
        raise Invalid("Sorry, you can't post the word '违禁词'; it's not allowed.")
    topic = state.topic(str(given["topic_id"])) if given.get("topic_id") else None
    title = "" if topic else _title(state, str(given.get("title") or "").strip())
    _check_repeat(state, call.account["id"], raw)
    if topic is None:
        _check_category(call, given.get("category"), settings)
        _check_key(state, given.get("external_id"))
    _spend(state, call.account, topic)
    if settings["needs_approval"] and not call.account["staff"]:
        return _enqueue(state, call.account, raw, title, topic, given)
    return _publish(state, call.account, raw, title, topic, given)


def _check_text(what: str, text: str, minimum: int, maximum: int) -> None:
    if len(text) < minimum:
        raise Invalid(f"{what} is too short (minimum is {minimum} characters)")
    if len(text) > maximum:
        raise Invalid(f"{what} is too long (maximum is {maximum} characters)")


def _title(state: State, title: str) -> str:
    settings = state.settings()
    _check_text("Title", title, settings["min_topic_title_length"], settings["max_topic_title_length"])
    rows = state.store.all("posts")
    taken = any(row["title"].lower() == title.lower() and not row["deleted"] for row in rows)
    if taken and not settings["allow_duplicate_topic_titles"]:
        raise Invalid("Title has already been used")
    return title


def _check_repeat(state: State, account: str, raw: str) -> None:
    last = state.store.get("_texts", _text_key(account, raw))
    guard = timedelta(minutes=state.settings()["unique_posts_mins"])
    if last is not None and datetime.fromisoformat(last["at"]) > state.now() - guard:
        raise Invalid("Body is too similar to what you recently posted")


def _text_key(account: str, raw: str) -> str:
    return f"{account}:{hashlib.sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _check_category(call: Call, category: Any, settings: Record) -> None:
    if category is None:
        return
    if not str(category).isdecimal() or int(category) not in settings["categories"]:
        raise Refused("invalid_parameters", "You supplied invalid parameters to the request: category")
    if int(category) in settings["closed_categories"] and not call.account["staff"]:
        raise Refused("invalid_access")


def _check_key(state: State, key: Any) -> None:
    if key is None:
        return
    if not _KEY.fullmatch(str(key)):
        raise Invalid("External is invalid")
    rows = [row for row in state.store.all("posts") if row["external_id"]]
    if any(row["external_id"].lower() == str(key).lower() for row in rows):
        raise Invalid("External has already been taken")


def _spend(state: State, account: Record, topic: Record | None) -> None:
    settings = state.settings()
    if topic is None:
        state.spend(account, "day", settings["max_topics_per_day"], 86_400)
    name = "rate_limit_create_post" if topic else "rate_limit_create_topic"
    state.spend(account, name, None if settings[name] is None else 1, settings[name] or 0)


def _enqueue(
    state: State, account: Record, raw: str, title: str, topic: Record | None, given: Record
) -> Record:
    """The queue keeps text, title, category and tags; the key is lost here."""
    number = str(state.store.next_number("reviewable", 301))
    waiting = {
        "id": number,
        "account": account["id"],
        "raw": raw,
        "title": title or None,
        "topic": topic["id"] if topic else None,
        "reply_to": given.get("reply_to_post_number"),
        "category": given.get("category"),
        "tags": given.get("tags"),
        "created_at": state.now().isoformat(),
        "status": "pending",
    }
    state.store.put("queued", number, waiting)
    mine = [row for row in state.store.all("queued") if row["account"] == account["id"]]
    return {
        "action": "enqueued",
        "success": True,
        "pending_count": sum(row["status"] == "pending" for row in mine),
        "pending_post": {"id": int(number), "raw": raw, "created_at": stamp(waiting["created_at"])},
    }


def _publish(
    state: State, account: Record, raw: str, title: str, topic: Record | None, given: Record
) -> Record:
    state.store.put("_texts", _text_key(account["id"], raw), {"at": state.now().isoformat()})
    if topic is not None:
        above = given.get("reply_to_post_number")
        answer = state.add_answer(topic, account, raw, int(above) if above else None)
        return post_json(topic, answer, raw=True, reader=account)
    made = state.add_topic(
        account["id"],
        title=title,
        text=raw,
        slug="topic",  # what a title in Chinese leaves of itself
        external_id=given.get("external_id"),
        category=int(given["category"]) if given.get("category") else None,
        tags=tags_of(state, given.get("tags")),
    )
    return post_json(made, first_post(state, made), raw=True, reader=account)


def approve(state: State, waiting: Record) -> Record:
    """The moderators let a text through, as it is in the queue now."""
    account = state.account(waiting["account"])
    topic = state.topic(waiting["topic"]) if waiting["topic"] else None
    given = {"category": waiting["category"], "tags": waiting["tags"]}
    given["reply_to_post_number"] = waiting["reply_to"]
    return _publish(state, account, waiting["raw"], waiting["title"] or "", topic, given)


def tags_of(state: State, tags: Any) -> list[str]:
    """Tags as this version takes them; in the other form they are lost, and what is over the limits is cut."""
    settings, rows = state.settings(), tags if isinstance(tags, list) else []
    if int(str(settings["version"]).partition(".")[0]) >= _TAGS_AS_OBJECTS:
        names = [str(row["name"]) for row in rows if isinstance(row, dict) and row.get("name")]
    else:
        names = [row for row in rows if isinstance(row, str)]
    return [name[: settings["max_tag_length"]] for name in names[: settings["max_tags_per_topic"]]]


async def pending(state: State, call: Call) -> Any:
    """A user's texts that wait; for that user and the staff only."""
    who = state.named(str(call.parameters["username"]))
    if who["id"] != call.account["id"] and not call.account["staff"]:
        raise Refused("not_found")
    rows = [row for row in reversed(state.store.all("queued")) if row["account"] == who["id"]]
    shown = [_waiting(who, row) for row in rows if row["status"] == "pending"]
    return {"pending_posts": shown}


def _waiting(who: Record, row: Record) -> Record:
    topic = int(row["topic"]) if row["topic"] else None
    head = {"id": int(row["id"]), "created_by_id": int(who["id"]), "username": who["username"]}
    body = {"raw_text": row["raw"], "title": row["title"], "topic_id": topic, "category_id": row["category"]}
    return head | body | {"created_at": stamp(row["created_at"])}


async def upload(state: State, call: Call) -> Any:
    """Take an image; anything else, and what is too large, is refused."""
    if not call.parameters.get("upload_type"):
        raise Refused("invalid_parameters")
    if call.file is None:
        raise Invalid("Sorry, there was an error uploading that file.")
    name, data = call.file
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    if kind is None:
        raise Invalid("Sorry, the file you are trying to upload is not a valid image.")
    limit = state.settings()["max_image_size_kb"]
    if len(data) > limit * 1024:
        raise Invalid(f"Sorry, the image you are trying to upload is too big (maximum size is {limit}KB).")
    digest = hashlib.sha256(data).hexdigest()[:27]
    number = state.store.next_number("upload")
    short = f"upload://{digest}.{kind}"
    record = {"id": str(number), "account": call.account["id"], "short_url": short, "size": len(data)}
    state.store.put("uploads", str(number), record)
    return {
        "id": number,
        "url": f"/uploads/default/original/1X/{digest}.{kind}",
        "original_filename": name,
        "filesize": len(data),
        "width": 640,
        "height": 480,
        "extension": kind,
        "short_url": short,
        "short_path": f"/uploads/short-url/{digest}.{kind}",
        "retain_hours": None,
        "human_filesize": f"{len(data) // 1024} KB",
    }


async def destroy(state: State, call: Call) -> Any:
    """Take a topic down: the staff any, an author one that nobody has answered."""
    topic = state.topic(str(call.parameters["id"]))
    own = topic["account"] == call.account["id"] and not state.answers(topic["id"])
    if not (own or call.account["staff"]):
        raise Refused("invalid_access")
    state.store.put("posts", topic["id"], topic | {"deleted": True})
    return None
