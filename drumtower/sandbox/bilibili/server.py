"""The Bilibili sandbox's endpoints: HTTP 200 for errors too, every call but the bytes of a video signed.

Not here: articles, edits, pulling by address, the share flow, live rooms, and what the platform does not have (comments,
messages, dynamics). UNVERIFIED and chosen here: that a part sent twice replaces the first, that `complete` may be repeated.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.bilibili import archives
from drumtower.sandbox.bilibili.control import Control
from drumtower.sandbox.bilibili.pushes import EventPusher
from drumtower.sandbox.bilibili.signing import SignIn, app_of_call
from drumtower.sandbox.bilibili.state import Refused, State, wrapped
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record

# What one call is given: the query and the JSON body, under one name each.
Endpoint = Callable[[Record, Record], Any]


class BilibiliSandbox(SandboxPlatform):
    """Bilibili with one app for each account; switches: `POST control/settings` (state.DEFAULTS)."""

    slug: ClassVar[str] = "bilibili"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = EventPusher(self.state)
        signed = [
            Route(f"/arcopen/fn/{name}", self._endpoint(scope, endpoint), methods=[method])
            for name, (method, scope, endpoint) in self._calls().items()
        ]
        upload = Route("/video/v2/part/upload", self._part, methods=["POST"])
        return [*SignIn(self.state).routes(), upload, *signed]

    def _calls(self) -> dict[str, tuple[str, str, Endpoint]]:
        state = self.state
        return {
            "user/account/info": ("GET", "USER_INFO", self._person),
            "user/account/scopes": ("GET", "USER_INFO", self._scopes),
            "archive/video/init": (
                "POST",
                "ARC_BASE",
                lambda account, asked: archives.begin(state, account, asked),
            ),
            "archive/video/complete": (
                "POST",
                "ARC_BASE",
                lambda account, asked: archives.complete(state, account, _token(asked)),
            ),
            "archive/cover/upload": ("POST", "ARC_BASE", lambda _, asked: archives.take_cover(asked["file"])),
            "archive/add-by-utoken": (
                "POST",
                "ARC_BASE",
                lambda account, asked: archives.submit(state, account, _token(asked), asked),
            ),
            "archive/view": (
                "GET",
                "ARC_BASE",
                lambda account, asked: archives.shown(
                    state.archive(account["id"], str(asked.get("resource_id")))
                ),
            ),
            "archive/viewlist": (
                "GET",
                "ARC_BASE",
                lambda account, asked: archives.listed(state, account, int(asked["pn"]), int(asked["ps"])),
            ),
            "archive/delete": (
                "POST",
                "ARC_BASE",
                lambda account, asked: archives.delete(state, account, str(asked.get("resource_id"))),
            ),
            "data/user/stat": ("GET", "USER_DATA", self._own_stat),
            "data/arc/stat": (
                "GET",
                "ARC_DATA",
                lambda account, asked: archives.stat(state, account, str(asked.get("resource_id"))),
            ),
        }

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _endpoint(self, scope: str, endpoint: Endpoint) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            body = await request.body()
            try:
                app = app_of_call(self.state, request, body)
                account = self.state.authorised(request.headers.get("access-token", ""), app, scope)
                for ended in self.state.review():
                    self.pusher.reviewed(ended)
                return JSONResponse(wrapped(endpoint(account, await _asked(request, body))))
            except Refused as refused:
                return refused.answer()

        return respond

    async def _part(self, request: Request) -> Response:
        """The upload host: nothing but the upload token is asked for."""
        query = request.query_params
        try:
            token, number = query.get("upload_token", ""), query.get("part_number", "")
            return JSONResponse(wrapped(archives.take_part(self.state, token, number, await request.body())))
        except Refused as refused:
            return refused.answer()

    def _person(self, account: Record, _: Record) -> Record:
        return {"name": account["name"], "face": "https://i0.hdslb.example/f.jpg", "openid": account["id"]}

    def _scopes(self, account: Record, _: Record) -> Record:
        return {"openid": account["id"], "scopes": account["scopes"].split(",")}

    def _own_stat(self, account: Record, _: Record) -> Record:
        passed = [one for one in self.store.all("posts") if one["account"] == account["id"]]
        return {"following": 7, "follower": account["followers"], "arc_passed_total": len(passed)}


async def _asked(request: Request, body: bytes) -> Record:
    """Return what a call says, wherever it says it."""
    query = dict(request.query_params)
    if request.headers["content-type"].startswith("multipart/"):
        async with request.form() as form:
            file = form.get("file")
            return query | {"file": await file.read() if isinstance(file, UploadFile) else b""}
    try:
        said = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused(4000, "body") from error
    return query | said if isinstance(said, dict) else query


def _token(asked: Record) -> str:
    return str(asked.get("upload_token", ""))
