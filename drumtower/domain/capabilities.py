"""What a platform takes and gives, as data: clients draw their composer from it, checks read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from drumtower.domain.audiences import UNKNOWN, Character
from drumtower.domain.budgets import Rate
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.quotas import Quota
from drumtower.domain.text import Unit


class Reconcile(StrEnum):
    """How the adapter settles an unknown outcome (proved by the conformance suite)."""

    KEY = "key"  # repeat the same call with the same key
    HANDLE = "handle"  # a stored handle is polled
    LOOKUP = "lookup"  # own timeline, by fingerprint
    BLIND = "blind"  # can't be settled by us; a person decides


class Feature(StrEnum):
    """What an account may or may not do on its platform."""

    PUBLISH = "publish"
    DELETE = "delete"
    REPLY = "reply"
    MESSAGE = "message"
    FEEDBACK = "feedback"
    STATISTICS = "statistics"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Whether one account may do something. `allowed` None: it shows only when it is done."""

    feature: Feature
    allowed: bool | None
    reason: str = ""
    platform_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name people read."""

    zh_cn: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule:
    """A limit on one text field, in the platform's own counting. `maximum` is inclusive."""

    maximum: int
    unit: Unit
    required: bool = False
    also: "TextRule | None" = None  # a second limit on the same field in another unit


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRule:
    """Which files of one family a post may carry; sizes in bytes.

    `ratio`: width by height, narrowest and widest. `duration`: shortest and longest, both inclusive. `codecs`: those it
    plays, of picture and sound, by FFmpeg's names (h264, hevc, vp9, av1, aac, mp3, opus). `parts`: larger files are
    sent in parts of so many bytes (`platforms.media.upload_in_parts`). None or empty: the platform says nothing.
    """

    types: tuple[str, ...]
    maximum_count: int
    maximum_bytes: int
    required: int = 0
    minimum_bytes: int = 0
    maximum_pixels: int | None = None
    ratio: tuple[float, float] | None = None
    duration: tuple[timedelta, timedelta] | None = None
    codecs: tuple[str, ...] = ()
    parts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagRule:
    """How many hashtags a post may carry, and how long they are together, with a comma between each two. None: as many."""

    maximum_count: int | None = None
    maximum_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """What of ours may follow a post there, one after the other; `option` is the author's setting that holds the texts.

    A thread's parts each answer the one before; a first comment stands under the post. `most`: how many.
    """

    option: Literal["thread", "first_comment"]
    text: TextRule
    most: int = 1


def family(content_type: str) -> str:
    """Return which rule a file falls under: image, video, audio or document."""
    kind = content_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The limits, media rules and delivery traits of one platform."""

    kinds: tuple[Kind, ...]
    body: TextRule
    title: TextRule | None = None  # None: the platform has no title field
    image: MediaRule | None = None
    video: MediaRule | None = None
    audio: MediaRule | None = None
    document: MediaRule | None = None
    media_required: bool = False  # a file of any family
    # How many pictures may go with a video: its cover, or none. None: as many as without.
    images_with_video: int | None = None
    alt_text: TextRule | None = None
    hashtags: HashtagRule | None = None
    hashtags_in_text: bool = True
    link_domain_required: bool = False  # the text must hold a link under the channel's own domain
    reconcile: Reconcile = Reconcile.BLIND
    # How long a repeat with the same key is the same post; after it only a look-up protects. None: for good.
    key_life: timedelta | None = None
    # What the platform has a field for, which the adapter sets; of the others the composed text tells.
    native_disclosures: frozenset[Disclosure] = frozenset()
    # How long after a write the platform's own read may still miss it.
    read_lag: timedelta = timedelta(seconds=60)
    # How long the platform keeps what a preparation put there; None: until it is taken away. Staler is made anew.
    prepared_for: timedelta | None = None
    # How long the platform lets us keep who said what on it; None: as long as it is needed.
    feedback_kept: timedelta | None = None
    reply: TextRule | None = None
    follow_up: FollowUp | None = None
    reply_window: timedelta | None = None  # of messages
    mention_window: timedelta | None = None  # of what names us in a group
    # How fast it takes calls that write: of everybody at one address, of one channel, and of one channel by action.
    # None: the platform says nothing.
    app_rate: Rate | None = None
    channel_rate: Rate | None = None
    action_rates: Mapping[Action, Rate] = field(default_factory=dict)
    quotas: tuple[Quota, ...] = ()  # of one channel
    metrics: tuple[str, ...] = ()  # which per-post metrics it gives; the others are unknown, not 0
    channel_metrics: tuple[str, ...] = ()
    audience_dimensions: tuple[str, ...] = ()  # what it tells of a channel's own audience
    # Why it tells none of it here, where the platform does tell it elsewhere or to others.
    audience_closed: Label | None = None
    metrics_delay: timedelta = timedelta()
    audience: Label = field(default_factory=lambda: Label(zh_cn="", en=""))
    character: Character = UNKNOWN  # the same audience trait by trait, for platform advice
