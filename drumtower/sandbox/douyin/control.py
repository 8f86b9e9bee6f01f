"""What the public and the account's owner do in the sandbox, under /control/."""

from collections.abc import Mapping

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.douyin.pushes import EventPusher
from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.talk import add_comment
from drumtower.sandbox.store import Record


class Control(ControlPlane[State, EventPusher]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self._comment,
            "public/message": self._message,
            "public/follow": self._follow,
            "public/like": self.grow("likes"),
            "public/share": self.grow("shares"),
            "public/read": self.grow("reads"),
            "public/save": self.uncounted,
            "revoke": self._revoke,
        }

    def _comment(self, body: Record) -> Record:
        """`{"post", "author", "text", "in_reply_to"?}`."""
        post, above = self.state.post(str(body["post"])), body.get("in_reply_to")
        said = add_comment(self.state, post["id"], _person(body), str(body["text"]), above)
        content = {
            "comment_id": said["id"],
            "comment_user_id": said["author"]["id"],
            "content": said["text"],
            "create_time": int(self.state.now().timestamp()),
            "digg_count": 0,
            "reply_comment_total": 0,
            "reply_to_comment_id": above or "",
            "reply_to_item_id": post["id"],
            "at_user_id": "",
        }
        self.pusher.push(post["account"], "item_comment_reply", said["author"]["id"], content)
        return {"id": said["id"]}

    def _message(self, body: Record) -> Record:
        """`{"account", "author", "text"}`."""
        account, author, text = self.state.account(str(body["account"])), _person(body), str(body["text"])
        message = self.state.new_id("message")
        record = {"id": message, "direction": "in", "author": author, "to": account["id"], "text": text}
        self.state.store.put("messages", message, record)
        content = {
            "conversation_short_id": f"@9VwKz{author['id']}==",
            "server_message_id": message,
            "conversation_type": 1,
            "create_time": int(self.state.now().timestamp() * 1000),
            "message_type": "text",
            "source": "",
            "text": text,
            "user_infos": [{"open_id": author["id"], "nick_name": author["name"], "avatar": ""}],
        }
        self.pusher.push(account["id"], "im_receive_msg", author["id"], content)
        return {"id": message}

    def _follow(self, body: Record) -> Record:
        """`{"account", "count"?}`; followers are counted by day."""
        number = str(self.state.store.next_number("follow"))
        account, at = self.state.account(str(body["account"]))["id"], self.state.now().isoformat()
        follow = {"account": account, "at": at, "count": int(body.get("count", 1))}
        self.state.store.put("_follows", number, follow)
        return {}

    def _revoke(self, body: Record) -> Record:
        """The owner takes the authorisation back in the app: every token dies at once, and the app is told."""
        account = self.state.account(str(body["account"]))
        for name in ("_tokens", "_refresh"):
            for token in self.state.store.all(name):
                if token["account"] == account["id"]:
                    self.state.store.delete(name, token["token"])
        content = {"scopes": account["scopes"].split(",")}
        self.pusher.push(account["id"], "unauthorize", account["id"], content)
        return {}


def _person(body: Record) -> Record:
    author = body.get("author") or {}
    return {"id": str(author.get("id", "9001")), "name": str(author.get("name", "胡同老王"))}
