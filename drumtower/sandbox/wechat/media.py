"""Uploads: pictures inside an article, and permanent material."""

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.routing import BaseRoute

from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.ground import Ground, Refused, opaque, whole

IMAGE_HOST = "mmbiz.qpic.cn"
IN_ARTICLE = 1024 * 1024  # must stay under it
MATERIAL = {"image": 10 * 1024 * 1024, "thumb": 64 * 1024}
_MAGIC = {
    b"\xff\xd8\xff": "jpg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
}
_NAMES = {"jpg": ("jpg", "jpeg"), "png": ("png",), "gif": ("gif",), "bmp": ("bmp",)}


class MediaLibrary:
    """Checks files by their bytes and by their names, and remembers what it took."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.store = ground.store

    def routes(self) -> list[BaseRoute]:
        return [
            self.ground.raw_call("/cgi-bin/media/uploadimg", self._in_article),
            self.ground.raw_call("/cgi-bin/material/add_material", self._material),
            self.ground.call("/cgi-bin/material/batchget_material", self._batchget),
            self.ground.call("/cgi-bin/material/del_material", self._delete),
        ]

    def owns(self, account: str, media_id: Any) -> bool:
        """Say whether the account has this permanent image."""
        held = self.store.get("_media", str(media_id))
        return held is not None and held["account"] == account

    async def _in_article(self, account: Record, request: Request) -> Mapping[str, Any]:
        data, _ = await _file(request, ("jpg", "png"))
        if len(data) >= IN_ARTICLE:
            raise Refused(40009, "invalid image size")
        return {"url": _address(account["id"], data), "errcode": 0, "errmsg": "ok"}

    async def _material(self, account: Record, request: Request) -> Mapping[str, Any]:
        kind = request.query_params.get("type", "")
        if kind not in MATERIAL:
            raise Refused(40004, "invalid media type")
        data, name = await _file(request, ("jpg",) if kind == "thumb" else tuple(_NAMES))
        if len(data) > MATERIAL[kind]:
            raise Refused(40009 if kind == "image" else 40012, f"invalid {kind} size")
        media_id = opaque(64)
        held = {"media_id": media_id, "name": name, "url": _address(account["id"], data)}
        at = int(self.ground.now().timestamp())
        self.store.put(
            "_media", media_id, {**held, "account": account["id"], "type": kind, "update_time": at}
        )
        return {"media_id": media_id, "url": held["url"], "item": []}

    def _batchget(self, account: Record, body: Record) -> Mapping[str, Any]:
        if body.get("type") not in MATERIAL:
            raise Refused(40004, "invalid media type")
        offset, size = whole(body, "offset", 0, 10**9), whole(body, "count", 1, 20)
        mine = [one for one in self.store.all("_media") if one["account"] == account["id"]]
        page = [one for one in mine if one["type"] == body["type"]][::-1][offset : offset + size]
        items = [{name: one[name] for name in ("media_id", "name", "update_time", "url")} for one in page]
        return {"total_count": len(mine), "item_count": len(items), "item": items}

    def _delete(self, account: Record, body: Record) -> Mapping[str, Any]:
        media_id = body.get("media_id")
        if not self.owns(account["id"], media_id):
            raise Refused(40007, "invalid media_id")
        self.store.delete("_media", str(media_id))
        return {"errcode": 0, "errmsg": "ok"}


async def _file(request: Request, taken: tuple[str, ...]) -> tuple[bytes, str]:
    async with request.form() as form:
        media = form.get("media")
        if not isinstance(media, UploadFile):
            raise Refused(41005, "media data missing")
        data = await media.read()
        name = media.filename or ""
    if not data:
        raise Refused(44001, "empty media data")
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")
    if kind not in taken or not name.lower().endswith(tuple(f".{ending}" for ending in _NAMES[kind])):
        raise Refused(40005, "invalid file type")
    return data, name


def _address(account: str, data: bytes) -> str:
    digest = hashlib.sha256(account.encode() + data).hexdigest()
    return f"http://{IMAGE_HOST}/mmbiz_png/{digest}/0?from=appmsg"
