"""Reads an adapter class as clients see it."""

from drumtower.domain.capabilities import Capabilities
from drumtower.platforms import (
    Adapter,
    Confirmable,
    Deleter,
    FeedbackSource,
    Finder,
    Messenger,
    Preparable,
    Replier,
    StatsSource,
    WebhookReceiver,
)
from services.api.platforms.schemas import (
    AuthRead,
    CapabilitiesRead,
    CredentialFieldRead,
    LabelRead,
    MediaRuleRead,
    PlatformRead,
    TextRuleRead,
)

# The mixin is the feature flag.
FEATURES: dict[str, type] = {
    "confirm": Confirmable,
    "delete": Deleter,
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
        capabilities=_capabilities(adapter.capabilities),
        auth=AuthRead(
            kind=type(adapter.auth).__name__,
            fields=[CredentialFieldRead.model_validate(field) for field in adapter.auth.fields],
        ),
        options=adapter.options.model_json_schema(),
        features=[name for name, mixin in FEATURES.items() if issubclass(adapter, mixin)],
    )


def _capabilities(given: Capabilities) -> CapabilitiesRead:
    window = given.reply_window
    return CapabilitiesRead(
        kinds=list(given.kinds),
        title=TextRuleRead.model_validate(given.title) if given.title else None,
        body=TextRuleRead.model_validate(given.body),
        image=MediaRuleRead.model_validate(given.image) if given.image else None,
        video=MediaRuleRead.model_validate(given.video) if given.video else None,
        hashtags_in_text=given.hashtags_in_text,
        link_domain_required=given.link_domain_required,
        reconcile=given.reconcile,
        reply=TextRuleRead.model_validate(given.reply) if given.reply else None,
        reply_window_seconds=window.total_seconds() if window else None,
        metrics=list(given.metrics),
        channel_metrics=list(given.channel_metrics),
        metrics_delay_seconds=given.metrics_delay.total_seconds(),
        audience=LabelRead.model_validate(given.audience),
    )
