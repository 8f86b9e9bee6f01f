"""Renditions: forms of an asset that platforms ask for; the scheduler makes them, and they go out in its place."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Asset, Rendition
from drumtower.db.repositories.assets import AssetRepository
from drumtower.db.repositories.renditions import RenditionRepository
from drumtower.domain.errors import Invalid
from drumtower.domain.ids import new_id
from drumtower.domain.permissions import Permission
from drumtower.domain.renditions import Target, target_for
from drumtower.messages import media_facts
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.assets.schemas import RenditionCreate, RenditionRead
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/assets", "assets")
Writer = Annotated[Principal, Depends(allow(Permission.ASSETS_WRITE))]


@router.get(
    "/{asset_id}/rendition-jobs", operation_id="assets_renditions", summary="List an asset's renditions"
)
async def list_renditions(
    asset_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep
) -> Page[RenditionRead]:
    asset = await AssetRepository(tx, principal.workspace_id).get(asset_id)
    statement = RenditionRepository(tx, principal.workspace_id).of(asset.id)
    return await paging.page(tx, statement, Rendition.id, RenditionRead.model_validate)


@router.post(
    "/{asset_id}/renditions",
    status_code=202,
    operation_id="assets_render",
    summary="Have an asset brought into a platform's form",
    responses=responses(409, 413, 415),
)
async def render(
    asset_id: UUID,
    body: RenditionCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> RenditionRead:
    """Size, shape, format and weight as the platform asks; nothing where it fits. Length is for people to cut.

    The same form asked for again, for whatever platform, is the same rendition; one that failed is tried again. Once it
    is made, preflight looks at it, and it goes out in the asset's place.
    """
    asset = await AssetRepository(tx, principal.workspace_id).get(asset_id, lock=True)
    target = _target(services.registry, body.platform, asset)
    known = await RenditionRepository(tx, principal.workspace_id).by_key(asset.id, target.key)
    now = clock.now()
    if known is None:
        known = Rendition(
            id=new_id(),
            workspace_id=asset.workspace_id,
            asset_id=asset.id,
            key=target.key,
            target=asdict(target),
            state="pending",
            tries=0,
            next_at=now,
            created_by=principal.member_id,
            created_at=now,
        )
        tx.add(known)
        audit.record(tx, principal, "asset.rendition_asked", asset.id, now, platform=body.platform)
    elif known.state == "failed":
        known.state, known.tries, known.next_at, known.error = "pending", 0, now, None
    response.headers["Location"] = f"/v1/assets/{asset.id}/rendition-jobs"
    return RenditionRead.model_validate(known)


def _target(registry: Registry, platform: str, asset: Asset) -> Target:
    adapter = registry.adapters.get(platform)
    if adapter is None:
        raise Invalid.at(
            "/platform",
            "unknown_platform",
            "There is no such platform.",
            f"One of: {', '.join(registry.adapters)}.",
        )
    target = target_for(adapter.capabilities, media_facts(asset))
    if target is None:
        detail = f"{adapter.name.en} takes the file as it is, or in no form that it could be brought into."
        raise Invalid.at(
            "/platform", "rendition_not_needed", detail, "Preflight says what the platform wants."
        )
    return target
