"""Files on their way to a platform: checked by their first bytes, uploaded once each, in parts where they are large."""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from drumtower.domain.capabilities import MediaRule
from drumtower.domain.failures import ContentRejected
from drumtower.platforms.errors import PlatformError
from drumtower.platforms.outcomes import Checkpoint, Media, PublishRequest

_SIGNATURES = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "video/mp4": re.compile(rb"....ftyp", re.DOTALL),
    "video/quicktime": re.compile(rb"....(ftyp|moov|mdat)", re.DOTALL),
    "video/webm": re.compile(rb"\x1aE\xdf\xa3"),
    "video/x-matroska": re.compile(rb"\x1aE\xdf\xa3"),
    "audio/mpeg": re.compile(rb"ID3|\xff[\xe2-\xff]"),
    "audio/mp4": re.compile(rb"....ftyp", re.DOTALL),
    "audio/wav": re.compile(rb"RIFF....WAVE", re.DOTALL),
    "audio/ogg": re.compile(rb"OggS"),
    "audio/flac": re.compile(rb"fLaC"),
    "audio/amr": re.compile(rb"#!AMR"),
    "application/pdf": re.compile(rb"%PDF-"),
}
_HEAD = 64


async def read_file(media: Media, rule: MediaRule | None = None) -> bytes:
    """Read a whole file that is small; raise ContentRejected as `check_file` does."""
    _check_type(media, rule)
    data = await media.read()
    _check_head(media, data)
    return data


async def check_file(media: Media, rule: MediaRule | None = None) -> None:
    """Raise ContentRejected where `rule` does not take the file's type, or its bytes are of another type.

    Servers believe the header about bytes that they do not recognise, so we look ourselves.
    """
    _check_type(media, rule)
    _check_head(media, await media.read(0, _HEAD))


def _check_type(media: Media, rule: MediaRule | None) -> None:
    if rule is not None and media.content_type not in rule.types:
        raise rejected(f"{media.file_name} is {media.content_type}; this takes {', '.join(rule.types)}")


def _check_head(media: Media, head: bytes) -> None:
    signature = _SIGNATURES.get(media.content_type)
    if signature is not None and not signature.match(head):
        raise rejected(f"{media.file_name} is no {media.content_type}: its first bytes say otherwise")


def rejected(detail: str, code: str | None = None) -> PlatformError:
    """Make the error for content that can't go out as it is."""
    return PlatformError(ContentRejected(detail=detail, platform_code=code))


async def upload_each(
    request: PublishRequest,
    progress: Checkpoint,
    upload: Callable[[Media], Awaitable[Any]],
    name: str = "files",
) -> list[Any]:
    """Upload what is not uploaded yet, saving each reference before the next; return all of them in order.

    `progress` is the checkpoint so far and is changed; the references stand in it under `name`, by asset.
    """
    known: dict[str, Any] = dict(progress.get(name, {}))
    for media in request.message.media:
        if str(media.asset_id) not in known:
            known[str(media.asset_id)] = await upload(media)
            progress[name] = dict(known)
            await request.save(dict(progress))
    return [known[str(media.asset_id)] for media in request.message.media]


async def upload_in_parts(
    request: PublishRequest,
    progress: Checkpoint,
    media: Media,
    part: int,
    begin: Callable[[], Awaitable[Any]],
    send: Callable[[Any, int, bytes], Awaitable[Any]],
) -> Any:
    """Send a file part by part (numbers from 1), saving after each; return what `begin` gave for it (JSON).

    No more than one part is in memory. Goes on where the last attempt stopped; an upload that the platform does not
    take any more is begun anew.
    """
    left: dict[str, Any] = progress.get("parts") or {}
    try:
        return await _parts_of(
            request, progress, media, part, left or {"upload": await begin(), "sent": 0}, send
        )
    except PlatformError as error:
        if not left or not isinstance(error.failure, ContentRejected):
            raise
    return await _parts_of(request, progress, media, part, {"upload": await begin(), "sent": 0}, send)


async def _parts_of(
    request: PublishRequest,
    progress: Checkpoint,
    media: Media,
    part: int,
    state: dict[str, Any],
    send: Callable[[Any, int, bytes], Awaitable[Any]],
) -> Any:
    for number, start, end in parts(media.size, part):
        if number <= state["sent"]:
            continue
        await send(state["upload"], number, await media.read(start, end))
        state = {**state, "sent": number}
        progress["parts"] = state
        await request.save(dict(progress))
    return state["upload"]


def parts(size: int, part: int) -> Iterator[tuple[int, int, int]]:
    """Return number (from 1), start and end of each part of a file, the last one shorter."""
    for number, start in enumerate(range(0, size, part), 1):
        yield number, start, min(start + part, size)
