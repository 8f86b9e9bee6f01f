"""Slots: /v1/channels/{channel_id}/slots."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from drumtower.db.models import Slot
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.slots import SlotRepository
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.slots import service
from services.api.slots.schemas import SlotCreate, SlotRead, SlotSet, SlotsRead

router = feature("/channels", "slots")
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]


@router.get("/{channel_id}/slots", operation_id="slots_list", summary="List a channel's publishing times")
async def list_slots(channel_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[SlotRead]:
    await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    statement = SlotRepository(tx, principal.workspace_id).all(channel_id)
    return await paging.page(tx, statement, Slot.id, service.read)


@router.post(
    "/{channel_id}/slots",
    status_code=201,
    operation_id="slots_add",
    summary="Add a publishing time",
    responses=responses(409, 413, 415),
)
async def add_slot(
    channel_id: UUID,
    body: SlotCreate,
    principal: Publisher,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> SlotRead:
    return service.read(await service.add(tx, principal, channel_id, body, clock.now()))


@router.put(
    "/{channel_id}/slots",
    operation_id="slots_replace",
    summary="Set a channel's publishing times",
    responses=responses(413, 415),
)
async def replace_slots(
    channel_id: UUID, body: SlotSet, principal: Publisher, tx: TxDep, clock: ClockDep
) -> SlotsRead:
    """What is planned keeps its time, whether its slot stays or goes."""
    kept = await service.replace(tx, principal, channel_id, body.slots, clock.now())
    return SlotsRead(data=[service.read(slot) for slot in kept])


@router.delete(
    "/{channel_id}/slots/{slot_id}", operation_id="slots_remove", summary="Remove a publishing time"
)
async def remove_slot(
    channel_id: UUID, slot_id: UUID, principal: Publisher, tx: TxDep, clock: ClockDep
) -> SlotRead:
    return service.read(await service.remove(tx, principal, channel_id, slot_id, clock.now()))
