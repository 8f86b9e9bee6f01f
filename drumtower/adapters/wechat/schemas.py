"""What a post may set on WeChat, what WeChat takes, and what of a message it would refuse."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.errors import Violation
from drumtower.domain.text import Unit, length
from drumtower.platforms import Message

LONGEST_LINK = 1024  # bytes


class WeChatOptions(BaseModel):
    """Per-post settings. `mode` leaves room for the mass send, which notifies followers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["publish"] = "publish"
    author: str = Field(default="", max_length=16)
    digest: str = Field(default="", max_length=120)  # the platform's own default: the first 54 characters
    # Off, nobody can comment, and there would be nothing to listen to.
    need_open_comment: bool = True
    only_fans_can_comment: bool = False
    # "Read more" below the article; without it the first outside link of the post is used.
    content_source_url: str = ""

    @field_validator("content_source_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not (value.startswith(("http://", "https://")) and len(value.encode()) <= LONGEST_LINK):
            raise ValueError("must be an http(s) address of at most 1024 bytes")
        return value


# The body limit leaves room for the tags and 20 image addresses within the article's 20,000 characters.
# UNVERIFIED: how long a publish may stay invisible (`read_lag`), and whether characters are code points.
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT, Kind.ARTICLE),
    title=TextRule(maximum=32, unit=Unit.CHARACTER, required=True),
    body=TextRule(maximum=15_000, unit=Unit.CHARACTER),
    image=MediaRule(
        types=("image/jpeg", "image/png"), maximum_count=20, maximum_bytes=1024 * 1024 - 1, required=1
    ),
    reconcile=Reconcile.HANDLE,
    read_lag=timedelta(minutes=5),
    reply=TextRule(maximum=2048, unit=Unit.BYTE),
    reply_window=timedelta(hours=48),
    metrics=("exposure", "likes", "comments", "shares", "saves"),
    channel_metrics=("followers",),
    metrics_delay=timedelta(hours=32),  # a day's numbers are ready at 08:00 of the next
    audience=Label(
        zh_cn="已关注的订阅者，适合深度阅读和服务", en="Subscribers; made for long reads and service"
    ),
)


def violations(message: Message) -> tuple[Violation, ...]:
    """Return what the platform would refuse, so that nothing is uploaded in vain."""
    found = [
        *_text("/title", message.title, CAPABILITIES.title),
        *_text("/body", message.text, CAPABILITIES.body),
    ]
    return (*found, *_images(message))


def _text(pointer: str, text: str, rule: TextRule | None) -> list[Violation]:
    name = pointer[1:]
    if rule is None:
        return []
    if rule.required and not text.strip():
        return [Violation(pointer=pointer, code=f"{name}_required", detail=f"WeChat needs a {name}.")]
    if (size := length(text, rule.unit)) > rule.maximum:
        detail = f"The {name} has {size} characters; WeChat takes {rule.maximum}."
        return [Violation(pointer=pointer, code=f"{name}_too_long", detail=detail)]
    return []


def _images(message: Message) -> list[Violation]:
    rule = CAPABILITIES.image
    assert rule is not None
    pointer, count = "/asset_ids", len(message.media)
    if count < rule.required:
        detail = "A WeChat article needs a cover; the first image of the post is used."
        return [Violation(pointer=pointer, code="image_required", detail=detail, hint="Add an image.")]
    found = []
    if count > rule.maximum_count:
        detail = f"{count} images; this adapter sends {rule.maximum_count}."
        found.append(Violation(pointer=pointer, code="too_many_images", detail=detail))
    for index, media in enumerate(message.media):
        if media.content_type not in rule.types:
            detail = f"WeChat takes JPEG and PNG in an article, not {media.content_type}."
            found.append(Violation(pointer=f"{pointer}/{index}", code="media_type", detail=detail))
        elif media.size > rule.maximum_bytes:
            detail = f"{media.size} bytes; WeChat takes images under 1 MB."
            found.append(Violation(pointer=f"{pointer}/{index}", code="media_too_large", detail=detail))
    return found
