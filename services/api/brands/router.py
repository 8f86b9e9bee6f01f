"""Brands: /v1/brands."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Brand
from drumtower.db.repositories.brands import BrandRepository
from drumtower.domain.permissions import Permission
from services.api.brands import service
from services.api.brands.schemas import BrandCreate, BrandRead, BrandUpdate
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/brands", "brands")
Writer = Annotated[Principal, Depends(allow(Permission.BRANDS_WRITE))]


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
    body: BrandCreate,
    principal: Writer,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> BrandRead:
    brand = service.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/brands/{brand.id}"
    return BrandRead.model_validate(brand)


@router.get("/{brand_id}", operation_id="brands_get", summary="Read a brand")
async def get_brand(brand_id: UUID, principal: Reader, tx: TxDep) -> BrandRead:
    return BrandRead.model_validate(await BrandRepository(tx, principal.workspace_id).get(brand_id))


@router.patch(
    "/{brand_id}", operation_id="brands_update", summary="Change a brand", responses=responses(409, 413, 415)
)
async def update_brand(
    brand_id: UUID, body: BrandUpdate, principal: Writer, tx: TxDep, clock: ClockDep
) -> BrandRead:
    return BrandRead.model_validate(await service.update(tx, principal, brand_id, body, clock.now()))
