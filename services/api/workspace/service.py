"""What can be done with the workspace."""

from typing import Any

from drumtower import policies
from drumtower.db.models import Workspace
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain.errors import Forbidden, Invalid
from drumtower.domain.permissions import Role
from drumtower.domain.schedules import zone
from services.api import audit
from services.api.editing import Edit
from services.api.workspace.schemas import WorkspaceRead, WorkspaceUpdate


def read(workspace: Workspace) -> WorkspaceRead:
    return WorkspaceRead(
        id=workspace.id,
        name=workspace.name,
        timezone=workspace.timezone,
        policies=policies.read(workspace.policies),
        revision=workspace.revision,
        created_at=workspace.created_at,
    )


async def update(edit: Edit, asked: WorkspaceUpdate) -> Workspace:
    """Lay a merge patch over the settings and the policies."""
    workspace = await edit.tx.get_one(Workspace, edit.principal.workspace_id, with_for_update=True)
    edit.check(workspace.revision)
    changes = asked.changes()
    if "timezone" in changes:
        zone(changes["timezone"])
    if "policies" in changes:
        changes["policies"] = _patched(workspace.policies, changes["policies"])
    for name, value in changes.items():
        setattr(workspace, name, value)
    workspace.revision += 1
    audit.record(edit.tx, edit.principal, "workspace.updated", workspace.id, edit.now, **changes)
    return workspace


async def close(edit: Edit, name: str) -> None:
    """Disconnect every channel and end every membership, the caller's too; raise unless an owner names the workspace.

    Deliveries are left to the scheduler: each finds its channel gone when it is due, however many there are.
    """
    workspace = await edit.tx.get_one(Workspace, edit.principal.workspace_id, with_for_update=True)
    edit.check(workspace.revision)
    if edit.principal.role is not Role.OWNER:
        raise Forbidden("owner_required", "Only an owner closes the workspace.")
    if name != workspace.name:
        detail = "This is not the workspace's name."
        raise Invalid.at(
            "?name", "name_differs", detail, "Send the name exactly as GET /v1/workspace tells it."
        )
    await ChannelRepository(edit.tx, workspace.id).disconnect_all("the workspace was closed", edit.now)
    await MemberRepository(edit.tx, workspace.id).end_all(edit.now)
    audit.record(edit.tx, edit.principal, "workspace.closed", workspace.id, edit.now)


def _patched(stored: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Lay a patch over groups of decisions, each of which is an object or a single value."""
    patched = dict(stored)
    for name, value in patch.items():
        patched[name] = {**stored.get(name, {}), **value} if isinstance(value, dict) else value
    return patched
