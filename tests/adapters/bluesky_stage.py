"""A Bluesky server under test, ours or a real one, and a caller with a session on it."""

import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from drumtower.http import client

POST = "app.bsky.feed.post"
# One red pixel; a PDS reads pictures far enough to break over one that is cut short.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_KEY_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
ABSENT_CID = "bafyreihffx5a2e7k5uwrmmgofbvzujc5cmw5h4espouwuxt3liqoflx3ee"

Answer = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with an app password."""

    did: str
    handle: str
    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server under test; `open` opens an account with the given short name."""

    url: str
    http: httpx.AsyncClient
    open: Callable[[str], Awaitable[Account]]


@dataclass(slots=True, kw_only=True)
class Caller:
    """Calls one server with one token."""

    server: Server
    account: Account
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, method: str, **parameters: str) -> httpx.Response:
        url = f"{self.server.url}/xrpc/{method}"
        return await self.server.http.get(url, params=parameters, headers=self.headers)

    async def post(self, method: str, **request: Any) -> httpx.Response:
        headers = {**self.headers, **request.pop("headers", {})}
        url = f"{self.server.url}/xrpc/{method}"
        return await self.server.http.post(url, headers=headers, **request)

    async def put(self, rkey: str, record: Any, *, collection: str = POST, **more: Any) -> httpx.Response:
        place = {"repo": self.account.did, "collection": collection, "rkey": rkey}
        return await self.post("com.atproto.repo.putRecord", json={**place, "record": record, **more})

    async def delete(self, rkey: str) -> httpx.Response:
        place = {"repo": self.account.did, "collection": POST, "rkey": rkey}
        return await self.post("com.atproto.repo.deleteRecord", json=place)

    async def record(self, rkey: str) -> httpx.Response:
        place = {"repo": self.account.did, "collection": POST, "rkey": rkey}
        return await self.get("com.atproto.repo.getRecord", **place)

    async def upload(self, data: bytes, content_type: str = "image/png") -> dict[str, Any]:
        sent = await self.post(
            "com.atproto.repo.uploadBlob", content=data, headers={"Content-Type": content_type}
        )
        assert sent.status_code == 200, sent.text
        reference: dict[str, Any] = sent.json()["blob"]
        return reference


def key() -> str:
    """A record key of this moment."""
    number = time.time_ns() // 1000 << 10
    return "".join(_KEY_DIGITS[(number >> shift) & 31] for shift in range(60, -1, -5))


def post(text: Any = "hi", **more: Any) -> dict[str, Any]:
    """A post of a fixed date."""
    return {"$type": POST, "text": text, "createdAt": "2026-01-01T00:00:00.000Z", **more}


def refusal(response: httpx.Response) -> Answer:
    """The status and name of an error; its text must be there."""
    body = response.json()
    assert isinstance(body["message"], str)
    return response.status_code, body["error"]


def part(token: str, index: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a JWT."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[index] + "=="))
    return found


class ContractStage:
    """Fixtures: a server, an account on it, and a caller with a session."""

    @pytest.fixture
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with client(allow_private=True) as made:
            yield made

    @pytest.fixture
    def server(self) -> Server:
        raise NotImplementedError

    @pytest.fixture
    async def account(self, server: Server) -> Account:
        return await server.open(f"a{time.time_ns() % 10**12}")

    @pytest.fixture
    async def caller(self, server: Server, account: Account) -> Caller:
        caller = Caller(server=server, account=account)
        session = await log_in(caller)
        caller.headers["Authorization"] = f"Bearer {session['accessJwt']}"
        return caller


async def log_in(caller: Caller, identifier: str | None = None) -> dict[str, Any]:
    """Open a session with the app password."""
    account = caller.account
    body = {"identifier": identifier or account.handle, "password": account.password}
    answer = await caller.post("com.atproto.server.createSession", json=body, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session
