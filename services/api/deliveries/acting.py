"""What every act on a delivery begins with: who acts, whether this delivery is theirs to change, and which revision they saw."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import DeliveryRepository
from drumtower.domain.permissions import ACTING, ACTS
from drumtower.platforms.registry import Registry
from services.api.deliveries.reading import read
from services.api.deliveries.schemas import DeliveryRead
from services.api.deps import ClockDep, PrincipalDep, ServicesDep, TxDep
from services.api.editing import Edit, IfMatch
from services.api.idempotency import IdempotencyDep


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Edit):
    """One change to a delivery, which is locked."""

    delivery: Delivery
    registry: Registry

    def done(self) -> DeliveryRead:
        """Return the delivery as it stands now, under its new ETag."""
        return self.answer(self.delivery.revision, read(self.delivery, self.registry))


async def begin(
    delivery_id: UUID,
    principal: PrincipalDep,
    _: IdempotencyDep,  # before the revision is looked at: a repeat carries the old one, and is answered as before
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    if_match: IfMatch = None,
) -> Act:
    """Raise Forbidden, NotFound, or PreconditionFailed where the caller has seen an older revision."""
    principal.require(*ACTS)
    delivery = await DeliveryRepository(tx, principal.workspace_id).get(delivery_id, lock=True)
    principal.require(*ACTING[delivery.purpose])
    act = Act(
        principal=principal,
        tx=tx,
        now=clock.now(),
        response=response,
        if_match=if_match,
        delivery=delivery,
        registry=services.registry,
    )
    act.check(delivery.revision)
    return act


Acting = Annotated[Act, Depends(begin)]
