"""What people do with a handoff: say whose it is and until when, and close it with a proof."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.deliveries import DeliveryRepository
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.handoffs import next_look
from drumtower.domain.permissions import ACTING, Role, granted
from drumtower.platforms.by_hand import ByHand, NoProof, Proof, read_proof
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.deliveries.schemas import DeliveryProof, HandoffAssign
from services.api.deliveries.service import in_future, record_published, violation
from services.api.editing import Edit


async def assign(edit: Edit, delivery: Delivery, asked: HandoffAssign) -> None:
    """Give a handoff another owner or deadline, and tell them; raise Invalid with all that forbids it."""
    tx, principal, now = edit.tx, edit.principal, edit.now
    _check_open(delivery, "is nobody's to publish by hand")
    violations = await owner_violations(
        tx, principal.workspace_id, asked.owner_id, "/owner_id", now, delivery.purpose
    )
    if asked.owner_id is None and asked.deadline is None:
        violations.append(violation("", "nothing_to_change", "Say whose it is, or until when."))
    if asked.deadline is not None and asked.deadline <= now:
        violations.append(
            violation("/deadline", "time_in_past", "The deadline has passed.", "Give a later one.")
        )
    if violations:
        raise Invalid.of(violations)
    delivery.owner_id = asked.owner_id or delivery.owner_id
    delivery.deadline = asked.deadline or delivery.deadline
    delivery.next_at = next_look(delivery.deadline, now) if delivery.deadline else None
    delivery.revision += 1
    delivery.updated_at = now
    about = {
        "owner_id": str(delivery.owner_id),
        "deadline": delivery.deadline and delivery.deadline.isoformat(),
    }
    audit.record(tx, principal, "delivery.assigned", delivery.id, now, **about)
    outbox.append(
        tx,
        workspace_id=principal.workspace_id,
        name="delivery.assigned",
        subject_id=delivery.id,
        now=now,
        **about,
    )


async def owner_violations(
    tx: Tx,
    workspace_id: UUID,
    member_id: UUID | None,
    pointer: str,
    now: datetime,
    action: Action = Action.PUBLISH,
) -> list[Violation]:
    """Say why a member can't own handoffs: whoever does it by hand must be allowed to do it."""
    if member_id is None:
        return []
    member = await MemberRepository(tx, workspace_id).here(member_id, now)
    if member is None:
        return [violation(pointer, "owner_unknown", "There is no such member in this workspace.")]
    needed = ACTING[action]
    if granted(Role(member.role), external=member.external).isdisjoint(needed):
        hint = f"Name a member with the permission {' or '.join(needed)}; an external one never may publish."
        return [violation(pointer, "owner_not_permitted", f"{member.name} may not {action}.", hint)]
    return []


async def prove(edit: Edit, registry: Registry, delivery: Delivery, asked: DeliveryProof) -> None:
    """Close a handoff with the link of what a person published."""
    tx, principal, now = edit.tx, edit.principal, edit.now
    _check_open(delivery, "waits for no proof")
    channel = await ChannelRepository(tx, principal.workspace_id).get(delivery.channel_id)
    proof, violations = _read(registry, channel, asked.url)
    violations += in_future(asked.published_at, now)
    if violations or proof is None:
        raise Invalid.of(violations)
    post_id = proof.post_id if delivery.action == Action.PUBLISH.value else None
    if delivery.action == Action.PUBLISH.value:
        await _check_new(tx, delivery, proof)
    at = asked.published_at
    await record_published(tx, delivery, url=proof.url, external_id=post_id, at=at, now=now, step="proof")
    audit.record(tx, principal, "delivery.proved", delivery.id, now, url=proof.url)


def _check_open(delivery: Delivery, what: str) -> None:
    if State(delivery.state) is not State.HANDOFF:
        raise Conflict("delivery_state", f"A delivery that is {delivery.state} {what}.")


def _read(registry: Registry, channel: Channel, url: str) -> tuple[Proof | None, list[Violation]]:
    adapter = registry.adapters.get(channel.platform)
    own = (channel.account_url, channel.base_url)
    try:
        return read_proof(adapter.by_hand if adapter else ByHand(), url, own), []
    except NoProof as error:
        return None, [violation("/url", "proof_elsewhere", str(error), error.hint)]


async def _check_new(tx: Tx, delivery: Delivery, proof: Proof) -> None:
    """Raise Conflict where the post proves another delivery already: two people would count one post twice."""
    # Two proofs with one link, at once: the second sees the first.
    await tx.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"proof {delivery.channel_id}", 0)))
    )
    other = await DeliveryRepository(tx, delivery.workspace_id).proved_by(
        delivery, url=proof.url, external_id=proof.post_id
    )
    if other is not None:
        raise Conflict("proof_taken", f"This post is delivery {other} already.")
