"""What can be done with brands."""

from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Brand
from drumtower.db.repositories.brands import BrandRepository
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.brands.schemas import BrandCreate, BrandUpdate
from services.api.principals import Principal


def create(tx: Tx, principal: Principal, asked: BrandCreate, now: datetime) -> Brand:
    """Add a brand."""
    brand = Brand(
        id=new_id(), workspace_id=principal.workspace_id, created_at=now, updated_at=now, **asked.model_dump()
    )
    BrandRepository(tx, principal.workspace_id).add(brand)
    audit.record(tx, principal, "brand.created", brand.id, now)
    return brand


async def update(tx: Tx, principal: Principal, brand_id: UUID, asked: BrandUpdate, now: datetime) -> Brand:
    """Change the fields that were sent."""
    brand = await BrandRepository(tx, principal.workspace_id).get(brand_id, lock=True)
    changes = asked.changes()
    for name, value in changes.items():
        setattr(brand, name, value)
    brand.updated_at = now
    audit.record(tx, principal, "brand.updated", brand.id, now, fields=sorted(changes))
    return brand
