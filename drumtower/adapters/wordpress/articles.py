"""A post on the site: its text as blocks, its files, its terms, and how it is found again.

WordPress takes no key: a slug that is taken silently becomes `slug-2`. Ours ends in a mark made of the delivery's key, so
a post under it is ours, and nothing under it is proof that there is none.
"""

import hashlib
import html
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from drumtower.adapters.wordpress.declaration import IMAGE, WordPressOptions
from drumtower.adapters.wordpress.schemas import Attachment, Post, Term
from drumtower.domain.errors import Violation
from drumtower.domain.failures import ContentRejected
from drumtower.platforms import (
    Absent,
    Accepted,
    Api,
    Checkpoint,
    Finding,
    Media,
    Message,
    PlatformError,
    Published,
    PublishRequest,
    Rendering,
    Undecidable,
)
from drumtower.platforms.markup import address_in_preview, as_text, paragraphs, printable
from drumtower.platforms.media import read_file, upload_each

OUT = frozenset({"publish", "private"})
EDITORS_POLL = timedelta(minutes=30)
_TYPOGRAPHY = str.maketrans("“”„″‘’′–—×", '""""\'\'\'--x')
_DASHES = re.compile(r"-+")
_BIN = "trash"
_ANY = "publish,future,draft,pending,private,trash"
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}


def mark_of(request: PublishRequest) -> str:
    """Return what stands in the slug and in the names of files: one delivery's own, in few characters."""
    return f"dt{hashlib.sha256(request.idempotency_key.encode()).hexdigest()[:14]}"


def slug_of(request: PublishRequest) -> str:
    words = options_of(request).slug
    return "-".join([words, mark_of(request)] if words else [mark_of(request)])


def options_of(request: PublishRequest) -> WordPressOptions:
    return cast("WordPressOptions", request.options)


async def prepare(api: Api, request: PublishRequest) -> Checkpoint:
    """Check the categories, make the tags, upload the files; return the checkpoint."""
    progress, options = dict(request.checkpoint), options_of(request)
    asked = [slug_of(request), options.categories, _tags(request)]
    if progress.get("asked") != asked:  # a first attempt, or one after an edit
        await _check_categories(api, options.categories)
        progress |= {"asked": asked, "slug": slug_of(request), "mark": mark_of(request)}
        progress["tags"] = [await _tag(api, name) for name in _tags(request)]
        await request.save(dict(progress))

    async def upload(media: Media) -> dict[str, Any]:
        name = f"{progress['mark']}-{media.asset_id.hex[-8:]}"
        about = {"title": name, "alt_text": media.alt_text or None}
        headers = {
            "Content-Type": media.content_type,
            "Content-Disposition": f'attachment; filename="{name}.{_ENDINGS.get(media.content_type, "bin")}"',
        }
        content = await read_file(media, IMAGE)
        sent = await api.send("POST", "media", Attachment, params=about, headers=headers, content=content)
        return {"id": int(sent.id), "url": sent.source_url}

    await upload_each(request, progress, upload)
    return progress


async def _check_categories(api: Api, wanted: Sequence[int]) -> None:
    """Raise ContentRejected for categories that are not there: the site itself would leave them out silently."""
    if not wanted:
        return
    found = await api.get("categories", list[Term], include=",".join(map(str, wanted)), per_page=100)
    known = {term.id for term in found}
    broken = tuple(
        Violation(
            pointer=f"/options/categories/{index}",
            code="option_invalid",
            detail=f"The site has no category {number}.",
            hint="Take the number from the site's list of categories.",
        )
        for index, number in enumerate(wanted)
        if number not in known
    )
    if broken:
        raise PlatformError(ContentRejected(detail=broken[0].detail, violations=broken))


def _tags(request: PublishRequest) -> list[str]:
    chosen = options_of(request).tags
    return list(dict.fromkeys(request.message.hashtags if chosen is None else chosen))


