"""The adapter contract, version 1. A mixin is the feature flag; limits and formats are data.

An adapter never sleeps, retries, reads settings, opens clients, touches the database or logs bodies. It raises
PlatformError only; any other exception is a bug and is reported as one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from drumtower.domain.audience_profiles import Audience
from drumtower.domain.capabilities import Capabilities, Grant, Label
from drumtower.mail import Mailer
from drumtower.platforms.auth import Auth
from drumtower.platforms.by_hand import ByHand
from drumtower.platforms.calls import HttpClient
from drumtower.platforms.outcomes import (
    Accepted,
    Checkpoint,
    Credentials,
    FeedbackPage,
    Finding,
    Outcome,
    PostReference,
    Published,
    PublishRequest,
    Reading,
    Received,
    RemoteAccount,
    Rendering,
    ReplyRequest,
    Token,
    WebhookAnswer,
    WebhookRequest,
)
from drumtower.platforms.wire import Api, Wire, connect

CONTRACT = 1


class NoOptions(BaseModel):
    """A platform without per-post settings."""

    model_config = ConfigDict(extra="forbid")


class Adapter(ABC):
    """What every platform does: say who an account is, and publish."""

    contract: ClassVar[int] = CONTRACT
    slug: ClassVar[str]
    name: ClassVar[Label]
    capabilities: ClassVar[Capabilities]
    auth: ClassVar[Auth]
    wire: ClassVar[Wire]  # what `api` makes calls from
    options: ClassVar[type[BaseModel]] = NoOptions
    hashtag: ClassVar[str] = "#{}"
    default_base_url: ClassVar[str]
    by_hand: ClassVar[ByHand] = ByHand()
    # Where its owner sees what an account has published, for platforms whose accounts have no page of their own.
    console_url: ClassVar[str | None] = None

    def __init__(self, http: HttpClient, base_url: str | None = None, mail: Mailer | None = None) -> None:
        self.http = http
        self.mail = mail or Mailer()
        self.base_url = (base_url or self.default_base_url).rstrip("/")

    def api(self, credentials: Credentials, *, token: str | None = None, wire: Wire | None = None) -> Api:
        """Make the account's calls; `token` replaces the one that the credentials hold ("": none)."""
        given = [credentials.values.get(field.name, "") for field in self.auth.fields if field.secret]
        held = [credentials.token.access, credentials.token.refresh or ""] if credentials.token else []
        access = credentials.access if token is None else token
        wire = wire or self.wire
        return connect(self.http, self.base_url, wire, token=access, secrets=(*given, *held))

    def render(self, request: PublishRequest) -> Rendering:
        """Say in which words `publish` sends this, without a call; raise PlatformError where it would not be sent."""
        message = request.message
        return Rendering(text=message.text, title=message.title if self.capabilities.title else None)

    @abstractmethod
    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose credentials these are; raise AuthExpired or NotPermitted where they are no good."""

    @abstractmethod
    async def publish(self, request: PublishRequest) -> Outcome:
        """Publish once. Everything that may be repeated harmlessly belongs in `Preparable.prepare`."""


class Prober(ABC):
    """Can find out what this account may do, by calls that change nothing."""

    @abstractmethod
    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Return what was found; a feature that can't be asked for is left out. See `probes.asked`."""


class TokenSource(ABC):
    """Buys a short-lived token with the owner's credentials (AppSecret, AppPassword)."""

    @abstractmethod
    async def token(self, credentials: Credentials) -> Token:
        """Return a fresh token; `credentials.token` is the old one, where there was one."""


class Preparable(ABC):
    """Can do the slow part ahead of time: upload media, create a draft. Nothing of it is public."""

    @abstractmethod
    async def prepare(self, request: PublishRequest) -> None:
        """Bring the request to where `publish` is one call; progress goes through `request.save`."""


class Discarder(ABC):
    """Can take back what `prepare` left on the platform for a post that will not go out."""

    @abstractmethod
    async def discard(self, credentials: Credentials, checkpoint: Checkpoint) -> None:
        """Remove what `checkpoint` names, and what its next step may have left; what is gone is a success.

        Comes after any save, and again after a crash. What is published, or on its way, is not touched.
        """


class Confirmable(ABC):
    """Publishes asynchronously; the outcome is polled."""

    @abstractmethod
    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        """Look once, without side effect; raise ContentRejected where the platform refused it."""


class Finder(ABC):
    """Can settle an unknown outcome by looking."""

    @abstractmethod
    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        """Look for the post of this request, first sent at `since`; no side effect."""


class Deleter(ABC):
    """Can take a post down."""

    @abstractmethod
    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Delete it; deleting what is gone is a success."""


class Replier(ABC):
    """Can answer comments and mentions."""

    @abstractmethod
    async def reply(self, request: ReplyRequest) -> Published:
        """Answer once, in public."""


class Messenger(ABC):
    """Can answer messages."""

    @abstractmethod
    async def message(self, request: ReplyRequest) -> Published:
        """Answer once, in private."""


class ReplyFinder(ABC):
    """Can settle an unknown reply by looking."""

    @abstractmethod
    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        """Look for our answer, first sent at `since`; no side effect."""


class WebhookReceiver(ABC):
    """Is told by the platform. Pure: no network, no clock but `request.received_at`."""

    @abstractmethod
    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        """Answer the platform's address check; raise WebhookRefused where it is forged."""

    @abstractmethod
    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        """Verify the raw request and read it; raise WebhookRefused where it is forged, stale or malformed."""


class FeedbackSource(ABC):
    """Gives comments, mentions or messages when asked."""

    @abstractmethod
    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        """Return what is new since `cursor` ({} at first). `posts` are the channel's recent ones, newest first.

        What we said ourselves is left out.
        """


class StatsSource(ABC):
    """Gives numbers."""

    @abstractmethod
    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Return readings by external id; a post without one is left out, never given as 0."""

    @abstractmethod
    async def channel_stats(self, credentials: Credentials) -> Reading:
        """Return the account's own numbers, followers first."""


class AudienceSource(ABC):
    """Tells who follows the account."""

    @abstractmethod
    async def audience(self, credentials: Credentials) -> Audience:
        """Return it as the platform counts it; a dimension that it does not give is left out, never empty."""


class WebhookRefused(Exception):
    """A webhook that is forged, stale, replayed too late or malformed. `code` is stable; nothing is stored."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
