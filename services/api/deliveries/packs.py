"""The pack of a handoff: all that a person needs to publish it by hand."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Asset, Delivery, Interaction
from drumtower.db.repositories.assets import AssetRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.content import ChannelContent
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import Conflict
from drumtower.domain.handoffs import Field, checklist, field, fields
from drumtower.messages import compose_text, content_of
from drumtower.platforms import Adapter, ByHand
from services.api.assets.downloads import address_of
from services.api.deliveries.pack_schemas import PackAnswers, PackField, PackMedia, PackProof, PackRead
from services.api.deps import Services
from services.api.languages import Language

# Whoever has the pack may be on a phone without our credentials; each reading of it makes the addresses anew.
DOWNLOADS = timedelta(days=1)


async def read_pack(tx: Tx, services: Services, delivery: Delivery, language: Language) -> PackRead:
    """Return the pack; raise Conflict where nobody is to publish it by hand: it could appear twice."""
    if State(delivery.state) is not State.HANDOFF:
        raise Conflict(
            "delivery_state", f"A delivery that is {delivery.state} is nobody's to publish by hand."
        )
    channel = await ChannelRepository(tx, delivery.workspace_id).get(delivery.channel_id)
    adapter = services.registry.adapters.get(delivery.platform)
    by_hand = adapter.by_hand if adapter else ByHand()
    content = content_of(delivery.payload) if delivery.action == Action.PUBLISH.value else None
    media = await _media(tx, services, delivery, content.asset_ids if content else ())
    steps = checklist(
        answers=content is None,
        media=len(media),
        disclosed=content.disclosures if content else (),
        own=by_hand.steps,
    )
    return PackRead(
        delivery_id=delivery.id,
        post_id=delivery.post_id,
        platform=delivery.platform,
        channel_id=channel.id,
        channel_name=channel.name,
        account_url=channel.account_url,
        compose_url=by_hand.compose_url,
        action=Action(delivery.action),
        reason=(delivery.error or {}).get("detail", ""),
        owner_id=delivery.owner_id,
        due_at=delivery.due_at,
        deadline=delivery.deadline,
        fields=[PackField.model_validate(one) for one in _fields(delivery, content, adapter)],
        links=list(content.links) if content else [],
        hashtags=list(content.hashtags) if content else [],
        media=media,
        disclosures=list(content.disclosures) if content else [],
        options=content.options if content else {},
        answers=await _answers(tx, delivery),
        checklist=[language.of(step) for step in steps],
        proof=PackProof(path=f"/v1/deliveries/{delivery.id}/proof", hosts=_hosts(by_hand)),
    )


def _fields(
    delivery: Delivery, content: ChannelContent | None, adapter: type[Adapter] | None
) -> tuple[Field, ...]:
    if content is None:
        rule = adapter.capabilities.reply if adapter else None
        return (field("body", delivery.payload.get("text", ""), rule),)
    if adapter is None:
        return field("title", content.title, None), field("body", content.body, None)
    return fields(content.title, compose_text(adapter, content), adapter.capabilities)


async def _media(
    tx: Tx, services: Services, delivery: Delivery, asset_ids: Sequence[UUID]
) -> list[PackMedia]:
    """Return the files in the order in which they are shown."""
    found = await AssetRepository(tx, delivery.workspace_id).among(asset_ids)
    return [_file(place, found[one], services) for place, one in enumerate(asset_ids, 1) if one in found]


def _file(place: int, asset: Asset, services: Services) -> PackMedia:
    shown = {name: getattr(asset, name) for name in PackMedia.model_fields if hasattr(asset, name)}
    return PackMedia(
        **shown,
        asset_id=asset.id,
        position=place,
        download_url=address_of(services, asset, DOWNLOADS).url,
    )


async def _answers(tx: Tx, delivery: Delivery) -> PackAnswers | None:
    if delivery.interaction_id is None:
        return None
    return PackAnswers.model_validate(await tx.get_one(Interaction, delivery.interaction_id))


def _hosts(by_hand: ByHand) -> list[str]:
    return [*by_hand.hosts, *by_hand.short_hosts]
