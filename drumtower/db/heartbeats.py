"""Signs of life of the services: written by each, read by readiness."""

import time
from datetime import timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Database
from drumtower.db.models import Heartbeat

# A step may run a hundred times a second; readiness counts in seconds.
EVERY_SECONDS = 1.0


class Heartbeats:
    """Writes one replica's beats, of each step once a second at most."""

    def __init__(self, db: Database, *, role: str, replica: str) -> None:
        self._db = db
        self._role = role
        self._replica = replica
        self._written: dict[str, float] = {}

    async def beat(self, step: str, every: timedelta = timedelta(seconds=1)) -> None:
        """Say that `step`, which runs at least this often, has just ended well."""
        if time.monotonic() - self._written.get(step, -EVERY_SECONDS) < EVERY_SECONDS:
            return
        row = insert(Heartbeat).values(
            role=self._role,
            replica=self._replica,
            step=step,
            beat_at=func.now(),
            every_seconds=every.total_seconds(),
        )
        beaten = {"beat_at": func.now(), "every_seconds": row.excluded.every_seconds}
        async with self._db.transaction() as tx:
            await tx.execute(
                row.on_conflict_do_update(index_elements=["role", "replica", "step"], set_=beaten)
            )
        self._written[step] = time.monotonic()
