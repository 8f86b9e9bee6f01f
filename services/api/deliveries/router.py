"""Deliveries: /v1/deliveries."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from drumtower.db.models import Attempt, Delivery
from drumtower.db.repositories.deliveries import DeliveryRepository
from drumtower.domain.deliveries import Action, State
from drumtower.jobs import Role
from services.api.deliveries import service
from services.api.deliveries.acting import Acting
from services.api.deliveries.explaining import explained
from services.api.deliveries.explanation_schemas import ExplanationRead
from services.api.deliveries.quotas import reserve
from services.api.deliveries.reading import read_all
from services.api.deliveries.schemas import (
    AttemptRead,
    DeliveryRead,
    DeliveryReconcile,
    DeliveryReschedule,
)
from services.api.deps import BellDep, ClockDep, Reader, ServicesDep, TxDep
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.languages import LanguageDep
from services.api.pagination import Page, PagingDep
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Moment

router = feature("/deliveries", "deliveries")
ACTS = responses(409, 412, 413, 415)


@router.get("", operation_id="deliveries_list", summary="List deliveries")
async def list_deliveries(
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    paging: PagingDep,
    state: Annotated[list[State] | None, Query()] = None,
    channel_id: UUID | None = None,
    post_id: UUID | None = None,
    action: Action | None = None,
    due_from: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    due_to: Annotated[Moment | None, Query(description="Exclusive.")] = None,
    needs_check: Annotated[bool | None, Query(description="The work list: only a person can tell.")] = None,
    owner_id: Annotated[UUID | None, Query(description="Whose handoffs.")] = None,
    late: Annotated[
        bool | None, Query(description="Handoffs that missed their deadline, or did not.")
    ] = None,
) -> Page[DeliveryRead]:
    statement = DeliveryRepository(tx, principal.workspace_id).all()
    equal = {
        Delivery.channel_id: channel_id,
        Delivery.post_id: post_id,
        Delivery.action: action,
        Delivery.needs_check: needs_check,
        Delivery.owner_id: owner_id,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if state:
        statement = statement.where(Delivery.state.in_([one.value for one in state]))
    if late is not None:
        missed = Delivery.late_at.is_not(None)
        statement = statement.where(missed if late else ~missed, Delivery.deadline.is_not(None))
    if due_from is not None:
        statement = statement.where(Delivery.due_at >= due_from)
    if due_to is not None:
        statement = statement.where(Delivery.due_at < due_to)
    rows, cursor = await paging.rows(tx, statement, Delivery.id)
    data = await read_all(tx, principal.workspace_id, rows, services.registry)
    return Page(data=data, next_cursor=cursor)


@router.get("/{delivery_id}", operation_id="deliveries_get", summary="Read a delivery")
async def get_delivery(
    delivery_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, response: Response
) -> DeliveryRead:
    delivery = await DeliveryRepository(tx, principal.workspace_id).get(delivery_id)
    set_etag(response, delivery.revision)
    [made] = await read_all(tx, principal.workspace_id, [delivery], services.registry)
    return made


@router.get(
    "/{delivery_id}/explain",
    operation_id="deliveries_explain",
    summary="Say why a delivery has (not) gone out",
)
async def explain_delivery(
    delivery_id: UUID,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    language: LanguageDep,
) -> ExplanationRead:
    """One sentence and the facts: what stands in the way, what comes next, who must act, and what has happened."""
    delivery = await DeliveryRepository(tx, principal.workspace_id).get(delivery_id)
    return await explained(tx, principal, services.registry, delivery, clock.now(), language)


@router.get("/{delivery_id}/attempts", operation_id="deliveries_attempts", summary="List what has been tried")
async def list_attempts(
    delivery_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep
) -> Page[AttemptRead]:
    deliveries = DeliveryRepository(tx, principal.workspace_id)
    await deliveries.get(delivery_id)
    statement = deliveries.select(Attempt).where(Attempt.delivery_id == delivery_id)
    return await paging.page(tx, statement, Attempt.id, AttemptRead.model_validate)


@router.post(
    "/{delivery_id}/cancel", operation_id="deliveries_cancel", summary="Cancel a delivery", responses=ACTS
)
async def cancel_delivery(
    act: Acting,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    await service.cancel(act, act.delivery)
    return act.done()


@router.post(
    "/{delivery_id}/reschedule",
    operation_id="deliveries_reschedule",
    summary="Give a delivery another time",
    responses=ACTS,
)
async def reschedule_delivery(
    body: DeliveryReschedule,
    act: Acting,
    services: ServicesDep,
    bell: BellDep,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    await service.reschedule(act, act.delivery, body)
    await reserve(act.tx, services.limits, [act.delivery], act.now)
    bell.ring(Role.SCHEDULER)
    return act.done()


@router.post(
    "/{delivery_id}/retry",
    operation_id="deliveries_retry",
    summary="Let a failed delivery go again",
    responses=ACTS,
)
async def retry_delivery(
    act: Acting,
    services: ServicesDep,
    bell: BellDep,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    await service.retry(act, act.delivery)
    await reserve(act.tx, services.limits, [act.delivery], act.now)
    bell.ring(Role.SCHEDULER)
    return act.done()


@router.post(
    "/{delivery_id}/reconcile",
    operation_id="deliveries_reconcile",
    summary="Settle an unknown outcome, or have it looked up now",
    responses=ACTS,
)
async def reconcile_delivery(
    body: DeliveryReconcile,
    act: Acting,
    bell: BellDep,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    await service.reconcile(act, act.delivery, body)
    bell.ring(Role.SCHEDULER)
    return act.done()
