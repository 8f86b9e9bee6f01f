"""What can be done with brands."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from drumtower.db.models import Brand
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.campaigns import CampaignRepository
from drumtower.domain.brands import contradictions
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.brands.schemas import BrandCreate, BrandUpdate
from services.api.editing import Edit
from services.api.etags import revision_of


async def create(edit: Edit, asked: BrandCreate, platforms: Collection[str]) -> Brand:
    """Add a brand; raise Invalid with everything that contradicts itself."""
    said = asked.model_dump(mode="json")
    await _check(edit, said, platforms)
    owner = {"id": new_id(), "workspace_id": edit.principal.workspace_id}
    brand = Brand(**owner, created_at=edit.now, updated_at=edit.now, **said)
    BrandRepository(edit.tx, edit.principal.workspace_id).add(brand)
    audit.record(edit.tx, edit.principal, "brand.created", brand.id, edit.now)
    return brand


async def update(edit: Edit, brand_id: UUID, asked: BrandUpdate, platforms: Collection[str]) -> Brand:
    """Change the fields that were sent; raise PreconditionFailed where somebody else did before."""
    brand = await BrandRepository(edit.tx, edit.principal.workspace_id).get(brand_id, lock=True)
    edit.check(revision(brand))
    changes = asked.changes()
    await _check(edit, _said(brand) | changes, platforms)
    for name, value in changes.items():
        setattr(brand, name, value)
    brand.updated_at = edit.now
    audit.record(edit.tx, edit.principal, "brand.updated", brand.id, edit.now, fields=sorted(changes))
    return brand


def revision(brand: Brand) -> str:
    """Return a word that changes with what people edit."""
    return revision_of(_said(brand))


def _said(brand: Brand) -> dict[str, Any]:
    return {name: getattr(brand, name) for name in BrandCreate.model_fields}


async def _check(edit: Edit, said: dict[str, Any], platforms: Collection[str]) -> None:
    known = await CampaignRepository(edit.tx, edit.principal.workspace_id).among(
        UUID(one) for rule in said["disclosure_rules"] for one in rule["campaign_ids"]
    )
    violations = list(contradictions(said))
    for index, rule in enumerate(said["disclosure_rules"]):
        at = f"/disclosure_rules/{index}"
        violations += [
            _unknown(f"{at}/platforms/{number}", platform, platforms)
            for number, platform in enumerate(rule["platforms"])
            if platform not in platforms
        ]
        violations += [
            Violation.unknown("campaign", f"{at}/campaign_ids/{number}")
            for number, one in enumerate(rule["campaign_ids"])
            if UUID(one) not in known
        ]
    if violations:
        raise Invalid.of(violations)


def _unknown(pointer: str, platform: str, platforms: Collection[str]) -> Violation:
    detail = f"No adapter for {platform} is installed."
    return Violation(
        pointer=pointer,
        code="platform_unknown",
        detail=detail,
        hint=f"There are: {', '.join(sorted(platforms))}.",
    )
