"""The Bilibili adapter: a video with its title, description and tags, and its numbers.

The open platform has no call for dynamics, comments, answers, messages or the audience's character: answers are handoffs,
comments come by import. What was not granted becomes a handoff; `probe` asks for the granted scopes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel

from drumtower.adapters.bilibili import videos, webhook
from drumtower.adapters.bilibili.declaration import AUTH, BY_HAND, CAPABILITIES, SCOPES, WIRE, BilibiliOptions
from drumtower.adapters.bilibili.errors import GONE
from drumtower.adapters.bilibili.schemas import Followers, In, Person, Scopes, Stat
from drumtower.adapters.bilibili.signing import signer
from drumtower.domain.capabilities import Grant, Label
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Accepted,
    Adapter,
    Api,
    Confirmable,
    Credentials,
    Deleter,
    Finder,
    Finding,
    PlatformError,
    PostReference,
    Preparable,
    Prober,
    Published,
    PublishRequest,
    Reading,
    Received,
    RemoteAccount,
    StatsSource,
    Token,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
    Wire,
)
from drumtower.platforms.probes import granted
from drumtower.platforms.readings import reading


class BilibiliAdapter(
    Adapter, Prober, Preparable, Confirmable, Finder, Deleter, WebhookReceiver, StatsSource
):
    """One account, known by its openid, which differs from app to app."""

    slug: ClassVar[str] = "bilibili"
    name: ClassVar[Label] = Label(zh_cn="哔哩哔哩", en="Bilibili")
    default_base_url: ClassVar[str] = "https://member.bilibili.com"
    console_url: ClassVar[str | None] = "https://member.bilibili.com/platform/upload-manager/article"
    options: ClassVar[type[BaseModel]] = BilibiliOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE
    by_hand = BY_HAND

    def api(self, credentials: Credentials, *, token: str | None = None, wire: Wire | None = None) -> Api:
        """Make the account's calls, each signed by the app."""
        sign = signer(credentials["client_id"], credentials["app_secret"])
        return replace(super().api(credentials, token=token, wire=wire), sign=sign)

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        me = (await self.api(credentials).get("user/account/info", In[Person])).data
        return RemoteAccount(id=me.openid, name=me.name)

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Ask which scopes were granted."""
        found = (await self.api(credentials).get("user/account/scopes", In[Scopes])).data
        return granted(Token(access="", scopes=tuple(found.scopes)), SCOPES)

    async def prepare(self, request: PublishRequest) -> None:
        videos.check(request.message)
        await videos.upload(self, request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Accepted:
        """Submit once; Bilibili's answer means that it was taken, and its review follows."""
        videos.check(request.message)
        files = await videos.upload(self, request, dict(request.checkpoint))
        return await videos.submit(self.api(request.credentials), request, files)

    async def confirm(self, credentials: Credentials, handle: dict[str, Any]) -> Published | Accepted:
        return await videos.confirm(self.api(credentials), handle)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await videos.find(self.api(request.credentials), request, since)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        try:
            await self.api(credentials).post("archive/delete", object, {"resource_id": post.external_id})
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        raise WebhookRefused("challenge_malformed", "Bilibili checks an address with a push")

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Totals of now, one call a video; one that is gone is left out."""
        readings: dict[str, Reading] = {}
        for post in posts:
            try:
                call = self.api(credentials).get("data/arc/stat", In[Stat], resource_id=post.external_id)
                readings[post.external_id] = reading((await call).data.given())
            except PlatformError as error:
                if error.failure.platform_code not in GONE:
                    raise
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        own = (await self.api(credentials).get("data/user/stat", In[Followers])).data
        return reading({Metric.FOLLOWERS: own.follower})
