"""What can be done with links."""

import io
import secrets
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import segno

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Link, Post
from drumtower.db.repositories.links import Followed, LinkRepository
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.errors import Invalid, NotFound, Unavailable, Violation
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.links.schemas import LinkCreate, LinkRead, LinkUpdate
from services.api.principals import Principal

# Without the letters and digits that people confuse when they read a poster aloud: 54^8 codes.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 8
_TRIES = 5
_CLICK = "dt_click"


async def create(tx: Tx, principal: Principal, asked: LinkCreate, now: datetime) -> Link:
    """Add a link under a fresh code."""
    await _check(tx, principal, asked)
    links = LinkRepository(tx, principal.workspace_id)
    for _ in range(_TRIES):
        link = Link(
            id=new_id(),
            workspace_id=principal.workspace_id,
            code="".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH)),
            target_url=str(asked.target_url),
            name=asked.name,
            placement=asked.placement,
            channel_id=asked.channel_id,
            post_id=asked.post_id,
            created_by=principal.member_id,
            created_at=now,
        )
        if await links.add(link):
            audit.record(tx, principal, "link.created", link.id, now, target_url=link.target_url)
            return link
    raise Unavailable("no_free_code", "No free code was found; try again.", retry_after=1)


async def _check(tx: Tx, principal: Principal, asked: LinkCreate) -> None:
    violations = []
    if asked.target_url.username or asked.target_url.password:
        violations.append(
            _violation("target_url", "credentials_in_url", "A public link can't carry a password.")
        )
    scope = Scoped(tx, principal.workspace_id)
    if asked.channel_id is not None and not await _exists(scope, Channel, asked.channel_id):
        violations.append(_violation("channel_id", "unknown_channel", "There is no such channel here."))
    if asked.post_id is not None and not await _exists(scope, Post, asked.post_id):
        violations.append(_violation("post_id", "unknown_post", "There is no such post here."))
    if violations:
        raise Invalid.of(violations)


def _violation(field: str, code: str, detail: str) -> Violation:
    return Violation(pointer=f"/{field}", code=code, detail=detail)


async def _exists(scope: Scoped, model: type[Channel] | type[Post], row_id: UUID) -> bool:
    try:
        await scope.find(model, row_id, model.__tablename__)
    except NotFound:
        return False
    return True


async def update(tx: Tx, principal: Principal, link_id: UUID, asked: LinkUpdate, now: datetime) -> Link:
    """Change the fields that were sent."""
    link = await LinkRepository(tx, principal.workspace_id).get(link_id, lock=True)
    changes = asked.changes()
    for name, value in changes.items():
        setattr(link, name, value)
    audit.record(tx, principal, "link.updated", link.id, now, fields=sorted(changes))
    return link


def short_url(link: Link, public_url: str) -> str:
    return f"{public_url.rstrip('/')}/l/{link.code}"


def read(link: Link, followed: Followed, public_url: str) -> LinkRead:
    """Return a link as clients see it."""
    given = {
        "short_url": short_url(link, public_url),
        "clicks": followed.clicks,
        "bot_clicks": followed.bot_clicks,
        "conversions": followed.conversions,
    }
    stored = {name: getattr(link, name) for name in LinkRead.model_fields if name not in given}
    return LinkRead.model_validate(stored | given)


def qr_code(address: str) -> bytes:
    """Draw the address as an SVG QR code that survives a little dirt (15 %)."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", scale=8, border=4)
    return drawn.getvalue()


def landing(target_url: str, click_id: UUID) -> str:
    """Return the target with the click's id in its query; the rest of the address stays as it is, byte for byte."""
    parts = urlsplit(target_url)
    query = f"{parts.query}&{_CLICK}={click_id}" if parts.query else f"{_CLICK}={click_id}"
    return parts._replace(query=query).geturl()
