"""GET /l/{code}: leads to the link's target and counts who follows. Public, and never broken by the counting."""

import asyncio
import re
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from drumtower.db.models import Click, Link
from drumtower.db.repositories.links import public_link
from drumtower.domain.errors import NotFound
from drumtower.domain.ids import new_id
from services.api.deps import Services, ServicesDep
from services.api.links import service
from services.api.links.bots import is_bot
from services.api.problems import responses

log = structlog.get_logger(__name__)

# Not a strict route: apps append parameters of their own to links that people share.
router = APIRouter(tags=["links"])

_CODE = re.compile(r"^[A-Za-z0-9]{1,64}$")
LONGEST_REFERRER = 500
# A person waits for the page, not for our statistics.
COUNTING_TIMEOUT = 2.0


@router.get(
    "/l/{code}",
    operation_id="links_follow",
    summary="Follow a link",
    status_code=302,
    response_class=Response,
    responses={302: {"description": "The target, with `dt_click` in its query."}, **responses(404, 422, 503)},
)
async def follow(
    code: str, request: Request, services: ServicesDep, referer: Annotated[str | None, Header()] = None
) -> Response:
    """Lead to the target with `dt_click={click id}` appended; send that id back with `POST /v1/conversions`."""
    async with services.db.transaction() as tx:
        link = await public_link(tx, code) if _CODE.match(code) else None
    if link is None:
        raise NotFound.thing("link")
    click = Click(
        id=new_id(),
        clicked_at=services.clock.now(),
        workspace_id=link.workspace_id,
        link_id=link.id,
        bot=is_bot(request.method, request.headers),
        referrer=_without_query(referer),
    )
    await _count(services, link, click)
    headers = {
        "Location": service.landing(link.target_url, click.id),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer-when-downgrade",
    }
    return Response(status_code=302, headers=headers)


router.add_api_route("/l/{code}", follow, methods=["HEAD"], include_in_schema=False, status_code=302)


async def _count(services: Services, link: Link, click: Click) -> None:
    try:
        async with asyncio.timeout(COUNTING_TIMEOUT), services.db.transaction() as tx:
            tx.add(click)
    except (SQLAlchemyError, OSError) as error:
        log.warning("click.lost", link_id=str(link.id), error=type(error).__name__)


def _without_query(referer: str | None) -> str | None:
    """Keep where somebody came from, and drop the query: it may hold what is nobody's business."""
    return (
        re.split(r"[?#]", referer, maxsplit=1)[0][:LONGEST_REFERRER].replace("\x00", "") if referer else None
    )
