"""What a WordPress site takes and gives, and how it talks: data only.

Source: WP-API/docs, and a real WordPress 6.1.9 (`tests/real/test_wordpress.py`). A site without readable addresses
(permalinks "plain") has no /wp-json and can't be a channel. The limits that are ours are marked: core has none there.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from drumtower.adapters.wordpress.audience import CHARACTER
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Envelope,
    FixedToken,
    Meaning,
    RemoteError,
    TokenPlace,
    Wire,
    credential,
    error_table,
)
from drumtower.platforms.options import labelled

REPEATED, TAG_EXISTS = "comment_duplicate", "term_exists"
GONE = frozenset({"rest_post_invalid_id", "rest_already_trashed"})
ERRORS = error_table(
    {
        # Whoever is not known is answered as anybody, under many codes; the status is what tells.
        Meaning.AUTH_EXPIRED: {"401": "the site takes the application password for nobody's"},
        Meaning.NOT_PERMITTED: {
            "rest_no_route": "the site's REST API is off, or this is not the site's address",
            "rest_forbidden": "the user's role does not allow it",
            "rest_forbidden_context": "the user's role does not allow it",
            "rest_forbidden_status": "the user's role does not allow it",
            "rest_cannot_create": "the user's role does not allow it",
            "rest_cannot_publish": "the user's role does not allow it",
            "rest_cannot_edit": "the user's role does not allow it",
            "rest_cannot_delete": "the user's role does not allow it",
            "rest_cannot_assign_term": "the user may not use this category or tag",
            "rest_comment_author_data_required": "the user's profile has no e-mail address, which comments need",
            "rest_comment_closed": "comments on this post are closed",
            "rest_comment_invalid_post_id": "the post takes no comments",
        },
        Meaning.CONTENT_REJECTED: {
            "413": "a file is too large for this server",
            "rest_post_invalid_id": "the post or file is gone",
            "rest_already_trashed": "the post is in the site's bin",
            "rest_comment_invalid_id": "the comment is gone",
            "rest_invalid_param": "the site refuses a parameter",
            "rest_missing_callback_param": "the site misses a parameter",
            "rest_invalid_json": "the site can't read the request",
            "empty_content": "the post has neither title nor text",
            "rest_comment_content_invalid": "the comment is empty",
            "comment_content_column_length": "the comment is too long",
            "rest_upload_no_data": "the file is empty",
            "rest_upload_sideload_error": "the site refuses the file",
            REPEATED: "the site has this very comment already",
        },
        Meaning.TRANSIENT: {TAG_EXISTS: "somebody made the tag just now"},
        Meaning.RATE_LIMITED: {"comment_flood": "comments come too fast"},
    },
    after={"comment_flood": timedelta(seconds=30)},
)
_ENVELOPE = Envelope(code=("code",), said=("message",))
_TELLING = frozenset({401, 413})  # statuses that say enough, whoever answered


def read_error(response: httpx.Response, body: Any) -> RemoteError | None:
    """Find the error; servers and plugins in front of the site answer with pages of their own."""
    error = _ENVELOPE(response, body) if response.is_error else None
    if response.status_code in _TELLING:
        return RemoteError(code=str(response.status_code), said=error.said if error else "")
    return error


WIRE = Wire(path="/wp-json/wp/v2/{}", token=TokenPlace(form="Basic {}"), read_error=read_error, errors=ERRORS)
AUTH = FixedToken(
    fields=(
        credential("username", "用户名", "User name", secret=False),
        credential("app_password", "应用程序密码（个人资料页）", "Application password (user profile)"),
    )
)
IMAGE = MediaRule(
    types=("image/jpeg", "image/png", "image/gif", "image/webp"),
    maximum_count=20,  # ours
    maximum_bytes=8 * 1024 * 1024,  # PHP's post_max_size; a server with less answers 413
)
CAPABILITIES = Capabilities(
    kinds=(Kind.ARTICLE, Kind.IMAGE_TEXT),
    title=TextRule(maximum=255, unit=Unit.CHARACTER, required=True),  # ours: the column holds 65,535 bytes
    body=TextRule(maximum=50_000, unit=Unit.CHARACTER, required=True),  # ours: the column holds 4 GB
    image=IMAGE,
    alt_text=TextRule(maximum=300, unit=Unit.CHARACTER),  # ours: it travels in an address
    hashtags_in_text=False,  # they are the post's tags
    reconcile=Reconcile.LOOKUP,
    read_lag=timedelta(seconds=5),
    reply=TextRule(maximum=65_525, unit=Unit.BYTE, required=True),  # wp_get_comment_fields_max_lengths
    audience=Label(
        zh_cn="官网访客：客户、求职者、媒体和合作方，多由搜索而来，重准确与权威",
        en="Visitors of your own site: customers, applicants, press, partners; most come by search and want facts",
    ),
    character=CHARACTER,
)
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Slug = Annotated[str, Field(max_length=80, pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")]


class WordPressOptions(BaseModel):
    """What an author may set for one post. `slug`: the words of its address, before our mark.

    `tags`: by name, instead of the post's hashtags. `pending` and `draft` wait for an editor of the site to publish them.
    `comments`: absent means what the site does by itself.
    """

    model_config = ConfigDict(extra="forbid")

    status: Literal["publish", "private", "pending", "draft"] = Field(
        "publish", **labelled("发布状态", "Status")
    )
    slug: Slug = Field("", **labelled("别名", "Slug"))
    excerpt: str = Field(**labelled("摘要", "Excerpt"), default="", max_length=1000)
    categories: list[Number] = Field(**labelled("分类", "Categories"), default=[], max_length=20)
    tags: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = Field(
        **labelled("标签", "Tags"), default=None, max_length=20
    )
    featured_image: bool = Field(True, **labelled("特色图片", "Featured image"))
    comments: Literal["open", "closed"] | None = Field(None, **labelled("评论", "Comments"))
