"""What members and customers do in the sandbox, under /control/, and what WeCom pushes of it: always sealed."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.sealed import cdata, element, encrypt, sign
from drumtower.sandbox.store import Record
from drumtower.sandbox.wecom.state import State


def signed(secret: Mapping[str, str], sealed: str, at: datetime) -> dict[str, str]:
    """The query of a push or a check."""
    timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
    signature = sign(secret["token"], timestamp, nonce, sealed)
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}


def seal(secret: Mapping[str, str], text: str) -> str:
    return encrypt(text, secret["encoding_aes_key"], secret["corp_id"], secrets.token_bytes(16))


def envelope(secret: Mapping[str, str], xml: str, at: datetime) -> tuple[dict[str, str], bytes]:
    """Return the query and the body of one push."""
    sealed = seal(secret, xml)
    outer = (
        cdata("ToUserName", secret["corp_id"])
        + cdata("AgentID", secret["agent_id"])
        + cdata("Encrypt", sealed)
    )
    return signed(secret, sealed, at), f"<xml>{outer}</xml>".encode()


def inside(secret: Mapping[str, str], author: str, fields: str, at: datetime) -> str:
    head = cdata("ToUserName", secret["corp_id"]) + cdata("FromUserName", author)
    head += element("CreateTime", int(at.timestamp()))
    return f"<xml>{head}{fields}{element('AgentID', secret['agent_id'])}</xml>"


def text_fields(text: str, number: int) -> str:
    return cdata("MsgType", "text") + cdata("Content", text) + element("MsgId", number)


class Callbacks(Pusher):
    """Signed with the real clock: the receiver's own decides what is stale."""

    state: State

    async def check(self, account: str, url: str) -> bool:
        secret, echo = self.state.found("_secrets", account), str(secrets.randbelow(10**19))
        sealed = seal(secret, echo)
        answer = await self.ask(url, signed(secret, sealed, datetime.now(UTC)) | {"echostr": sealed})
        return answer is not None and answer.status_code == httpx.codes.OK and answer.text == echo

    def push(self, account: str, author: str, fields: str) -> None:
        callback, secret = self.state.store.get("webhooks", account), self.state.found("_secrets", account)
        if callback is None:
            return
        query, body = envelope(secret, inside(secret, author, fields, datetime.now(UTC)), datetime.now(UTC))
        given = Signed(query=query)
        self.start(Push(url=callback["url"], body=body, sign=lambda _: given, content_type="text/xml"))


class Control(ControlPlane[State, Callbacks]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {
            "public/message": self._message,
            "public/follow": self.follow,  # customers join the owner's groups
            "public/group": self._group,
            "public/like": self.uncounted,
            "public/share": self.uncounted,
            "public/save": self.uncounted,
            "public/read": self.uncounted,
            "public/comment": self._comment,
            "confirm": self._confirm,
        }

    def _message(self, body: Record) -> Record:
        """`{"account", "author", "text"}`: a member writes to the app."""
        account, author, text = (
            self.state.account(str(body["account"]))["id"],
            body["author"],
            str(body["text"]),
        )
        number = self.state.store.next_number("message", 7_000_000_000_000_001)
        row: Record = {
            "id": str(number),
            "account": account,
            "author": author,
            "text": text,
            "direction": "in",
        }
        self.state.store.put("messages", row["id"], row | {"created_at": self.state.now().isoformat()})
        self.pusher.push(account, str(author["id"]), text_fields(text, number))
        return {"id": row["id"]}

    def _group(self, body: Record) -> Record:
        """`{"account", "chat_id", "change"}`: a customer group was made, changed or dissolved."""
        fields = cdata("MsgType", "event") + cdata("Event", "change_external_chat")
        fields += cdata("ChatId", str(body["chat_id"])) + cdata("ChangeType", str(body["change"]))
        self.pusher.push(str(body["account"]), "sys", fields)
        return {}

    def _comment(self, body: Record) -> Any:
        """Apps are not told what is said inside a group."""
        return self.uncounted(body) | {"id": "0"}

    def _confirm(self, body: Record) -> Record:
        """`{"post"}`: the owner confirms a mass message."""
        post = self.state.post(str(body["post"]))
        self.state.store.put("posts", post["id"], post | {"confirmed_at": self.state.now().isoformat()})
        return {}
