"""A bucket on loopback: as much of S3's protocol as storing files takes, checked as S3 checks it."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/[\w-]+/s3/aws4_request, ?SignedHeaders=[^,]+, ?Signature=\w{64}"
)


@dataclass
class Bucket:
    """Objects by key, parts by upload; `away` answers 503 to everything, `key` is the only one let in."""

    key: str = "tea"
    away: bool = False
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{bucket}/{key:path}", self._answer, methods=["GET", "PUT", "POST", "HEAD", "DELETE"])
            ]
        )

    async def _answer(self, request: Request) -> Response:
        signed = _SIGNED.match(request.headers.get("authorization", ""))
        self.calls.append(f"{request.method} {'&'.join(request.query_params)}".strip())
        if self.away:
            return _error(503, "SlowDown")
        if signed is None or signed[1] != self.key:
            return _error(403, "InvalidAccessKeyId")
        body, key = await request.body(), request.path_params["key"]
        if request.method == "POST" or "uploadId" in request.query_params:
            return self._multipart(request, key, body)
        if request.method == "PUT":
            self.objects[key] = body
            return Response(headers={"ETag": _tag(body)})
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        return _ranged(request, self.objects[key])

    def _multipart(self, request: Request, key: str, body: bytes) -> Response:
        query = request.query_params
        if "uploads" in query:
            upload = f"u{len(self.uploads)}"
            self.uploads[upload] = {}
            return _xml("InitiateMultipartUploadResult", Bucket="b", Key=key, UploadId=upload)
        parts = self.uploads[query["uploadId"]]
        if request.method == "PUT":
            parts[int(query["partNumber"])] = body
            return Response(headers={"ETag": _tag(body)})
        named = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)]
        self.objects[key] = b"".join(parts[number] for number in named)
        return _xml("CompleteMultipartUploadResult", Bucket="b", Key=key, ETag='"whole"')


def _ranged(request: Request, content: bytes) -> Response:
    size = len(content)
    headers = {"ETag": _tag(content), "Last-Modified": "Tue, 24 Nov 2026 00:00:00 GMT"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if wanted is None:
        return Response(content, headers=headers)
    start, end = int(wanted[1]), min(size, int(wanted[2] or size) + 1)
    if start >= size:
        return _error(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(content[start:end], 206, headers)


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, **fields: Any) -> Response:
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in fields.items())
    return Response(f"<?xml version='1.0'?><{name}>{inside}</{name}>", media_type="application/xml")


def _error(status: int, code: str) -> Response:
    answer = _xml("Error", Code=code, Message=code)
    answer.status_code = status
    return answer
