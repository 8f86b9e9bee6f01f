"""Works the rows of imports: a chunk a transaction, in whichever api process takes it up.

A row's post and its verdict commit together, so whatever dies in between, no row is made twice and none is lost.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import func, update
from sqlalchemy.exc import DBAPIError

from drumtower.db.engine import Database, Tx, is_hopeless
from drumtower.db.models import Import, ImportRow
from drumtower.db.repositories.imports import ImportRepository, take
from drumtower.db.repositories.pressure import is_behind
from drumtower.domain.clock import Clock
from drumtower.domain.errors import Conflict, DrumtowerError
from drumtower.domain.imports import ImportState, RowState
from drumtower.domain.permissions import Permission
from drumtower.platforms.registry import Registry
from services.api.posts import service
from services.api.posts.schemas import PostCreate
from services.api.principals import Principal, restore
from services.api.problems import refusals

log = structlog.get_logger(__name__)

# A cancellation waits for a chunk at most.
CHUNK = 50


async def work(db: Database, registry: Registry, clock: Clock) -> timedelta | None:
    """Work a chunk of the import that has waited longest; it rests while publishing is behind.

    Where a chunk fails, its import waits behind the others.
    """
    taken: UUID | None = None
    try:
        async with db.transaction() as tx:
            found = await take(tx)
            if found is None or await is_behind(tx):
                return None
            taken = found.id
            await chunk(tx, registry, found, clock.now())
    except Exception:
        if taken is None:
            raise
        log.exception("import.failed", import_id=str(taken))
        await _postpone(db, taken)
        return None
    return timedelta()


async def _postpone(db: Database, import_id: UUID) -> None:
    async with db.transaction() as tx:
        await tx.execute(update(Import).where(Import.id == import_id).values(worked_at=func.now()))


async def chunk(tx: Tx, registry: Registry, found: Import, now: datetime) -> None:
    """Give the next rows of the locked import their verdicts, as the member who began it, with their rights of now."""
    rows = await ImportRepository(tx, found.workspace_id).waiting(found.id, CHUNK)
    member = await _member(tx, found, now)
    for row in rows:
        await _judge(tx, member, registry, row, now, dry_run=found.dry_run)
    states = Counter(row.state for row in rows)
    found.created += states[RowState.CREATED.value]
    found.refused += states[RowState.REFUSED.value]
    found.worked_at = now
    if len(rows) < CHUNK:
        found.state = ImportState.DONE.value
        found.ended_at = now


async def _member(tx: Tx, found: Import, now: datetime) -> Principal | DrumtowerError:
    """Return who began the import, or why they may not go on with it."""
    try:
        principal = await restore(tx, found.workspace_id, found.created_by, found.api_key_id, now)
        principal.require(Permission.POSTS_WRITE)
    except DrumtowerError as error:
        return error
    return principal


async def _judge(
    tx: Tx,
    member: Principal | DrumtowerError,
    registry: Registry,
    row: ImportRow,
    now: datetime,
    *,
    dry_run: bool,
) -> None:
    try:
        row.post_id = await _make(tx, member, registry, row, now, dry_run=dry_run)
        row.state = RowState.CREATED.value
    except (ValidationError, DrumtowerError) as error:
        _refuse(row, error)
    except DBAPIError as error:
        if not is_hopeless(error):
            raise
        log.warning("import.row_refused", import_id=str(row.import_id), number=row.number, exc_info=error)
        _refuse(row, Conflict("conflict", "Somebody changed what it names at the same moment."))


def _refuse(row: ImportRow, error: ValidationError | DrumtowerError) -> None:
    row.state = RowState.REFUSED.value
    row.errors = [one.model_dump(mode="json") for one in refusals(error)]


async def _make(
    tx: Tx,
    member: Principal | DrumtowerError,
    registry: Registry,
    row: ImportRow,
    now: datetime,
    *,
    dry_run: bool,
) -> UUID | None:
    """Write the post in a savepoint, which a dry run takes back: its verdict is that of the real run."""
    if isinstance(member, DrumtowerError):
        raise member
    asked = PostCreate.model_validate(row.raw)
    async with tx.begin_nested() as written:
        post = await service.create(tx, member, registry, asked, now)
        if dry_run:
            await written.rollback()
            return None
    return post.id
