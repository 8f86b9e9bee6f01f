"""The Douyin adapter: posts on behalf of an account (`video.create.bind`), which Douyin grants to few apps.

What the account or the app was not granted becomes a handoff: `probe` reads it from the token. Comments
(`item.comment`) and messages (`im.direct_message`) work for apps that have them; Douyin takes no new applications for the
first. There is no call that deletes. Not here: hand-off by share link, mini-programs, the demographics of followers.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from drumtower.adapters.douyin import posts, talk, webhook
from drumtower.adapters.douyin.declaration import (
    AUTH,
    CAPABILITIES,
    COMMENT,
    DATA,
    MESSAGE,
    PUBLISH,
    WIRE,
    DouyinOptions,
)
from drumtower.adapters.douyin.schemas import AppToken, Days, Events, FansData, In, Person, Rows
from drumtower.domain.capabilities import Feature, Grant, Label
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Accepted,
    Adapter,
    Audience,
    AudienceSource,
    Confirmable,
    Credentials,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    Messenger,
    PostReference,
    Preparable,
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
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.moments import BEIJING
from drumtower.platforms.probes import asked, granted
from drumtower.platforms.readings import batches, reading

SCOPES = {
    Feature.PUBLISH: PUBLISH,
    Feature.FEEDBACK: COMMENT,
    Feature.REPLY: COMMENT,
    Feature.MESSAGE: MESSAGE,
    Feature.STATISTICS: DATA,
}
_LIST, _DATA, _AT_ONCE = f"{posts.BASE}/video_list/", f"{posts.BASE}/video_data/", 20
TOLD = frozenset({"im_receive_msg", "item_comment_reply"})


class DouyinAdapter(
    Adapter,
    Prober,
    Preparable,
    Confirmable,
    Finder,
    Replier,
    Messenger,
    ReplyFinder,
    WebhookReceiver,
    FeedbackSource,
    StatsSource,
    AudienceSource,
):
    """One account, known by its open_id, which differs from app to app."""

    slug: ClassVar[str] = "douyin"
    name: ClassVar[Label] = Label(zh_cn="抖音", en="Douyin")
    default_base_url: ClassVar[str] = "https://open.douyin.com"
    console_url: ClassVar[str | None] = "https://creator.douyin.com"
    options: ClassVar[type[BaseModel]] = DouyinOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose token it is; Douyin refuses one that is not its open_id's."""
        about = {"access_token": credentials.access, "open_id": credentials.claimed}
        me = await self.api(credentials, token="").send("POST", "/oauth/userinfo/", In[Person], data=about)
        return RemoteAccount(id=me.data.open_id, name=me.data.nickname)

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Read what was granted from the token, and ask which events the app is told."""
        found = granted(credentials.token, SCOPES)
        if not found:
            call = self.api(credentials).get(_LIST, In[Rows], **_me(credentials), count=1)
            found = (await asked(Feature.STATISTICS, call),)
        return (*found, await self._told(credentials))

    async def _told(self, credentials: Credentials) -> Grant:
        form = {name: credentials[name] for name in ("client_key", "client_secret")}
        form |= {"grant_type": "client_credential"}
        app = await self.api(credentials, token="").send(
            "POST", "/oauth/client_token/", In[AppToken], data=form
        )
        api = self.api(credentials, token=app.data.access_token)
        on = {row.event for row in (await api.get("/event/status/list/", In[Events])).data.rows if row.status}
        off = ", ".join(sorted(TOLD - on))
        reason = f"The app's console has these events off: {off}." if off else ""
        return Grant(feature=Feature.WEBHOOKS, allowed=not off, reason=reason)

    def render(self, request: PublishRequest) -> Rendering:
        return Rendering(text=posts.fitting(request.message).text)

    async def prepare(self, request: PublishRequest) -> None:
        posts.fitting(request.message)
        await posts.upload(self.api(request.credentials), request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Accepted:
        """Make the post once; Douyin's answer means that it was taken, and its review follows."""
        posts.fitting(request.message)
        api = self.api(request.credentials)
        return await posts.create(api, request, await posts.upload(api, request, dict(request.checkpoint)))

    async def confirm(self, credentials: Credentials, handle: dict[str, Any]) -> Published | Accepted:
        return await posts.confirm(self.api(credentials), credentials.account_id, handle)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await posts.find(self.api(request.credentials), request, since)

    async def reply(self, request: ReplyRequest) -> Published:
        return await talk.reply(self.api(request.credentials), request)

    async def message(self, request: ReplyRequest) -> Published:
        return await talk.message(self.api(request.credentials), request)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await talk.find_reply(self.api(request.credentials), request, since)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        raise WebhookRefused("challenge_malformed", "Douyin checks an address with a push")

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await talk.pull(self.api(credentials), credentials.account_id, cursor, posts)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Totals by post, as the account itself sees them."""
        readings: dict[str, Reading] = {}
        for batch in batches([post.external_id for post in posts], _AT_ONCE):
            body = {"item_ids": list(batch)}
            found = await self.api(credentials).post(_DATA, In[Rows], body, **_me(credentials))
            for row in found.data.rows:
                readings[row.item_id] = reading(row.statistics.given())
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        """The followers at the end of the last day that Douyin has counted."""
        query = {**_me(credentials), "date_type": 7}
        days = await self.api(credentials).get("/data/external/user/fans/", In[Days], **query)
        newest = max(days.data.result_list, key=lambda day: day.date, default=None)
        if newest is None:
            return reading({})
        return replace(reading({Metric.FOLLOWERS: newest.total_fans}), as_of=_end_of(newest.date))

    async def audience(self, credentials: Credentials) -> Audience:
        """Who follows, counted daily; nothing of an account with 100 followers or fewer."""
        path = "/api/douyin/v1/user/fans_data/"
        fans = (await self.api(credentials).get(path, In[FansData], **_me(credentials))).data.fans_data
        return Audience(people=fans.people(), total=fans.all_fans_num)


def _me(credentials: Credentials) -> dict[str, Any]:
    return {"open_id": credentials.account_id}


def _end_of(day: str) -> datetime:
    """Return when a day of Beijing's was over."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), BEIJING).astimezone(UTC)
