"""Writes one post under the key of its delivery, and finds it there again."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from drumtower.adapters.bluesky import posts
from drumtower.adapters.bluesky.client import is_code
from drumtower.adapters.bluesky.errors import INVALID_SWAP, RECORD_NOT_FOUND
from drumtower.adapters.bluesky.schemas import Found, Reference, Reply, Uploaded
from drumtower.domain import failures
from drumtower.platforms import (
    Absent,
    Api,
    Checkpoint,
    Media,
    PlatformError,
    Published,
    PublishRequest,
    ReplyRequest,
)
from drumtower.platforms.errors import lost
from drumtower.platforms.media import read_file, upload_each
from drumtower.platforms.moments import iso

Request = PublishRequest | ReplyRequest


async def upload(api: Api, request: PublishRequest, progress: Checkpoint) -> list[dict[str, Any]]:
    """Upload the pictures; the same bytes give the same reference."""

    async def blob(media: Media) -> dict[str, Any]:
        headers, content = {"Content-Type": media.content_type}, await read_file(media, posts.PICTURES)
        sent = await api.send(
            "POST", "com.atproto.repo.uploadBlob", Uploaded, content=content, headers=headers
        )
        return sent.blob

    return await upload_each(request, progress, blob)


async def fixed_date(request: Request, progress: Checkpoint) -> str:
    """Return the record's date: when the first attempt was about to write it, the same for all that follow.

    Readers see a post as old as this says, so it can't be the date on which the delivery was planned.
    """
    if "created_at" not in progress:
        progress["created_at"] = posts.timestamp(datetime.now(UTC))
        await request.save(dict(progress))
    return str(progress["created_at"])


async def write(api: Api, request: Request, record: Mapping[str, Any]) -> Published:
    """Write the record, unless its key holds another one; the same record again changes nothing."""
    body = {**place(request.credentials.account_id, _key(request)), "record": record, "swapRecord": None}
    try:
        written = await api.post("com.atproto.repo.putRecord", Reference, body, once=True)
    except PlatformError as error:
        if is_code(error, INVALID_SWAP):
            # An earlier attempt got through with another date, or the post was edited since: it is out.
            with suppress(PlatformError):
                found = await look(api, request)
                if isinstance(found, Published):
                    return found
        raise
    if written.uri != posts.post_uri(request.credentials.account_id, _key(request)):
        raise PlatformError(lost("the server answered with another post's URI", once=True))
    return _published(written, record)


async def look(api: Api, request: Request) -> Published | Absent:
    """Look under the delivery's key."""
    query = place(request.credentials.account_id, _key(request))
    try:
        found = await api.get("com.atproto.repo.getRecord", Found, **query)
    except PlatformError as error:
        if is_code(error, RECORD_NOT_FOUND):
            return Absent()
        raise
    return _published(found, found.value)


def place(did: str, key: str) -> dict[str, str]:
    """Name one post as the repository methods want it."""
    return {"repo": did, "collection": posts.COLLECTION, "rkey": key}


def thread(request: ReplyRequest) -> dict[str, Any]:
    """Return where the answer belongs; feedback kept it with the interaction."""
    try:
        return Reply.model_validate(dict(request.context)).model_dump()
    except ValidationError:
        detail = "where this belongs in its thread was not kept: answer it on Bluesky"
        raise PlatformError(failures.NotPermitted(detail=detail)) from None


def _key(request: Request) -> str:
    return posts.record_key(request.idempotency_key, request.created_at)


def _published(written: Reference, record: Mapping[str, Any]) -> Published:
    itself = {"uri": written.uri, "cid": written.cid}
    root = (record.get("reply") or {}).get("root") or itself
    return Published(
        external_id=written.uri,
        url=posts.web_address(written.uri),
        published_at=iso(record.get("createdAt")),
        context={"cid": written.cid, "root": root, "parent": itself},
    )
