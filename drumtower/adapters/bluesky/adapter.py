"""Bluesky: a post is a record under a key that we choose, so that a repeat writes the same record again.

`base_url` is the account's own server (PDS), or bsky.social, which passes calls on. The AppView behind it gives
notifications and counts; when it is away, publishing still works. Video, chat and OAuth are not here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.bluesky import client, feedback, writing
from drumtower.adapters.bluesky.client import Xrpc
from drumtower.adapters.bluesky.errors import BLOB_NOT_FOUND
from drumtower.adapters.bluesky.posts import parse_uri, post_record, text_record
from drumtower.adapters.bluesky.schemas import (
    Account,
    BlueskyOptions,
    Notification,
    Notifications,
    PostView,
    PostViews,
    Profile,
    Wire,
)
from drumtower.domain import failures
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    AppPassword,
    Auth,
    CredentialField,
    Credentials,
    Deleter,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    PlatformError,
    PostReference,
    Preparable,
    Published,
    PublishRequest,
    Reading,
    RemoteAccount,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    Token,
    TokenSource,
)

_TEXT = TextRule(maximum=300, unit=Unit.GRAPHEME, also=TextRule(maximum=3000, unit=Unit.BYTE))
_POSTS_A_CALL = 25
_COUNTS = {Metric.LIKES: "like_count", Metric.COMMENTS: "reply_count", Metric.SAVES: "bookmark_count"}


class BlueskyAdapter(
    Adapter, TokenSource, Preparable, Finder, Deleter, Replier, ReplyFinder, FeedbackSource, StatsSource
):
    """Shares are reposts and quotes together; saves are bookmarks. Bluesky gives no exposure."""

    slug: ClassVar[str] = "bluesky"
    name: ClassVar[Label] = Label(zh_cn="Bluesky", en="Bluesky")
    default_base_url: ClassVar[str] = "https://bsky.social"
    options: ClassVar[type[BaseModel]] = BlueskyOptions
    auth: ClassVar[Auth] = AppPassword(
        fields=(
            CredentialField(
                name="identifier", label=Label(zh_cn="账号(用户名或 DID)", en="Handle or DID"), secret=False
            ),
            CredentialField(name="password", label=Label(zh_cn="应用专用密码", en="App password")),
        )
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,),
        body=_TEXT,
        # 2 MB since PDS 0.5; older servers refuse a picture over 1 MB when the post is written.
        image=MediaRule(
            types=("image/jpeg", "image/png", "image/webp"), maximum_count=4, maximum_bytes=2_000_000
        ),
        reconcile=Reconcile.KEY,
        read_lag=timedelta(),  # a record is there when the write is answered
        reply=_TEXT,
        metrics=(Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES),
        channel_metrics=(Metric.FOLLOWERS,),
        metrics_delay=timedelta(minutes=1),
        audience=Label(
            zh_cn="以英语、日语、葡萄牙语用户为主的开放社交网络,科技、媒体与学术人群集中",
            en="An open social network, strong in technology, media and research; mostly English, Japanese, Portuguese",
        ),
    )

    async def token(self, credentials: Credentials) -> Token:
        """Renew the session; where it has ended, open a new one with the app password."""
        old = credentials.token.refresh if credentials.token else None
        if old:
            try:
                return await client.refresh(self.http, self.base_url, old)
            except PlatformError as error:
                if not isinstance(error.failure, failures.AuthExpired):
                    raise
        return await client.log_in(self.http, self.base_url, credentials)

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        account = await self._xrpc(credentials).query("com.atproto.server.getSession", [], Account)
        if not account.active:
            detail = f"the account is {account.status or 'not active'}"
            raise PlatformError(failures.NotPermitted(detail=detail, platform_code=account.status))
        url = f"https://bsky.app/profile/{account.did}"
        return RemoteAccount(id=account.did, name=account.handle, url=url)

    async def prepare(self, request: PublishRequest) -> None:
        await writing.upload(self._xrpc(request.credentials), request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Published:
        xrpc, progress = self._xrpc(request.credentials), dict(request.checkpoint)
        files = await writing.upload(xrpc, request, progress)
        created_at = await writing.fixed_date(request, progress)
        options = BlueskyOptions.model_validate(request.options.model_dump())
        record = post_record(request.message, options, files, created_at)
        try:
            return await writing.write(xrpc, request, record)
        except PlatformError as error:
            if client.is_code(error, BLOB_NOT_FOUND):
                await request.save({**progress, "files": {}})
            raise

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await writing.look(self._xrpc(request.credentials), request)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        parsed = parse_uri(post.external_id)
        if parsed is None or parsed[0] != credentials.account_id:
            raise PlatformError(failures.ContentRejected(detail="that is no post of this account"))
        body = writing.place(credentials.account_id, parsed[1])
        await self._xrpc(credentials).procedure("com.atproto.repo.deleteRecord", body, Wire, once=False)

    async def reply(self, request: ReplyRequest) -> Published:
        created_at = await writing.fixed_date(request, dict(request.checkpoint))
        record = text_record(request.text, created_at) | {"reply": writing.thread(request)}
        return await writing.write(self._xrpc(request.credentials), request, record)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await writing.look(self._xrpc(request.credentials), request)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        now = datetime.now(UTC)
        at = feedback.position(cursor, now)
        method = "app.bsky.notification.listNotifications"
        try:
            found = await self._xrpc(credentials).query(method, feedback.parameters(at), Notifications)
        except PlatformError as error:
            if at.page and client.is_refusal(error):
                return feedback.restarted(at)
            raise
        new = client.read_each(Notification, found.notifications)
        following = found.cursor if found.notifications else None
        return feedback.turn(at, new, following, own=credentials.account_id, now=now)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        xrpc = self._xrpc(credentials)
        readings: dict[str, Reading] = {}
        uris = [post.external_id for post in posts if parse_uri(post.external_id)]
        for start in range(0, len(uris), _POSTS_A_CALL):
            batch = [("uris", uri) for uri in uris[start : start + _POSTS_A_CALL]]
            found = await xrpc.query("app.bsky.feed.getPosts", batch, PostViews)
            views = client.read_each(PostView, found.posts)
            readings |= {view.uri: _reading(view) for view in views if view.uri in uris}
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        actor = [("actor", credentials.account_id)]
        profile = await self._xrpc(credentials).query("app.bsky.actor.getProfile", actor, Profile)
        followers = profile.followers_count
        values = {} if followers is None else {Metric.FOLLOWERS: followers}
        return Reading(values=values, as_of=datetime.now(UTC))

    def _xrpc(self, credentials: Credentials) -> Xrpc:
        return Xrpc(self.http, self.base_url, credentials)


def _reading(view: PostView) -> Reading:
    counts = {metric: getattr(view, field) for metric, field in _COUNTS.items()}
    values = {metric: count for metric, count in counts.items() if count is not None}
    if view.repost_count is not None:
        values[Metric.SHARES] = view.repost_count + (view.quote_count or 0)
    return Reading(values=values, as_of=datetime.now(UTC))
