"""What the public and Weibo's staff do in the sandbox, under /control/."""

from collections.abc import Mapping

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo import messages
from drumtower.sandbox.weibo.messages import FanService
from drumtower.sandbox.weibo.state import State, person


class Control(ControlPlane[State, FanService]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self._comment,
            "public/uncomment": self.remove("comments", "id"),
            "public/mention": self._mention,
            "public/message": self._message,
            "public/follow": self._follow,
            "public/like": self.grow("likes"),
            "public/share": self.grow("shares"),
            "public/read": self.uncounted,  # not counted for a normal app
            "public/save": self.uncounted,
            "moderate": self.remove("posts", "post"),
        }

    def _comment(self, body: Record) -> Record:
        post = self.state.post(str(body["post"]))
        comment = {
            "id": self.state.new_id(),
            "account": post["account"],
            "post": post["id"],
            "author": person(body.get("author")),
            "text": str(body["text"]),
            "in_reply_to": str(body["in_reply_to"]) if body.get("in_reply_to") else None,
            "created_at": self.state.now().isoformat(),
            "deleted": False,
        }
        self.state.add_comment(comment)
        return {"id": comment["id"]}

    def _mention(self, body: Record) -> Record:
        account = self.state.account(str(body["account"]))
        text = f"@{account['name']} {body['text']}"
        status = {"id": self.state.new_id(), "account": account["id"], "author": person(body.get("author"))}
        counts = {"likes": 0, "comments": 0, "shares": 0, "picture": None}
        times = {"created_at": self.state.now().isoformat(), "visible_at": self.state.now().isoformat()}
        self.state.store.put(
            "mentions", status["id"], status | counts | times | {"text": text, "wire_text": text}
        )
        return {"id": status["id"]}

    def _message(self, body: Record) -> Record:
        account, author = self.state.account(str(body["account"])), person(body.get("author"))
        number = messages.put_in(self.state, account["id"], author, str(body["text"]))
        pushed = messages.event(self.state, account["id"], author["id"], "text", str(body["text"]), {})
        self.pusher.push(account["id"], pushed)
        return {"id": number}

    def _follow(self, body: Record) -> Record:
        if body.get("author"):
            account = self.state.account(str(body["account"]))
            who = person(body["author"])["id"]
            messages.open_window(self.state, account["id"], who)
            data = {"subtype": "follow"}
            self.pusher.push(
                account["id"], messages.event(self.state, account["id"], who, "event", "关注事件消息", data)
            )
        return self.follow(body)
