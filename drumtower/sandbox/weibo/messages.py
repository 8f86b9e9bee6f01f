"""The fan service of the Weibo sandbox: signed pushes to the callback, and answers within 48 hours."""

import hashlib
import json
import secrets
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo.state import State
from drumtower.sandbox.weibo.wire import Call, Refused, length, stamp

WINDOW = timedelta(hours=48)


def sign(secret: str, timestamp: str, nonce: str) -> str:
    """SHA-1 over the three values, sorted as strings; the body is not in it."""
    return hashlib.sha1(
        "".join(sorted((secret, timestamp, nonce))).encode(), usedforsecurity=False
    ).hexdigest()


def signed(secret: str) -> dict[str, str]:
    """Fresh query parameters; the signature's clock is the real one even when the platform's own is moved."""
    timestamp, nonce = str(time.time_ns() // 1_000_000), str(secrets.randbelow(10**8))
    return {"signature": sign(secret, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}


async def reply(state: State, call: Call) -> Any:
    """Answer a person who wrote, followed or clicked within 48 hours."""
    if not call.account["fan_service"]:
        raise Refused(10014)
    receiver, kind, data = call.need("receiver_id"), call.need("type"), call.need("data")
    if kind != "text":
        raise Refused(10008, "(type)")
    text = _text(data)
    if length(text) >= 300:
        raise Refused(20013)
    if not _open(state, call.account["id"], receiver):
        raise Refused(20301)
    if state.repeats(call.account["id"], f"message:{receiver}", text):
        raise Refused(20306)
    state.remember(call.account["id"], f"message:{receiver}", text)
    put_out(state, call.account["id"], receiver, text)
    sent = {"sender_id": call.account["id"], "receiver_id": receiver, "type": kind, "data": data}
    return {"result": True, **sent}


def _text(data: str) -> str:
    try:
        return str(json.loads(data if data.startswith("{") else unquote(data))["text"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(10008, "(data)") from error


def _open(state: State, account: str, person: str) -> bool:
    last = state.store.get("_windows", f"{account}:{person}")
    return last is not None and datetime.fromisoformat(last["at"]) > state.now() - WINDOW


def put_out(state: State, account: str, to: str, text: str) -> None:
    number = state.new_id()
    message = {"id": number, "account": account, "to": to, "text": text, "direction": "out"}
    state.store.put("messages", number, message | {"created_at": state.now().isoformat()})


def put_in(state: State, account: str, author: Record, text: str) -> str:
    """A person writes to the account: this opens the 48 hours."""
    number = state.new_id()
    message = {"id": number, "account": account, "author": author, "text": text, "direction": "in"}
    state.store.put("messages", number, message | {"created_at": state.now().isoformat()})
    open_window(state, account, author["id"])
    return number


def open_window(state: State, account: str, person: str) -> None:
    state.store.put("_windows", f"{account}:{person}", {"at": state.now().isoformat()})


def event(state: State, account: str, sender: str, kind: str, text: str, data: Record) -> Record:
    """One push body as the documentation shows it."""
    head = {"type": kind, "receiver_id": int(account), "sender_id": int(sender)}
    return head | {"created_at": stamp(state.now()), "text": text, "data": data}


class FanService(Pusher):
    """5 s for an answer, three tries; a passive reply in the answer goes out."""

    state: State

    def push(self, account: str, body: Record) -> None:
        """Send `body` to the account's callback, if it has one."""
        callback = self.state.store.get("webhooks", account)
        if callback is None:
            return
        raw = json.dumps(body, ensure_ascii=False).encode()
        secret = self.state.app(account)["app_secret"]
        self.start(
            Push(
                url=callback["url"],
                body=raw,
                sign=lambda _: Signed(query=signed(secret)),
                about={"account": account},
            )
        )

    async def check(self, account: str, url: str) -> bool:
        """The console's check of a callback: it must give `echostr` back."""
        echo = secrets.token_hex(8)
        query = signed(self.state.app(account)["app_secret"]) | {"echostr": echo}
        answer = await self.ask(url, query)
        return answer is not None and answer.status_code == httpx.codes.OK and answer.text == echo

    def heard(self, push: Push, answer: httpx.Response) -> None:
        try:
            body = answer.json()
            if body.get("result") is True and body.get("type") == "text":
                put_out(self.state, push.about["account"], str(body["receiver_id"]), _text(str(body["data"])))
        except (ValueError, KeyError, AttributeError, Refused):
            return  # anything but a well-formed passive reply means "received"
