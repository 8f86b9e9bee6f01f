"""Handoffs: /v1/deliveries/{id}/pack, …/assign and …/proof."""

from uuid import UUID

from drumtower.db.repositories.deliveries import DeliveryRepository
from services.api.deliveries import handoffs
from services.api.deliveries.acting import Acting
from services.api.deliveries.pack_schemas import PackRead
from services.api.deliveries.packs import read_pack
from services.api.deliveries.router import ACTS
from services.api.deliveries.schemas import DeliveryProof, DeliveryRead, HandoffAssign
from services.api.deps import Reader, ServicesDep, TxDep
from services.api.idempotency import IdempotencyDep
from services.api.languages import LanguageDep
from services.api.problems import responses
from services.api.routing import feature

router = feature("/deliveries", "deliveries")


@router.get(
    "/{delivery_id}/pack",
    operation_id="deliveries_pack",
    summary="Read all that a person needs to publish a handoff",
    responses=responses(409),
)
async def get_pack(
    delivery_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, language: LanguageDep
) -> PackRead:
    """Each text in the platform's own counting, the media in their order, the checklist, and how it is closed."""
    delivery = await DeliveryRepository(tx, principal.workspace_id).get(delivery_id)
    return await read_pack(tx, services, delivery, language)


@router.post(
    "/{delivery_id}/proof",
    operation_id="deliveries_proof",
    summary="Close a handoff with a proof",
    responses=ACTS,
)
async def prove_delivery(
    body: DeliveryProof,
    act: Acting,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    await handoffs.prove(act, act.registry, act.delivery, body)
    return act.done()


@router.post(
    "/{delivery_id}/assign",
    operation_id="deliveries_assign",
    summary="Say who publishes a handoff, and until when",
    responses=ACTS,
)
async def assign_delivery(
    body: HandoffAssign,
    act: Acting,
    idempotency: IdempotencyDep,
) -> DeliveryRead:
    """Its owner is reminded an hour and a quarter of an hour ahead of the deadline."""
    await handoffs.assign(act, act.delivery, body)
    return act.done()
