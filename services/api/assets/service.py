"""What can be done with assets. Pictures are cleaned and stored first, with no transaction open."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import structlog

from drumtower.db.engine import Tx
from drumtower.db.models import Asset
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.errors import Invalid, Unavailable
from drumtower.domain.ids import new_id
from drumtower.images.pictures import Picture, Refused
from services.api import audit, etags
from services.api.assets.forms import Upload
from services.api.assets.names import safe_name
from services.api.assets.schemas import AssetUpdate
from services.api.deps import Services
from services.api.principals import Principal

log = structlog.get_logger(__name__)

HINTS = {
    "file_type_unsupported": "Send a JPEG, PNG, GIF or WebP file. SVG is never taken: it can hold programs.",
    "image_too_large": "Make it smaller.",
    "too_many_frames": "Shorten the animation.",
    "image_too_slow": "Make it smaller or simpler.",
    "image_broken": "Open it in a picture editor, save it again, and send that.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A clean picture whose content is on disk under `id`, or the asset that had the same content before."""

    id: UUID
    picture: Picture
    sha256: str


async def clean(services: Services, content: bytes) -> Picture:
    """Decode a stranger's picture and write it anew; raise Invalid."""
    try:
        return await services.studio.clean(content)
    except Refused as refused:
        hint = HINTS.get(refused.code, "")
        raise Invalid.at("/file", refused.code, refused.detail, hint) from refused


async def store(services: Services, principal: Principal, picture: Picture) -> Stored:
    """Write the content, unless the workspace has the same; raise Unavailable where the disk does not take it."""
    sha256 = hashlib.sha256(picture.content).hexdigest()
    async with services.db.transaction() as tx:
        known = await AssetRepository(tx, principal.workspace_id).by_content(sha256)
    stored = Stored(id=known.id if known else new_id(), picture=picture, sha256=sha256)
    if known is None:
        await _write(services, principal.workspace_id, stored.id, picture.content)
    return stored


async def _write(services: Services, workspace_id: UUID, file_id: UUID, content: bytes) -> None:
    try:
        await services.storage.write(workspace_id, file_id, content)
    except OSError as error:
        log.error("storage.write_failed", error=str(error))
        raise Unavailable("storage_unavailable", "The file could not be stored.", retry_after=30) from error


async def add(
    tx: Tx, principal: Principal, upload: Upload, stored: Stored, now: datetime
) -> tuple[Asset, bool]:
    """Return the asset with this content, and whether it is new. One that was there before stays as it is."""
    picture, fields = stored.picture, upload.fields
    asset = Asset(
        id=stored.id,
        workspace_id=principal.workspace_id,
        file_name=safe_name(upload.file_name, picture.content_type),
        content_type=picture.content_type,
        size=len(picture.content),
        sha256=stored.sha256,
        width=picture.width,
        height=picture.height,
        alt_text=fields.alt_text,
        credit=fields.credit,
        licence=fields.licence,
        expires_at=fields.expires_at,
        created_by=principal.member_id,
        created_at=now,
    )
    kept = await AssetRepository(tx, principal.workspace_id).add(asset)
    if is_new := kept is asset:
        audit.record(tx, principal, "asset.uploaded", asset.id, now, sha256=asset.sha256)
    return kept, is_new


async def update(
    tx: Tx, principal: Principal, asset_id: UUID, asked: AssetUpdate, if_match: str | None, now: datetime
) -> Asset:
    """Change the fields that were sent; raise PreconditionFailed where somebody else did before."""
    asset = await AssetRepository(tx, principal.workspace_id).get(asset_id, lock=True)
    etags.check_match(if_match, revision(asset))
    changes = asked.model_dump(exclude_unset=True)
    nulls = [name for name, value in changes.items() if value is None and name != "expires_at"]
    if nulls:
        raise Invalid.at(
            f"/{nulls[0]}", "null_not_allowed", f"{nulls[0]} can't be null.", "Leave it out, or send a value."
        )
    for name, value in changes.items():
        setattr(asset, name, value)
    audit.record(tx, principal, "asset.updated", asset.id, now, fields=sorted(changes))
    return asset


def revision(asset: Asset) -> str:
    """Return a word that changes with what people edit."""
    expires = asset.expires_at.isoformat() if asset.expires_at else None
    edited = json.dumps([asset.alt_text, asset.credit, asset.licence, expires])
    return hashlib.sha256(edited.encode()).hexdigest()[:16]


async def find(services: Services, principal: Principal, asset_id: UUID) -> Asset:
    """Return the asset, with no transaction left open; raise NotFound."""
    async with services.db.transaction() as tx:
        return await AssetRepository(tx, principal.workspace_id).get(asset_id)


async def content(services: Services, asset: Asset) -> bytes:
    """Return the stored file; raise Unavailable where storage is away or has lost it."""
    try:
        return await services.storage.read(asset.workspace_id, asset.id)
    except OSError as error:
        log.error("storage.read_failed", asset_id=str(asset.id), error=str(error))
        raise Unavailable("storage_unavailable", "The file can't be read now.", retry_after=30) from error


async def rendition(services: Services, asset: Asset, width: int) -> bytes:
    """Return a WebP no wider than `width`, made when it is first asked for; raise Unavailable."""
    file_id = uuid5(asset.id, f"webp-{width}")
    try:
        return await services.storage.read(asset.workspace_id, file_id)
    except FileNotFoundError:
        return await _render(services, asset, width, file_id)


async def _render(services: Services, asset: Asset, width: int, file_id: UUID) -> bytes:
    try:
        made = await services.studio.thumbnail(await content(services, asset), width)
    except Refused as refused:  # our own file: it was read before, so it is the process that fails
        raise Unavailable("images_busy", "The picture can't be made now.", retry_after=5) from refused
    await _write(services, asset.workspace_id, file_id, made.content)
    return made.content
