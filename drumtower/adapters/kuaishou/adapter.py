"""The Kuaishou adapter: one video with its cover and caption at a time.

The open platform has no call for comments, answers, messages, pictures, edits or the followers' character; `comment_count`
is all that is heard. What was not granted becomes a handoff: `probe` reads it from the token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel

from drumtower.adapters.kuaishou import videos, webhook
from drumtower.adapters.kuaishou.declaration import (
    AUTH,
    CAPABILITIES,
    DELETE,
    INFO,
    MISSING,
    PUBLISH,
    WIRE,
    KuaishouOptions,
)
from drumtower.adapters.kuaishou.schemas import Done, PersonIn
from drumtower.domain.capabilities import Feature, Grant, Label
from drumtower.domain.failures import NotPermitted
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Accepted,
    Adapter,
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
    Rendering,
    StatsSource,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.probes import asked, granted
from drumtower.platforms.readings import reading

SCOPES = {Feature.PUBLISH: PUBLISH, Feature.STATISTICS: INFO, Feature.DELETE: DELETE}


class KuaishouAdapter(
    Adapter, Prober, Preparable, Confirmable, Finder, Deleter, WebhookReceiver, StatsSource
):
    """One account, known by its open_id, which differs from app to app."""

    slug: ClassVar[str] = "kuaishou"
    name: ClassVar[Label] = Label(zh_cn="快手", en="Kuaishou")
    default_base_url: ClassVar[str] = "https://open.kuaishou.com"
    console_url: ClassVar[str | None] = "https://cp.kuaishou.com"
    options: ClassVar[type[BaseModel]] = KuaishouOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose token it is. Only the token's own answer names the account: one given by hand is believed."""
        me = await self._person(credentials)
        if not credentials.claimed:
            raise PlatformError(
                NotPermitted(detail="Kuaishou names no account for this token: give its open_id")
            )
        return RemoteAccount(id=credentials.claimed, name=me.user_info.name)

    async def _person(self, credentials: Credentials) -> PersonIn:
        return await self.api(credentials).get("user_info", PersonIn, app_id=credentials["app_id"])

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Read what was granted from the token; one given by hand is tried."""
        if found := granted(credentials.token, SCOPES):
            return found
        count = self.api(credentials).get("photo/count", Done, app_id=credentials["app_id"])
        return (await asked(Feature.STATISTICS, count),)

    def render(self, request: PublishRequest) -> Rendering:
        return Rendering(text=videos.fitting(request.message).text)

    async def prepare(self, request: PublishRequest) -> None:
        videos.fitting(request.message)
        await videos.upload(self, request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Accepted:
        """Publish once; Kuaishou's answer means that it was taken, and its review follows."""
        videos.fitting(request.message)
        token = await videos.upload(self, request, dict(request.checkpoint))
        return await videos.create(self.api(request.credentials), request, token)

    async def confirm(self, credentials: Credentials, handle: dict[str, Any]) -> Published | Accepted:
        return await videos.confirm(self.api(credentials), credentials["app_id"], handle)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await videos.find(self.api(request.credentials), request, since)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        about = {"app_id": credentials["app_id"], "photo_id": post.external_id}
        try:
            await self.api(credentials).send("POST", "photo/delete", Done, params=about)
        except PlatformError as error:
            if error.failure.platform_code not in MISSING:
                raise

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        raise WebhookRefused("challenge_malformed", "Kuaishou checks an address with a push")

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """Totals of now, by video."""
        rows = await videos.counted(self.api(credentials), credentials["app_id"], posts)
        return {row.photo_id: reading(row.given()) for row in rows}

    async def channel_stats(self, credentials: Credentials) -> Reading:
        return reading({Metric.FOLLOWERS: (await self._person(credentials)).user_info.fan})
