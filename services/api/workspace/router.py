"""The workspace: /v1/workspace."""

from typing import Annotated

from fastapi import Depends, Query, Response

from drumtower.db.models import Workspace
from drumtower.domain.permissions import Permission
from services.api.deps import Reader, TxDep
from services.api.editing import Edit, edits
from services.api.etags import set_etag
from services.api.problems import responses
from services.api.routing import feature
from services.api.workspace import service
from services.api.workspace.schemas import WorkspaceRead, WorkspaceUpdate

router = feature("/workspace", "team")


@router.get("", operation_id="workspace_get", summary="Read the workspace's settings and policies")
async def get_workspace(principal: Reader, tx: TxDep, response: Response) -> WorkspaceRead:
    workspace = await tx.get_one(Workspace, principal.workspace_id)
    set_etag(response, workspace.revision)
    return service.read(workspace)


@router.patch(
    "",
    operation_id="workspace_update",
    summary="Change the workspace's settings and policies",
    responses=responses(409, 412, 413, 415),
)
async def update_workspace(
    body: WorkspaceUpdate, edit: Annotated[Edit, Depends(edits(Permission.WORKSPACE_WRITE))]
) -> WorkspaceRead:
    """A policy holds from the next step on: what is approved or scheduled already stays so."""
    workspace = await service.update(edit, body)
    return edit.answer(workspace.revision, service.read(workspace))


@router.delete(
    "",
    operation_id="workspace_close",
    summary="Close the workspace",
    status_code=204,
    responses=responses(409, 412),
)
async def close_workspace(
    name: Annotated[
        str, Query(max_length=200, description="The workspace's name, so that it is the right one.")
    ],
    edit: Annotated[Edit, Depends(edits(Permission.WORKSPACE_WRITE))],
) -> None:
    """For owners. Every account is disconnected, its secrets removed, and every membership ends: nothing more leaves,
    and nobody comes in. What is on its way to a platform at this moment is still seen to its end; all history stays."""
    await service.close(edit, name)
