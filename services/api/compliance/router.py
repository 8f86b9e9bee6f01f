"""Compliance: /v1/compliance."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from drumtower.db.models import ComplianceFeedback, ComplianceFinding
from drumtower.db.repositories.findings import FindingRepository
from drumtower.domain.compliance import FindingState
from drumtower.domain.errors import Severity
from drumtower.domain.permissions import Permission
from services.api.compliance import service
from services.api.compliance.schemas import (
    ComplianceCheck,
    ComplianceChecked,
    FeedbackCreate,
    FeedbackRead,
    FeedbackVerdict,
    FindingDismiss,
    FindingRead,
)
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/compliance", "compliance")
Reviewer = Annotated[Principal, Depends(allow(Permission.POSTS_REVIEW))]


@router.post(
    "/check",
    operation_id="compliance_check",
    summary="Check texts against the active rule packs",
    responses=responses(413, 415),
)
async def check_texts(
    body: ComplianceCheck, principal: Reader, services: ServicesDep, tx: TxDep
) -> ComplianceChecked:
    """The same rules hold in preflight, when a post is submitted, for replies, and when a post leaves."""
    return ComplianceChecked(data=await service.check(tx, principal, services.registry, body))


@router.get("/findings", operation_id="compliance_findings_list", summary="List what new rules found")
async def list_findings(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    state: Annotated[FindingState | None, Query()] = None,
    severity: Annotated[Severity | None, Query()] = None,
    rule: Annotated[str | None, Query(max_length=120)] = None,
    post_id: UUID | None = None,
) -> Page[FindingRead]:
    """Hits in scheduled and published posts, from each scan that follows a change of the rules."""
    asked = {"state": state, "severity": severity, "rule": rule, "post_id": post_id}
    statement = FindingRepository(tx, principal.workspace_id).matching(asked)
    return await paging.page(tx, statement, ComplianceFinding.id, FindingRead.model_validate)


@router.get("/findings/{finding_id}", operation_id="compliance_findings_get", summary="Read a finding")
async def get_finding(finding_id: UUID, principal: Reader, tx: TxDep) -> FindingRead:
    return FindingRead.model_validate(await FindingRepository(tx, principal.workspace_id).get(finding_id))


@router.post(
    "/findings/{finding_id}/dismiss",
    operation_id="compliance_findings_dismiss",
    summary="Put a finding aside",
    responses=responses(409, 413, 415),
)
async def dismiss_finding(
    finding_id: UUID,
    body: FindingDismiss,
    principal: Reviewer,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> FindingRead:
    finding = await service.dismiss(tx, principal, finding_id, body, clock.now())
    return FindingRead.model_validate(finding)


@router.get("/feedback", operation_id="compliance_feedback_list", summary="List what was said of checks")
async def list_feedback(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    verdict: Annotated[FeedbackVerdict | None, Query()] = None,
    rule: Annotated[str | None, Query(max_length=120)] = None,
) -> Page[FeedbackRead]:
    """For whoever writes the next version of a pack: an exception for what is harmless, a term for what was missed."""
    statement = FindingRepository(tx, principal.workspace_id).feedback({"verdict": verdict, "rule": rule})
    return await paging.page(tx, statement, ComplianceFeedback.id, FeedbackRead.model_validate)


@router.post(
    "/feedback",
    status_code=201,
    operation_id="compliance_feedback_create",
    summary="Say what a check got wrong",
    responses=responses(413, 415),
)
async def create_feedback(
    body: FeedbackCreate, principal: Reader, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> FeedbackRead:
    return FeedbackRead.model_validate(service.tell(tx, principal, body, clock.now()))
