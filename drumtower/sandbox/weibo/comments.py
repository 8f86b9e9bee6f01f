"""comments/* of the Weibo sandbox."""

from typing import Any

from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo.accounts import user_json, when
from drumtower.sandbox.weibo.state import State
from drumtower.sandbox.weibo.statuses import status_json
from drumtower.sandbox.weibo.wire import Call, Refused, length, page


def comment_json(state: State, comment: Record) -> Record:
    """One comment, with its status and, for an answer, the comment it answers."""
    body = _plain(state, comment)
    status = state.store.get("posts", comment["post"]) or state.store.get("mentions", comment["post"])
    if status:
        body["status"] = status_json(state, status)
    parent = comment["in_reply_to"] and state.store.get("comments", comment["in_reply_to"])
    if parent:
        body["reply_comment"] = _plain(state, parent)
    return body


def _plain(state: State, comment: Record) -> Record:
    return {
        "created_at": when(state, comment),
        "id": int(comment["id"]),
        "mid": comment["id"],
        "idstr": comment["id"],
        "text": comment["text"],
        "source": "微博网页版",
        "user": user_json(state, comment["author"]),
    }


async def create(state: State, call: Call) -> Any:
    """Comment on a status."""
    return _answer(state, call, call.need("id"), None)


async def reply(state: State, call: Call) -> Any:
    """Answer a comment; without `without_mention` Weibo itself puts the name in front."""
    parent = state.comment(call.need("cid"))
    if parent["post"] != call.need("id"):
        raise Refused(20201)
    return _answer(state, call, parent["post"], parent)


def _answer(state: State, call: Call, post_id: str, parent: Record | None) -> Record:
    text = call.need("comment")
    if length(text) > 140:
        raise Refused(20012)
    status = state.store.get("mentions", post_id) or state.post(post_id)
    if any(word in text for word in state.settings()["banned"]):
        raise Refused(20021)
    if state.repeats(call.account["id"], f"comment:{parent['id'] if parent else post_id}", text):
        raise Refused(20019)
    state.remember(call.account["id"], f"comment:{parent['id'] if parent else post_id}", text)
    if parent and call.params.get("without_mention", "0") == "0":
        text = f"回复@{parent['author']['name']}:{text}"
    comment = {
        "id": state.new_id(),
        "account": status["account"] if "author" not in status else "",
        "post": post_id,
        "author": {"id": call.account["id"], "name": call.account["name"]},
        "text": text,
        "in_reply_to": parent["id"] if parent else None,
        "created_at": state.now().isoformat(),
        "deleted": False,
    }
    state.add_comment(comment)
    return comment_json(state, comment)


def _listed(state: State, call: Call, rows: list[Record]) -> Record:
    # Deleted rows are cut out of the page, not skipped: a page may be short though more follows.
    found = [comment_json(state, row) for row in page(rows, call, limit=50) if not row["deleted"]]
    return {"comments": found, "previous_cursor": 0, "next_cursor": 0, "total_number": len(rows)}


async def to_me(state: State, call: Call) -> Any:
    """Comments received; our own are among them (the documentation leaves that open)."""
    return _listed(state, call, state.comments(call.account["id"], call.number("since_id", 0)))


async def by_me(state: State, call: Call) -> Any:
    mine = [row for row in reversed(state.store.all("comments")) if row["author"]["id"] == call.account["id"]]
    return _listed(state, call, mine)


async def show(state: State, call: Call) -> Any:
    post = state.post(call.need("id"))
    return _listed(state, call, [row for row in state.comments(post["account"]) if row["post"] == post["id"]])


async def destroy(state: State, call: Call) -> Any:
    comment = state.comment(call.need("cid"))
    state.store.put("comments", comment["id"], comment | {"deleted": True})
    return comment_json(state, comment)
