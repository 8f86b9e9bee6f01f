"""Makes the renditions that were asked for, one at a time: read, code anew in the decoding process, store, tell."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import structlog
from sqlalchemy import update

from drumtower.db.engine import Database
from drumtower.db.models import Asset, Rendition
from drumtower.db.repositories.renditions import take_rendition
from drumtower.domain.ids import new_id
from drumtower.domain.renditions import Target
from drumtower.media.files import Measures, Refused
from drumtower.media.studio import Studio
from drumtower.storage import Storage

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=30)
MOST_TRIES = 3
_PIECE = 1 << 20
SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
}


async def make_renditions(db: Database, storage: Storage, studio: Studio) -> timedelta | None:
    """Make the next one; a file that can't be brought into the form is said to be so, and left."""
    async with db.transaction() as tx:
        asked = await take_rendition(tx, LEASE)
        asset = await tx.get_one(Asset, asked.asset_id) if asked else None
    if asked is None or asset is None:
        return None
    if asked.tries > MOST_TRIES:  # the process died with it each time
        await _failed(db, asked, Refused("rendition_impossible", "It could not be made, three times."))
        return timedelta()
    try:
        await _make(db, storage, studio, asked, asset)
    except Refused as refused:
        await _failed(db, asked, refused)
    return timedelta()


async def _make(db: Database, storage: Storage, studio: Studio, asked: Rendition, asset: Asset) -> None:
    with TemporaryDirectory(prefix="drumtower-") as place:
        given, made = Path(place) / "given", Path(place) / "made"
        with given.open("w+b") as source:
            await fetched(storage, asset, source)
            measures = await studio.fit(source, Target.of(asked.target), made)
        derived = await asyncio.to_thread(_derived, asked, asset, measures, made)
        await storage.write_file(asset.workspace_id, derived.id, made)
    async with db.transaction() as tx:
        tx.add(derived)
        await tx.flush()
        done = {"state": "made", "made_id": derived.id, "error": None}
        await tx.execute(update(Rendition).where(Rendition.id == asked.id).values(**done))
    log.info("rendition.made", asset_id=str(asset.id), size=derived.size)


def _derived(asked: Rendition, asset: Asset, measures: Measures, made: Path) -> Asset:
    """Return the rendition as an asset of its own; what is known of rights and texts stays with the original."""
    with made.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Asset(
        id=new_id(),
        workspace_id=asset.workspace_id,
        file_name=f"{asset.file_name.rpartition('.')[0]}{SUFFIXES[measures.content_type]}",
        kind=asset.kind,
        content_type=measures.content_type,
        size=made.stat().st_size,
        sha256=sha256,
        width=measures.width,
        height=measures.height,
        duration_ms=measures.duration_ms,
        codecs=list(measures.codecs),
        alt_text=asset.alt_text,
        credit=asset.credit,
        licence=asset.licence,
        expires_at=asset.expires_at,
        folder=asset.folder,
        tags=asset.tags,
        derived_from=asset.id,
        rendition_key=asked.key,
        created_by=asked.created_by,
        created_at=asked.created_at,
    )


async def fetched(storage: Storage, asset: Asset, source: BinaryIO) -> None:
    """Write the asset's stored content to `source`."""
    for start in range(0, asset.size, _PIECE):
        piece = await storage.read(asset.workspace_id, asset.id, start, start + _PIECE)
        await asyncio.to_thread(source.write, piece)
    await asyncio.to_thread(source.flush)


async def _failed(db: Database, asked: Rendition, refused: Refused) -> None:
    error = {"code": refused.code, "detail": refused.detail}
    async with db.transaction() as tx:
        await tx.execute(
            update(Rendition).where(Rendition.id == asked.id).values(state="failed", error=error)
        )
