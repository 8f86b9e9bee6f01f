"""The Discourse adapter: a self-hosted forum, so the channel's `base_url` says which, and its owner gives an API key.

The key is one of the admin panel (Admin, API), for one user or for all; of its scopes we need: topics (write, read,
delete, read lists), posts (edit, list), uploads (create), users (show), and those of the calls that no scope names need
a global key. A User-Api-Key will not do: only the former may set `external_id`.

How each fact is known stands in `declaration`, `errors`, `topics`, `feedback` and `webhook`. Not here: private messages,
polls, following (core Discourse has no followers), editing, the moderators' own calls.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel

from drumtower.adapters.discourse import feedback, replies, topics, webhook
from drumtower.adapters.discourse.declaration import AUTH, CAPABILITIES, WIRE
from drumtower.adapters.discourse.errors import INVALID_ACCESS, NOT_FOUND, REFUSED
from drumtower.adapters.discourse.schemas import (
    Counters,
    DiscourseOptions,
    UserPage,
    account_id,
    number_of,
)
from drumtower.adapters.discourse.topics import Forum
from drumtower.domain.capabilities import Label
from drumtower.domain.failures import Disconnected, NotPermitted
from drumtower.platforms import (
    Accepted,
    Adapter,
    Confirmable,
    Credentials,
    Deleter,
    FeedbackPage,
    FeedbackSource,
    Finder,
    Finding,
    Outcome,
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
    Undecidable,
    WebhookAnswer,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import ours
from drumtower.platforms.media import rejected
from drumtower.platforms.readings import reading

_HEADER = re.compile(r"[!-~]{1,200}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class DiscourseAdapter(
    Adapter,
    Preparable,
    Confirmable,
    Finder,
    Deleter,
    Replier,
    ReplyFinder,
    WebhookReceiver,
    FeedbackSource,
    StatsSource,
):
    """An industry forum. Exposure is a topic's views; likes are those of its first post."""

    slug: ClassVar[str] = "discourse"
    name: ClassVar[Label] = Label(zh_cn="行业论坛（Discourse）", en="Industry forum (Discourse)")
    default_base_url: ClassVar[str] = "https://forum.invalid"  # there is none: a key must not go astray
    options: ClassVar[type[BaseModel]] = DiscourseOptions
    auth = AUTH
    capabilities = CAPABILITIES
    wire = WIRE

    def _forum(self, credentials: Credentials, *, moved: bool = False) -> Forum:
        """Make the account's calls; `moved`: redirects are read."""
        username, key = credentials["username"], credentials["api_key"]
        if self.base_url == self.default_base_url:
            detail = "A forum has its own address: give it as the channel's base_url."
            raise PlatformError(NotPermitted(detail=detail))
        if not (_NAME.fullmatch(username) and _HEADER.fullmatch(key)):
            detail = "The user name or the API key holds characters that no header takes."
            raise PlatformError(NotPermitted(detail=detail))
        fields = {"location": "location"} if moved else {}
        wire = replace(WIRE, headers={"Api-Username": username}, fields=fields)
        return Forum(
            api=self.api(credentials, token=key, wire=wire), username=username, base_url=self.base_url
        )

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        """Say which user the key acts as; a bad key is refused for any page."""
        forum = self._forum(credentials)
        user = (await forum.api.get(f"u/{forum.username}", UserPage)).user
        if not user.can_edit:
            raise PlatformError(NotPermitted(detail="the key does not act as this user"))
        url = f"{self.base_url}/u/{user.username}"
        return RemoteAccount(id=account_id(self.base_url, user.id), name=user.name or user.username, url=url)

    async def prepare(self, request: PublishRequest) -> None:
        check_message(request.message, self.capabilities, self.name.en)
        await topics.prepare(self._forum(request.credentials).api, request)

    async def publish(self, request: PublishRequest) -> Outcome:
        """Write the topic. A refusal may be our own lost first attempt's doing, so the key is looked up."""
        forum = self._forum(request.credentials)
        check_message(request.message, self.capabilities, self.name.en)
        progress = await topics.prepare(forum.api, request)
        try:
            return await topics.create(forum, request, progress)
        except PlatformError as error:
            if error.failure.platform_code == REFUSED:
                looking = topics.by_key(self._forum(request.credentials, moved=True), request.idempotency_key)
                return await ours(looking, error)
            await self._prove_key(request.credentials, error)
            raise

    async def _prove_key(self, credentials: Credentials, error: PlatformError) -> None:
        """Raise Disconnected where the key itself is what the forum refuses."""
        if error.failure.platform_code != INVALID_ACCESS:
            return
        try:
            await self.identify(credentials)
        except PlatformError as again:
            if again.failure.platform_code == INVALID_ACCESS:
                detail = "The forum takes this key no more: give a new one."
                raise PlatformError(Disconnected(detail=detail, platform_code=INVALID_ACCESS)) from error

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return await topics.find(self._forum(request.credentials, moved=True), request, since)

    async def confirm(self, credentials: Credentials, handle: dict[str, object]) -> Published | Accepted:
        """Look whether the moderators let it through; what they refuse just leaves their queue."""
        found = await topics.confirm(self._forum(credentials), handle)
        if isinstance(found, Published | Accepted):
            return found
        where = f"{self.base_url}/u/{credentials['username']}/activity/topics"
        detail = f"It waits no more and is no topic of ours: refused, or rewritten by the moderators. Look at {where}."
        if isinstance(found, Undecidable):
            detail = f"{found.reason} Look at {where}."
        raise rejected(detail)

    async def delete(self, credentials: Credentials, post: PostReference) -> None:
        """Take the topic down; an author who is no moderator may do so only while nobody has answered."""
        try:
            await self._forum(credentials).api.send("DELETE", f"t/{post.external_id}", object)
        except PlatformError as error:
            if error.failure.platform_code != NOT_FOUND:
                raise

    async def reply(self, request: ReplyRequest) -> Published:
        """Answer a post; a refusal as too similar may be our own lost first attempt's doing."""
        forum = self._forum(request.credentials)
        try:
            return await replies.reply(forum, request)
        except PlatformError as error:
            if error.failure.platform_code == REFUSED:
                return await ours(replies.find(forum, request, request.created_at), error)
            await self._prove_key(request.credentials, error)
            raise

    async def find_reply(self, request: ReplyRequest, since: datetime) -> Finding:
        return await replies.find(self._forum(request.credentials), request, since)

    def challenge(self, request: WebhookRequest, credentials: Credentials) -> WebhookAnswer:
        raise WebhookRefused("signature_invalid", "a forum checks no address")

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        webhook.verify(request, credentials)
        return webhook.read(request, credentials)

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await feedback.pull(self._forum(credentials), number_of(credentials.account_id), cursor, posts)

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        """One call a topic; calls of the API are no views (`request_tracker.rb`)."""
        forum, readings = self._forum(credentials), dict[str, Reading]()
        for post in posts:
            try:
                counters = await forum.api.get(f"t/{post.external_id}", Counters)
            except PlatformError as error:
                if error.failure.platform_code not in (NOT_FOUND, INVALID_ACCESS):
                    raise
                await self._prove_key(credentials, error)
                continue  # taken down, or moved to where we may not look
            readings[post.external_id] = reading(counters.given())
        return readings

    async def channel_stats(self, credentials: Credentials) -> Reading:
        """Core Discourse knows no followers; asked for the key's sake only."""
        await self.identify(credentials)
        return reading({})
