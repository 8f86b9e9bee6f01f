"""The route class of every feature: strict bodies, known parameters only, and answers that a repeat replays."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import TypeAdapter
from starlette.types import Message, Receive

from drumtower.domain.errors import TooLarge
from drumtower.settings import Settings
from services.api import strict
from services.api.editing import Edit
from services.api.idempotency import Idempotency
from services.api.principals import authenticate
from services.api.problems import responses

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


# A form is a little larger than the file in it.
FORM_OVERHEAD = 64 * 1024
# A larger body is read beside the loop, so that others are answered meanwhile.
LARGE = 1024 * 1024


class StrictRequest(Request):
    """A request whose JSON has been read strictly before FastAPI asks for it."""

    strict_json: Any = None

    async def json(self) -> Any:
        return self.strict_json


class StrictRoute(APIRoute):
    """Refuses unknown parameters and loose JSON; remembers the answer where the endpoint takes an Idempotency."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _remembering(endpoint, options), **options)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        known = strict.query_names(self.dependant)
        takes_json = self.body_field is not None and not _is_form(self)
        raised = getattr(self.endpoint, "largest", None)
        setting = raised or ("largest_body" if takes_json else "largest_file")

        async def strictly(request: Request) -> Response:
            strict.check_query(request.query_params.multi_items(), known)
            settings: Settings = request.app.state.services.settings
            if raised:
                await _admit(request)
            largest = getattr(settings, setting) + (0 if takes_json else FORM_OVERHEAD)
            strict_request = StrictRequest(request.scope, _limited(request, largest))
            if takes_json:
                strict_request.strict_json = await _read_json(strict_request)
            return await handle(strict_request)

        return strictly


async def _admit(request: Request) -> None:
    """Raise Unauthenticated before a large body is read: what one may send here is more than a stranger may."""
    services = request.app.state.services
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    async with services.db.transaction() as tx:
        await authenticate(tx, token if scheme.lower() == "bearer" else None, services.clock.now())


def _is_form(route: APIRoute) -> bool:
    field = route.body_field
    return field is not None and type(field.field_info).__name__ in ("Form", "File")


def _limited(request: Request, largest: int) -> Receive:
    """Return the request's `receive`, which refuses a body over `largest` bytes while it arrives."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise TooLarge("body_too_large", f"The body is over {largest} bytes.")
        return message

    return receive


async def _read_json(request: Request) -> Any:
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    if len(body) > LARGE:
        return await asyncio.to_thread(strict.parse, body, content_type)
    return strict.parse(body, content_type) if body else None


def takes(setting: str) -> Callable[[Endpoint], Endpoint]:
    """Let an endpoint take bodies of up to so many bytes as this setting says, in place of the usual one."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["largest"] = setting
        return endpoint

    return mark


def _remembering(endpoint: Callable[..., Awaitable[Any]], options: dict[str, Any]) -> Callable[..., Any]:
    """Wrap an endpoint so that its answer is stored under the request's key, in the same transaction."""
    if hasattr(endpoint, "_remembers") or not _takes_idempotency(endpoint):
        return endpoint
    adapter: TypeAdapter[Any] = TypeAdapter(endpoint.__annotations__["return"])
    status = options.get("status_code") or 200

    @wraps(endpoint)
    async def remembering(*args: Any, **kwargs: Any) -> Any:
        answer = await endpoint(*args, **kwargs)
        kept = next(value for value in kwargs.values() if isinstance(value, Idempotency))
        await kept.remember(status, adapter.dump_python(answer, mode="json"), _response(kwargs.values()))
        return answer

    remembering.__dict__["_remembers"] = True
    return remembering


def _response(given: Iterable[Any]) -> Response | None:
    """Return the response whose headers an endpoint sets, itself or through its Edit."""
    found = (value.response if isinstance(value, Edit) else value for value in given)
    return next((value for value in found if isinstance(value, Response)), None)


def _takes_idempotency(endpoint: Callable[..., Any]) -> bool:
    return any(getattr(a, "__origin__", a) is Idempotency for a in endpoint.__annotations__.values())


def feature(prefix: str, tag: str) -> APIRouter:
    """Make a feature's router: `/v1{prefix}`, strict, with the problems every operation may answer with."""
    return APIRouter(
        prefix=f"/v1{prefix}",
        tags=[tag],
        route_class=StrictRoute,
        responses=responses(401, 403, 404, 422, 429, 503),
    )
