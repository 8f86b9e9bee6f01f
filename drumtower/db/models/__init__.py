"""Every table, one noun a module. ARCHITECTURE.md says who writes which."""

from drumtower.db.models.ad_share import AdShareOverride
from drumtower.db.models.assets import Asset, LicenceWarning, Rendition
from drumtower.db.models.audiences import AudienceProfile
from drumtower.db.models.authorizations import ChannelAuthorization
from drumtower.db.models.brands import Brand
from drumtower.db.models.calendar import CalendarDay, CalendarEvent, CalendarFeed
from drumtower.db.models.campaigns import Campaign
from drumtower.db.models.channels import AuthorisationWarning, Channel, FeedbackCursor, Slot
from drumtower.db.models.deliveries import Attempt, Delivery, Leftover
from drumtower.db.models.freezes import Freeze
from drumtower.db.models.ideas import Idea, IdeaScore
from drumtower.db.models.imports import Import, ImportRow
from drumtower.db.models.interactions import Conversation, InboundEvent, Interaction
from drumtower.db.models.limits import Breaker, RateBudget
from drumtower.db.models.link_looks import LinkLook
from drumtower.db.models.links import Click, Conversion, Link
from drumtower.db.models.operations import AuditEvent, Heartbeat, IdempotencyKey, OutboxEvent
from drumtower.db.models.originality import Fingerprint, ReferenceText
from drumtower.db.models.posts import Post, PostComment, PostShare, PostVersion, Review, ReviewAssignment
from drumtower.db.models.rule_packs import (
    ComplianceFeedback,
    ComplianceFinding,
    ComplianceScan,
    RulePack,
    RulePackActivation,
    RulePackVersion,
)
from drumtower.db.models.samples import ChannelRollup, DirtyDay, Rollup, Sample, SamplePlan
from drumtower.db.models.series import Occurrence, Series
from drumtower.db.models.workspaces import ApiKey, Invitation, Member, Session, Workspace
from drumtower.db.types import Base

__all__ = [
    "AdShareOverride",
    "ApiKey",
    "Asset",
    "Attempt",
    "AudienceProfile",
    "AuditEvent",
    "AuthorisationWarning",
    "Base",
    "Brand",
    "Breaker",
    "CalendarDay",
    "CalendarEvent",
    "CalendarFeed",
    "Campaign",
    "Channel",
    "ChannelAuthorization",
    "ChannelRollup",
    "Click",
    "ComplianceFeedback",
    "ComplianceFinding",
    "ComplianceScan",
    "Conversation",
    "Conversion",
    "Delivery",
    "DirtyDay",
    "FeedbackCursor",
    "Fingerprint",
    "Freeze",
    "Heartbeat",
    "Idea",
    "IdeaScore",
    "IdempotencyKey",
    "Import",
    "ImportRow",
    "InboundEvent",
    "Interaction",
    "Invitation",
    "Leftover",
    "LicenceWarning",
    "Link",
    "LinkLook",
    "Member",
    "Occurrence",
    "OutboxEvent",
    "Post",
    "PostComment",
    "PostShare",
    "PostVersion",
    "RateBudget",
    "ReferenceText",
    "Rendition",
    "Review",
    "ReviewAssignment",
    "Rollup",
    "RulePack",
    "RulePackActivation",
    "RulePackVersion",
    "Sample",
    "SamplePlan",
    "Series",
    "Session",
    "Slot",
    "Workspace",
]
