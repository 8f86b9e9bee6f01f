"""Brands: /v1/brands."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from drumtower.db.models import Brand
from drumtower.db.repositories.brands import BrandRepository
from drumtower.domain.permissions import Permission
from services.api.brands import drift, service
from services.api.brands.schemas import BrandCreate, BrandRead, BrandUpdate, DriftRead
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep
from services.api.editing import Edit, edits
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Day

router = feature("/brands", "brands")
Editing = Annotated[Edit, Depends(edits(Permission.BRANDS_WRITE))]


@router.get("", operation_id="brands_list", summary="List brands")
async def list_brands(principal: Reader, tx: TxDep, paging: PagingDep) -> Page[BrandRead]:
    brands = BrandRepository(tx, principal.workspace_id)
    return await paging.page(tx, brands.all(), Brand.id, BrandRead.model_validate)


@router.post(
    "",
    status_code=201,
    operation_id="brands_create",
    summary="Create a brand",
    responses=responses(409, 413, 415),
)
async def create_brand(
    body: BrandCreate, edit: Editing, services: ServicesDep, idempotency: IdempotencyDep
) -> BrandRead:
    brand = await service.create(edit, body, services.registry.adapters)
    edit.response.headers["Location"] = f"/v1/brands/{brand.id}"
    return edit.answer(service.revision(brand), BrandRead.model_validate(brand))


@router.get("/{brand_id}", operation_id="brands_get", summary="Read a brand")
async def get_brand(brand_id: UUID, principal: Reader, tx: TxDep, response: Response) -> BrandRead:
    brand = await BrandRepository(tx, principal.workspace_id).get(brand_id)
    set_etag(response, service.revision(brand))
    return BrandRead.model_validate(brand)


@router.patch(
    "/{brand_id}",
    operation_id="brands_update",
    summary="Change a brand",
    responses=responses(409, 412, 413, 415),
)
async def update_brand(brand_id: UUID, body: BrandUpdate, edit: Editing, services: ServicesDep) -> BrandRead:
    brand = await service.update(edit, brand_id, body, services.registry.adapters)
    return edit.answer(service.revision(brand), BrandRead.model_validate(brand))


@router.get("/{brand_id}/drift", operation_id="brands_drift", summary="Show how far posts are from the brand")
async def get_drift(
    brand_id: UUID,
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    first: Annotated[Day | None, Query(alias="from", description="30 days before `to` by default.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Today by default; inclusive.")] = None,
) -> DriftRead:
    """Of posts that are out or planned in these days: each pillar's share against the plan, and what leaves the tone."""
    return await drift.look(tx, principal, brand_id, first, last, clock.now())
