"""Looks at the pictures that nobody has looked at: those from before there were perceptual hashes."""

from dataclasses import dataclass, field
from datetime import timedelta
from tempfile import TemporaryFile
from uuid import UUID

import structlog

from drumtower.db.engine import Database
from drumtower.db.models import Asset
from drumtower.db.repositories.pictures import keep_seen, unseen_after
from drumtower.domain.errors import Unavailable
from drumtower.media.files import Measures, Refused
from drumtower.media.studio import Studio
from drumtower.storage import Storage
from services.scheduler.renditions import fetched

log = structlog.get_logger(__name__)

FIRST = UUID(int=0)
# One picture a step, in a process of its own: nothing here is urgent.
REST = timedelta(milliseconds=500)


@dataclass(slots=True)
class Pictures:
    """Walks over all of them once in a process's life; whoever brings one now has it looked at."""

    db: Database
    storage: Storage
    studio: Studio = field(default_factory=lambda: Studio(workers=1))
    after: UUID = FIRST
    kept: int = 0
    is_done: bool = False

    async def step(self) -> timedelta | None:
        """Look at the next one; None at the end. What can't be read is left, and said."""
        if self.is_done:
            return None
        async with self.db.transaction() as tx:
            asset = await unseen_after(tx, self.after)
        if asset is None:
            self.is_done = True
            log.info("pictures.complete", kept=self.kept)
            return None
        try:
            seen = await self._look(asset)
        except (Refused, Unavailable, OSError) as error:
            log.warning("pictures.unread", asset_id=str(asset.id), error=str(error))
        else:
            async with self.db.transaction() as tx:
                await keep_seen(tx, asset.id, seen.perceptual_hash)
            self.kept += 1
        self.after = asset.id
        return REST

    async def _look(self, asset: Asset) -> Measures:
        with TemporaryFile() as source:
            await fetched(self.storage, asset, source)
            source.seek(0)
            return await self.studio.look(source)
