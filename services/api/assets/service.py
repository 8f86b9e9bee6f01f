"""What can be done with assets. Files are cleaned and stored first, with no transaction open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from uuid import UUID, uuid5

import structlog

from drumtower.db.engine import Tx
from drumtower.db.models import Asset
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.capabilities import family
from drumtower.domain.errors import Invalid, Unavailable
from drumtower.domain.ids import new_id
from drumtower.media.files import Measures, Refused
from services.api import audit
from services.api.assets.forms import Upload, digest_of
from services.api.assets.names import safe_name
from services.api.assets.schemas import AssetUpdate
from services.api.deps import Services
from services.api.editing import Edit
from services.api.etags import revision_of
from services.api.principals import Principal

log = structlog.get_logger(__name__)

HINTS = {
    "file_type_unsupported": "Send JPEG, PNG, GIF or WebP, MP4, MOV, WebM or Matroska, MP3, M4A, AAC, WAV, Ogg, FLAC or"
    " AMR, or PDF. SVG is never taken: it can hold programs.",
    "image_too_large": "Make it smaller.",
    "too_many_frames": "Shorten the animation.",
    "image_too_slow": "Make it smaller or simpler.",
    "image_broken": "Open it in a picture editor, save it again, and send that.",
    "recording_broken": "Play it to its end, export it again, and send that.",
    "recording_too_long": "Cut it.",
    "document_broken": "Open it, print it into a new PDF, and send that.",
    "document_locked": "Save it without a password.",
    "document_too_long": "Cut it.",
}
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A clean file in a temporary place, measured."""

    path: Path
    measures: Measures
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A clean file whose content is stored under `id`, or the asset that had the same content before."""

    id: UUID
    cleaned: Cleaned


@asynccontextmanager
async def clean(services: Services, upload: Upload) -> AsyncIterator[Cleaned]:
    """Read a stranger's file and write it anew; raise Invalid. The clean file ends with the block."""
    with TemporaryDirectory(prefix="drumtower-") as place:
        made = Path(place) / "made"
        try:
            measures = await services.studio.clean(upload.file, upload.form, made)
        except Refused as refused:
            if refused.code == "recordings_unavailable":
                log.error("media.no_tool", detail=refused.detail)
                detail = "Video and sound can't be read on this machine: PyAV is missing."
                raise Unavailable(refused.code, detail, retry_after=300) from refused
            hint = HINTS.get(refused.code, "")
            raise Invalid.at("/file", refused.code, refused.detail, hint) from refused
        yield await asyncio.to_thread(_cleaned, made, measures)


def _cleaned(made: Path, measures: Measures) -> Cleaned:
    with made.open("rb") as file:
        sha256 = digest_of(file).hex()
    return Cleaned(path=made, measures=measures, size=made.stat().st_size, sha256=sha256)


async def store(services: Services, principal: Principal, cleaned: Cleaned) -> Stored:
    """Write the content, unless the workspace has the same; raise Unavailable where the disk does not take it."""
    async with services.db.transaction() as tx:
        known = await AssetRepository(tx, principal.workspace_id).by_content(cleaned.sha256)
    stored = Stored(id=known.id if known else new_id(), cleaned=cleaned)
    if known is None:
        await _write(services, principal.workspace_id, stored.id, cleaned.path)
    return stored


async def _write(services: Services, workspace_id: UUID, file_id: UUID, path: Path) -> None:
    try:
        await services.storage.write_file(workspace_id, file_id, path)
    except OSError as error:
        log.error("storage.write_failed", error=str(error))
        raise Unavailable("storage_unavailable", "The file could not be stored.", retry_after=30) from error


