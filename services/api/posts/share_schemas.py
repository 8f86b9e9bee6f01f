"""Shares and comments over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.content import Kind, Nature
from drumtower.domain.disclosures import Disclosure
from services.api.schemas import Answer, Body, Moment, Name

Said = Annotated[str, StringConstraints(min_length=1, max_length=5_000, strip_whitespace=True)]
Called = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class ShareCreate(Body):
    """For whom it is, which version (the present one by default), and until when: two weeks by default, 90 days at most."""

    model_config = Body.model_config | {"json_schema_extra": {"example": {"name": "法务顾问"}}}

    name: Name
    version: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    comments: Annotated[bool, Field(description="Whoever has the address may comment.")] = True
    expires_at: Moment | None = None


class ShareRead(Answer):
    """A share, without its token. It ends with the access of whoever made it, too."""

    id: UUID
    post_id: UUID
    version: int
    name: str
    comments: bool
    created_by: UUID
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None


class ShareMade(ShareRead):
    """A share just made. `url` is shown this once, and whoever has it reads the version."""

    url: str


class CommentRead(Answer):
    """What somebody from outside said, under the name they gave: a name that nobody has checked."""

    id: UUID
    share_id: UUID
    version: int
    name: str
    text: str
    created_at: Moment


class CommentCreate(Body):
    """A comment on a shared version. It is plain text: whoever shows it escapes it."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"name": "王律师", "text": "第二段的数字请注明来源。"}}
    }

    name: Called
    text: Said


class SharedComment(Answer):
    """What was said by way of this share."""

    name: str
    text: str
    created_at: Moment


class SharedMedia(Answer):
    """A file of the version; `url` gives it for an hour."""

    kind: str
    content_type: str
    width: int | None
    height: int | None
    duration_ms: int | None
    alt_text: str
    credit: str
    url: str


class SharedVariant(Answer):
    """What one platform gets instead; null: the same."""

    platform: str
    title: str | None
    body: str | None


class SharedRead(Answer):
    """One version of a post, as it was shared, and nothing else of its workspace."""

    version: int
    title: str
    body: str
    kind: Kind
    nature: Nature
    language: str
    links: list[str]
    hashtags: list[str]
    disclosures: list[Disclosure]
    media: list[SharedMedia]
    variants: list[SharedVariant]
    expires_at: Moment
    may_comment: bool
    comments: list[SharedComment]
