"""Checking texts against what holds now, and what people say of findings."""

import asyncio
from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import ComplianceFeedback, ComplianceFinding
from drumtower.db.repositories.findings import FindingRepository
from drumtower.domain.compliance import FindingState
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ids import new_id
from drumtower.platforms.registry import Registry
from drumtower.screening import screening
from services.api import audit
from services.api.compliance.schemas import (
    ComplianceCheck,
    FeedbackCreate,
    FeedbackVerdict,
    FindingDismiss,
    Reason,
    TextHits,
)
from services.api.principals import Principal

# A microsecond a character: what keeps other requests waiting a quarter of a second is too much to ask at once.
MOST_CHARACTERS = 250_000


async def check(tx: Tx, principal: Principal, registry: Registry, asked: ComplianceCheck) -> list[TextHits]:
    """Return what the active packs find in each text; raise Invalid with everything that is wrong."""
    violations = []
    if sum(map(len, asked.texts)) > MOST_CHARACTERS:
        detail = f"The texts have more than {MOST_CHARACTERS} characters together."
        violations.append(
            Violation(pointer="/texts", code="texts_too_long", detail=detail, hint="Send them in parts.")
        )
    if asked.platform is not None and asked.platform not in registry.adapters:
        detail = f"No adapter for {asked.platform} is installed."
        hint = f"There are: {', '.join(sorted(registry.adapters))}."
        violations.append(Violation(pointer="/platform", code="platform_unknown", detail=detail, hint=hint))
    if violations:
        raise Invalid.of(violations)
    screen = (await screening(tx, principal.workspace_id)).on(asked.platform, asked.industry)
    answers = []
    for text in asked.texts:
        answers.append(TextHits.model_validate({"hits": screen(text)}, from_attributes=True))
        await asyncio.sleep(0)  # let others have their turn
    return answers


async def dismiss(
    tx: Tx, principal: Principal, finding_id: UUID, asked: FindingDismiss, now: datetime
) -> ComplianceFinding:
    """Put an open finding aside; it is not opened again for the same content."""
    finding = await FindingRepository(tx, principal.workspace_id).get(finding_id, lock=True)
    if finding.state != FindingState.OPEN.value:
        raise Conflict("finding_closed", f"The finding is {finding.state} already.")
    finding.state = FindingState.DISMISSED.value
    finding.note = asked.note
    finding.closed_at = now
    finding.closed_by = principal.member_id
    if asked.reason is Reason.FALSE_POSITIVE:
        _keep(tx, principal, _of(finding, asked.note), finding.pack_version, now)
    audit.record(tx, principal, "finding.dismissed", finding.id, now, reason=asked.reason.value)
    return finding


def _of(finding: ComplianceFinding, note: str) -> FeedbackCreate:
    return FeedbackCreate(
        verdict=FeedbackVerdict.FALSE_POSITIVE,
        text=finding.quote,
        start=0,
        end=len(finding.quote),
        rule=finding.rule,
        note=note,
    )


def tell(tx: Tx, principal: Principal, asked: FeedbackCreate, now: datetime) -> ComplianceFeedback:
    """Keep what somebody says of a check; raise Invalid with everything that is wrong."""
    violations = []
    if not asked.start < asked.end <= len(asked.text):
        detail = f"{asked.start} to {asked.end} is no part of a text of {len(asked.text)} characters."
        hint = "Count code points from 0; `end` is exclusive."
        violations.append(Violation(pointer="/end", code="span_outside_text", detail=detail, hint=hint))
    if asked.verdict is FeedbackVerdict.FALSE_POSITIVE and asked.rule is None:
        detail = "Which rule found it is not said."
        hint = "Send the `rule` of the hit."
        violations.append(Violation(pointer="/rule", code="rule_required", detail=detail, hint=hint))
    if violations:
        raise Invalid.of(violations)
    row = _keep(tx, principal, asked, None, now)
    audit.record(tx, principal, "compliance.feedback_given", row.id, now, rule=asked.rule)
    return row


def _keep(
    tx: Tx, principal: Principal, asked: FeedbackCreate, pack_version: int | None, now: datetime
) -> ComplianceFeedback:
    row = ComplianceFeedback(
        id=new_id(),
        workspace_id=principal.workspace_id,
        verdict=asked.verdict.value,
        text=asked.text,
        start=asked.start,
        end=asked.end,
        rule=asked.rule,
        pack_version=pack_version,
        note=asked.note,
        created_by=principal.member_id,
        created_at=now,
    )
    tx.add(row)
    return row
