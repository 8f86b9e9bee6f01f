"""Sends a stored file: whole, some of its bytes, or "you have it already"."""

from typing import Annotated, Any

from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from drumtower.db.models import Asset
from services.api import etags
from services.api.assets import ranges, service
from services.api.assets.names import EXTENSIONS, attachment
from services.api.deps import Services
from services.api.problems import responses

IfNoneMatch = Annotated[str | None, Header(description="An ETag you have; 304 where it is still true.")]
Range = Annotated[
    str | None,
    Header(alias="range", description="`bytes=0-1023`: some of the bytes, 206; several ranges get all."),
]

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "You have it already."}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": dict.fromkeys(EXTENSIONS, BINARY)},
    206: {"description": "The bytes that were asked for."},
    **UNCHANGED,
    **responses(416),
}


async def send(services: Services, asset: Asset, known: str | None, wanted: str | None) -> Response:
    """Answer with the file; `known` and `wanted` are the headers If-None-Match and Range."""
    tag = etags.etag(asset.sha256)
    if etags.is_known(known, tag):
        return Response(status_code=304, headers={"ETag": tag})
    some = ranges.asked(wanted, asset.size)
    start, end = some or (0, asset.size)
    answer = {
        **headers(tag, asset.file_name),
        "Accept-Ranges": "bytes",
        "Content-Length": str(end - start),
    }
    if some:
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{asset.size}"
    pieces = await service.chunks(services, asset, start, end)
    return StreamingResponse(pieces, 206 if some else 200, answer, asset.content_type)


def headers(tag: str, file_name: str) -> dict[str, str]:
    """Return what keeps a stranger's file from doing anything in a browser."""
    return {
        "ETag": tag,
        "Content-Disposition": attachment(file_name),
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
