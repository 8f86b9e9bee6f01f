"""The Kuaishou sandbox's endpoints: HTTP 200 for errors too, `result` 1 for success, the token in every query.

Not here, because it does not exist on the platform: comments, messages, pictures, edits, followers' character.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.kuaishou.control import Control
from drumtower.sandbox.kuaishou.pushes import EventPusher
from drumtower.sandbox.kuaishou.signing import SignIn
from drumtower.sandbox.kuaishou.state import Refused, State
from drumtower.sandbox.kuaishou.uploads import LARGEST, Uploads
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record

LONGEST_CAPTION, MOST_LISTED = 500, 200
Endpoint = Callable[[Request, Record], Awaitable[Record]]


class KuaishouSandbox(SandboxPlatform):
    """Kuaishou with one app for each account; switches: `POST control/settings` (state.DEFAULTS)."""

    slug: ClassVar[str] = "kuaishou"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher, self.uploads = EventPusher(self.state), Uploads(self.state)
        calls: dict[str, tuple[str, str, Endpoint]] = {
            "user_info": ("GET", "user_info", self._person),
            "photo/start_upload": ("POST", "user_video_publish", self._begin),
            "photo/publish": ("POST", "user_video_publish", self._publish),
            "photo/info": ("GET", "user_video_info", self._info),
            "photo/list": ("GET", "user_video_info", self._list),
            "photo/count": ("GET", "user_video_info", self._count),
            "photo/delete": ("POST", "user_video_delete", self._delete),
        }
        listed = [
            Route(f"/openapi/{name}", self._endpoint(name, scope, endpoint), methods=[method])
            for name, (method, scope, endpoint) in calls.items()
        ]
        return [*SignIn(self.state).routes(), *self.uploads.routes(), *listed]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _endpoint(
        self, name: str, scope: str, endpoint: Endpoint
    ) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            query = request.query_params
            try:
                token, app = query.get("access_token", ""), query.get("app_id", "")
                account = self.state.authorised(token, app, scope)
                self.state.spend(account["id"], name)
                return JSONResponse({"result": 1, **await endpoint(request, account)})
            except Refused as refused:
                return refused.answer()

        return respond

    async def _person(self, _: Request, account: Record) -> Record:
        person = {"name": account["name"], "sex": "F", "fan": account["followers"], "follow": 20}
        return {"user_info": person | {"head": "https://cdn.kuaishou.example/h.jpg", "city": "北京"}}

    async def _begin(self, request: Request, account: Record) -> Record:
        """Name the upload host: this one, wherever it is mounted."""
        host = request.url.netloc + request.scope.get("root_path", "")
        return {"upload_token": self.uploads.begin(account["id"]), "endpoint": host}

    async def _publish(self, request: Request, account: Record) -> Record:
        async with request.form() as form:
            cover, caption = form.get("cover"), str(form.get("caption") or "")
            picture = await cover.read() if isinstance(cover, UploadFile) else b""
            about = {name: form.get(name) for name in ("stereo_type", "merchant_product_id")}
        if not picture.startswith((b"\xff\xd8\xff", b"\x89PNG")) or len(picture) > LARGEST:
            raise Refused(100100400, "cover")
        if not caption.strip() or len(caption) > LONGEST_CAPTION:
            raise Refused(100100400, "caption")
        upload = self.uploads.take(request.query_params.get("upload_token", ""), account["id"])
        photo = f"3x{self.store.next_number('photo', 78_364_164_096):x}"
        post: Record = {"id": photo, "account": account["id"], "text": caption, "digest": upload["digest"]}
        post |= {"created_at": self.now().isoformat(), "deleted": False, **about}
        post |= dict.fromkeys(("likes", "comments", "reads"), 0)
        self.store.put("posts", photo, post)
        return {"video_info": self.state.video_info(post)}

    def _own(self, request: Request, account: Record) -> Record:
        photo = request.query_params.get("photo_id", "")
        found = next((one for one in self.state.own(account["id"]) if one["id"] == photo), None)
        if found is None or self.state.age(found) < self.state.settings()["unknown_seconds"]:
            raise Refused(100120001)
        return found

    async def _info(self, request: Request, account: Record) -> Record:
        return {"video_info": self.state.video_info(self._own(request, account))}

    async def _list(self, request: Request, account: Record) -> Record:
        """The page below the video that `cursor` names."""
        rows, cursor = self.state.own(account["id"]), request.query_params.get("cursor")
        count = int(request.query_params.get("count", "20"))
        if count > MOST_LISTED:
            raise Refused(100100400, "count")
        if cursor:
            ids = [one["id"] for one in rows]
            rows = rows[ids.index(cursor) + 1 :] if cursor in ids else []
        return {"video_list": [self.state.video_info(one) for one in rows[:count]]}

    async def _count(self, _: Request, account: Record) -> Record:
        count = len(self.state.own(account["id"]))
        return {"public_count": count, "private_count": 0, "friend_count": 0, "all_count": count}

    async def _delete(self, request: Request, account: Record) -> Record:
        post = self._own(request, account)
        self.store.put("posts", post["id"], post | {"deleted": True})
        return {}
