"""A WordPress site: the channel's `base_url` says which, its owner gives an application password.

An account is known by its record in the site's API, because its number differs from site to site. Comments are those the
site shows; a comment let through more than a week after it was written is not seen. WordPress counts no readers: views
are those of our own links.
"""

import base64
import html
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.wordpress import articles
from drumtower.adapters.wordpress.declaration import (
    AUTH,
    CAPABILITIES,
    GONE,
    REPEATED,
    WIRE,
    WordPressOptions,
)
from drumtower.adapters.wordpress.schemas import Comment, Post, User
from drumtower.domain.capabilities import Feature, Grant, Label
from drumtower.domain.failures import NotPermitted
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Accepted,
    Adapter,
    Api,
    Checkpoint,
    Confirmable,
    Credentials,
    Deleter,
    Discarder,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    InteractionEvent,
    PlatformError,
    PostReference,
    Preparable,
    Prober,
    Published,
    PublishRequest,
    RemoteAccount,
    Rendering,
    Replier,
    ReplyFinder,
    ReplyRequest,
)
from drumtower.platforms.answers import read_each
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import alike, ours, recent
from drumtower.platforms.media import rejected
from drumtower.platforms.walks import TimeWalk, by_others

_PAGE = 100
_FIRST_LOOK = timedelta(days=30)
_LET_THROUGH = timedelta(days=7)  # comments come under their own date when a moderator lets them through
_NEEDED = {
    Feature.PUBLISH: ("publish_posts", "upload_files"),
    Feature.DELETE: ("delete_posts", "delete_published_posts"),
}


class WordPressAdapter(
    Adapter, Preparable, Discarder, Confirmable, Finder, Deleter, Replier, ReplyFinder, FeedbackSource, Prober
):
    """The official website. No exposure, no followers: core counts neither."""

    slug: ClassVar[str] = "wordpress"
    name: ClassVar[Label] = Label(zh_cn="官方网站（WordPress）", en="Official website (WordPress)")
    default_base_url: ClassVar[str] = "https://site.invalid"  # there is none: a password must not go astray
    options: ClassVar[type[BaseModel]] = WordPressOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    def _site(self, credentials: Credentials) -> Api:
        if self.base_url == self.default_base_url:
            detail = "A site has its own address: give it as the channel's base_url."
            raise PlatformError(NotPermitted(detail=detail))
        login = f"{credentials['username']}:{credentials['app_password']}"
        return self.api(credentials, token=base64.b64encode(login.encode()).decode())

    async def _me(self, credentials: Credentials) -> User:
        return await self._site(credentials).get("users/me", User, context="edit")

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        me = await self._me(credentials)
        if not me.links.self_:
            raise PlatformError(NotPermitted(detail="the site does not say where the user's record is"))
        return RemoteAccount(id=me.links.self_[0].href, name=me.name or me.id, url=articles.web(me.link))

    async def probe(self, credentials: Credentials) -> Sequence[Grant]:
        """Read the role's capabilities; who may sign in may comment and read comments."""
        may = (await self._me(credentials)).capabilities
        lacking = {
            feature: [name for name in names if not may.get(name)] for feature, names in _NEEDED.items()
        }
        return [
            Grant(
                feature=feature,
                allowed=not names,
                reason=f"The user's role lacks: {', '.join(names)}." if names else "",
            )
            for feature, names in lacking.items()
        ]

    def render(self, request: PublishRequest) -> Rendering:
        """The site gets the page; the text is what a reader sees of it."""
        return articles.render(request.message)

    async def prepare(self, request: PublishRequest) -> None:
        check_message(request.message, self.capabilities, self.name.en)
        await articles.prepare(self._site(request.credentials), request)

    async def publish(self, request: PublishRequest) -> Published | Accepted:
        api = self._site(request.credentials)
        check_message(request.message, self.capabilities, self.name.en)
        body = articles.body_of(request, await articles.prepare(api, request))
        return articles.outcome(await api.post("posts", Post, body, once=True))

    async def discard(self, credentials: Credentials, checkpoint: Checkpoint) -> None:
        await articles.discard(self._site(credentials), checkpoint)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await articles.find(self._site(request.credentials), articles.slug_of(request))

    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        """Look whether an editor has published it; what is in the bin, or gone, was refused."""
        post = await self._site(credentials).get(f"posts/{handle['post']}", Post, context="edit")
        if post.status == "trash":
            raise rejected("An editor of the site has put it into the bin.")
        return articles.outcome(post)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Put it into the site's bin, out of which its editors can take it again."""
        try:
            await self._site(credentials).send("DELETE", f"posts/{post.external_id}", object)
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        """Answer below the comment; "you said this already" may be our own lost first attempt's doing."""
        text = html.escape(request.text, quote=False)
        body = {"post": request.post_external_id, "parent": request.external_id, "content": text}
        try:
            return _published(
                await self._site(request.credentials).post("comments", Comment, body, once=True)
            )
        except PlatformError as error:
            if error.failure.platform_code == REPEATED:
                return await ours(self.find_reply(request, request.created_at), error)
            raise

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        """Look among the answers to the comment."""
        query = {"parent": request.external_id, "orderby": "date_gmt", "order": "desc", "per_page": _PAGE}
        listed = await self._site(request.credentials).get("comments", list[Comment], **query)
        total = len(listed) if len(listed) < _PAGE else None
        seen = recent(listed, since, lambda comment: comment.written_at, total)
        own = (row for row in seen.rows if row.written_by == request.credentials.account_id)
        text = articles.plain(request.text)
        same = (row for row in own if alike(articles.plain(articles.spoken(row.content.rendered)), text))
        out = next(same, None)
        return seen.settle(_published(out) if out else None, f"More than {_PAGE} answers are newer.")

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        """Read the site's comments, the newest first, on every page of it."""
        now = datetime.now(UTC)
        walk = TimeWalk.at(cursor, _LET_THROUGH, first=now - _FIRST_LOOK)
        page = int(walk.page or 1)
        query = {"orderby": "date_gmt", "order": "desc", "per_page": _PAGE, "page": page}
        found = await self._site(credentials).get("comments", list[dict[str, object]], **query)
        rows = {row.id: (row.written_at, row) for row in read_each(Comment, found)}
        fresh, walk = walk.take(rows, str(page + 1) if len(found) == _PAGE else None, now)
        events = by_others((_event(row) for row in fresh), credentials.account_id)
        return FeedbackPage(events=events, cursor=walk.cursor(), more=walk.page is not None)


def _published(comment: Comment) -> Published:
    return Published(external_id=comment.id, url=articles.web(comment.link), published_at=comment.written_at)


def _event(comment: Comment) -> InteractionEvent:
    return InteractionEvent(
        external_id=comment.id,
        kind=InteractionKind.COMMENT,
        author_id=comment.written_by,
        author_name=comment.author_name,
        text=articles.spoken(comment.content.rendered),
        occurred_at=comment.written_at,
        post_external_id=comment.post,
        in_reply_to=str(comment.parent) if comment.parent else None,
        url=articles.web(comment.link),
    )
