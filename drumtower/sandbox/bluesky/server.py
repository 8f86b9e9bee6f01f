"""The Bluesky sandbox: a PDS and its AppView at one address."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.bluesky import identifiers
from drumtower.sandbox.bluesky.appview import AppView
from drumtower.sandbox.bluesky.limits import Limits
from drumtower.sandbox.bluesky.public import Public
from drumtower.sandbox.bluesky.repository import LARGEST_BLOB, Repository
from drumtower.sandbox.bluesky.sessions import SERVICE, Sessions
from drumtower.sandbox.bluesky.xrpc import (
    Call,
    Handler,
    Refused,
    answer,
    invalid,
    json_body,
    no_body,
    refusal,
)
from drumtower.sandbox.platform import SandboxPlatform

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"


class BlueskySandbox(SandboxPlatform):
    """XRPC over a Store. Not here: OAuth, video, chat (404 XRPCNotSupported), the firehose, moderation of content.

    Lexicons are checked for app.bsky.feed.post; records of other collections are kept unchecked ("unknown").
    """

    slug: ClassVar[str] = "bluesky"

    def routes(self) -> list[BaseRoute]:
        self._limits = Limits(now=self.now)
        self._sessions = Sessions(self.store, self.now)
        self._appview = AppView(self.store, self.now, self._sessions)
        self._repository = Repository(self.store, self.now, self._sessions, self._appview)
        self._public = Public(self.store, self.now, self._appview, self._repository, self._limits)
        return [
            Route("/xrpc/_health", self._health),
            Route("/xrpc/{method}", self._xrpc, methods=["GET", "POST"]),
        ]

    def control_routes(self) -> list[BaseRoute]:
        return self._public.routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        """Open an account; options: name (a handle, or what to make one of), email, followers, password.

        Returns its id (DID), and the identifier (handle) and app password that a channel needs.
        """
        handle = _handle(str(account.get("name") or f"brand{self.store.next_number('account')}"))
        did = identifiers.made_up_did(handle)
        password = str(account.get("password") or _app_password())
        email = str(account.get("email") or f"{handle.partition('.')[0]}@mail.test")
        record = {"id": did, "name": handle, "display_name": str(account.get("name") or ""), "email": email}
        status = {"followers": int(account.get("followers", 0)), "status": None}
        self.store.put("accounts", did, record | status)
        self.store.put("_logins", did, {"passwords": [password]})
        for identifier in (did, handle, email.lower()):
            self.store.put("_identifiers", identifier, {"did": did})
        return {"id": did, "identifier": handle, "password": password}

    async def _health(self, _: Request) -> JSONResponse:
        return JSONResponse({"version": "sandbox"})

    async def _xrpc(self, request: Request) -> Response:
        call = Call(request=request, method=request.path_params["method"], limits=self._limits)
        try:
            return answer(await self._answer(call), call.headers)
        except Refused as refused:
            return refusal(refused)

    async def _answer(self, call: Call) -> dict[str, Any] | None:
        handler = (self._queries() if call.request.method == "GET" else self._procedures()).get(call.method)
        if handler is None:
            return self._elsewhere(call)
        if call.method not in _OPEN:
            self._sessions.authorize(call)
        if call.method in _WITHOUT_BODY:
            await no_body(call.request)
        elif call.request.method == "POST" and call.method != "com.atproto.repo.uploadBlob":
            call.body = await json_body(call.request)
        if call.method not in _BUDGETED:
            call.draw()
        return await handler(call)

    def _queries(self) -> dict[str, Handler]:
        return {
            "com.atproto.server.describeServer": self._describe,
            "com.atproto.server.getSession": self._sessions.get,
            "com.atproto.identity.resolveHandle": self._resolve,
            "com.atproto.repo.getRecord": self._repository.get,
            "com.atproto.repo.listRecords": self._repository.list,
            "app.bsky.notification.listNotifications": self._appview.notifications,
            "app.bsky.feed.getPosts": self._appview.posts,
            "app.bsky.feed.getAuthorFeed": self._appview.author_feed,
            "app.bsky.actor.getProfile": self._appview.profile,
        }

    def _procedures(self) -> dict[str, Handler]:
        return {
            "com.atproto.server.createSession": self._sessions.create,
            "com.atproto.server.refreshSession": self._sessions.refresh,
            "com.atproto.server.deleteSession": self._sessions.delete,
            "com.atproto.repo.putRecord": self._repository.put,
            "com.atproto.repo.createRecord": self._repository.create,
            "com.atproto.repo.deleteRecord": self._repository.delete,
            "com.atproto.repo.uploadBlob": self._repository.upload,
        }

    def _elsewhere(self, call: Call) -> dict[str, Any]:
        # A PDS hands every method that it does not know to another service, in the account's name.
        self._sessions.authorize(call)
        if call.method.startswith("chat."):
            raise Refused(404, "XRPCNotSupported", "XRPCNotSupported")
        raise Refused(501, "MethodNotImplemented", "Method Not Implemented")

    async def _describe(self, _: Call) -> dict[str, Any]:
        open_to = {"availableUserDomains": [".test"], "inviteCodeRequired": False}
        return {"did": SERVICE, **open_to, "blobUploadLimit": LARGEST_BLOB, "links": {}, "contact": {}}

    async def _resolve(self, call: Call) -> dict[str, Any]:
        account = self._sessions.account(call.parameter("handle"))
        if account is None:
            raise invalid("Unable to resolve handle")
        return {"did": account["id"]}


_WITHOUT_BODY = {"com.atproto.server.refreshSession", "com.atproto.server.deleteSession"}
# Methods that draw on a budget of their own, and on the one per address with it.
_BUDGETED = {
    "com.atproto.server.createSession",
    "com.atproto.repo.putRecord",
    "com.atproto.repo.createRecord",
    "com.atproto.repo.deleteRecord",
    "com.atproto.repo.uploadBlob",
}
# Methods that ask for no access token: open to all, or with a token of their own.
_OPEN = {
    *_WITHOUT_BODY,
    "com.atproto.server.createSession",
    "com.atproto.server.describeServer",
    "com.atproto.identity.resolveHandle",
    "com.atproto.repo.getRecord",
    "com.atproto.repo.listRecords",
}


def _handle(name: str) -> str:
    if identifiers.HANDLE.fullmatch(name):
        return name.lower()
    # A name in Chinese leaves no letters: its own digest keeps handles apart.
    return (re.sub(r"[^a-z0-9]+", "", name.lower()) or identifiers.made_up_did(name)[-8:]) + ".test"


def _app_password() -> str:
    return "-".join("".join(secrets.choice(_DIGITS) for _ in range(4)) for _ in range(4))
