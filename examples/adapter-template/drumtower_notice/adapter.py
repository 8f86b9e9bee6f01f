"""Notice: short texts under a key of our choice, comments, counters. The wire format is that of `sandbox.py`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import AwareDatetime

from drumtower.domain.capabilities import Capabilities, Label, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Absent,
    Adapter,
    Auth,
    Credentials,
    Deleter,
    Envelope,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    FixedToken,
    InteractionEvent,
    Meaning,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
    Reading,
    RemoteAccount,
    Replier,
    ReplyFinder,
    ReplyRequest,
    StatsSource,
    Wire,
    credential,
    error_table,
)
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.media import rejected
from drumtower.platforms.readings import batches, reading
from drumtower.platforms.walks import by_others

# Every code that the platform documents, by what it asks of us. What is not listed proves nothing.
ERRORS = error_table(
    {
        Meaning.AUTH_EXPIRED: {"token_invalid": "the key is not taken any more"},
        Meaning.NOT_PERMITTED: {"account_limited": "the account may not post"},
        Meaning.CONTENT_REJECTED: {
            "text_blank": "the text is empty",
            "text_too_long": "the text is over 500 characters",
            "media_unsupported": "Notice takes no files",
            "not_found": "there is no such notice",
        },
        Meaning.RATE_LIMITED: {"too_many": "over the account's rate limit"},
        Meaning.BUSY: {"overloaded": "the server is overloaded"},
    },
    after={"too_many": timedelta(minutes=1)},
)


class Me(Answer):
    """The account."""

    id: Id
    name: str
    followers: Count = None


class Notice(Answer):
    """A notice or an answer to one."""

    id: Id
    created_at: AwareDatetime
    likes: Count = None
    comments: Count = None


class Notices(Answer):
    """A list of them."""

    notices: list[Notice]


class Comment(Answer):
    """What somebody said under one of our notices."""

    id: Id
    notice: Id
    parent: Id | None = None
    author: Me
    text: str
    created_at: AwareDatetime


class Comments(Answer):
    """Oldest first."""

    comments: list[Comment]


PAGE = 50


class NoticeAdapter(Adapter, Finder, Deleter, Replier, ReplyFinder, FeedbackSource, StatsSource):
    """A repeat under the same reference is the same notice, for good: an unknown outcome is settled by looking there."""

    slug: ClassVar[str] = "notice"
    name: ClassVar[Label] = Label(zh_cn="公告栏", en="Notice")
    default_base_url: ClassVar[str] = "https://api.notice.example"
    auth: ClassVar[Auth] = FixedToken(fields=(credential("access_token", "访问密钥", "Access key"),))
    wire: ClassVar[Wire] = Wire(
        path="/api/{}", read_error=Envelope(code=("code",), said=("message",)), errors=ERRORS
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        kinds=(Kind.IMAGE_TEXT,),
        body=TextRule(maximum=500, unit=Unit.CHARACTER, required=True),
        reconcile=Reconcile.KEY,
        read_lag=timedelta(),
        reply=TextRule(maximum=500, unit=Unit.CHARACTER, required=True),
        metrics=(Metric.LIKES, Metric.COMMENTS),
        channel_metrics=(Metric.FOLLOWERS,),
        audience=Label(zh_cn="示例平台的读者", en="The readers of an invented platform"),
    )

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        me = await self.api(credentials).get("me", Me)
        return RemoteAccount(id=me.id, name=me.name)

    async def publish(self, request: PublishRequest) -> Published:
        if request.message.media:
            raise rejected("Notice takes no files.", "media_unsupported")
        body = {"text": request.message.text, "reference": request.idempotency_key}
        return _published(await self.api(request.credentials).post("notices", Notice, body, once=True))

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await self._look(request.credentials, request.idempotency_key)

    async def _look(self, credentials: Credentials, reference: str) -> Finding:
        found = await self.api(credentials).get("notices", Notices, reference=reference)
        return _published(found.notices[0]) if found.notices else Absent()

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        try:
            await self.api(credentials).post(f"notices/{post.external_id}/delete", object)
        except PlatformError as error:
            if error.failure.platform_code != "not_found":
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        body = {"text": request.text, "reference": request.idempotency_key, "parent": request.external_id}
        return _published(await self.api(request.credentials).post("comments", Notice, body, once=True))

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await self._look(request.credentials, request.idempotency_key)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        """Comments have growing ids and come oldest first, so the last one read is the cursor."""
        page = await self.api(credentials).get("comments", Comments, after=cursor.get("after"), limit=PAGE)
        last = page.comments[-1].id if page.comments else cursor.get("after")
        events = by_others(map(_event, page.comments), credentials.account_id)
        return FeedbackPage(events=events, cursor={"after": last}, more=len(page.comments) == PAGE)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        rows: list[Notice] = []
        for batch in batches([post.external_id for post in posts], PAGE):
            rows += (await self.api(credentials).get("notices", Notices, ids=",".join(batch))).notices
        return {row.id: reading({Metric.LIKES: row.likes, Metric.COMMENTS: row.comments}) for row in rows}

    async def channel_stats(self, credentials: Credentials) -> Reading:
        return reading({Metric.FOLLOWERS: (await self.api(credentials).get("me", Me)).followers})


def _published(notice: Notice) -> Published:
    url = f"https://notice.example/{notice.id}"
    return Published(external_id=notice.id, url=url, published_at=notice.created_at)


def _event(comment: Comment) -> InteractionEvent:
    return InteractionEvent(
        external_id=comment.id,
        kind=InteractionKind.COMMENT,
        author_id=comment.author.id,
        author_name=comment.author.name,
        text=comment.text,
        occurred_at=comment.created_at,
        post_external_id=comment.notice,
        in_reply_to=comment.parent,
    )
