"""Comments and their answers, messages, and the followers of each day."""

from datetime import datetime, time, timedelta
from typing import Any

from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import BEIJING, Call, Refused
from drumtower.sandbox.store import Record

LONGEST_COMMENT, SENSITIVE = 100, "敏感词"
READY_AT = time(10)  # of the next day


async def comments(state: State, call: Call) -> Record:
    return _listed(state, call, [one for one in _of(state, call) if one["in_reply_to"] is None])


async def answers(state: State, call: Call) -> Record:
    above = call.need("comment_id")
    return _listed(state, call, [one for one in _of(state, call) if one["in_reply_to"] == above])


def _of(state: State, call: Call) -> list[Record]:
    post = state.store.get("posts", call.need("item_id"))
    if post is None or post["account"] != call.account["id"]:
        raise Refused(2190007)
    return [one for one in state.store.all("comments") if one["post"] == post["id"]]


def _listed(state: State, call: Call, rows: list[Record]) -> Record:
    if call.query.get("sort_type", "time") == "time":
        rows = rows[::-1]
    start, count = call.number("cursor", 0, 10**6), call.number("count", 10, 50)
    page = rows[start : start + count]
    more = start + count < len(rows)
    return {"list": [_shown(state, one) for one in page], "cursor": start + len(page), "has_more": more}


def _shown(state: State, comment: Record) -> Record:
    below = [one for one in state.store.all("comments") if one["in_reply_to"] == comment["id"]]
    return {
        "comment_id": comment["id"],
        "comment_user_id": comment["author"]["id"],
        "nick_name": comment["author"]["name"],
        "avatar": "https://p3.douyinpic.example/u.jpeg",
        "content": comment["text"],
        "create_time": int(datetime.fromisoformat(comment["created_at"]).timestamp()),
        "digg_count": 0,
        "reply_comment_total": len(below),
        "top": False,
    }


async def reply(state: State, call: Call) -> Record:
    above, text = call.body.get("comment_id"), call.need("content")
    if above is not None and above not in {one["id"] for one in _of(state, call)}:
        raise Refused(2111003)
    if len(text) > LONGEST_COMMENT or SENSITIVE in text:
        raise Refused(2111001)
    author = {"id": call.account["id"], "name": call.account["nickname"]}
    return {"comment_id": add_comment(state, call.need("item_id"), author, text, above)["id"]}


def add_comment(state: State, post: str, author: Record, text: str, above: str | None) -> Record:
    comment: Record = {"id": state.new_id("comment"), "post": post, "author": author, "text": text}
    comment |= {"in_reply_to": above, "created_at": state.now().isoformat()}
    state.store.put("comments", comment["id"], comment)
    return comment


async def send_message(state: State, call: Call) -> Record:
    """Take an answer to a message; only who wrote can be written to, and about that message."""
    about = state.store.get("messages", call.need("msg_id"))
    call.need("conversation_id")
    to, content = call.need("to_user_id"), call.body.get("content")
    if about is None or about["author"]["id"] != to or about["to"] != call.account["id"]:
        raise Refused(28001012)
    if not isinstance(content, dict) or content.get("msg_type") != 1:
        raise Refused(28001007)
    message = state.new_id("message")
    said = {"id": message, "direction": "out", "to": to, "text": content["text"]["text"]}
    state.store.put("messages", message, said | {"conversation": call.need("conversation_id")})
    return {"top": {"msg_id": message}}


async def fans(state: State, call: Call) -> Record:
    """The followers at each day's end; a day is ready at ten on the next one."""
    now = state.now().astimezone(BEIJING)
    days = call.number("date_type", 7, 30)
    last = now.date() - timedelta(days=1 if now.time() >= READY_AT else 2)
    wanted = [last - timedelta(days=back) for back in reversed(range(days))]
    rows = [
        {"date": day.isoformat(), "total_fans": _total(state, call, day), "new_fans": 0} for day in wanted
    ]
    if state.settings()["numbers_as_strings"]:
        rows = [{name: str(value) for name, value in row.items()} for row in rows]
    return {"result_list": rows}


def _total(state: State, call: Call, day: Any) -> int:
    until = datetime.combine(day + timedelta(days=1), time(), BEIJING)
    ours = [one for one in state.store.all("_follows") if one["account"] == call.account["id"]]
    came: int = sum(one["count"] for one in ours if datetime.fromisoformat(one["at"]) < until)
    return int(call.account["followers"]) + came
