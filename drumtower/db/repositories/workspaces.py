"""The workspace itself."""

from uuid import UUID

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Workspace
from drumtower.policies import Policies, read


async def policies_of(tx: Tx, workspace_id: UUID) -> Policies:
    """Return what the workspace has decided for itself."""
    stored = await tx.scalar(select(Workspace.policies).where(Workspace.id == workspace_id))
    return read(stored or {})
