"""The draft box: what it refuses, what it cleans away, and how it answers."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import BaseRoute

from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.ground import Ground, Refused, opaque, whole
from drumtower.sandbox.wechat.media import IMAGE_HOST, MediaLibrary

MOST_ARTICLES = 8
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"<img\b[^>]*\bsrc=\"([^\"]*)\"[^>]*>", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^>]*\bhref=\"([^\"]*)\"[^>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)


class DraftBox:
    """Drafts by media id."""

    def __init__(self, ground: Ground, library: MediaLibrary) -> None:
        self.ground = ground
        self.store = ground.store
        self.library = library

    def routes(self) -> list[BaseRoute]:
        return [
            self.ground.call("/cgi-bin/draft/add", self._add),
            self.ground.call("/cgi-bin/draft/get", self._get),
            self.ground.call("/cgi-bin/draft/delete", self._delete),
            self.ground.call("/cgi-bin/draft/count", self._count, method="GET"),
            self.ground.call("/cgi-bin/draft/batchget", self._batchget),
        ]

    def take(self, account: Record, media_id: Any) -> Record:
        """Return the account's draft; 40007 where it has none of that id."""
        draft = self.store.get("drafts", str(media_id))
        if draft is None or draft["account"] != account["id"]:
            raise Refused(40007, "invalid media_id")
        return draft

    def _add(self, account: Record, body: Record) -> Mapping[str, Any]:
        articles = body.get("articles")
        if not isinstance(articles, list) or not articles:
            raise Refused(44003, "empty news data")
        if len(articles) > MOST_ARTICLES:
            raise Refused(45008, "article size out of limit")
        items = [self._checked(account, article) for article in articles]
        media_id = opaque(64)
        draft = {"media_id": media_id, "account": account["id"], "news_item": items}
        self.store.put("drafts", media_id, {**draft, "update_time": int(self.ground.now().timestamp())})
        return {"media_id": media_id, "item": []}

    def _checked(self, account: Record, article: Any) -> Record:
        if not isinstance(article, dict) or article.get("article_type", "news") != "news":
            raise Refused(47003, "argument invalid! only article_type news is emulated")
        title, content = article.get("title"), article.get("content")
        if not isinstance(title, str) or not title.strip():
            raise Refused(44003, "empty news data: title")
        if not isinstance(content, str) or not content:
            raise Refused(44004, "empty content")
        _within(title, 32, 45003, "title size out of limit")
        _within(content, 19_999, 45002, "content size out of limit")
        _within(article.get("author", ""), 16, 45110, "author size out of limit")
        _within(article.get("digest", ""), 128, 45004, "description size out of limit")
        _check_source(article.get("content_source_url", ""))
        if not self.library.owns(account["id"], article.get("thumb_media_id")):
            raise Refused(40007, "invalid media_id")
        plain = re.sub(r"<[^>]*>", "", content)
        return {
            "article_type": "news",
            "title": title,
            "author": article.get("author", ""),
            "digest": article.get("digest") or plain[:54],
            "content": _cleaned(content),
            "content_source_url": article.get("content_source_url", ""),
            "thumb_media_id": article["thumb_media_id"],
            "show_cover_pic": 0,
            "need_open_comment": _flag(article, "need_open_comment"),
            "only_fans_can_comment": _flag(article, "only_fans_can_comment"),
            "url": f"http://mp.weixin.qq.com/s?__biz=draft&tempkey={opaque(24)}",
        }

    def _get(self, account: Record, body: Record) -> Mapping[str, Any]:
        return {"news_item": self.take(account, body.get("media_id"))["news_item"]}

    def _delete(self, account: Record, body: Record) -> Mapping[str, Any]:
        self.store.delete("drafts", self.take(account, body.get("media_id"))["media_id"])
        return {"errcode": 0, "errmsg": "ok"}

    def _count(self, account: Record, _: Record) -> Mapping[str, Any]:
        return {"total_count": sum(draft["account"] == account["id"] for draft in self.store.all("drafts"))}

    def _batchget(self, account: Record, body: Record) -> Mapping[str, Any]:
        drafts = [draft for draft in self.store.all("drafts") if draft["account"] == account["id"]]
        return listed(body, drafts[::-1], "media_id")


def listed(body: Record, records: list[Record], key: str) -> Mapping[str, Any]:
    """Answer a batchget: newest first, a page of 1 to 20, the articles' content left out where asked."""
    offset, size = whole(body, "offset", 0, 10**9), whole(body, "count", 1, 20)
    bare = body.get("no_content") == 1
    page = records[offset : offset + size]
    items = [
        {
            key: record[key],
            "content": {"news_item": [_bare(item) if bare else item for item in record["news_item"]]},
            "update_time": record["update_time"],
        }
        for record in page
    ]
    return {"total_count": len(records), "item_count": len(items), "item": items}


def _bare(item: Record) -> Record:
    return {name: value for name, value in item.items() if name != "content"}


def _within(value: Any, maximum: int, code: int, text: str) -> None:
    if not isinstance(value, str) or len(value) > maximum:
        raise Refused(code, text)


def _check_source(url: Any) -> None:
    if not isinstance(url, str) or len(url.encode()) > 1024:
        raise Refused(45005, "url size out of limit")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise Refused(41039, "invalid content_source_url")


def _flag(article: Record, name: str) -> int:
    value = article.get(name, 0)
    if value not in (0, 1):
        raise Refused(47003, f"argument invalid! {name}")
    return int(value)


def _cleaned(content: str) -> str:
    """Drop what does not survive: scripts, comments, foreign pictures, the anchors of outside links."""
    bare = _COMMENT.sub("", _SCRIPT.sub("", content))
    bare = _IMAGE.sub(lambda m: m.group() if urlsplit(m[1]).hostname == IMAGE_HOST else "", bare)
    return _LINK.sub(lambda m: m.group() if urlsplit(m[1]).hostname == "mp.weixin.qq.com" else m[2], bare)
