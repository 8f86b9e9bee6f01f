"""The pack of a handoff over HTTP."""

from typing import Any
from uuid import UUID

from pydantic import Field

from drumtower.domain.deliveries import Action
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.text import Unit
from services.api.schemas import Answer, Moment


class CountRead(Answer):
    """How long a text is as the platform counts, and how long it may be."""

    length: int
    maximum: int
    unit: Unit


class PackField(Answer):
    """One text to copy; `fits` where it is within each of the platform's limits."""

    name: str
    text: str
    counts: list[CountRead]
    fits: bool


class PackMedia(Answer):
    """One file, at its place in the post. `download_url` needs no credential, for a day."""

    asset_id: UUID
    position: int
    file_name: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    alt_text: str
    credit: str
    download_url: str


class PackAnswers(Answer):
    """What is answered, where the delivery is an answer."""

    id: UUID
    kind: InteractionKind
    author_name: str
    text: str
    url: str | None
    post_external_id: str | None


class PackProof(Answer):
    """How it is closed: `POST path {url, published_at}`, with a link on one of `hosts` or on the account's own."""

    path: str
    hosts: list[str]


class PackRead(Answer):
    """All that a person needs to publish it by hand, in the order of the form."""

    delivery_id: UUID
    post_id: UUID | None
    platform: str
    channel_id: UUID
    channel_name: str
    account_url: str | None
    compose_url: str | None = Field(description="Where a post is written on the platform.")
    action: Action
    reason: str
    owner_id: UUID | None
    due_at: Moment
    deadline: Moment | None
    fields: list[PackField]
    links: list[str]
    hashtags: list[str]
    media: list[PackMedia]
    disclosures: list[Disclosure]
    options: dict[str, Any]
    answers: PackAnswers | None
    checklist: list[str] = Field(description="The steps, in the language asked for.")
    proof: PackProof
