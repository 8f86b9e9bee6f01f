"""Interactions: /v1/interactions."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from drumtower.db.models import Delivery, Interaction
from drumtower.db.repositories.interactions import InteractionRepository
from drumtower.domain.interactions import Intent, InteractionKind, InteractionStatus, Sentiment
from drumtower.domain.permissions import Permission
from drumtower.jobs import Role
from services.api import etags
from services.api.deliveries.reading import read as read_delivery
from services.api.deliveries.schemas import DeliveryRead
from services.api.deps import BellDep, ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.editing import Edit, edits
from services.api.idempotency import IdempotencyDep
from services.api.importing import ImportRead
from services.api.interactions import imports, service
from services.api.interactions.answers import answer
from services.api.interactions.imports import InteractionImport
from services.api.interactions.schemas import InteractionRead, InteractionUpdate, ReplyCreate
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/interactions", "interactions")
Writer = Annotated[Principal, Depends(allow(Permission.INTERACTIONS_WRITE))]


async def get_filters(
    channel_id: UUID | None = None,
    kind: InteractionKind | None = None,
    sentiment: Sentiment | None = None,
    intent: Intent | None = None,
    status: InteractionStatus | None = None,
    assignee_id: UUID | None = None,
    post_id: UUID | None = None,
    delivery_id: UUID | None = None,
    q: Annotated[
        str | None, Query(min_length=1, max_length=100, description="Words in the text, as they stand.")
    ] = None,
    answered: Annotated[bool | None, Query(description="Whether an answer of ours is out.")] = None,
) -> service.Filters:
    return service.Filters(
        channel_id=channel_id,
        kind=kind,
        sentiment=sentiment,
        intent=intent,
        status=status,
        assignee_id=assignee_id,
        post_id=post_id,
        delivery_id=delivery_id,
        q=q,
        answered=answered,
    )


FiltersDep = Annotated[service.Filters, Depends(get_filters)]


@router.get("", operation_id="interactions_list", summary="List interactions")
async def list_interactions(
    principal: Reader, services: ServicesDep, tx: TxDep, paging: PagingDep, filters: FiltersDep
) -> Page[InteractionRead]:
    statement = filters.apply(InteractionRepository(tx, principal.workspace_id).all())
    rows, cursor = await paging.rows(tx, statement, Interaction.id)
    data = await service.read(tx, principal.workspace_id, rows, services.registry)
    return Page(data=data, next_cursor=cursor)


@router.post(
    "/import",
    operation_id="interactions_import",
    summary="Import comments that no API gives",
    responses=responses(404, 409, 413, 415),
)
async def import_interactions(
    body: InteractionImport,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> ImportRead:
    """A verdict per row; a row that is refused stops no other, and the same rows again change nothing.

    In a CSV, a time without an offset is the workspace's, and a day means its end.
    """
    return await imports.take(tx, principal, services.registry, body, clock.now())


@router.get("/{interaction_id}", operation_id="interactions_get", summary="Read an interaction")
async def get_interaction(
    interaction_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, response: Response
) -> InteractionRead:
    interaction = await InteractionRepository(tx, principal.workspace_id).get(interaction_id)
    etags.set_etag(response, interaction.revision)
    return (await service.read(tx, principal.workspace_id, [interaction], services.registry))[0]


@router.patch(
    "/{interaction_id}",
    operation_id="interactions_update",
    summary="Assign, tag, judge or close an interaction",
    responses=responses(409, 412, 413, 415),
)
async def update_interaction(
    interaction_id: UUID,
    body: InteractionUpdate,
    edit: Annotated[Edit, Depends(edits(Permission.INTERACTIONS_WRITE))],
    services: ServicesDep,
) -> InteractionRead:
    """A person's verdict on sentiment or intent replaces the machine's, and says so."""
    changed = await service.update(edit, interaction_id, body)
    [read] = await service.read(edit.tx, edit.principal.workspace_id, [changed], services.registry)
    return edit.answer(changed.revision, read)


@router.get("/{interaction_id}/replies", operation_id="replies_list", summary="List our answers")
async def list_replies(
    interaction_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, paging: PagingDep
) -> Page[DeliveryRead]:
    interactions = InteractionRepository(tx, principal.workspace_id)
    await interactions.get(interaction_id)
    statement = interactions.replies(interaction_id)
    return await paging.page(
        tx, statement, Delivery.id, lambda delivery: read_delivery(delivery, services.registry)
    )


@router.post(
    "/{interaction_id}/replies",
    status_code=201,
    operation_id="replies_create",
    summary="Answer",
    responses=responses(409, 413, 415),
)
async def create_reply(
    interaction_id: UUID,
    body: ReplyCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    bell: BellDep,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    """Plan a delivery that is due now: public for a comment or mention, private for a message."""
    delivery = await answer(tx, principal, services.registry, interaction_id, body.text, clock.now())
    response.headers["Location"] = f"/v1/deliveries/{delivery.id}"
    bell.ring(Role.SCHEDULER)
    return read_delivery(delivery, services.registry)
