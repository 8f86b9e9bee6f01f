"""Shows a post as it would leave: each adapter's own rendering, without a call to any platform."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from drumtower.connections import read_credentials
from drumtower.db.engine import Tx
from drumtower.db.models import Asset, Channel, Post
from drumtower.db.repositories.assets import AssetRepository
from drumtower.domain.checks import Length, measures
from drumtower.domain.content import ChannelContent, follow_ups, for_channel, from_json
from drumtower.domain.errors import Violation
from drumtower.domain.failures import HINTS, ContentRejected, code
from drumtower.messages import message_of, option_violations, options_of
from drumtower.platforms import Adapter, Message, PlatformError, PublishRequest, Rendering
from services.api.deps import Services
from services.api.posts.preview_schemas import (
    ChannelPreview,
    FollowUpPreview,
    MediaPreview,
    PreviewRead,
    RenderingRead,
)
from services.api.posts.review_schemas import LengthRead
from services.api.principals import Principal
from services.api.problems import violations_read

# Stands for the delivery's key, which some platforms get in the text.
KEY = "0" * 32


async def preview(
    tx: Tx, principal: Principal, services: Services, post: Post, channels: Sequence[Channel], at: datetime
) -> PreviewRead:
    """Render the post for each channel as it would leave at `at`."""
    content = from_json(post.content)
    assets = await AssetRepository(tx, principal.workspace_id).among(content.all_asset_ids)
    shown = [
        _channel(services, channel, for_channel(content, channel.id), assets, at) for channel in channels
    ]
    return PreviewRead(version=post.version, data=shown)


def _channel(
    services: Services,
    channel: Channel,
    content: ChannelContent,
    assets: Mapping[UUID, Asset],
    at: datetime,
) -> ChannelPreview:
    adapter = services.registry.adapters.get(channel.platform)
    violations = _obstacles(adapter, channel, content, assets)
    rendering = None
    if adapter is not None and not violations:
        message = message_of(adapter, content, list(assets.values()), services.storage)
        request = PublishRequest(
            credentials=read_credentials(services.box, channel),
            message=message,
            options=options_of(adapter, content),
            idempotency_key=KEY,
            created_at=at,
        )
        try:
            made = services.connections.adapter(channel.platform, channel.base_url).render(request)
            rendering = _read(made, message, adapter, content)
        except PlatformError as error:
            violations = _refused(error)
    return ChannelPreview(
        channel_id=channel.id,
        platform=channel.platform,
        rendering=rendering,
        violations=violations_read(violations),
    )


def _obstacles(
    adapter: type[Adapter] | None, channel: Channel, content: ChannelContent, assets: Mapping[UUID, Asset]
) -> list[Violation]:
    """Say what must be there before a message can be made."""
    if adapter is None:
        detail = f"No adapter for {channel.platform} is installed."
        return [Violation(pointer="/channel", code="platform_unknown", detail=detail)]
    missing = [index for index, asset_id in enumerate(content.asset_ids) if asset_id not in assets]
    return [
        *option_violations(adapter, content.options),
        *(
            Violation(
                pointer=f"/asset_ids/{index}", code="asset_missing", detail="This file is no longer there."
            )
            for index in missing
        ),
    ]


def _refused(error: PlatformError) -> list[Violation]:
    failure = error.failure
    if isinstance(failure, ContentRejected) and failure.violations:
        return list(failure.violations)
    name = code(failure)
    return [Violation(pointer="/channel", code=name, detail=failure.detail, hint=HINTS[name])]


def _read(
    made: Rendering, message: Message, adapter: type[Adapter], content: ChannelContent
) -> RenderingRead:
    given = adapter.capabilities
    rule = given.follow_up
    after = follow_ups(content.options).values() if rule else ()
    return RenderingRead(
        title=made.title,
        title_lengths=_lengths(measures(made.title or "", given.title)),
        text=made.text,
        lengths=_lengths(measures(made.text, given.body)),
        html=made.html,
        media=[
            MediaPreview(
                **{name: getattr(media, name) for name in MediaPreview.model_fields if hasattr(media, name)},
                alt_text_lengths=_lengths(measures(media.alt_text, given.alt_text)),
            )
            for media in message.media
        ],
        follow_ups=[
            FollowUpPreview(text=text, lengths=_lengths(measures(text, rule.text if rule else None)))
            for text in after
        ],
    )


def _lengths(found: Sequence[Length]) -> list[LengthRead]:
    return [LengthRead.model_validate(one) for one in found]
