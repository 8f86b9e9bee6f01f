"""Posts over HTTP."""

import re
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from drumtower.domain.content import Kind, Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.posts import PostStatus
from drumtower.domain.reviews import ReviewState, Verdict
from services.api.deliveries.schemas import DeliveryRead
from services.api.schemas import Answer, Body, Day, Moment, Patch, Tags

_LANGUAGE = re.compile(r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", re.ASCII)


def _web_link(link: str) -> str:
    hint = {"hint": "Send an absolute http:// or https:// address without spaces."}
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise PydanticCustomError("link", "This is no web address.", hint) from error
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or re.search(r"\s", link):
        raise PydanticCustomError("link", "This is no web address.", hint)
    return link


def _tag(tag: str) -> str:
    if not tag or re.search(r"[#＃\s]", tag):
        hint = {
            "hint": "Write the word alone: 秋茶, not #秋茶#. The platform's form is added when it leaves."
        }
        raise PydanticCustomError("hashtag", "A hashtag has no # and no spaces.", hint)
    return tag


def _language(tag: str) -> str:
    if not _LANGUAGE.match(tag):
        hint = {"hint": "Use a language tag such as zh-CN or en."}
        raise PydanticCustomError("language", "This is no language tag (BCP 47).", hint)
    return tag


Title = Annotated[str, StringConstraints(max_length=500)]
Text = Annotated[str, StringConstraints(max_length=50_000)]
Link = Annotated[str, StringConstraints(max_length=2_048), AfterValidator(_web_link)]
Links = Annotated[list[Link], Field(max_length=50)]
Hashtags = Annotated[
    list[Annotated[str, StringConstraints(max_length=100), AfterValidator(_tag)]], Field(max_length=50)
]
AssetIds = Annotated[list[UUID], Field(max_length=100)]
Disclosures = Annotated[list[Disclosure], Field(max_length=len(Disclosure))]
Language = Annotated[str, StringConstraints(max_length=35), AfterValidator(_language)]
Pillar = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class VariantBody(Body):
    """A channel's own version; what is absent or null is the post's own."""

    channel_id: UUID
    title: Title | None = None
    body: Text | None = None
    asset_ids: AssetIds | None = None
    options: dict[str, Any] = {}


Variants = Annotated[list[VariantBody], Field(max_length=100)]


class PostCreate(Body):
    """A new post."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "title": "秋茶上新",
                "body": "办公室里也能喝到一杯好茶。",
                "kind": "image_text",
                "nature": "editorial",
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "pillar": "产品",
                "due_on": "2026-12-01",
                "links": ["https://tea.example.com/autumn"],
                "hashtags": ["秋茶"],
                "variants": [{"channel_id": "0199c5c0-0000-7000-8000-000000000001", "body": "新茶到了 🍵"}],
            }
        }
    }

    title: Title = ""
    body: Text = ""
    kind: Kind
    nature: Nature
    brand_id: UUID
    pillar: Pillar | None = None
    campaign_id: UUID | None = None
    owner_id: UUID | None = Field(default=None, description="Who is responsible; the author by default.")
    due_on: Day | None = None
    tags: Tags = []
    is_template: Annotated[
        bool, Field(description="It is only ever duplicated: never submitted, never planned.")
    ] = False
    language: Language = "zh-CN"
    links: Links = []
    hashtags: Hashtags = []
    asset_ids: AssetIds = []
    disclosures: Disclosures = []
    variants: Variants = []


class PostUpdate(Patch):
    """A merge patch: what is absent stays. A change of the content is a new version, and ends its approval."""

    nullable: ClassVar[frozenset[str]] = frozenset({"pillar", "campaign_id", "due_on"})
    model_config = Patch.model_config | {"json_schema_extra": {"example": {"body": "新茶到了，欢迎来喝。"}}}

    title: Title | None = None
    body: Text | None = None
    kind: Kind | None = None
    nature: Nature | None = None
    brand_id: UUID | None = None
    pillar: Pillar | None = None
    campaign_id: UUID | None = None
    owner_id: UUID | None = None
    due_on: Day | None = None
    tags: Tags | None = None
    language: Language | None = None
    links: Links | None = None
    hashtags: Hashtags | None = None
    asset_ids: AssetIds | None = None
    disclosures: Disclosures | None = None
    variants: Variants | None = None


class VariantRead(Answer):
    """A channel's own version; null is the post's own."""

    channel_id: UUID
    title: str | None
    body: str | None
    asset_ids: list[UUID] | None
    options: dict[str, Any]


class ContentRead(Answer):
    """All that a reviewer approves."""

    title: str
    body: str
    kind: Kind
    nature: Nature
    language: str
    links: list[str]
    hashtags: list[str]
    asset_ids: list[UUID]
    disclosures: list[Disclosure]
    variants: list[VariantRead]


class CriterionRead(Answer):
    """Where one point of the review stands; null: open."""

    verdict: Verdict | None = None
    note: str | None = None
    reviewer_id: UUID | None = None
    at: Moment | None = None


class CriteriaRead(Answer):
    """The four points."""

    accuracy: CriterionRead = CriterionRead()
    compliance: CriterionRead = CriterionRead()
    readability: CriterionRead = CriterionRead()
    aesthetics: CriterionRead = CriterionRead()


class ReviewSummary(Answer):
    """Where the post stands with its reviewers. `approved_hash` is what they passed, `expires_at` until when."""

    state: ReviewState
    criteria: CriteriaRead
    approved_hash: str | None
    expires_at: Moment | None


class PostRead(ContentRead):
    """A post as it stands now. `version` counts contents, `revision` every change (it is the ETag)."""

    id: UUID
    status: PostStatus
    version: int
    revision: int
    content_hash: str
    brand_id: UUID
    pillar: str | None
    campaign_id: UUID | None
    tags: list[str]
    is_template: bool
    template_id: UUID | None = Field(description="The template it was made from.")
    idea_id: UUID | None
    owner_id: UUID
    due_on: Day | None
    review: ReviewSummary
    deliveries: list[DeliveryRead]
    created_by: UUID
    created_at: Moment
    updated_at: Moment
    archived_at: Moment | None


class VersionRead(Answer):
    """One content that the post has had."""

    version: int
    content_hash: str
    content: ContentRead
    created_by: UUID
    created_at: Moment
