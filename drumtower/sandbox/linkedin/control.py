"""What the public and LinkedIn's staff do in the sandbox, under /control/."""

import re
from collections.abc import Mapping
from typing import Any

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.linkedin import notifications
from drumtower.sandbox.linkedin.pushes import PagePusher
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.store import Record


def person(author: Any) -> str:
    """Read `{"id"}` of a member of the public."""
    given = str(author.get("id") or "9001") if isinstance(author, dict) else "9001"
    return given if given.startswith("urn:li:") else f"urn:li:person:{re.sub(r'[^A-Za-z0-9_-]', '', given)}"


class Control(ControlPlane[State, PagePusher]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self._comment,
            "public/uncomment": self._uncomment,
            "public/mention": self._mention,
            "public/follow": self.follow,
            "public/like": self._like,
            "public/share": self._share,
            "public/read": self._read,
            "public/save": self.uncounted,  # LinkedIn tells nobody who saved what
            "moderate": self.remove("posts", "post"),
        }

    def _comment(self, body: Record) -> Record:
        """`{"post", "author", "text", "in_reply_to"?}`; answers hang on comments of the first level."""
        post = self.state.post(str(body["post"]))
        parent = self.state.comment(str(body["in_reply_to"])) if body.get("in_reply_to") else None
        if parent and parent["in_reply_to"]:
            parent = self.state.comment(parent["in_reply_to"])
        row = self.state.add_comment(post, person(body.get("author")), str(body["text"]), parent)
        self._tell(post, notifications.commented(self.state, row, post))
        return {"id": row["id"]}

    def _uncomment(self, body: Record) -> Record:
        row = self.state.comment(str(body["id"]))
        self.state.store.put("comments", row["id"], row | {"deleted": True})
        post = self.state.post(row["post"])
        self._tell(post, notifications.tell(self.state, post, "COMMENT_DELETE", row["id"]))
        return {}

    def _mention(self, body: Record) -> Record:
        account = self.state.account(str(body["account"]))
        text = f"@{account['name']} {body['text']}"
        told = notifications.mentioned(self.state, account["id"], person(body.get("author")), text)
        self.pusher.push(told)
        return {"id": told["decoratedSourcePost"]["entity"]}

    def _like(self, body: Record) -> Record:
        return self._grow(body, "likes", "LIKE")

    def _share(self, body: Record) -> Record:
        return self._grow(body, "shares", "SHARE")

    def _read(self, body: Record) -> Record:
        return self._grow(body, "impressions", None)

    def _grow(self, body: Record, counter: str, action: str | None) -> Record:
        post = self.state.post(str(body["post"]))
        self.state.grow(post["id"], counter, int(body.get("count", 1)))
        if action:
            self._tell(post, notifications.tell(self.state, post, action, post["activity"]))
        return {}

    def _tell(self, post: Record, notification: Record) -> None:
        """Only pages are told."""
        if self.state.account(post["account"])["kind"] == "organization":
            self.pusher.push(notification)
