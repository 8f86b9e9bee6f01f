"""Signs of life of the services: written by each, read by readiness."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Database
from drumtower.db.models import Heartbeat


class Heartbeats:
    """Writes one replica's beats."""

    def __init__(self, db: Database, *, role: str, replica: str) -> None:
        self._db = db
        self._role = role
        self._replica = replica

    async def beat(self, step: str) -> None:
        """Say that `step` has just ended well."""
        row = insert(Heartbeat).values(role=self._role, replica=self._replica, step=step, beat_at=func.now())
        async with self._db.transaction() as tx:
            await tx.execute(
                row.on_conflict_do_update(
                    index_elements=["role", "replica", "step"], set_={"beat_at": func.now()}
                )
            )
