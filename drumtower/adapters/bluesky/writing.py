"""Writes one post under the key of its delivery, and finds it there again."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from drumtower.adapters.bluesky import posts
from drumtower.adapters.bluesky.client import Xrpc, is_code
from drumtower.adapters.bluesky.errors import INVALID_SWAP, RECORD_NOT_FOUND
from drumtower.adapters.bluesky.schemas import Found, Reference, Reply
from drumtower.domain import failures
from drumtower.platforms import (
    Absent,
    Checkpoint,
    Media,
    PlatformError,
    Published,
    PublishRequest,
    ReplyRequest,
)
from drumtower.platforms.errors import lost

Request = PublishRequest | ReplyRequest

_SIGNATURES = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


async def upload(xrpc: Xrpc, request: PublishRequest, progress: Checkpoint) -> list[dict[str, Any]]:
    """Upload what is not uploaded yet, saving each reference before the next; return all of them in order."""
    known: dict[str, Any] = dict(progress.get("files", {}))
    for media in request.message.media:
        if str(media.asset_id) not in known:
            known[str(media.asset_id)] = await xrpc.upload(await _picture(media), media.content_type)
            progress["files"] = dict(known)
            await request.save(dict(progress))
    return [known[str(media.asset_id)] for media in request.message.media]


async def fixed_date(request: Request, progress: Checkpoint) -> str:
    """Return the record's date: when the first attempt was about to write it, the same for all that follow.

    Readers see a post as old as this says, so it can't be the date on which the delivery was planned.
    """
    if "created_at" not in progress:
        progress["created_at"] = posts.timestamp(datetime.now(UTC))
        await request.save(dict(progress))
    return str(progress["created_at"])


async def write(xrpc: Xrpc, request: Request, record: Mapping[str, Any]) -> Published:
    """Write the record, unless its key holds another one; the same record again changes nothing."""
    body = {**place(request.credentials.account_id, _key(request)), "record": record, "swapRecord": None}
    try:
        written = await xrpc.procedure("com.atproto.repo.putRecord", body, Reference, once=True)
    except PlatformError as error:
        if is_code(error, INVALID_SWAP):
            # An earlier attempt got through with another date, or the post was edited since: it is out.
            with suppress(PlatformError):
                found = await look(xrpc, request)
                if isinstance(found, Published):
                    return found
        raise
    if written.uri != posts.post_uri(request.credentials.account_id, _key(request)):
        raise PlatformError(lost("the server answered with another post's URI", once=True))
    return _published(written, record)


async def look(xrpc: Xrpc, request: Request) -> Published | Absent:
    """Look under the delivery's key."""
    query = list(place(request.credentials.account_id, _key(request)).items())
    try:
        found = await xrpc.query("com.atproto.repo.getRecord", query, Found)
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


async def _picture(media: Media) -> bytes:
    """Read a picture; the server believes the header about bytes that it does not recognise, so we look ourselves."""
    data = await media.read()
    signature = _SIGNATURES.get(media.content_type)
    if signature is None or not signature.match(data):
        detail = f"{media.file_name} is no {' or '.join(sorted(_SIGNATURES))} picture"
        raise PlatformError(failures.ContentRejected(detail=detail))
    return data


def _key(request: Request) -> str:
    return posts.record_key(request.idempotency_key, request.created_at)


def _published(written: Reference, record: Mapping[str, Any]) -> Published:
    return Published(
        external_id=written.uri,
        url=posts.web_address(written.uri),
        published_at=posts.moment(record.get("createdAt")),
        context={"cid": written.cid},
    )
