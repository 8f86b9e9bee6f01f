"""Imports, and their rows."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select

from drumtower.db.engine import Tx
from drumtower.db.models import Import, ImportRow
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.imports import ImportState, RowState


async def take(tx: Tx) -> Import | None:
    """Return the running import that has waited longest, locked; another replica takes another."""
    return await tx.scalar(
        select(Import)
        .where(Import.state == ImportState.RUNNING.value)
        .order_by(Import.worked_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


class ImportRepository(Scoped):
    """Reads imports and rows of one workspace."""

    def matching(self, state: ImportState | None = None) -> Select[Import]:
        """Select imports; None asks nothing."""
        statement = self.select(Import)
        return statement if state is None else statement.where(Import.state == state.value)

    async def get(self, import_id: UUID, *, lock: bool = False) -> Import:
        """Return the import; raise NotFound."""
        return await self.find(Import, import_id, "import", lock=lock)

    def rows(self, import_id: UUID, state: RowState | None = None) -> Select[ImportRow]:
        """Select an import's rows as they were brought; None asks nothing of their state."""
        statement = self.select(ImportRow).where(ImportRow.import_id == import_id).order_by(ImportRow.number)
        return statement if state is None else statement.where(ImportRow.state == state.value)

    async def waiting(self, import_id: UUID, most: int) -> Sequence[ImportRow]:
        """Return the next rows that have no verdict; the import is locked, so nobody else works them."""
        return (await self.tx.scalars(self.rows(import_id, RowState.WAITING).limit(most))).all()
