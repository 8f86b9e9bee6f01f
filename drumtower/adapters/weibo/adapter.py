"""The Weibo adapter: a synchronous platform without idempotency keys, so what is unknown is looked up."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from drumtower.adapters.weibo import feedback, replies, webhook
from drumtower.adapters.weibo.client import WeiboCalls
from drumtower.adapters.weibo.declaration import AUTH, CAPABILITIES, IMAGE
from drumtower.adapters.weibo.errors import GONE, PENDING, REPEATED
from drumtower.adapters.weibo.posts import Sighting, look, marked, picture
from drumtower.adapters.weibo.schemas import Counters, Person, Status, TokenInfo, permalink, read
from drumtower.domain.capabilities import Label
from drumtower.domain.failures import AuthExpired, ContentRejected, NotPermitted, OutcomeUnknown
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Absent,
    Accepted,
    Adapter,
    Confirmable,
    Credentials,
    Deleter,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    Messenger,
    Outcome,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
    Reading,
    Received,
    RemoteAccount,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    Undecidable,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRequest,
)

FAN_SERVICE = "https://m.api.weibo.com"
COUNTED_AT_ONCE = 100
# Weibo's guard against repeats lasts a short time; an older equal status is not what a repeat ran into.
GUARD = timedelta(hours=1)
# 20032 promises one or two minutes.
PENDING_POLL = timedelta(seconds=30)
PENDING_LIMIT = timedelta(minutes=15)


class WeiboAdapter(
    Adapter,
    Confirmable,
    Finder,
    Deleter,
    Replier,
    Messenger,
    ReplyFinder,
    WebhookReceiver,
    FeedbackSource,
    StatsSource,
):
    """Weibo for a normal audited app. Deleting is there, but Weibo allows it to higher-level apps only."""

    slug: ClassVar[str] = "weibo"
    name: ClassVar[Label] = Label(zh_cn="微博", en="Weibo")
    default_base_url: ClassVar[str] = "https://api.weibo.com"
    hashtag: ClassVar[str] = "#{}#"
    auth = AUTH
    capabilities = CAPABILITIES

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose token it is, and that it is this app's."""
        calls = self._calls(credentials)
        info = read(TokenInfo, await calls.token_info())
        if info.expire_in <= 0:
            raise PlatformError(AuthExpired(detail="the token has expired"))
        if info.appkey != credentials["app_key"]:
            raise PlatformError(NotPermitted(detail="the token belongs to another app"))
        user = read(Person, await calls.get("users/show", uid=info.uid))
        return RemoteAccount(id=user.id, name=user.screen_name, url=f"https://weibo.com/u/{user.id}")

    async def publish(self, request: PublishRequest) -> Outcome:
        """Share once. "The same again" is looked up, because it may be our own lost first attempt."""
        domain = request.credentials["security_domain"]
        text = marked(request.message.text, domain, request.idempotency_key)
        form = {"status": text, "rip": request.credentials["rip"]}
        files = await picture(request.message.media, IMAGE)
        try:
            body = await self._calls(request.credentials).post("statuses/share", form, once=True, files=files)
        except PlatformError as error:
            code = error.failure.platform_code
            if code == PENDING:
                return self._pending(request)
            if code in REPEATED:
                return await _ours(self.find(request, self._since(request.created_at)), error)
            raise
        return self._published(read(Status, body, once=True), request.credentials)

    def _pending(self, request: PublishRequest) -> Accepted:
        now = datetime.now(UTC)
        handle = {"key": request.idempotency_key, "text": request.message.text, "since": now.isoformat()}
        return Accepted(
            handle=handle, poll_after=2 * PENDING_POLL, detail="Weibo shows it in a minute or two."
        )

    def _since(self, created_at: datetime) -> datetime:
        return max(created_at, datetime.now(UTC) - GUARD)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        """Look for the delivery's mark in the account's timeline."""
        seen = await self._look(
            request.credentials, key=request.idempotency_key, text=request.message.text, since=since
        )
        if seen.ours is not None:
            return self._published(seen.ours, request.credentials)
        if seen.alike is not None:
            where = permalink(request.credentials.account_id, seen.alike.id)
            return Undecidable(reason=f"{where} looks like it, but Weibo does not say where its link leads.")
        if not seen.whole:
            return Undecidable(reason="Weibo lists a few statuses only, and all of them are newer than this.")
        return Absent()

    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        """Look whether a status that Weibo took (20032) is shown by now."""
        since = datetime.fromisoformat(str(handle["since"]))
        seen = await self._look(credentials, key=str(handle["key"]), text=str(handle["text"]), since=since)
        # Weibo said that it has ours, so one that looks like it is it.
        status = seen.ours or seen.alike
        if status is not None:
            return self._published(status, credentials)
        if datetime.now(UTC) - since > PENDING_LIMIT:
            detail = (
                "Weibo took it but did not show it in 15 minutes: probably withheld. Look at the account."
            )
            raise PlatformError(ContentRejected(detail=detail, platform_code=PENDING))
        return Accepted(handle=handle, poll_after=PENDING_POLL)

    async def _look(self, credentials: Credentials, *, key: str, text: str, since: datetime) -> Sighting:
        return await look(
            self._calls(credentials), uid=credentials.account_id, key=key, text=text, since=since
        )

    def _published(self, status: Status, credentials: Credentials) -> Published:
        url = permalink(credentials.account_id, status.id)
        return Published(external_id=status.id, url=url, published_at=status.created_at)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Take it down; a normal app gets 10014, and a person does it."""
        try:
            await self._calls(credentials).post("statuses/destroy", {"id": post.external_id}, once=False)
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        """Answer in public; "the same again" is looked up as for posts."""
        calls = self._calls(request.credentials)
        try:
            return await replies.comment(calls, request)
        except PlatformError as error:
            if error.failure.platform_code not in REPEATED:
                raise
            return await _ours(replies.find(calls, request, self._since(request.created_at)), error)

    async def message(self, request: ReplyRequest) -> Published:
        """Answer in private, with the fan service's own token where there is one."""
        token = request.credentials.values.get("fan_service_token", "")
        calls = WeiboCalls(self.http, fan_service(self.base_url), request.credentials, token)
        return await replies.message(calls, request)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        """Look for our comment; sent messages are listed nowhere."""
        if request.kind is InteractionKind.MESSAGE:
            return Undecidable(reason="Weibo lists no sent messages: look into the account's conversation.")
        return await replies.find(self._calls(request.credentials), request, since)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        webhook.verify(request, credentials)
        return WebhookAnswer(body=request.query.get("echostr", ""))

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        webhook.verify(request, credentials)
        return webhook.read(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await feedback.pull(self._calls(credentials), credentials.account_id, cursor)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Totals by status; Weibo gives a normal app no reads."""
        calls, readings = self._calls(credentials), {}
        ids = [post.external_id for post in posts]
        for start in range(0, len(ids), COUNTED_AT_ONCE):
            asked = ",".join(ids[start : start + COUNTED_AT_ONCE])
            for row in read(list[Counters], await calls.get("statuses/count", ids=asked)):
                given = {
                    Metric.LIKES: row.attitudes,
                    Metric.COMMENTS: row.comments,
                    Metric.SHARES: row.reposts,
                }
                readings[row.id] = _reading(given)
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        user = read(Person, await self._calls(credentials).get("users/show", uid=credentials.account_id))
        return _reading({Metric.FOLLOWERS: user.followers_count})

    def _calls(self, credentials: Credentials) -> WeiboCalls:
        return WeiboCalls(self.http, self.base_url, credentials)


def fan_service(base_url: str) -> str:
    """The real platform answers messages on a host of its own; any other server on the one it has."""
    return FAN_SERVICE if base_url == WeiboAdapter.default_base_url else base_url


async def _ours(looking: Awaitable[Finding], refused: PlatformError) -> Published:
    """Decide what a refused repeat means: our own first attempt, somebody else's text, or nobody knows."""
    code = refused.failure.platform_code
    try:
        found = await looking
    except PlatformError as error:
        detail = "Weibo calls it a repeat; whether it is our own could not be looked up."
        raise PlatformError(OutcomeUnknown(detail=detail, platform_code=code)) from error
    if isinstance(found, Published):
        return found
    if isinstance(found, Absent):
        raise refused
    raise PlatformError(
        OutcomeUnknown(detail="Weibo calls it a repeat; it may be our own.", platform_code=code)
    )


def _reading(given: dict[Metric, int | None]) -> Reading:
    values = {metric: value for metric, value in given.items() if value is not None}
    return Reading(values=values, as_of=datetime.now(UTC))
