"""Reads an adapter class as clients see it."""

from drumtower.domain.audience_labels import TRAIT_NAMES, label
from drumtower.domain.audiences import TRAITS, Character, Trait, traits
from drumtower.domain.capabilities import Capabilities, MediaRule
from drumtower.platforms import (
    Adapter,
    AudienceSource,
    ByHand,
    Confirmable,
    Deleter,
    Discarder,
    FeedbackSource,
    Finder,
    Messenger,
    Preparable,
    Replier,
    StatsSource,
    WebhookReceiver,
)
from services.api.platforms.schemas import (
    AudienceValueRead,
    AuthRead,
    ByHandRead,
    CapabilitiesRead,
    CharacterRead,
    CredentialFieldRead,
    FollowUpRead,
    HashtagRuleRead,
    LabelRead,
    MediaRuleRead,
    PlatformRead,
    QuotaRead,
    RateRead,
    RoleRead,
    TextRuleRead,
    TraitRead,
)

# The mixin is the feature flag.
FEATURES: dict[str, type] = {
    "audience": AudienceSource,
    "confirm": Confirmable,
    "delete": Deleter,
    "discard": Discarder,
    "feedback": FeedbackSource,
    "find": Finder,
    "message": Messenger,
    "prepare": Preparable,
    "reply": Replier,
    "statistics": StatsSource,
    "webhooks": WebhookReceiver,
}


def read(adapter: type[Adapter]) -> PlatformRead:
    """Return all that a composer needs."""
    return PlatformRead(
        platform=adapter.slug,
        name=LabelRead.model_validate(adapter.name),
        capabilities=read_capabilities(adapter.capabilities),
        auth=AuthRead(
            kind=type(adapter.auth).__name__,
            fields=[CredentialFieldRead.model_validate(field) for field in adapter.auth.fields],
        ),
        options=adapter.options.model_json_schema(),
        audience_character=_character(adapter.capabilities.character),
        features=[name for name, mixin in FEATURES.items() if issubclass(adapter, mixin)],
        by_hand=_by_hand(adapter.by_hand),
    )


def _character(given: Character) -> CharacterRead:
    return CharacterRead(
        traits={name: _trait(name, trait) for name, trait in traits(given)},
        roles=[RoleRead(role=role, label=LabelRead.model_validate(label(role))) for role in given.roles],
    )


def _trait(name: str, trait: Trait) -> TraitRead:
    values = [
        AudienceValueRead(
            value=value, label=LabelRead.model_validate(label(value)), level=trait.levels[value]
        )
        for value in TRAITS[name]
        if value in trait.levels
    ]
    return TraitRead(
        label=LabelRead.model_validate(TRAIT_NAMES[name]),
        values=values,
        basis=trait.basis,
        confidence=trait.confidence,
        source=trait.source,
    )


def _by_hand(given: ByHand) -> ByHandRead:
    return ByHandRead(
        features=sorted(given.features),
        hosts=[*given.hosts, *given.short_hosts],
        compose_url=given.compose_url,
        steps=[LabelRead.model_validate(step) for step in given.steps],
    )


def read_capabilities(given: Capabilities) -> CapabilitiesRead:
    """Return an adapter's data as clients see it."""
    window, mention = given.reply_window, given.mention_window
    return CapabilitiesRead(
        kinds=list(given.kinds),
        title=TextRuleRead.model_validate(given.title) if given.title else None,
        body=TextRuleRead.model_validate(given.body),
        image=_media(given.image),
        video=_media(given.video),
        audio=_media(given.audio),
        document=_media(given.document),
        alt_text=TextRuleRead.model_validate(given.alt_text) if given.alt_text else None,
        media_required=given.media_required,
        images_with_video=given.images_with_video,
        hashtags=HashtagRuleRead.model_validate(given.hashtags) if given.hashtags else None,
        native_disclosures=sorted(given.native_disclosures),
        hashtags_in_text=given.hashtags_in_text,
        link_domain_required=given.link_domain_required,
        reconcile=given.reconcile,
        reply=TextRuleRead.model_validate(given.reply) if given.reply else None,
        follow_up=FollowUpRead.model_validate(given.follow_up) if given.follow_up else None,
        reply_window_seconds=window.total_seconds() if window else None,
        mention_window_seconds=mention.total_seconds() if mention else None,
        app_rate=RateRead.of(given.app_rate) if given.app_rate else None,
        channel_rate=RateRead.of(given.channel_rate) if given.channel_rate else None,
        action_rates={action: RateRead.of(rate) for action, rate in given.action_rates.items()},
        quotas=[QuotaRead.model_validate(quota) for quota in given.quotas],
        metrics=list(given.metrics),
        channel_metrics=list(given.channel_metrics),
        metrics_delay_seconds=given.metrics_delay.total_seconds(),
        audience=LabelRead.model_validate(given.audience),
    )


def _media(rule: MediaRule | None) -> MediaRuleRead | None:
    if rule is None:
        return None
    fields = {name: getattr(rule, name) for name in MediaRuleRead.model_fields if name != "duration_seconds"}
    span = tuple(one.total_seconds() for one in rule.duration) if rule.duration else None
    return MediaRuleRead.model_validate({**fields, "duration_seconds": span})
