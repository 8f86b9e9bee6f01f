"""Webhooks: /v1/webhooks. No bearer: the platform's signature over the raw request is the proof."""

import asyncio

import structlog
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from drumtower.domain.errors import TooLarge
from drumtower.platforms import WebhookAnswer, WebhookRefused, WebhookRequest
from services.api.deps import Services, get_services
from services.api.problems import problem, responses
from services.api.webhooks import service

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=responses(400, 401, 404, 413, 503))

# The hard limit; adapters hold their platforms to smaller ones.
LARGEST_BODY = 256 * 1024
BODY_SECONDS = 1.5
_STATUS = {"body_too_large": 413, "body_malformed": 400}


class BodyIncomplete(Exception):
    """The request's body did not come, or not in time."""


@router.get(
    "/{platform}/{channel_id}",
    operation_id="webhooks_challenge",
    summary="Answer a platform's address check",
    response_class=Response,
)
async def challenge(platform: str, channel_id: str, request: Request) -> Response:
    """Echo the platform's word where its signature is right."""
    services = get_services(request)
    asked = _webhook(request, services, b"")
    try:
        return _answer(await service.challenge(services, platform, channel_id, asked))
    except WebhookRefused as refused:
        return _refusal(request, platform, channel_id, refused)


@router.post(
    "/{platform}/{channel_id}",
    operation_id="webhooks_receive",
    summary="Take what a platform pushes",
    response_class=Response,
)
async def receive(platform: str, channel_id: str, request: Request) -> Response:
    """Verify the raw request, store it with what it says, commit, and answer in the platform's own words.

    A repeat gets the same answer and changes nothing.
    """
    services = get_services(request)
    try:
        asked = _webhook(request, services, await _body(request))
        return _answer(await service.receive(services, platform, channel_id, asked))
    except WebhookRefused as refused:
        return _refusal(request, platform, channel_id, refused)
    except BodyIncomplete:
        return problem(request, 408, "body_incomplete", "The body did not come whole, or not in time.")


def _webhook(request: Request, services: Services, body: bytes) -> WebhookRequest:
    return WebhookRequest(
        method=request.method,
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=body,
        received_at=services.clock.now(),
    )


async def _body(request: Request) -> bytes:
    """Read the raw body, no further than the limit."""
    size = int(length) if (length := request.headers.get("content-length", "0")).isdecimal() else 0
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if size > LARGEST_BODY:
                raise _too_large()
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise _too_large()
    except (TimeoutError, ClientDisconnect) as error:
        raise BodyIncomplete from error
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge("body_too_large", f"A webhook has at most {LARGEST_BODY} bytes.")


def _answer(answer: WebhookAnswer) -> Response:
    return Response(
        answer.body,
        answer.status,
        {"X-Content-Type-Options": "nosniff"},
        media_type=answer.content_type,
    )


def _refusal(request: Request, platform: str, channel_id: str, refused: WebhookRefused) -> Response:
    service.EVENTS.labels(platform, "refused").inc()
    log.warning("webhook.refused", platform=platform, channel_id=channel_id, code=refused.code)
    status = _STATUS.get(refused.code, 401)
    headers = {"WWW-Authenticate": "Signature"} if status == 401 else None
    return problem(request, status, refused.code, refused.detail, headers=headers)
