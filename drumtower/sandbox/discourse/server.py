"""The Discourse sandbox's endpoints: keys, bodies and error envelopes as Discourse has them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.discourse import reading, writing
from drumtower.sandbox.discourse.control import Control
from drumtower.sandbox.discourse.state import State
from drumtower.sandbox.discourse.webhooks import WebHooks
from drumtower.sandbox.discourse.wire import Call, Invalid, Refused, envelope
from drumtower.sandbox.platform import SandboxPlatform

Endpoint = Callable[[State, Call], Awaitable[Any]]
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("GET", "/about.json"): reading.about,
    ("GET", "/u/{username}.json"): reading.user,
    ("GET", "/t/{id:int}/posts.json"): reading.topic_posts,
    ("GET", "/t/{id:int}.json"): reading.topic,
    ("GET", "/t/{slug}/{id:int}.json"): reading.topic,
    ("GET", "/posts/{id:int}.json"): reading.post,
    ("GET", "/posts/{username}/pending.json"): writing.pending,
    ("GET", "/topics/created-by/{username}.json"): reading.created_by,
    ("POST", "/posts.json"): writing.create,
    ("POST", "/uploads.json"): writing.upload,
    ("DELETE", "/t/{id:int}.json"): writing.destroy,
}


class DiscourseSandbox(SandboxPlatform):
    """A forum with an API key an account. Not here: private messages, following, edits, scopes of keys, search.

    Site settings and moods: `POST control/settings` (state.DEFAULTS).
    """

    slug: ClassVar[str] = "discourse"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = WebHooks(self.state)
        listed = [
            Route(path, self._endpoint(endpoint), methods=[method])
            for (method, path), endpoint in ENDPOINTS.items()
        ]
        return [Route("/t/external_id/{key}.json", self._moved), *listed]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    def _endpoint(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                answered = await endpoint(self.state, await self._read(request))
            except Refused as refused:
                return envelope(refused)
            except Invalid as invalid:
                return JSONResponse({"errors": [str(invalid)]}, status_code=422)
            if answered is None:
                return Response(status_code=200)  # a deletion has no words
            refused_text = isinstance(answered, dict) and "errors" in answered
            return JSONResponse(answered, status_code=422 if refused_text else 200)

        return answer

    async def _moved(self, request: Request) -> Response:
        """Lead to the topic that has this key; one that is taken down is not found."""
        try:
            call = await self._read(request)
            key = str(call.parameters["key"]).lower()
            rows = [row for row in self.store.all("posts") if row["external_id"] and not row["deleted"]]
            topic = next((row for row in rows if row["external_id"].lower() == key), None)
            if topic is None:
                raise Refused("not_found")
        except Refused as refused:
            return envelope(refused)
        return RedirectResponse(f"{call.root}/t/{topic['slug']}/{topic['id']}.json", status_code=301)

    async def _read(self, request: Request) -> Call:
        headers = request.headers
        account = self.state.authorised(headers.get("api-key", ""), headers.get("api-username", ""))
        self.state.spend(account, "api", self.state.settings()["max_admin_api_reqs_per_minute"], 60)
        body, file = await _body(request)
        query = request.query_params
        return Call(
            account=account,
            parameters={**dict(query), **body, **request.path_params},
            lists={name: query.getlist(name) for name in query},
            file=file,
            root=str(request.base_url).rstrip("/"),
        )


async def _body(request: Request) -> tuple[dict[str, Any], tuple[str, bytes] | None]:
    """JSON or a form, as Discourse takes either."""
    if request.method != "POST":
        return {}, None
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise Refused("invalid_parameters", "no JSON") from error
        return (body if isinstance(body, dict) else {}), None
    fields: dict[str, Any] = {}
    file = None
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                file = (value.filename or "file", await value.read())
            else:
                fields[name] = value
    return fields, file
