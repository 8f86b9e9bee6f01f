"""What an adapter is asked and what it answers: plain values, no behaviour."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from drumtower.domain.content import Kind
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric

Checkpoint = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that ends and, where the platform has one, what renews it. Never shown in a repr.

    `scopes` are those that were granted, where the platform names them; `account_id` is whose it is, where only the
    token's answer says so. `extended`: how often the refresh token was given a new end (`auth.Extension`).
    """

    access: str = field(repr=False)
    expires_at: datetime | None = None
    refresh: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    account_id: str = ""
    extended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the channel's owner gave, and the token the core got for it. Never shown in a repr."""

    values: Mapping[str, str] = field(repr=False)
    account_id: str = ""
    token: Token | None = None

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def claimed(self) -> str:
        """Whose they are said to be: by the token's own answer, by the owner's word, or as identified before."""
        told = self.token.account_id if self.token else ""
        return told or self.values.get("open_id", "") or self.account_id

    @property
    def access(self) -> str:
        """The token that the core got, or the one the owner gave; the core sees to it that there is one."""
        given = self.token.access if self.token else self.values.get("access_token")
        if given is None:
            raise LookupError("the core opened no session for this channel")
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAccount:
    """The account behind the credentials."""

    id: str
    name: str
    url: str | None = None


class ReadBytes(Protocol):
    """Reads a file, or the bytes of it from `start` up to `end`."""

    async def __call__(self, start: int = 0, end: int | None = None) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One file to send along. `await read()` gives its bytes, `await read(start, end)` some of them.

    A video is read in parts only (`platforms.media.upload_in_parts`): it may be larger than memory. The bytes stay out of
    every log. Width and height are pixels as people see them; a duration is known of video and audio.
    """

    asset_id: UUID
    content_type: str
    size: int
    read: ReadBytes = field(repr=False)
    file_name: str = "file"
    alt_text: str = ""
    width: int | None = None
    height: int | None = None
    duration: timedelta | None = None
    codecs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The content in the form one channel gets it."""

    title: str
    text: str  # as composed: body, links, hashtags, and disclosures that the platform does not mark by itself
    body: str
    kind: Kind
    language: str = "zh-CN"
    links: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()


async def _forget(_: Checkpoint) -> None:
    """Save nothing; for requests whose progress nobody keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """One post to one channel.

    `idempotency_key` (at most 32 ASCII characters) and `created_at` are fixed for the delivery's life, so a repeat
    is byte for byte the same. `checkpoint` is what `save` last committed: call it after each remote write that the
    next attempt must not repeat, before the next one starts.
    """

    credentials: Credentials
    message: Message
    options: BaseModel
    idempotency_key: str
    created_at: datetime
    checkpoint: Checkpoint = field(default_factory=dict)
    save: Callable[[Checkpoint], Awaitable[None]] = field(default=_forget, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A message in the very words that leave: `text` is what the platform counts.

    `title` where it has such a field (the subject of an e-mail), `html` where it gets a page (too); pictures stand in it
    as `asset:<id>`.
    """

    text: str
    title: str | None = None
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRequest:
    """An answer to one interaction: to a comment or mention (`Replier`), or to a message (`Messenger`).

    Or what follows a post of ours (`Capabilities.follow_up`): then `external_id` is the part before, or the post itself,
    and `context` is what was published with it.
    """

    credentials: Credentials
    text: str
    kind: InteractionKind
    external_id: str  # the comment's or message's id on the platform
    author_id: str
    post_external_id: str | None
    context: Mapping[str, Any]  # what the adapter stored with the interaction
    idempotency_key: str
    created_at: datetime
    checkpoint: Checkpoint = field(default_factory=dict)
    save: Callable[[Checkpoint], Awaitable[None]] = field(default=_forget, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """It is out, under this id. `context` is kept for later calls (statistics, replies)."""

    external_id: str
    url: str | None = None
    published_at: datetime | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The platform has it and is still at work; `handle` is enough to ask again."""

    handle: dict[str, Any]
    poll_after: timedelta
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """This channel takes it from a person only."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The look-up proves that it is not there (as far as the platform's own list reaches)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecidable:
    """The look-up can't tell; a person must look."""

    reason: str


Outcome = Published | Accepted | Handoff
Finding = Published | Accepted | Absent | Undecidable


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEvent:
    """Somebody said something. `external_id` is unique per channel; the same event twice is one interaction."""

    external_id: str
    kind: InteractionKind
    author_id: str
    text: str
    occurred_at: datetime
    author_name: str = ""
    post_external_id: str | None = None
    in_reply_to: str | None = None  # the external id of the comment it answers
    url: str | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEvent:
    """The platform tells how a publish ended: a delivery whose handle contains `handle` settles from it."""

    handle: dict[str, Any]
    outcome: Published | None
    refusal: str | None = None  # why the platform refused; then `outcome` is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """Something else the platform told us (follow, unfollow, menu click); kept raw.

    `revoked`: the account took its authorisation back, in words; the channel is then disconnected. Nobody acts on the
    others yet.
    """

    name: str
    revoked: str = ""


FeedbackEvent = InteractionEvent | OutcomeEvent | AccountEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """One raw HTTP request from a platform. Header names are lower case."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What the platform wants to hear."""

    body: str = ""
    content_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A verified webhook: what to dedupe on, what it says, and what to answer once it is stored.

    `account_id`: whom it is for, where one address serves all accounts of an app. Another account's push has no events
    here: that account's own channel reads it.
    """

    event_key: str
    events: tuple[FeedbackEvent, ...]
    answer: WebhookAnswer
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackPage:
    """One pull: what is new, and the cursor for the next one (adapter-private JSON)."""

    events: tuple[InteractionEvent, ...]
    cursor: dict[str, Any]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostReference:
    """A published post, as statistics and feedback calls need it."""

    external_id: str
    published_at: datetime
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Numbers as the platform gave them; a metric that it did not give is not in `values`. All are totals."""

    values: Mapping[Metric, int]
    as_of: datetime
    final: bool = True  # False: the platform says more may come for this moment