async def _tag(api: Api, name: str) -> int:
    found = await api.get("tags", list[Term], search=name, per_page=100)
    same = (term.id for term in found if html.unescape(term.name).casefold() == name.casefold())
    known = next(same, None)
    return known if known is not None else (await api.post("tags", Term, {"name": name})).id


def content_of(message: Message, files: Sequence[dict[str, Any]]) -> str:
    """Return the text as blocks of the site's editor: paragraphs, then pictures."""
    written = [_paragraph(one) for one in paragraphs(message.text)]
    pictures = [_picture(media, file) for media, file in zip(message.media, files, strict=True)]
    return "\n\n".join([*written, *pictures])


def render(message: Message) -> Rendering:
    """Return the post as it leaves, with pictures that have no address yet."""
    files = [{"id": 0, "url": address_in_preview(media)} for media in message.media]
    return Rendering(text=printable(message.text), title=message.title, html=content_of(message, files))


def _paragraph(inside: str) -> str:
    return f"<!-- wp:paragraph -->\n<p>{inside}</p>\n<!-- /wp:paragraph -->"


def _picture(media: Media, file: dict[str, Any]) -> str:
    address, alt = html.escape(file["url"]), html.escape(media.alt_text)
    image = f'<img src="{address}" alt="{alt}" class="wp-image-{file["id"]}"/>'
    return f'<!-- wp:image {{"id":{file["id"]}}} -->\n<figure class="wp-block-image">{image}</figure>\n<!-- /wp:image -->'


def body_of(request: PublishRequest, progress: Checkpoint) -> dict[str, Any]:
    """Return what /posts takes."""
    options, message = options_of(request), request.message
    files = [progress["files"][str(media.asset_id)] for media in message.media]
    return {
        "title": html.escape(message.title, quote=False),
        "content": content_of(message, files),
        "excerpt": html.escape(options.excerpt, quote=False),
        "status": options.status,
        "slug": progress["slug"],
        "tags": progress["tags"],
    } | {
        name: value
        for name, value in {
            "categories": options.categories,
            "featured_media": files[0]["id"] if files and options.featured_image else None,
            "comment_status": options.comments,
        }.items()
        if value
    }


def outcome(post: Post) -> Published | Accepted:
    """Say what became of it: what the site keeps from its visitors waits for one of its editors."""
    if post.status in OUT:
        return Published(external_id=post.id, url=web(post.link), published_at=post.date_gmt)
    detail = f"It is on the site as {post.status}: an editor of the site publishes it."
    return Accepted(handle={"post": post.id}, poll_after=EDITORS_POLL, detail=detail)


def web(link: str | None) -> str | None:
    """Return an address that people can follow."""
    return link if link and link.startswith(("https://", "http://127.0.0.1")) else None


async def find(api: Api, slug: str) -> Finding:
    """Look under the slug, the bin included: what a person threw away is not sent again by us."""
    rows = await api.get("posts", list[Post], slug=f"{slug},{slug}__trashed", status=_ANY, context="edit")
    if not rows:
        return Absent()
    if rows[0].status == _BIN:
        return Undecidable(reason="It was published, and somebody has put it into the site's bin.")
    return outcome(rows[0])


async def discard(api: Api, progress: Checkpoint) -> None:
    """Delete the files of a post that will not go out, lost answers' too; those of one that is there stay."""
    if "mark" not in progress or not isinstance(await find(api, progress["slug"]), Absent):
        return
    mark = progress["mark"]
    rows = await api.get("media", list[Attachment], search=mark, per_page=100, context="edit")
    for row in rows:
        if row.slug.startswith(mark):
            await api.send("DELETE", f"media/{row.id}", object, params={"force": "true"})


def spoken(text: str) -> str:
    """Return the text of a comment as people read it."""
    return as_text(text).strip()


def plain(text: str) -> str:
    """Undo the typography that the site does by itself (wptexturize), so that texts can be compared."""
    return _DASHES.sub("-", text.translate(_TYPOGRAPHY)).replace("...", "…")
