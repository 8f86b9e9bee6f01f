"""What WeChat pushes: plain, compatible or safe mode, an answer within 5 s, three tries, always the same MsgId."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx

from drumtower.http import client
from drumtower.sandbox.sealed import cdata, encrypt, sign
from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.ground import Ground

PATIENCE = httpx.Timeout(5.0)
TRIES = 3
PAUSE = 1.0  # seconds before the next try where the receiver fails at once
WAITING, DONE, GIVEN_UP = "waiting", "done", "given_up"
MODES = ("plain", "compatible", "safe")


def envelope(
    xml: str, secret: Mapping[str, str], mode: str, at: datetime, openid: str = ""
) -> tuple[dict[str, str], bytes]:
    """Return the query and the body of one push."""
    timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
    query = {"signature": sign(secret["token"], timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    if openid:
        query["openid"] = openid
    if mode == "plain":
        return query, xml.encode()
    sealed = encrypt(xml, secret["encoding_aes_key"], secret["app_id"], secrets.token_bytes(16))
    query |= {"encrypt_type": "aes", "msg_signature": sign(secret["token"], timestamp, nonce, sealed)}
    if mode == "compatible":
        return query, xml.replace("</xml>", cdata("Encrypt", sealed) + "</xml>").encode()
    return query, f"<xml>{cdata('ToUserName', secret['account'])}{cdata('Encrypt', sealed)}</xml>".encode()


class Callbacks:
    """The pushes and where they go."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.store = ground.store
        self._pending = {push["id"] for push in self.store.all("pushes") if push["state"] == WAITING}

    def wake(self) -> None:
        """Go on with the pushes that the store says are not done."""
        for push_id in list(self._pending):
            self._start(push_id)

    async def set(self, account: str, url: str, mode: str) -> str | None:
        """Check the address as the settings page does, then keep it; return what is wrong, None where it is right."""
        secret = self._secret(account)
        if mode not in MODES or (mode != "plain" and not secret["encoding_aes_key"]):
            return f"mode must be one of {MODES}, and a key is needed to encrypt"
        echo = str(secrets.randbelow(10**19))
        query, _ = envelope("", secret, "plain", datetime.now(UTC))
        try:
            async with client(allow_private=True) as http:
                answer = await http.get(_with(url, {**query, "echostr": echo}), timeout=PATIENCE)
        except httpx.HTTPError as error:
            return f"no answer: {type(error).__name__}"
        if answer.status_code != httpx.codes.OK or answer.text != echo:
            return f"HTTP {answer.status_code} without the echostr"
        self.keep(account, url, mode)
        return None

    def keep(self, account: str, url: str, mode: str) -> None:
        self.store.put("_callbacks", account, {"url": url, "mode": mode})

    def push(self, account: str, push_id: str, xml: str, openid: str = "") -> None:
        """Push `xml` to the account's address, if it has one."""
        if self.store.get("_callbacks", account) is None:
            return
        push = {"id": push_id, "account": account, "xml": xml, "openid": openid, "tries": 0, "state": WAITING}
        self.store.put("pushes", push_id, push)
        self._pending.add(push_id)
        self._start(push_id)

    def _start(self, push_id: str) -> None:
        self.ground.timers.start(f"push {push_id}", lambda: self._deliver(push_id))

    async def _deliver(self, push_id: str) -> None:
        push = self.store.get("pushes", push_id)
        while push is not None and push["state"] == WAITING:
            answered = await self._try(push)
            tries = push["tries"] + 1
            state = DONE if answered else GIVEN_UP if tries >= TRIES else WAITING
            push = {**push, "tries": tries, "state": state}
            self.store.put("pushes", push_id, push)
            if state == WAITING:
                await asyncio.sleep(PAUSE)
        self._pending.discard(push_id)

    async def _try(self, push: Record) -> bool:
        target = self.store.get("_callbacks", push["account"])
        if target is None:
            return False
        # Signed with the real clock: the receiver's own decides what is stale.
        query, body = envelope(
            push["xml"], self._secret(push["account"]), target["mode"], datetime.now(UTC), push["openid"]
        )
        headers = {"Content-Type": "text/xml"}
        try:
            async with client(allow_private=True) as http:
                url = _with(target["url"], query)
                answer = await http.post(url, content=body, headers=headers, timeout=PATIENCE)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.text in ("", "success")

    def _secret(self, account: str) -> Record:
        secret = self.store.get("_secrets", account)
        assert secret is not None
        return secret


def _with(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
