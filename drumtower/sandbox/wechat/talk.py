"""What people say: comments under articles, messages to the account, and the account's answers to both."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from drumtower.sandbox.sealed import cdata, element
from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.callbacks import Callbacks
from drumtower.sandbox.wechat.ground import Ground, Refused, whole

LONGEST_REPLY = 2048  # bytes
# How many customer messages what the user did allows, and for how long.
AFTER_MESSAGE = (5, timedelta(hours=48))
AFTER_FOLLOW = (3, timedelta(minutes=1))


class Talk:
    """Comments, messages, and the ledger that says who may still be written to."""

    def __init__(self, ground: Ground, callbacks: Callbacks) -> None:
        self.ground = ground
        self.store = ground.store
        self.callbacks = callbacks

    def routes(self) -> list[BaseRoute]:
        return [
            self.ground.call("/cgi-bin/comment/list", self._list, verified=True),
            self.ground.call("/cgi-bin/comment/reply/add", self._reply, verified=True),
            self.ground.call("/cgi-bin/message/custom/send", self._send, verified=True),
        ]

    def comment(self, post: Record, author: Record, text: str) -> str:
        """Let somebody comment; an empty id is a commenter without a WeChat identity."""
        number = self.store.next_number(f"comment {post['msg_data_id']}")
        comment_id = f"{post['msg_data_id']}_1_{number}"
        comment = {
            "id": comment_id,
            "post": post["id"],
            "author": author,
            "text": text,
            "in_reply_to": None,
            "msg_data_id": post["msg_data_id"],
            "number": number,
            "created_at": self.ground.now().isoformat(),
        }
        self.store.put("comments", comment_id, comment)
        self.store.put("posts", post["id"], {**post, "comments": post["comments"] + 1})
        return comment_id

    def message(self, account: str, author: Record, text: str) -> str:
        """Let a user write to the account; opens the 48 hours in which five answers may go back."""
        openid = author["id"]
        number = self.store.next_number("message", 24_000_000_000_000_001)
        self.store.put(
            "messages", str(number), self._said(str(number), account, text, author=author, direction="in")
        )
        self._allow(account, openid, AFTER_MESSAGE)
        xml = self._xml(
            account, openid, cdata("MsgType", "text") + cdata("Content", text) + element("MsgId", number)
        )
        self.callbacks.push(account, f"message-{number}", xml, openid)
        return str(number)

    def follow(self, account: str, author: str) -> None:
        """Let a user follow; opens one minute for three messages."""
        self._allow(account, author, AFTER_FOLLOW)
        number = self.store.next_number("follow")
        fields = cdata("MsgType", "event") + cdata("Event", "subscribe") + cdata("EventKey", "")
        self.callbacks.push(account, f"follow-{number}", self._xml(account, author, fields), author)

    def _xml(self, account: str, author: str, fields: str) -> str:
        head = cdata("ToUserName", account) + cdata("FromUserName", author)
        return f"<xml>{head}{element('CreateTime', int(self.ground.now().timestamp()))}{fields}</xml>"

    def _said(self, message_id: str, account: str, text: str, **more: Any) -> Record:
        at = self.ground.now().isoformat()
        return {"id": message_id, "account": account, "text": text, "created_at": at, **more}

    def _allow(self, account: str, openid: str, grant: tuple[int, timedelta]) -> None:
        messages, span = grant
        until = (self.ground.now() + span).isoformat()
        person = {"account": account, "openid": openid, "until": until, "left": messages}
        self.store.put("_people", f"{account} {openid}", person)

    def _send(self, account: Record, body: Record) -> Mapping[str, Any]:
        openid, content = str(body.get("touser")), body.get("text")
        if body.get("msgtype") != "text":
            raise Refused(40008, "invalid message type")
        text = content.get("content") if isinstance(content, dict) else None
        if not isinstance(text, str) or not text:
            raise Refused(44004, "empty content")
        if len(text.encode()) > LONGEST_REPLY:
            raise Refused(45002, "content size out of limit")
        self._spend(f"{account['id']} {openid}")
        message_id = f"out-{self.store.next_number('custom')}"
        said = self._said(message_id, account["id"], text, to=openid, direction="out")
        self.store.put("messages", message_id, said)
        return {"errcode": 0, "errmsg": "ok"}

    def _spend(self, key: str) -> None:
        person = self.store.get("_people", key)
        if person is None:
            raise Refused(40003, "invalid openid")
        if datetime.fromisoformat(person["until"]) <= self.ground.now():
            raise Refused(45015, "response out of time limit or subscription is canceled")
        if person["left"] <= 0:
            raise Refused(45047, "out of response count limit")
        self.store.put("_people", key, {**person, "left": person["left"] - 1})

    def _list(self, account: Record, body: Record) -> Mapping[str, Any]:
        post = self._article(account, body)
        size = whole(body, "count", 1, 49, code=88010)
        begin, kind = whole(body, "begin", 0, 10**9), whole(body, "type", 0, 2)
        comments = [
            comment
            for comment in self.store.all("comments")
            if comment["post"] == post["id"] and comment["in_reply_to"] is None and kind != 2
        ]
        page = [self._wire(comment) for comment in comments[::-1][begin : begin + size]]
        return {"errcode": 0, "errmsg": "ok", "total": len(comments), "comment": page}

    def _article(self, account: Record, body: Record) -> Record:
        whole(body, "index", 0, 0, code=88001)
        article = self.store.get("_articles", str(whole(body, "msg_data_id", 0, 2**53))) or {"id": ""}
        post = self.store.get("posts", article["id"])
        if post and post["account"] == account["id"] and not post["deleted"]:
            return post
        raise Refused(88001, "msg_data not exists")

    def _wire(self, comment: Record) -> Mapping[str, Any]:
        wire = {
            "user_comment_id": comment["number"],
            "create_time": _epoch(comment["created_at"]),
            "content": comment["text"],
            "comment_type": 0,
            **({"openid": comment["author"]["id"]} if comment["author"]["id"] else {}),
        }
        reply = self.store.get("comments", f"{comment['id']}_reply")
        if reply is None:
            return wire
        said = {"content": reply["text"], "create_time": _epoch(reply["created_at"])}
        return {**wire, "reply": [said] if self.ground.setting("reply_shape") == "array" else said}

    def _reply(self, account: Record, body: Record) -> Mapping[str, Any]:
        post = self._article(account, body)
        number = whole(body, "user_comment_id", 0, 2**53)
        comment_id = f"{post['msg_data_id']}_1_{number}"
        text = body.get("content")
        if self.store.get("comments", comment_id) is None:
            raise Refused(88008, "comment not exists")
        if not isinstance(text, str) or not text or len(text.encode()) > LONGEST_REPLY:
            raise Refused(88007, "reply content is empty or too long")
        if self.store.get("comments", f"{comment_id}_reply") is not None:
            raise Refused(88005, "already reply")
        reply = {
            "id": f"{comment_id}_reply",
            "post": post["id"],
            "author": {"id": account["id"], "name": account["name"]},
            "text": text,
            "in_reply_to": comment_id,
            "created_at": self.ground.now().isoformat(),
        }
        self.store.put("comments", reply["id"], reply)
        return {"errcode": 0, "errmsg": "ok"}


def _epoch(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
