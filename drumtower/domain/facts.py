"""What the checks look at: a post as it would go to one channel, and all that is known around it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from drumtower.domain.ad_share import AdShare
from drumtower.domain.brands import Kit, PillarShare
from drumtower.domain.calendar import Mark
from drumtower.domain.capabilities import Capabilities
from drumtower.domain.content import ChannelContent
from drumtower.domain.errors import Violation
from drumtower.domain.link_looks import Look
from drumtower.domain.originality import Originality
from drumtower.domain.rule_packs import Screen, nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """One file as the checks see it; `size` in bytes. What is None was not measured, or has no such side."""

    content_type: str
    size: int
    alt_text: str
    expires_at: datetime | None
    width: int | None = None
    height: int | None = None
    duration: timedelta | None = None
    codecs: tuple[str, ...] = ()
    ai_generated: bool = False


# A post's, in its order; None where one is gone.
Files = tuple[MediaFacts | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """What a workspace holds its texts to, as it stands at one moment."""

    screen: Screen = nothing
    ad_share: AdShare | None = None  # with this post in it; None where it sells nothing
    originality: Originality | None = None  # None where nothing was compared
    links: tuple[Look, ...] = ()  # what was found under them; what nobody has looked at is absent
    jargon: tuple[str, ...] = ()
    campaign_id: UUID | None = None  # that the post belongs to
    pillar: PillarShare | None = None  # with this post in it; None where nobody counted
    quiet_days: tuple[Mark, ...] = ()  # that the moment of leaving falls on, in the workspace's zone


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """All that the checks may look at, equal to itself alone. `at` is the moment at which the post would leave."""

    content: ChannelContent
    text: str  # as composed for the platform
    platform: str  # its name, as people read it
    capabilities: Capabilities
    connected: bool
    media: Files
    option_violations: tuple[Violation, ...]
    at: datetime
    kit: Kit = field(default_factory=Kit)
    slug: str = ""  # the platform's
    standards: Standards = field(default_factory=Standards)
