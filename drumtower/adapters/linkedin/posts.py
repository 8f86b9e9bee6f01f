"""A post's body, its pictures, and how a post of ours is found again.

LinkedIn has no idempotency key. A picture's URN belongs to one delivery, so a post that shows it is ours beyond doubt;
without pictures it is the text, the author and the time. Besides, LinkedIn refuses the same text twice and names the
first post (422 DUPLICATE_POST); how long it remembers is UNVERIFIED, and after a deletion it may go on naming a post
that is gone.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from drumtower.adapters.linkedin.declaration import (
    CAPABILITIES,
    IMAGE,
    MOST_PIXELS,
    UPLOAD_WIRE,
    LinkedInOptions,
)
from drumtower.adapters.linkedin.errors import GONE
from drumtower.adapters.linkedin.little import escape, plain
from drumtower.adapters.linkedin.schemas import Post, Posts, Upload, encoded, is_person, page_of
from drumtower.domain.content import Kind
from drumtower.domain.failures import NotPermitted, Transient
from drumtower.platforms import (
    Absent,
    Adapter,
    Api,
    Checkpoint,
    Finding,
    Media,
    Message,
    PlatformError,
    Published,
    PublishRequest,
    Undecidable,
)
from drumtower.platforms.limits import check_message
from drumtower.platforms.lookups import SLACK, bare, recent
from drumtower.platforms.media import read_file, rejected, upload_each
from drumtower.platforms.moments import iso

PAGE = 100
_LONGEST_ALT = 4086
_URN = re.compile(r"urn:li:(?:share|ugcPost):[0-9]{1,20}")
_UNREADABLE = "LinkedIn lets no app read a member's posts: look at the profile."
_CLOSED = "LinkedIn does not let this channel read there: look at the page, profile or post."
_SHALLOW = f"More than {PAGE} posts are newer: LinkedIn's list does not reach back far enough."


def check(message: Message) -> None:
    """Raise ContentRejected for what LinkedIn would refuse, before anything is uploaded."""
    check_message(message, CAPABILITIES, "LinkedIn")
    if any((media.width or 0) * (media.height or 0) > MOST_PIXELS for media in message.media):
        raise rejected(f"LinkedIn takes pictures of at most {MOST_PIXELS} pixels.")
    if message.kind is Kind.ARTICLE and not message.links:
        raise rejected("LinkedIn shows an article as the card of a link: add the link.")
    if message.kind is Kind.ARTICLE and len(message.media) > 1:
        raise rejected("The card of a link shows one picture.")


async def upload(adapter: Adapter, request: PublishRequest, progress: Checkpoint) -> list[str]:
    """Upload the pictures for their owner; return their URNs."""
    api = adapter.api(request.credentials)
    wanted = {"initializeUploadRequest": {"owner": request.credentials.account_id}}

    async def picture(media: Media) -> str:
        content = await read_file(media, IMAGE)
        begun = (await api.post("images?action=initializeUpload", Upload, wanted)).value
        if not _trusted(begun.address, adapter.base_url):
            detail = "LinkedIn named an address for the upload that is not its own"
            raise PlatformError(Transient(detail=detail))
        there = type(adapter)(adapter.http, begun.address).api(request.credentials, wire=UPLOAD_WIRE)
        headers = {"Content-Type": media.content_type}
        await there.send("PUT", "", object, content=content, headers=headers)
        return begun.image

    return await upload_each(request, progress, picture)


def _trusted(address: str, base_url: str) -> bool:
    """The token goes along: only to LinkedIn, or to the server that the channel is connected to."""
    try:
        there, here = urlsplit(address), urlsplit(base_url)
    except ValueError:
        return False
    if (there.scheme, there.netloc) == (here.scheme, here.netloc):
        return True
    return (
        there.scheme == "https"
        and (there.hostname or "").endswith(".linkedin.com")
        and "@" not in there.netloc
    )


async def first_try(request: PublishRequest, progress: Checkpoint) -> datetime:
    """Return when this delivery was sent for the first time: an equal post that is older is another one."""
    known = iso(progress.get("first_try"))
    if known is None:
        known = datetime.now(UTC)
        progress["first_try"] = known.isoformat()
        await request.save(dict(progress))
    return known


def post_body(
    author: str, message: Message, options: LinkedInOptions, pictures: Sequence[str]
) -> dict[str, Any]:
    """Build the post."""
    content = _content(message, options, pictures)
    return {
        "author": author,
        "commentary": escape(message.text),
        "visibility": options.visibility,
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": not options.resharing,
    } | ({"content": content} if content else {})


def _content(message: Message, options: LinkedInOptions, pictures: Sequence[str]) -> dict[str, Any] | None:
    if message.kind is Kind.ARTICLE or (message.links and options.card and not pictures):
        card = {"source": message.links[0], "title": message.title, "description": options.card_description}
        thumbnail = {"thumbnail": pictures[0]} if pictures else {}
        return {"article": {name: value for name, value in card.items() if value} | thumbnail}
    images = [_image(one, urn) for one, urn in zip(message.media, pictures, strict=True)]
    if len(images) == 1:
        return {"media": images[0]}
    return {"multiImage": {"images": images}} if images else None


def _image(media: Media, urn: str) -> dict[str, str]:
    return {"id": urn} | ({"altText": media.alt_text[:_LONGEST_ALT]} if media.alt_text else {})


async def find(api: Api, request: PublishRequest, since: datetime) -> Finding:
    """Look down the author's posts, the newest first."""
    author = request.credentials.account_id
    if is_person(author):
        return Undecidable(reason=_UNREADABLE)
    query = f"posts?q=author&author={encoded(author)}&count={PAGE}&sortBy=CREATED"
    try:
        listed = (await api.send("GET", query, Posts, headers={"X-RestLi-Method": "FINDER"})).elements
    except PlatformError as error:
        return unless_closed(error)
    # A page that is not full is the last one; LinkedIn does not always say how many there are.
    total = len(listed) if len(listed) < PAGE else None
    seen = recent(listed, since, lambda post: post.created_at, total)
    mine = (published(post) for post in seen.rows if _is(post, request))
    return seen.settle(next(mine, None), _SHALLOW)


async def named(api: Api, request: PublishRequest, since: datetime, refused: PlatformError) -> Finding:
    """Look at the post that a refusal as a duplicate names."""
    urn = _URN.search(refused.failure.detail)
    if urn is None:
        return await find(api, request, since)
    try:
        post = await api.get(f"posts/{encoded(urn[0])}?viewContext=AUTHOR", Post)
    except PlatformError as error:
        return Absent() if error.failure.platform_code in GONE else unless_closed(error)
    ours = post.author == request.credentials.account_id and _is(post, request)
    return published(post) if ours and post.created_at >= since - SLACK else Absent()


def unless_closed(error: PlatformError) -> Undecidable:
    """Leave it to a person where LinkedIn does not let the channel look; raise what else it is."""
    if isinstance(error.failure, NotPermitted):
        return Undecidable(reason=_CLOSED)
    raise error


def _is(post: Post, request: PublishRequest) -> bool:
    uploaded = set(request.checkpoint.get("files", {}).values())
    if uploaded and request.message.media:
        return uploaded <= set(post.pictures())
    return bare(plain(post.commentary)) == bare(request.message.text)


def published(post: Post) -> Published:
    return Published(external_id=post.id, url=page_of(post.id), published_at=post.created_at)
