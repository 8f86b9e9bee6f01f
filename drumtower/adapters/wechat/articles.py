"""A message as a WeChat article: HTML that survives the platform's cleaning, and the JSON of a draft.

Outside links do not survive in the text [obs], so their address stays readable and one of them becomes "Read more".
"""

import hashlib
import html
import json
import re
from collections.abc import Sequence
from typing import Any

from drumtower.adapters.wechat.schemas import LONGEST_LINK, WeChatOptions
from drumtower.domain.text import links_in
from drumtower.platforms import Message, Rendering
from drumtower.platforms.markup import address_in_preview

_OWN_LINK = re.compile(r"(https?://mp\.weixin\.qq\.com/[^\s<>\"'，。！？、；：）】》]+)")
# JSON could write them only as \u escapes, which the platform refuses (40033).
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def plain(text: str) -> str:
    """Return `text` without control characters, which WeChat can't take."""
    return _CONTROL.sub("", text)


def draft(message: Message, options: WeChatOptions, cover: str, images: Sequence[str]) -> dict[str, Any]:
    """Return the article of `draft/add`; `cover` is a permanent media id, `images` are uploaded addresses."""
    article: dict[str, Any] = {
        "article_type": "news",
        "title": plain(message.title),
        "author": plain(options.author),
        "digest": plain(options.digest),
        "content": article_html(message, images),
        "thumb_media_id": cover,
        "need_open_comment": int(options.need_open_comment),
        "only_fans_can_comment": int(options.only_fans_can_comment),
    }
    source = options.content_source_url or _read_more(message)
    return {**article, "content_source_url": source} if source else article


def article_html(message: Message, images: Sequence[str]) -> str:
    """Return the body: a paragraph a line, then the images in order."""
    lines = [f"<p>{_inline(line)}</p>" for line in plain(message.text).splitlines() if line.strip()]
    pictures = [
        f'<p><img src="{html.escape(url)}" alt="{html.escape(plain(media.alt_text))}"/></p>'
        for url, media in zip(images, message.media, strict=True)
    ]
    return "".join([*lines, *pictures])


def render(message: Message) -> Rendering:
    """Return the article as it leaves, with pictures that have no address yet."""
    page = article_html(message, [address_in_preview(media) for media in message.media])
    return Rendering(text=plain(message.text), title=plain(message.title), html=page)


def fingerprint(message: Message, options: WeChatOptions) -> str:
    """Return a hash of all that goes into the draft: a draft of other content must not be published."""
    media = [(str(media.asset_id), media.alt_text) for media in message.media]
    words = [message.title, message.text, message.language, *message.links, *message.disclosures]
    parts = json.dumps([words, media, options.model_dump(mode="json")])
    return hashlib.sha256(parts.encode()).hexdigest()


def _inline(line: str) -> str:
    parts = _OWN_LINK.split(line)
    return "".join(
        f'<a href="{html.escape(part)}">{html.escape(part)}</a>' if index % 2 else html.escape(part)
        for index, part in enumerate(parts)
    )


def _read_more(message: Message) -> str:
    links = [*message.links, *links_in(message.text)]
    outside = (link for link in links if not _OWN_LINK.match(link) and len(link.encode()) <= LONGEST_LINK)
    return next(outside, "")
