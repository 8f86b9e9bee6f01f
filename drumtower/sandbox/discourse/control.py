"""What the public and the forum's moderators do in the sandbox, under /control/."""

from collections.abc import Mapping

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.discourse.reading import first_post
from drumtower.sandbox.discourse.state import State, person
from drumtower.sandbox.discourse.webhooks import WebHooks, pushed
from drumtower.sandbox.discourse.wire import Refused
from drumtower.sandbox.discourse.writing import approve
from drumtower.sandbox.store import Record


class Control(ControlPlane[State, WebHooks]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self._comment,
            "public/mention": self._mention,
            "public/like": self.grow("likes"),
            "public/read": self.grow("views"),
            "public/share": self.uncounted,  # a forum counts no shares
            "public/save": self.uncounted,
            "public/uncomment": self.remove("comments", "id"),
            "recover": self._recover,
            "move": self._move,
            "moderate": self._moderate,
            "key": self._key,
        }

    def _comment(self, body: Record) -> Record:
        """`{"post", "author", "text", "in_reply_to"?}`: answer a topic, or a post in it."""
        topic = self.state.topic(str(body["post"]))
        above = self._answer(str(body["in_reply_to"])) if body.get("in_reply_to") else None
        number = above["post_number"] if above else None
        answer = self.state.add_answer(topic, person(body.get("author")), str(body["text"]), number)
        self.pusher.push("post_created", pushed(topic, answer, above["author"] if above else None))
        return {"id": answer["id"]}

    def _answer(self, number: str) -> Record:
        found = self.state.store.get("comments", number)
        if found is None:
            raise Refused("not_found")
        return found

    def _mention(self, body: Record) -> Record:
        """Somebody opens a topic that names the account."""
        account, author = self.state.account(str(body["account"])), person(body.get("author"))
        text = f"@{account['username']} {body['text']}"
        topic = self.state.add_topic("", author=author, title="有人提到你们", text=text, slug="topic")
        self.pusher.push("post_created", pushed(topic, first_post(self.state, topic), None))
        return {"id": topic["post_id"]}

    def _recover(self, body: Record) -> Record:
        """An answer that was taken down is there again, at its old place."""
        self.state.store.put("comments", str(body["id"]), self._answer(str(body["id"])) | {"deleted": False})
        return {}

    def _move(self, body: Record) -> Record:
        """The moderators move an answer to another topic's end; it keeps its id."""
        answer, topic = self._answer(str(body["id"])), self.state.topic(str(body["post"]))
        number = topic["highest"] + 1
        self.state.store.put("posts", topic["id"], topic | {"highest": number})
        moved = {"post": topic["id"], "post_number": number, "reply_to_post_number": None}
        self.state.store.put("comments", answer["id"], answer | moved)
        return {}

    def _moderate(self, body: Record) -> Record:
        """`{"id", "action": "approve" | "reject", "title"?, "raw"?}`: decide on a text that waits, or rewrite it."""
        waiting = self.state.store.get("queued", str(body["id"]))
        if waiting is None or waiting["status"] != "pending":
            raise Refused("not_found")
        waiting |= {name: body[name] for name in ("title", "raw") if name in body}
        verdict = {"approve": "approved", "reject": "rejected"}[body["action"]]
        self.state.store.put("queued", waiting["id"], waiting | {"status": verdict})
        return approve(self.state, waiting) if verdict == "approved" else {}

    def _key(self, body: Record) -> Record:
        """`{"key", "action": "revoke"}`."""
        key = self.state.store.get("_keys", body["key"])
        if key is None:
            raise Refused("not_found")
        self.state.store.put("_keys", body["key"], key | {"revoked": body["action"] == "revoke"})
        return {}
