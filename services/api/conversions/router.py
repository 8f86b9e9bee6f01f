"""Conversions: /v1/conversions."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from drumtower.db.models import Conversion
from drumtower.db.repositories.conversions import ConversionRepository
from drumtower.domain.errors import Invalid
from drumtower.domain.permissions import Permission
from services.api.conversions import service
from services.api.conversions.schemas import (
    ConversionBatchRead,
    ConversionCreate,
    ConversionRead,
    ConversionResult,
    OneOrMany,
    Verdict,
)
from services.api.conversions.service import Taken
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses, violations_read
from services.api.routing import feature
from services.api.schemas import Moment

router = feature("/conversions", "conversions")
Writer = Annotated[Principal, Depends(allow(Permission.CONVERSIONS_WRITE))]


@router.get("", operation_id="conversions_list", summary="List conversions")
async def list_conversions(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    event: str | None = None,
    external_id: str | None = None,
    link_id: UUID | None = None,
    channel_id: UUID | None = None,
    occurred_from: Annotated[Moment | None, Query(description="At this moment or later.")] = None,
    occurred_before: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> Page[ConversionRead]:
    statement = ConversionRepository(tx, principal.workspace_id).all()
    given = {
        Conversion.event: event,
        Conversion.external_id: external_id,
        Conversion.link_id: link_id,
        Conversion.channel_id: channel_id,
    }
    for column, value in given.items():
        if value is not None:
            statement = statement.where(column == value)
    if occurred_from is not None:
        statement = statement.where(Conversion.occurred_at >= occurred_from)
    if occurred_before is not None:
        statement = statement.where(Conversion.occurred_at < occurred_before)
    return await paging.page(tx, statement, Conversion.id, ConversionRead.model_validate)


@router.post(
    "",
    status_code=201,
    operation_id="conversions_create",
    summary="Tell one conversion, or a batch",
    responses={
        200: {
            "model": ConversionRead | ConversionBatchRead,
            "description": "Nothing new: every conversion was told before, or was refused.",
        },
        **responses(409, 413, 415),
    },
)
async def create_conversions(
    body: OneOrMany,
    principal: Writer,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> ConversionRead | ConversionBatchRead:
    """Take one conversion or up to 500. An `external_id` counts once, however often it is told.

    One conversion: 201 with it, 200 with the first telling where it is a duplicate, 422 where it is refused.
    A batch: a verdict per conversion, in the request's order; 201 where at least one is new, else 200. A batch that
    is malformed anywhere is refused as a whole (422, every violation at once) and stores nothing.
    """
    if isinstance(body, ConversionCreate):
        [taken] = await service.take(tx, principal, [body], clock.now())
        return _one(taken, response)
    batch = await service.take(tx, principal, body.conversions, clock.now(), "/conversions/{}")
    return _many(body.conversions, batch, response)


def _one(taken: Taken, response: Response) -> ConversionRead:
    if taken.violation is not None:
        raise Invalid.of([taken.violation])
    made = ConversionRead.model_validate(taken.conversion)
    response.status_code = 201 if taken.verdict is Verdict.CREATED else 200
    response.headers["Location"] = f"/v1/conversions/{made.id}"
    return made


def _many(
    asked: Sequence[ConversionCreate], batch: Sequence[Taken], response: Response
) -> ConversionBatchRead:
    counts = Counter(taken.verdict for taken in batch)
    response.status_code = 201 if counts[Verdict.CREATED] else 200
    return ConversionBatchRead(
        data=[_result(index, asked[index], taken) for index, taken in enumerate(batch)],
        created=counts[Verdict.CREATED],
        duplicate=counts[Verdict.DUPLICATE],
        refused=counts[Verdict.REFUSED],
    )


def _result(index: int, asked: ConversionCreate, taken: Taken) -> ConversionResult:
    return ConversionResult(
        index=index,
        external_id=asked.external_id,
        verdict=taken.verdict,
        conversion=ConversionRead.model_validate(taken.conversion) if taken.conversion else None,
        error=violations_read([taken.violation])[0] if taken.violation else None,
    )


@router.get("/{conversion_id}", operation_id="conversions_get", summary="Read a conversion")
async def get_conversion(conversion_id: UUID, principal: Reader, tx: TxDep) -> ConversionRead:
    return ConversionRead.model_validate(
        await ConversionRepository(tx, principal.workspace_id).get(conversion_id)
    )