async def add(
    tx: Tx, principal: Principal, upload: Upload, stored: Stored, now: datetime
) -> tuple[Asset, bool]:
    """Return the asset with this content, and whether it is new. One that was there before stays as it is."""
    cleaned, fields = stored.cleaned, upload.fields
    measures = cleaned.measures
    asset = Asset(
        id=stored.id,
        workspace_id=principal.workspace_id,
        file_name=safe_name(upload.file_name, measures.content_type),
        kind=family(measures.content_type),
        content_type=measures.content_type,
        size=cleaned.size,
        sha256=cleaned.sha256,
        width=measures.width,
        height=measures.height,
        duration_ms=measures.duration_ms,
        codecs=list(measures.codecs),
        perceptual_hash=measures.perceptual_hash,
        alt_text=fields.alt_text,
        credit=fields.credit,
        licence=fields.licence,
        ai_generated=fields.ai_generated,
        expires_at=fields.expires_at,
        folder=fields.folder,
        tags=fields.tags,
        created_by=principal.member_id,
        created_at=now,
    )
    kept = await AssetRepository(tx, principal.workspace_id).add(asset)
    if is_new := kept is asset:
        audit.record(tx, principal, "asset.uploaded", asset.id, now, sha256=asset.sha256)
    return kept, is_new


async def update(edit: Edit, asset_id: UUID, asked: AssetUpdate) -> Asset:
    """Change the fields that were sent; raise PreconditionFailed where somebody else did before."""
    asset = await AssetRepository(edit.tx, edit.principal.workspace_id).get(asset_id, lock=True)
    edit.check(revision(asset))
    changes = asked.changes()
    for name, value in changes.items():
        setattr(asset, name, value)
    audit.record(edit.tx, edit.principal, "asset.updated", asset.id, edit.now, fields=sorted(changes))
    return asset


def revision(asset: Asset) -> str:
    """Return a word that changes with what people edit."""
    expires = asset.expires_at.isoformat() if asset.expires_at else None
    texts = [asset.alt_text, asset.credit, asset.licence, asset.folder, asset.tags]
    return revision_of([*texts, asset.ai_generated, expires])


async def find(services: Services, principal: Principal, asset_id: UUID) -> Asset:
    """Return the asset, with no transaction left open; raise NotFound."""
    async with services.db.transaction() as tx:
        return await AssetRepository(tx, principal.workspace_id).get(asset_id)


async def content(services: Services, asset: Asset, start: int = 0, end: int | None = None) -> bytes:
    """Return the stored file, or some of its bytes; raise Unavailable where storage is away or has lost it."""
    try:
        return await services.storage.read(asset.workspace_id, asset.id, start, end)
    except OSError as error:
        log.error("storage.read_failed", asset_id=str(asset.id), error=str(error))
        raise Unavailable("storage_unavailable", "The file can't be read now.", retry_after=30) from error


async def chunks(services: Services, asset: Asset, start: int, end: int) -> AsyncIterator[bytes]:
    """Return the bytes in pieces. The first is read at once: where it is not there, an error can still be answered."""
    first = await content(services, asset, start, min(start + CHUNK, end))
    return _rest(services, asset, first, start + CHUNK, end)


async def _rest(services: Services, asset: Asset, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    yield first
    for begin in range(start, end, CHUNK):
        yield await content(services, asset, begin, min(begin + CHUNK, end))


async def rendition(services: Services, asset: Asset, width: int) -> bytes:
    """Return a WebP no wider than `width`, made when it is first asked for; raise Invalid or Unavailable."""
    if asset.kind != "image":
        raise Invalid.at("/asset_id", "not_an_image", "Only pictures have smaller versions.")
    file_id = uuid5(asset.id, f"webp-{width}")
    try:
        return await services.storage.read(asset.workspace_id, file_id)
    except FileNotFoundError:
        return await _render(services, asset, width, file_id)


async def _render(services: Services, asset: Asset, width: int, file_id: UUID) -> bytes:
    given = await content(services, asset)
    with TemporaryDirectory(prefix="drumtower-") as place:
        made = Path(place) / "made"
        with TemporaryFile() as source:
            source.write(given)
            source.flush()
            source.seek(0)
            try:
                await services.studio.thumbnail(source, width, made)
            except Refused as refused:  # our own file: it was read before, so it is the process that fails
                raise Unavailable("images_busy", "The picture can't be made now.", retry_after=5) from refused
        await _write(services, asset.workspace_id, file_id, made)
        return await asyncio.to_thread(made.read_bytes)
