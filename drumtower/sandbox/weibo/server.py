"""The Weibo sandbox's endpoints: methods, tokens, bodies and error envelopes as documented."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo import accounts, comments, messages, statuses
from drumtower.sandbox.weibo.control import Control
from drumtower.sandbox.weibo.messages import FanService
from drumtower.sandbox.weibo.state import State
from drumtower.sandbox.weibo.wire import Call, Picture, Refused, envelope

Endpoint = Callable[[State, Call], Awaitable[Any]]

_GET, _POST, _ANY = ("GET",), ("POST",), ("GET", "POST")
BODY_LIMIT = 16 * 1024 * 1024
ENDPOINTS: dict[str, tuple[tuple[str, ...], Endpoint]] = {
    "/2/statuses/share.json": (_POST, statuses.share),
    "/2/statuses/user_timeline.json": (_GET, statuses.user_timeline),
    "/2/statuses/show.json": (_GET, statuses.show),
    "/2/statuses/count.json": (_GET, statuses.count),
    "/2/statuses/mentions.json": (_GET, statuses.mentions),
    "/2/statuses/destroy.json": (_POST, statuses.destroy),
    "/2/comments/to_me.json": (_GET, comments.to_me),
    "/2/comments/by_me.json": (_GET, comments.by_me),
    "/2/comments/show.json": (_GET, comments.show),
    "/2/comments/create.json": (_POST, comments.create),
    "/2/comments/reply.json": (_POST, comments.reply),
    "/2/comments/destroy.json": (_POST, comments.destroy),
    "/2/users/show.json": (_GET, accounts.users_show),
    "/2/short_url/expand.json": (_GET, statuses.expand),
    "/2/account/rate_limit_status.json": (_GET, accounts.rate_limit_status),
    "/2/messages/reply.json": (_POST, messages.reply),
    "/oauth2/get_token_info": (_POST, accounts.token_info),
    "/oauth2/revokeoauth2": (_ANY, accounts.revoke),
}


class WeiboSandbox(SandboxPlatform):
    """A Weibo with one normal audited app an account; switches: `POST control/settings` (state.DEFAULTS)."""

    slug: ClassVar[str] = "weibo"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = FanService(self.state)
        listed = [Route(path, self._endpoint(path), methods=["GET", "POST"]) for path in ENDPOINTS]
        sign_in = [
            Route("/oauth2/authorize", self._authorize),
            Route("/oauth2/access_token", self._access_token, methods=["POST"]),
        ]
        return [*listed, *sign_in, Route("/2/{rest:path}", self._not_found, methods=["GET", "POST"])]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return accounts.open_account(self.state, account)

    def _endpoint(self, path: str) -> Callable[[Request], Awaitable[Response]]:
        methods, endpoint = ENDPOINTS[path]

        async def answer(request: Request) -> Response:
            try:
                if request.method not in methods:
                    raise Refused(10021)
                return JSONResponse(await endpoint(self.state, await self._read(request)))
            except Refused as refused:
                return self._refuse(path, refused)

        return answer

    def _refuse(self, path: str, refused: Refused) -> JSONResponse:
        # REST paths are reported with their suffix, as in the documentation's examples.
        return envelope(path, refused, as_text=self.state.settings()["string_codes"])

    async def _read(self, request: Request) -> Call:
        if int(request.headers.get("content-length", "0")) > BODY_LIMIT:
            raise Refused(10018)
        items, picture = list(request.query_params.multi_items()), None
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    picture = Picture(content_type=value.content_type or "", data=await value.read())
                else:
                    items.append((name, value))
        params = ImmutableMultiDict(items)
        if "pic" in params:
            raise Refused(20007)
        account = self.state.authorised(_token(request, params))
        day = f"{self.now():%Y%m%d}"
        if not self.state.spend(account["id"], "calls", account["calls_per_day"], day):
            raise Refused(10023)
        return Call(account=account, params=params, picture=picture)

    async def _authorize(self, request: Request) -> Response:
        try:
            return RedirectResponse(accounts.consent(self.state, dict(request.query_params)), status_code=302)
        except Refused as refused:
            return self._refuse("/oauth2/authorize", refused)

    async def _access_token(self, request: Request) -> Response:
        async with request.form() as form:
            given: Record = dict(request.query_params) | dict(form)
        try:
            return JSONResponse(accounts.exchange(self.state, given))
        except Refused as refused:
            return self._refuse("/oauth2/access_token", refused)

    async def _not_found(self, request: Request) -> Response:
        return self._refuse(request.url.path, Refused(10020))


def _token(request: Request, params: ImmutableMultiDict[str, str]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "oauth2" else params.get("access_token", "")
