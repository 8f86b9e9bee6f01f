"""Authorisations: POST /v1/channels/authorizations, and where platforms send the browser back to."""

import html
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from drumtower.db.models import Channel
from drumtower.domain.permissions import Permission
from services.api.authorizations import service
from services.api.authorizations.schemas import AuthorizationCreate, AuthorizationRead
from services.api.channels import service as channels
from services.api.channels.schemas import ChannelRead
from services.api.deps import BearerDep, ClockDep, Services, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.principals import Principal, authenticate
from services.api.problems import responses
from services.api.routing import feature

router = feature("/channels/authorizations", "channels")
# Platforms send parameters of their own along, so this one takes what it knows and leaves the rest.
callback_router = APIRouter(prefix="/v1/oauth", tags=["channels"])
Writer = Annotated[Principal, Depends(allow(Permission.CHANNELS_WRITE))]
_LONGEST = 4096
Given = Annotated[str, Query(max_length=_LONGEST)]


@router.post(
    "",
    status_code=201,
    operation_id="channels_authorize",
    summary="Begin to connect an account through the platform's consent page",
    responses=responses(409, 413, 415),
)
async def create_authorization(
    body: AuthorizationCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> AuthorizationRead:
    """The browser gets a cookie with the answer, and comes back with it. A client that fetches the callback itself
    sends the credential it began with instead."""
    begun = await service.begin(tx, principal, services, body, clock.now())
    response.set_cookie(
        service.cookie(begun.row.id),
        begun.browser,
        max_age=int(service.LIFE.total_seconds()),
        path="/v1/oauth",
        secure=services.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return AuthorizationRead(
        id=begun.row.id,
        platform=begun.row.platform,
        authorize_url=begun.url,
        redirect_uri=begun.row.redirect_uri,
        scopes=list(begun.scopes),
        expires_at=begun.row.expires_at,
    )


@callback_router.get(
    "/{platform}/callback",
    operation_id="oauth_callback",
    summary="Take the browser back from the platform's consent page",
    responses={**responses(401, 403, 409, 422, 502, 503), 200: {"model": ChannelRead}},
)
async def callback(
    platform: str,
    request: Request,
    services: ServicesDep,
    clock: ClockDep,
    bearer: BearerDep,
    state: Given = "",
    code: Given = "",
    error: Given = "",
) -> Response:
    """Connects the channel. The state works once, within 10 minutes, for the browser or credential that began it."""
    now = clock.now()
    returned = service.Returned(
        platform=platform,
        state=state,
        code=code,
        error=error,
        cookies=request.cookies,
        principal=await _principal(services, bearer.credentials, now) if bearer else None,
    )
    row = await service.take(services, returned, now)
    channel = await service.finish(services, row, code, now)
    answer = _page(channel) if _is_browser(request) else _json(channel, services)
    answer.delete_cookie(service.cookie(row.id), path="/v1/oauth")
    answer.headers["Cache-Control"] = "no-store"
    # The address holds the code and the state: no other site may learn it.
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


async def _principal(services: Services, bearer: str, now: datetime) -> Principal:
    async with services.db.transaction() as tx:
        return await authenticate(tx, bearer, now)


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _json(channel: Channel, services: Services) -> Response:
    return JSONResponse(channels.read(channel, services).model_dump(mode="json"))


def _page(channel: Channel) -> Response:
    name = html.escape(channel.account_name)
    body = f"<!doctype html><title>Drumtower</title><p>{name}: connected. 已连接。</p>"
    return HTMLResponse(body, headers={"Content-Security-Policy": "default-src 'none'"})
