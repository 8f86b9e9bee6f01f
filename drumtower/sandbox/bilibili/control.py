"""What the public and Bilibili's reviewers do in the sandbox, under /control/."""

from collections.abc import Mapping

from drumtower.sandbox.bilibili.pushes import EventPusher
from drumtower.sandbox.bilibili.state import State
from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.store import Record


class Control(ControlPlane[State, EventPusher]):
    """Bilibili tells nobody what is said: a comment is a count."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self.grow("comments"),
            "public/like": self.grow("likes"),
            "public/read": self.grow("reads"),
            "public/share": self.grow("shares"),
            "public/save": self.grow("saves"),
            "public/follow": self.follow,
            "review": self._review,
            "revoke": self._revoke,
        }

    def _review(self, body: Record) -> Record:
        """`{"post", "refused"?, "reason"?}`: a reviewer ends a review now, and the app is told."""
        row = self.state.found("_archives", str(body["post"]))
        reason = str(body.get("reason", "视频内容违规"))
        self.pusher.reviewed(self.state.judge(row, refused=bool(body.get("refused")), reason=reason))
        return {}

    def _revoke(self, body: Record) -> Record:
        """`{"account"}`: the owner takes the authorisation back; every token dies, and the app is told."""
        account = self.state.account(str(body["account"]))["id"]
        for kept in self.state.store.all("_tokens"):
            if kept["account"] == account:
                self.state.store.put("_tokens", kept["token"], kept | {"revoked": True})
        self.pusher.push(account, "deauthorize", {})
        return {}
