"""Bluesky: a post is a record under a key that we choose, so that a repeat writes the same record again.

`base_url` is the account's own server (PDS), or bsky.social, which passes calls on. The AppView behind it gives
notifications and counts; when it is away, publishing still works. Video, chat and OAuth are not here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.bluesky import client, feedback, writing
from drumtower.adapters.bluesky.audience import CHARACTER
from drumtower.adapters.bluesky.errors import BLOB_NOT_FOUND
from drumtower.adapters.bluesky.posts import PICTURES, parse_uri, post_record, text_record
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
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, FollowUp, Label, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.quotas import Period, Quota
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Adapter,
    AppPassword,
    Auth,
    ByHand,
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
    credential,
)
from drumtower.platforms.answers import read_each
from drumtower.platforms.media import rejected
from drumtower.platforms.options import MOST_PARTS
from drumtower.platforms.readings import batches, reading

_TEXT = TextRule(maximum=300, unit=Unit.GRAPHEME, also=TextRule(maximum=3000, unit=Unit.BYTE))
_POSTS_A_CALL = 25
_NOTIFICATIONS = "app.bsky.notification.listNotifications"


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
            credential("identifier", "账号(用户名或 DID)", "Handle or DID", secret=False),
            credential("password", "应用专用密码", "App password"),
        )
    )
    wire = client.WIRE
    by_hand = ByHand(hosts=("bsky.app",))
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,),
        body=_TEXT,
        image=PICTURES,
        reconcile=Reconcile.KEY,
        read_lag=timedelta(),  # a record is there when the write is answered
        # Servers clear away blobs that no record names; the protocol asks them to wait an hour at least.
        prepared_for=timedelta(hours=1),
        reply=_TEXT,
        follow_up=FollowUp(option="thread", text=replace(_TEXT, required=True), most=MOST_PARTS),
        app_rate=Rate.within(
            3000,
            timedelta(minutes=5),
            burst=100,
            source="PDS rate-limits.ts: calls per address of the caller",
        ),
        channel_rate=Rate.within(
            2500,
            timedelta(hours=1),
            burst=100,
            source="PDS rate-limits.ts: 5000 points an hour, putRecord costs 2",
        ),
        quotas=(
            Quota(
                count=17_500,
                period=Period.DAY,
                timezone="UTC",
                source="PDS rate-limits.ts: 35000 points a day, putRecord costs 2",
            ),
        ),
        metrics=(Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES),
        channel_metrics=(Metric.FOLLOWERS,),
        metrics_delay=timedelta(minutes=1),
        audience=Label(
            zh_cn="以英语、日语、葡萄牙语用户为主的开放社交网络,科技、媒体与学术人群集中",
            en="An open social network, strong in technology, media and research; mostly English, Japanese, Portuguese",
        ),
        character=CHARACTER,
    )

    async def token(self, credentials: Credentials) -> Token:
        """Renew the session; where it has ended, open a new one with the app password."""
        old = credentials.token.refresh if credentials.token else None
        if old:
            try:
                return await client.refresh(self, credentials, old)
            except PlatformError as error:
                if not isinstance(error.failure, failures.AuthExpired):
                    raise
        return await client.log_in(self, credentials)

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        account = await self.api(credentials).get("com.atproto.server.getSession", Account)
        if not account.active:
            detail = f"the account is {account.status or 'not active'}"
            raise PlatformError(failures.NotPermitted(detail=detail, platform_code=account.status))
        url = f"https://bsky.app/profile/{account.did}"
        return RemoteAccount(id=account.did, name=account.handle, url=url)

    async def prepare(self, request: PublishRequest) -> None:
        await writing.upload(self.api(request.credentials), request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Published:
        api, progress = self.api(request.credentials), dict(request.checkpoint)
        files = await writing.upload(api, request, progress)
        created_at = await writing.fixed_date(request, progress)
        options = BlueskyOptions.model_validate(request.options.model_dump())
        record = post_record(request.message, options, files, created_at)
        try:
            return await writing.write(api, request, record)
        except PlatformError as error:
            if client.is_code(error, BLOB_NOT_FOUND):
                await request.save({**progress, "files": {}})
            raise

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await writing.look(self.api(request.credentials), request)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        parsed = parse_uri(post.external_id)
        if parsed is None or parsed[0] != credentials.account_id:
            raise rejected("that is no post of this account")
        body = writing.place(credentials.account_id, parsed[1])
        await self.api(credentials).post("com.atproto.repo.deleteRecord", Wire, body)

    async def reply(self, request: ReplyRequest) -> Published:
        created_at = await writing.fixed_date(request, dict(request.checkpoint))
        record = text_record(request.text, created_at) | {"reply": writing.thread(request)}
        return await writing.write(self.api(request.credentials), request, record)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await writing.look(self.api(request.credentials), request)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        now = datetime.now(UTC)
        walk = feedback.position(cursor, now)
        query = {"limit": feedback.PAGE, "reasons": list(feedback.KINDS), "cursor": walk.page}
        try:
            found = await self.api(credentials).get(_NOTIFICATIONS, Notifications, **query)
        except PlatformError as error:
            if walk.page and client.is_refusal(error):
                return feedback.restarted(walk)
            raise
        new = read_each(Notification, found.notifications)
        following = found.cursor if found.notifications else None
        return feedback.turn(walk, new, following, own=credentials.account_id, now=now)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        readings: dict[str, Reading] = {}
        uris = [post.external_id for post in posts if parse_uri(post.external_id)]
        for batch in batches(uris, _POSTS_A_CALL):
            found = await self.api(credentials).get("app.bsky.feed.getPosts", PostViews, uris=batch)
            views = read_each(PostView, found.posts)
            readings |= {view.uri: reading(view.given()) for view in views if view.uri in uris}
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        actor = credentials.account_id
        profile = await self.api(credentials).get("app.bsky.actor.getProfile", Profile, actor=actor)
        return reading({Metric.FOLLOWERS: profile.followers_count})
