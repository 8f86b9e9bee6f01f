"""The Douyin sandbox's endpoints: HTTP 200 for errors too, tokens by scope, ids that must be escaped.

Not here: mini-programs, hand-off by share link, star and hot lists, group chats.
UNVERIFIED and chosen here: what a message to a stranger is answered (28001012), the form of the event list.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.douyin import audience, posts, talk
from drumtower.sandbox.douyin.control import Control
from drumtower.sandbox.douyin.pushes import EventPusher
from drumtower.sandbox.douyin.signing import SignIn
from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import Call, Refused, answer
from drumtower.sandbox.platform import SandboxPlatform

Endpoint = Callable[[State, Call], Awaitable[Any]]
_VIDEO = "/api/douyin/v1/video"
# Method, path -> scope, endpoint.
ENDPOINTS: dict[tuple[str, str], tuple[str, Endpoint]] = {
    ("POST", f"{_VIDEO}/upload_image/"): ("video.create.bind", posts.upload_image),
    ("POST", f"{_VIDEO}/upload_video/"): ("video.create.bind", posts.upload_video),
    ("POST", f"{_VIDEO}/init_video_part_upload/"): ("video.create.bind", posts.begin_parts),
    ("POST", f"{_VIDEO}/upload_video_part/"): ("video.create.bind", posts.upload_part),
    ("POST", f"{_VIDEO}/complete_video_part_upload/"): ("video.create.bind", posts.complete_parts),
    ("POST", f"{_VIDEO}/create_video/"): ("video.create.bind", posts.create_video),
    ("POST", f"{_VIDEO}/create_image_text/"): ("video.create.bind", posts.create_image_text),
    ("GET", f"{_VIDEO}/video_list/"): ("video.list.bind", posts.video_list),
    ("POST", f"{_VIDEO}/video_data/"): ("video.data.bind", posts.video_data),
    ("GET", "/item/comment/list/"): ("item.comment", talk.comments),
    ("GET", "/item/comment/reply/list/"): ("item.comment", talk.answers),
    ("POST", "/item/comment/reply/"): ("item.comment", talk.reply),
    ("POST", "/im/send/msg/"): ("im.direct_message", talk.send_message),
    ("GET", "/data/external/user/fans/"): ("data.external.user", talk.fans),
    ("GET", "/api/douyin/v1/user/fans_data/"): ("fans.data.bind", audience.fans_data),
}
EVENTS = ("im_receive_msg", "item_comment_reply", "unauthorize")


class DouyinSandbox(SandboxPlatform):
    """Douyin with one app for each account; switches: `POST control/settings` (state.DEFAULTS)."""

    slug: ClassVar[str] = "douyin"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = EventPusher(self.state)
        listed = [
            Route(path, self._endpoint(scope, endpoint), methods=[method])
            for (method, path), (scope, endpoint) in ENDPOINTS.items()
        ]
        return [*SignIn(self.state).routes(), Route("/event/status/list/", self._events), *listed]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _endpoint(self, scope: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            settings, now = self.state.settings(), self.now()
            try:
                found = await endpoint(self.state, await self._read(request, scope))
            except Refused as refused:
                return answer({}, now, settings, code=refused.code, said=str(refused))
            return answer(found, now, settings)

        return respond

    async def _read(self, request: Request, scope: str) -> Call:
        query = request.query_params
        token = request.headers.get("access-token", "")
        account = self.state.authorised(token, query.get("open_id", ""), scope)
        if not request.headers.get("content-type", "").startswith("multipart/"):
            return Call(account=account, query=query, body=_json(await request.body()))
        async with request.form() as form:
            file = form.get("image") or form.get("video")
            if not isinstance(file, UploadFile):
                raise Refused(2100005, "file")
            return Call(
                account=account, query=query, body={}, file=(file.content_type or "", await file.read())
            )

    async def _events(self, request: Request) -> JSONResponse:
        """Which events the app is told, by its own token."""
        token = request.headers.get("access-token", "")
        live = [one for one in self.store.all("_app_tokens") if one["token"] == token]
        settings = self.state.settings()
        if not live or self.state.is_over(live[0]):
            return answer({}, self.now(), settings, code=2190002, said="access_token无效")
        account = self.state.app(live[0]["app"])["account"]
        status = 1 if self.store.get("webhooks", account) else 0
        rows = [{"event": event, "status": status} for event in EVENTS]
        return answer({"list": rows}, self.now(), settings)


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused(2100005, "body") from error
    return read if isinstance(read, dict) else {}
