"""Platform advice: asks the rule, and puts the brand's own channels beside what it says."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.best_times import BestTimeRepository
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.audience_labels import TRAIT_NAMES, label
from drumtower.domain.audiences import MatrixRole
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.platform_fit import Candidate, Component, Fit, Target, rank
from drumtower.platforms.registry import Registry
from services.api.languages import Language
from services.api.platforms.fit_schemas import FitAnswer, FitComponent, FitEvidence, FitRead, FitRequest
from services.api.principals import Principal


async def advise(
    tx: Tx, principal: Principal, registry: Registry, asked: FitRequest, language: Language, now: datetime
) -> FitAnswer:
    """Rank the platforms; raise Invalid where nothing is asked for, or the brand is unknown."""
    wanted = {**asked.audience.model_dump(), "goals": asked.goals, "content_kinds": asked.content_kinds}
    target = Target(wanted={name: frozenset(values) for name, values in wanted.items()})
    if not target.asked:
        raise Invalid.at(
            "", "nothing_to_fit", "Nothing is asked for.", "Name an audience, goals or content kinds."
        )
    evidence = await _evidence(tx, principal, asked.brand_id, now)
    candidates = [
        Candidate(platform=slug, character=one.capabilities.character, kinds=one.capabilities.kinds)
        for slug, one in registry.adapters.items()
    ]
    fits = rank(candidates, target)
    return FitAnswer(
        core=[fit.platform for fit in fits if fit.role is MatrixRole.CORE],
        data=[_read(fit, registry, evidence.get(fit.platform, []), language) for fit in fits],
    )


async def _evidence(
    tx: Tx, principal: Principal, brand_id: UUID | None, now: datetime
) -> dict[str, list[FitEvidence]]:
    """Return by platform what the brand's channels have brought."""
    if brand_id is None:
        return {}
    if not await BrandRepository(tx, principal.workspace_id).knows(brand_id):
        raise Invalid.of([Violation.unknown("brand", "/brand_id")])
    statement = ChannelRepository(tx, principal.workspace_id).all().where(Channel.brand_id == brand_id)
    found: dict[str, list[FitEvidence]] = defaultdict(list)
    for channel in await tx.scalars(statement.order_by(Channel.id)):
        results = await BestTimeRepository(tx, principal.workspace_id).results(channel.id, now)
        total = sum(result.engagements for result in results) if results else None
        found[channel.platform].append(
            FitEvidence(channel_id=channel.id, name=channel.name, posts=len(results), engagements=total)
        )
    return found


def _read(fit: Fit, registry: Registry, evidence: list[FitEvidence], language: Language) -> FitRead:
    return FitRead(
        platform=fit.platform,
        name=language.of(registry.adapters[fit.platform].name),
        score=fit.score,
        unknown=fit.unknown,
        confidence=fit.confidence,
        role=fit.role,
        role_label=language.of(label(fit.role)),
        reason=language.of(fit.reason),
        components=[_component(part, language) for part in fit.components],
        evidence=evidence,
    )


def _component(part: Component, language: Language) -> FitComponent:
    return FitComponent(
        name=part.name,
        label=language.of(TRAIT_NAMES[part.name]),
        weight=round(part.weight, 4),
        score=part.score,
        confidence=part.confidence,
        basis=part.basis,
        source=part.source,
        reason=language.of(part.reason),
    )
