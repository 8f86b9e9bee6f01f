"""Platforms over HTTP: the adapters' own data."""

from typing import Any, Literal

from drumtower.domain.audiences import Basis, Confidence, MatrixRole
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Feature, Reconcile
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.quotas import Period
from drumtower.domain.text import Unit
from services.api.schemas import Answer


class LabelRead(Answer):
    """A name in two languages."""

    zh_cn: str
    en: str


class TextRuleRead(Answer):
    """A text limit, counted the platform's way; `also` is a second limit on the same field."""

    maximum: int
    unit: Unit
    required: bool
    also: "TextRuleRead | None" = None


class MediaRuleRead(Answer):
    """Which files a post may carry; sizes in bytes. `ratio` is width by height, `duration_seconds` shortest to longest.

    `codecs`: those it plays, of picture and sound; empty: it says nothing.
    """

    types: list[str]
    maximum_count: int
    maximum_bytes: int
    required: int
    minimum_bytes: int
    maximum_pixels: int | None
    ratio: tuple[float, float] | None
    duration_seconds: tuple[float, float] | None
    codecs: list[str]


class HashtagRuleRead(Answer):
    """How many hashtags a post may carry, and how long they are together, with commas; null: no limit."""

    maximum_count: int | None
    maximum_length: int | None


class FollowUpRead(Answer):
    """What of ours may follow a post: `option` is the setting that holds the texts, `most` says how many."""

    option: Literal["thread", "first_comment"]
    text: TextRuleRead
    most: int


class RateRead(Answer):
    """How fast calls may leave: `count` in `per_seconds` on average, `burst` at once. `source`: who says so."""

    count: int
    per_seconds: float
    burst: int
    source: str

    @classmethod
    def of(cls, rate: Rate) -> "RateRead":
        return cls(
            count=rate.count, per_seconds=rate.per.total_seconds(), burst=rate.burst, source=rate.source
        )


class QuotaRead(Answer):
    """How much one channel may do in an hour or a day of the platform's zone; reserved when it is scheduled."""

    action: Action
    count: int
    period: Period
    timezone: str
    source: str


class CapabilitiesRead(Answer):
    """What the platform takes and gives. Times are in seconds; null means: no such field, or no limit."""

    kinds: list[Kind]
    title: TextRuleRead | None
    body: TextRuleRead
    image: MediaRuleRead | None
    video: MediaRuleRead | None
    audio: MediaRuleRead | None
    document: MediaRuleRead | None
    media_required: bool
    images_with_video: int | None
    alt_text: TextRuleRead | None
    hashtags: HashtagRuleRead | None
    native_disclosures: list[Disclosure]
    hashtags_in_text: bool
    link_domain_required: bool
    reconcile: Reconcile
    reply: TextRuleRead | None
    follow_up: FollowUpRead | None
    reply_window_seconds: float | None
    mention_window_seconds: float | None
    app_rate: RateRead | None
    channel_rate: RateRead | None
    action_rates: dict[Action, RateRead]
    quotas: list[QuotaRead]
    metrics: list[str]
    channel_metrics: list[str]
    metrics_delay_seconds: float
    audience: LabelRead


class AudienceValueRead(Answer):
    """How much of an audience is this: 3 strong, 2 some, 1 weak. What is not listed is hardly there."""

    value: str
    label: LabelRead
    level: int


class TraitRead(Answer):
    """One side of a platform's audience, and what that stands on; `judgement` is no measurement."""

    label: LabelRead
    values: list[AudienceValueRead]
    basis: Basis
    confidence: Confidence
    source: str


class RoleRead(Answer):
    """What a channel there can be among a brand's others."""

    role: MatrixRole
    label: LabelRead


class CharacterRead(Answer):
    """A platform's audience trait by trait; a trait that is absent is unknown. `roles`: the most usual first."""

    traits: dict[str, TraitRead]
    roles: list[RoleRead]


class CredentialFieldRead(Answer):
    """One value to ask the channel's owner for."""

    name: str
    label: LabelRead
    secret: bool
    required: bool


class AuthRead(Answer):
    """How a channel is connected."""

    kind: str
    fields: list[CredentialFieldRead]


class ByHandRead(Answer):
    """What only a person does here, on every account, and where their posts are seen."""

    features: list[Feature]
    hosts: list[str]
    compose_url: str | None
    steps: list[LabelRead]


class PlatformRead(Answer):
    """A platform: its limits, its options as JSON Schema, and what its channels can do."""

    platform: str
    name: LabelRead
    capabilities: CapabilitiesRead
    auth: AuthRead
    options: dict[str, Any]
    audience_character: CharacterRead
    features: list[str]
    by_hand: ByHandRead


class PlatformList(Answer):
    """Every platform spoken here; few enough for one page."""

    data: list[PlatformRead]
    next_cursor: None = None
