"""Our answers: checked at once, and planned as deliveries that are due now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.models import Brand, Channel, Delivery, Interaction
from drumtower.db.repositories.deliveries import plan
from drumtower.db.repositories.interactions import InteractionRepository
from drumtower.domain import replies
from drumtower.domain.capabilities import Feature
from drumtower.domain.deliveries import Action
from drumtower.domain.errors import Invalid
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.rule_packs import Screen
from drumtower.platforms import Adapter, Messenger, Replier
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.grounds import ground_of
from services.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is answered, where, and by which platform's rules. `said_at` is when its author last spoke to us."""

    interaction: Interaction
    channel: Channel
    brand: Brand
    adapter: type[Adapter]
    said_at: datetime
    screen: Screen

    @property
    def kind(self) -> InteractionKind:
        return InteractionKind(self.interaction.kind)


async def answer(
    tx: Tx, principal: Principal, registry: Registry, interaction_id: UUID, text: str, now: datetime
) -> Delivery:
    """Plan an answer, due now; raise Invalid with everything that forbids it."""
    asked = await _asked(tx, principal, registry, interaction_id)
    violations = replies.check(_reply(asked, text), now)
    if violations:
        raise Invalid.of(violations)
    delivery = _plan(asked, principal, text, now)
    tx.add(delivery)
    outbox.append(
        tx, workspace_id=principal.workspace_id, name="delivery.planned", subject_id=delivery.id, now=now
    )
    audit.record(tx, principal, "interaction.answered", interaction_id, now, delivery_id=str(delivery.id))
    return delivery


async def _asked(tx: Tx, principal: Principal, registry: Registry, interaction_id: UUID) -> Asked:
    interactions = InteractionRepository(tx, principal.workspace_id)
    interaction = await interactions.get(interaction_id)
    channel = await interactions.find(Channel, interaction.channel_id, "channel")
    adapter = registry.adapters.get(channel.platform)
    if adapter is None:
        raise Invalid.at("", "reply_not_supported", f"No adapter speaks {channel.platform} here any more.")
    ground = await ground_of(tx, principal)
    last = await interactions.last_messages([interaction.conversation_id])
    return Asked(
        interaction=interaction,
        channel=channel,
        brand=await interactions.find(Brand, channel.brand_id, "brand"),
        adapter=adapter,
        said_at=last.get(interaction.conversation_id, interaction.occurred_at),
        screen=ground.screening.on(channel.platform, ground.policies.industry),
    )


def _reply(asked: Asked, text: str) -> replies.Reply:
    private = asked.kind is InteractionKind.MESSAGE
    taker, feature = (Messenger, Feature.MESSAGE) if private else (Replier, Feature.REPLY)
    return replies.Reply(
        text=text,
        kind=asked.kind,
        said_at=asked.said_at,
        platform=asked.adapter.name.en,
        capabilities=asked.adapter.capabilities,
        supported=issubclass(asked.adapter, taker) or feature in asked.adapter.by_hand.features,
        connected=asked.channel.status == "connected",
        banned_words=tuple(asked.brand.banned_words),
        screen=asked.screen,
    )


def _plan(asked: Asked, principal: Principal, text: str, now: datetime) -> Delivery:
    until = replies.deadline(asked.kind, asked.adapter.capabilities, asked.said_at)
    return plan(
        workspace_id=principal.workspace_id,
        channel_id=asked.channel.id,
        platform=asked.channel.platform,
        action=Action.MESSAGE if asked.kind is InteractionKind.MESSAGE else Action.REPLY,
        payload={"text": text},
        due_at=now,
        created_by=principal.member_id,
        now=now,
        interaction_id=asked.interaction.id,
        # What the platform would refuse by then is missed, not sent late.
        late_by_seconds=None if until is None else int((until - now).total_seconds()),
    )
