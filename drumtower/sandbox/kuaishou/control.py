"""What the public and the account's owner do in the sandbox, under /control/."""

from collections.abc import Mapping

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.kuaishou.pushes import EventPusher
from drumtower.sandbox.kuaishou.state import State
from drumtower.sandbox.store import Record


class Control(ControlPlane[State, EventPusher]):
    """Kuaishou tells nobody who comments, shares or saves; a comment is a count."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/comment": self.grow("comments"),
            "public/like": self.grow("likes"),
            "public/read": self.grow("reads"),
            "public/share": self.uncounted,
            "public/save": self.uncounted,
            "public/follow": self.follow,
            "revoke": self._revoke,
        }

    def _revoke(self, body: Record) -> Record:
        """`{"account", "scopes"?}`: the owner takes scopes back in the app (all: every token dies), and it is told."""
        account = self.state.account(str(body["account"]))
        taken = body.get("scopes") or account["scopes"].split(",")
        left = ",".join(one for one in account["scopes"].split(",") if one not in taken)
        for name in ("_tokens", "_refresh"):
            for token in self.state.store.all(name):
                if token["account"] == account["id"] and left:
                    self.state.store.put(name, token["token"], token | {"scopes": left})
                elif token["account"] == account["id"]:
                    self.state.store.delete(name, token["token"])
        self.pusher.push(account["id"], "UN_AUTHORIZE", {"open_id": account["id"], "scope": taken})
        return {}
