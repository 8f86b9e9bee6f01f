"""Where every repository starts: one transaction, one workspace. No query of it can see another tenant's rows."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, select

from drumtower.db.engine import Tx
from drumtower.domain.errors import NotFound

Row = TypeVar("Row")


class Scoped:
    """A repository bound to a workspace."""

    def __init__(self, tx: Tx, workspace_id: UUID) -> None:
        self.tx = tx
        self.workspace_id = workspace_id

    def select(self, model: type[Row]) -> Select[Row]:
        """Select rows of `model` in this workspace only."""
        scoped: Any = model
        return select(model).where(scoped.workspace_id == self.workspace_id)

    async def find(self, model: type[Row], row_id: UUID, noun: str, *, lock: bool = False) -> Row:
        """Return one row; raise NotFound for a stranger's as for one that never was. `lock` holds it for update."""
        keyed: Any = model
        statement = self.select(model).where(keyed.id == row_id)
        if lock:
            statement = statement.with_for_update()
        row = await self.tx.scalar(statement)
        if row is None:
            raise NotFound.thing(noun)
        return row
