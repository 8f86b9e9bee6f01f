"""The LinkedIn adapter: the versioned REST API of company pages, and publishing for persons.

A channel is a page (`organization` is given) or the member. A member's token writes and reads next to nothing: no
posts, comments or numbers of a profile come back, so what is lost there is for a person to look up. Video, documents,
polls and reactions are not here. An audience holds LinkedIn's URNs; their names are in its own tables. UNVERIFIED: whether a post may name a picture that LinkedIn is
still at work on; preparing ahead gives it the time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.linkedin import feedback, posts, replies, stats, webhook
from drumtower.adapters.linkedin.declaration import AUTH, CAPABILITIES, PROFILE_WIRE, WIRE, LinkedInOptions
from drumtower.adapters.linkedin.errors import DUPLICATE, GONE
from drumtower.adapters.linkedin.schemas import (
    Created,
    FollowerStatistics,
    Member,
    Network,
    Organization,
    Roles,
    encoded,
    is_person,
    page_of,
    person,
)
from drumtower.domain.capabilities import Label
from drumtower.domain.failures import NotPermitted
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Adapter,
    Audience,
    AudienceSource,
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
    Received,
    RemoteAccount,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRequest,
)
from drumtower.platforms.lookups import ours
from drumtower.platforms.readings import reading

POSTING_ROLES = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN"})


class LinkedInAdapter(
    Adapter,
    Preparable,
    Finder,
    Deleter,
    Replier,
    ReplyFinder,
    WebhookReceiver,
    FeedbackSource,
    StatsSource,
    AudienceSource,
):
    """A company page or a member. LinkedIn gives no messages to anybody."""

    slug: ClassVar[str] = "linkedin"
    name: ClassVar[Label] = Label(zh_cn="领英", en="LinkedIn")
    default_base_url: ClassVar[str] = "https://api.linkedin.com"
    options: ClassVar[type[BaseModel]] = LinkedInOptions
    auth = AUTH
    by_hand = ByHand(hosts=("linkedin.com",), short_hosts=("lnkd.in",))
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say whose token it is; for a page, that its member may post there."""
        number = credentials.values.get("organization", "").removeprefix("urn:li:organization:")
        if number:
            return await self._page(credentials, number)
        member = await self.api(credentials, wire=PROFILE_WIRE).get("userinfo", Member)
        return RemoteAccount(id=person(member.sub), name=member.name)

    async def _page(self, credentials: Credentials, number: str) -> RemoteAccount:
        api, urn = self.api(credentials), f"urn:li:organization:{number}"
        granted = await api.get("organizationAcls?q=roleAssignee&state=APPROVED&count=100", Roles)
        if not any(row.organization == urn and row.role in POSTING_ROLES for row in granted.elements):
            detail = "the token's member has no role on this page that may post"
            raise PlatformError(NotPermitted(detail=detail))
        page = await api.get(f"organizations/{encoded(number)}", Organization)
        url = f"https://www.linkedin.com/company/{encoded(page.vanity or page.id)}/"
        return RemoteAccount(id=urn, name=page.name, url=url)

    async def prepare(self, request: PublishRequest) -> None:
        posts.check(request.message)
        await posts.upload(self, request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Published:
        """Post once. "A duplicate" is looked up, because it may be our own lost first attempt."""
        posts.check(request.message)
        progress = dict(request.checkpoint)
        pictures = await posts.upload(self, request, progress)
        since = await posts.first_try(request, progress)
        options = LinkedInOptions.model_validate(request.options.model_dump())
        body = posts.post_body(request.credentials.account_id, request.message, options, pictures)
        api = self.api(request.credentials)
        try:
            created = await api.post("posts", Created, body, once=True)
        except PlatformError as error:
            if error.failure.platform_code != DUPLICATE:
                raise
            return await ours(posts.named(api, request, since, error), error)
        return Published(external_id=created.restli_id, url=page_of(created.restli_id))

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await posts.find(self.api(request.credentials), request, since)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        headers = {"X-RestLi-Method": "DELETE"}
        try:
            await self.api(credentials).send(
                "DELETE", f"posts/{encoded(post.external_id)}", object, headers=headers
            )
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        return await replies.comment(self.api(request.credentials), request)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await replies.find(self.api(request.credentials), request, since)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        return webhook.challenge(request, credentials["client_secret"])

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.receive(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        _pages_only(credentials)
        return await feedback.pull(self.api(credentials), credentials.account_id, cursor)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        _pages_only(credentials)
        asked = [post.external_id for post in posts]
        rows = await stats.counted(self.api(credentials), credentials.account_id, asked)
        return {urn: reading(row.given()) for row in rows if (urn := row.share or row.ugc_post)}

    async def channel_stats(self, credentials: Credentials) -> Reading:
        _pages_only(credentials)
        return reading({Metric.FOLLOWERS: await self._followers(credentials)})

    async def audience(self, credentials: Credentials) -> Audience:
        """Who follows a page, by what members say of their work; asks for an administrator's token."""
        _pages_only(credentials)
        query = f"q=organizationalEntity&organizationalEntity={encoded(credentials.account_id)}"
        path = f"organizationalEntityFollowerStatistics?{query}"
        told = await self.api(credentials).get(path, FollowerStatistics)
        return Audience(people=told.elements[0].people(), total=await self._followers(credentials))

    async def _followers(self, credentials: Credentials) -> int | None:
        query = f"networkSizes/{encoded(credentials.account_id)}?edgeType=COMPANY_FOLLOWED_BY_MEMBER"
        return (await self.api(credentials).get(query, Network)).size


def _pages_only(credentials: Credentials) -> None:
    if is_person(credentials.account_id):
        detail = "LinkedIn gives comments, numbers and followers of pages only, not of a member's profile"
        raise PlatformError(NotPermitted(detail=detail))
