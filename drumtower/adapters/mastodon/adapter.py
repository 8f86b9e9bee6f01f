"""Mastodon: a status is published under an idempotency key, which the server keeps for an hour.

`base_url` is the account's own server. An account is known by its address (url), because its number differs from
server to server. Servers that ignore the key (snac) publish a repeat twice: what is unknown is looked up first.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, cast

from pydantic import BaseModel

from drumtower.adapters.mastodon.declaration import AUTH, CAPABILITIES, GONE, IMAGES, WIRE, MastodonOptions
from drumtower.adapters.mastodon.schemas import Account, Attachment, Notification, Status
from drumtower.domain.capabilities import Label
from drumtower.domain.interactions import InteractionKind
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    Adapter,
    Api,
    Checkpoint,
    Credentials,
    Deleter,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    InteractionEvent,
    Media,
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
)
from drumtower.platforms.answers import read_each
from drumtower.platforms.lookups import bare, recent
from drumtower.platforms.media import read_file, rejected, upload_each
from drumtower.platforms.readings import batches, reading
from drumtower.platforms.walks import by_others

_STATUSES, _ME = "/api/v1/statuses", "/api/v1/accounts/verify_credentials"
_PAGE, _COUNTED_AT_ONCE = 40, 20
_SHALLOW = "More than 40 statuses were written since: the list does not reach back far enough."
# Nobody's name before the host: it would pass for the host.
_ADDRESS = re.compile(r"(https://|http://127\.0\.0\.1)[^/@\s]*(/\S*)?")


class MastodonAdapter(
    Adapter, Preparable, Finder, Deleter, Replier, ReplyFinder, FeedbackSource, StatsSource
):
    """Shares are boosts. Mastodon gives no exposure."""

    slug: ClassVar[str] = "mastodon"
    name: ClassVar[Label] = Label(zh_cn="Mastodon 长毛象", en="Mastodon")
    default_base_url: ClassVar[str] = "https://mastodon.social"
    options: ClassVar[type[BaseModel]] = MastodonOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        me = await self.api(credentials).get(_ME, Account)
        return RemoteAccount(id=me.url, name=me.display_name or me.acct, url=_web(me.url))

    async def prepare(self, request: PublishRequest) -> None:
        await self._upload(request, dict(request.checkpoint))

    async def publish(self, request: PublishRequest) -> Published:
        options = cast("MastodonOptions", request.options)
        body = {
            "status": request.message.text,
            "media_ids": await self._upload(request, dict(request.checkpoint)),
            "visibility": options.visibility,
            "language": request.message.language.partition("-")[0],
            "sensitive": options.sensitive,
            "spoiler_text": options.content_warning,
        }
        return await self._write(request, body)

    async def _write(self, request: PublishRequest | ReplyRequest, body: dict[str, object]) -> Published:
        headers = {"Idempotency-Key": request.idempotency_key}
        api = self.api(request.credentials)
        return _published(await api.send("POST", _STATUSES, Status, once=True, json=body, headers=headers))

    async def _upload(self, request: PublishRequest, progress: Checkpoint) -> list[str]:
        if len(request.message.media) > IMAGES.maximum_count:
            raise rejected(f"Mastodon takes {IMAGES.maximum_count} pictures a status.")

        async def upload(media: Media) -> str:
            files = {"file": (media.file_name, await read_file(media, IMAGES), media.content_type)}
            about = {"description": media.alt_text[:1500]}
            api = self.api(request.credentials)
            return (await api.send("POST", "/api/v2/media", Attachment, files=files, data=about)).id

        return await upload_each(request, progress, upload)

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        """Look for the text among our newest statuses; a hidden mark is not possible."""
        return await self._look(request.credentials, request.message.text, since, answering=None)

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        text = _addressed(request)
        return await self._look(request.credentials, text, since, answering=request.external_id)

    async def _look(
        self, credentials: Credentials, text: str, since: datetime, *, answering: str | None
    ) -> Finding:
        api = self.api(credentials)
        me = await api.get(_ME, Account)
        own = f"/api/v1/accounts/{me.id}/statuses"
        listed = await api.get(own, list[Status], limit=_PAGE, exclude_reblogs="true")
        total = len(listed) if len(listed) < _PAGE else None
        seen = recent(listed, since, lambda status: status.created_at, total)
        ours = (
            _published(status)
            for status in seen.rows
            if status.in_reply_to_id == answering and bare(status.text) == bare(text)
        )
        return seen.settle(next(ours, None), _SHALLOW)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        try:
            await self.api(credentials).send("DELETE", f"{_STATUSES}/{post.external_id}", object)
        except PlatformError as error:
            if error.failure.platform_code not in GONE:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        """Answer, no wider than the question; only who is named in the text is told of it."""
        body: dict[str, object] = {"status": _addressed(request), "in_reply_to_id": request.external_id}
        return await self._write(
            request, body | {"visibility": request.context.get("visibility", "unlisted")}
        )

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        """Walk forward from the last notification seen: `min_id` gives what came right after it, without holes."""
        api = self.api(credentials)
        last = str(cursor.get("min_id", "0"))
        query = {"min_id": last, "limit": _PAGE, "types[]": ["mention"]}
        found = await api.get("/api/v1/notifications", list[dict[str, object]], **query)
        rows = read_each(Notification, found)
        own = {post.external_id for post in posts}
        events = by_others((_event(row.status, own) for row in rows if row.status), credentials.account_id)
        newest = max([last, *(row.id for row in rows)], key=int)
        return FeedbackPage(
            events=events, cursor={"min_id": newest}, more=len(found) == _PAGE and newest != last
        )

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        rows: list[Status] = []
        for batch in batches([post.external_id for post in posts], _COUNTED_AT_ONCE):
            rows += await _counted(self.api(credentials), batch)
        return {row.id: reading(row.given()) for row in rows}

    async def channel_stats(self, credentials: Credentials) -> Reading:
        me = await self.api(credentials).get(_ME, Account)
        return reading({Metric.FOLLOWERS: me.followers_count})


async def _counted(api: Api, ids: Sequence[str]) -> list[Status]:
    query = {"id[]": list(ids)}
    return await api.get(_STATUSES, list[Status], **query)


def _web(url: str | None) -> str | None:
    return url if url and _ADDRESS.fullmatch(url) else None


def _published(status: Status) -> Published:
    return Published(
        external_id=status.id,
        url=_web(status.url),
        published_at=status.created_at,
        context={"visibility": status.visibility},
    )


def _addressed(request: ReplyRequest) -> str:
    name = str(request.context.get("acct") or "")
    return f"@{name} {request.text}" if name and f"@{name}" not in request.text else request.text


def _event(status: Status, own: set[str]) -> InteractionEvent:
    above = status.in_reply_to_id
    answered = above if above in own else None
    return InteractionEvent(
        external_id=status.id,
        kind=InteractionKind.COMMENT if above else InteractionKind.MENTION,
        author_id=status.account.url,
        author_name=status.account.display_name or status.account.acct,
        text=status.text,
        occurred_at=status.created_at,
        post_external_id=answered,
        in_reply_to=None if answered else above,
        url=_web(status.url),
        context={"acct": status.account.acct, "visibility": status.visibility},
    )
