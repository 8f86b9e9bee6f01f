"""The Weibo adapter: a synchronous platform without idempotency keys, so what is unknown is looked up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.weibo import feedback, replies, webhook
from drumtower.adapters.weibo.declaration import AUTH, CAPABILITIES, IMAGE, TOKEN_WIRE, WIRE, WeiboOptions
from drumtower.adapters.weibo.errors import GONE, PENDING, REPEATED
from drumtower.adapters.weibo.posts import Sighting, look, marked
from drumtower.adapters.weibo.schemas import CommentList, Counters, Person, Status, TokenInfo, permalink
from drumtower.domain.capabilities import Feature, Grant, Label
from drumtower.domain.failures import AuthExpired, NotPermitted
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Absent,
    Accepted,
    Adapter,
    ByHand,
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
    Prober,
    Published,
    PublishRequest,
    Reading,
    Received,
    RemoteAccount,
    Rendering,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    Undecidable,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRequest,
)
from drumtower.platforms.lookups import ours
from drumtower.platforms.media import read_file, rejected
from drumtower.platforms.probes import asked, not_askable
from drumtower.platforms.readings import batches, reading
from drumtower.platforms.signatures import check_sorted

FAN_SERVICE = "https://m.api.weibo.com"
COUNTED_AT_ONCE = 100
# Weibo's guard against repeats lasts a short time; an older equal status is not what a repeat ran into.
GUARD = timedelta(hours=1)
# 20032 promises one or two minutes.
PENDING_POLL = timedelta(seconds=30)
PENDING_LIMIT = timedelta(minutes=15)


class WeiboAdapter(
    Adapter,
    Prober,
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
    by_hand = ByHand(hosts=("weibo.com", "weibo.cn"))
    options: ClassVar[type[BaseModel]] = WeiboOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose token it is, and that it is this app's."""
        asking = self.api(credentials, token="", wire=TOKEN_WIRE)
        about = {"access_token": credentials.access}
        info = await asking.send("POST", "get_token_info", TokenInfo, data=about)
        if info.expire_in <= 0:
            raise PlatformError(AuthExpired(detail="the token has expired"))
        if info.appkey != credentials["app_key"]:
            raise PlatformError(NotPermitted(detail="the token belongs to another app"))
        user = await self.api(credentials).get("users/show", Person, uid=info.uid)
        return RemoteAccount(id=user.id, name=user.screen_name, url=f"https://weibo.com/u/{user.id}")

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Ask for what some apps are refused (10014); a share can't be tried without sharing."""
        comments = self.api(credentials).get("comments/to_me", CommentList, count=1)
        return (
            not_askable(Feature.PUBLISH, "Weibo says so only when a status is shared."),
            await asked(Feature.FEEDBACK, comments),
        )

    def render(self, request: PublishRequest) -> Rendering:
        """Mark the link under the app's domain with the delivery's key."""
        domain = request.credentials["security_domain"]
        return Rendering(text=marked(request.message.text, domain, request.idempotency_key))

    async def publish(self, request: PublishRequest) -> Outcome:
        """Share once. "The same again" is looked up, because it may be our own lost first attempt."""
        form = {"status": self.render(request).text, "rip": request.credentials["rip"]}
        files = await _picture(request)
        api = self.api(request.credentials)
        try:
            status = await api.send("POST", "statuses/share", Status, once=True, data=form, files=files)
        except PlatformError as error:
            code = error.failure.platform_code
            if code == PENDING:
                return self._pending(request)
            if code in REPEATED:
                return await ours(self.find(request, self._since(request.created_at)), error)
            raise
        return self._published(status, request.credentials)

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
            withheld = "did not show it in 15 minutes: probably withheld. Look at the account."
            raise rejected(f"Weibo took it but {withheld}", PENDING)
        return Accepted(handle=handle, poll_after=PENDING_POLL)

    async def _look(self, credentials: Credentials, *, key: str, text: str, since: datetime) -> Sighting:
        return await look(self.api(credentials), uid=credentials.account_id, key=key, text=text, since=since)

    def _published(self, status: Status, credentials: Credentials) -> Published:
        url = permalink(credentials.account_id, status.id)
        return Published(external_id=status.id, url=url, published_at=status.created_at)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Take it down; a normal app gets 10014, and a person does it."""
        try:
            await self.api(credentials).send(
                "POST", "statuses/destroy", object, data={"id": post.external_id}
            )
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        """Answer in public; "the same again" is looked up as for posts."""
        api = self.api(request.credentials)
        try:
            return await replies.comment(api, request)
        except PlatformError as error:
            if error.failure.platform_code not in REPEATED:
                raise
            return await ours(replies.find(api, request, self._since(request.created_at)), error)

    async def message(self, request: ReplyRequest) -> Published:
        """Answer in private, with the fan service's own token where there is one."""
        token = request.credentials.values.get("fan_service_token") or None
        service = WeiboAdapter(self.http, fan_service(self.base_url))
        return await replies.message(service.api(request.credentials, token=token), request)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        """Look for our comment; sent messages are listed nowhere."""
        if request.kind is InteractionKind.MESSAGE:
            return Undecidable(reason="Weibo lists no sent messages: look into the account's conversation.")
        return await replies.find(self.api(request.credentials), request, since)

    def _check(self, request: WebhookRequest, credentials: Credentials) -> None:
        # The official example has milliseconds; seconds are taken too (UNVERIFIED).
        check_sorted(request, credentials["app_secret"], milliseconds=True)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        self._check(request, credentials)
        return WebhookAnswer(body=request.query.get("echostr", ""))

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        self._check(request, credentials)
        return webhook.read(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await feedback.pull(self.api(credentials), credentials.account_id, cursor)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Totals by status; Weibo gives a normal app no reads."""
        api, rows = self.api(credentials), list[Counters]()
        for batch in batches([post.external_id for post in posts], COUNTED_AT_ONCE):
            rows += await api.get("statuses/count", list[Counters], ids=",".join(batch))
        return {row.id: reading(row.given()) for row in rows}

    async def channel_stats(self, credentials: Credentials) -> Reading:
        user = await self.api(credentials).get("users/show", Person, uid=credentials.account_id)
        return reading({Metric.FOLLOWERS: user.followers_count})


async def _picture(request: PublishRequest) -> dict[str, tuple[str, bytes, str]] | None:
    """The multipart field of the one picture that a status may carry."""
    media = request.message.media
    if not media:
        return None
    if len(media) > IMAGE.maximum_count:
        raise rejected(f"Weibo takes {IMAGE.maximum_count} picture a status.")
    return {"pic": ("picture", await read_file(media[0], IMAGE), media[0].content_type)}


def fan_service(base_url: str) -> str:
    """The real platform answers messages on a host of its own; any other server on the one it has."""
    return FAN_SERVICE if base_url == WeiboAdapter.default_base_url else base_url
