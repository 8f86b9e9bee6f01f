"""The LinkedIn sandbox's endpoints: both version headers, escaped URNs, tokens, roles and error envelopes.

Not here: video, documents, polls, reshares, edits, reactions, mentions in comments, event subscriptions (the control
plane registers a webhook).
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.linkedin import images, notifications, pages, posts, social
from drumtower.sandbox.linkedin.control import Control
from drumtower.sandbox.linkedin.pushes import PagePusher
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Call, Refused, envelope, invalid, read_query
from drumtower.sandbox.platform import SandboxPlatform

Endpoint = Callable[[State, Call], Awaitable[Any]]
# By path, then by method.
ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/rest/posts": {"POST": posts.create, "GET": posts.by_author},
    "/rest/posts/{urn}": {"GET": posts.read, "DELETE": posts.delete},
    "/rest/images": {"POST": images.begin},
    "/rest/images/{urn}": {"GET": images.read},
    "/rest/socialActions/{urn}/comments": {"GET": social.listed, "POST": social.create},
    "/rest/organizationAcls": {"GET": pages.roles},
    "/rest/organizations/{urn}": {"GET": pages.organization},
    "/rest/organizationalEntityShareStatistics": {"GET": pages.share_statistics},
    "/rest/organizationalEntityFollowerStatistics": {"GET": pages.follower_statistics},
    "/rest/organizationalEntityNotifications": {"GET": notifications.by_criteria},
    "/rest/networkSizes/{urn}": {"GET": pages.network_size},
    "/v2/userinfo": {"GET": pages.userinfo},
}


class LinkedInSandbox(SandboxPlatform):
    """LinkedIn with one app for each page or member; switches: `POST control/settings` (state.DEFAULTS)."""

    slug: ClassVar[str] = "linkedin"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = PagePusher(self.state)
        methods = ["GET", "POST", "PUT", "DELETE"]
        listed = [Route(path, self._endpoint(path), methods=methods) for path in ENDPOINTS]
        upload = Route("/dms-uploads/{name}/{part}", self._upload, methods=["PUT"])
        signing_in = self.state.oauth.routes("/oauth/v2/authorization", "/oauth/v2/accessToken")
        return [*listed, upload, *signing_in, Route("/rest/{rest:path}", _unknown, methods=methods)]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _endpoint(self, path: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                endpoint = ENDPOINTS[path].get(request.method)
                if endpoint is None:
                    raise Refused(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed here")
                found = await endpoint(self.state, await self._read(request))
                return found if isinstance(found, Response) else JSONResponse(found)
            except Refused as refused:
                return envelope(refused)

        return answer

    async def _read(self, request: Request) -> Call:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(401, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token", number=65604)
        record = self.state.authorised(token)
        if request.url.path.rpartition("/rest/")[1]:
            self._check_headers(request)
        if b"urn:li:" in request.scope.get("raw_path", b""):
            raise invalid("URNs in a path are escaped", "ILLEGAL_ARGUMENT")
        return Call(
            request=request,
            token=record,
            query=read_query(request.scope["query_string"].decode("latin-1")),
            body=await _json(request),
            urn=request.path_params.get("urn", ""),
        )

    def _check_headers(self, request: Request) -> None:
        version, settings = request.headers.get("linkedin-version", ""), self.state.settings()
        if not version:
            raise Refused(400, "VERSION_MISSING", "A version must be present. Please specify a version")
        if not settings["oldest_version"] <= version <= settings["newest_version"]:
            raise Refused(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        if request.headers.get("x-restli-protocol-version") != "2.0.0":
            raise invalid("X-Restli-Protocol-Version must be 2.0.0", "ILLEGAL_ARGUMENT")

    async def _upload(self, request: Request) -> Response:
        try:
            return await images.put(self.state, request)
        except Refused as refused:
            return envelope(refused)


async def _json(request: Request) -> Any:
    raw = await request.body()
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


async def _unknown(request: Request) -> Response:
    return envelope(Refused(404, "RESOURCE_NOT_FOUND", f"No virtual resource found for {request.url.path}"))
