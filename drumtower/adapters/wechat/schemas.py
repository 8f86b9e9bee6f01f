"""What a post may set on WeChat, what WeChat takes, and what of a message it would refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drumtower.adapters.wechat.audience import CHARACTER
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.quotas import Period, Quota
from drumtower.domain.text import Unit
from drumtower.platforms.moments import epoch
from drumtower.platforms.options import labelled

LONGEST_LINK = 1024  # bytes
Body = dict[str, Any]  # most answers vary too much for a shape
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(value: Any) -> datetime:
    """Return the moment of an epoch second; nonsense reads as the epoch."""
    return epoch(value, milliseconds=False) or _EPOCH


class WeChatOptions(BaseModel):
    """Per-post settings. `mode` leaves room for the mass send, which notifies followers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["publish"] = Field("publish", **labelled("发布方式", "Mode"))
    author: str = Field(**labelled("作者", "Author"), default="", max_length=16)
    digest: str = Field(
        **labelled("摘要", "Digest"), default="", max_length=120
    )  # the platform's own default: the first 54 characters
    # Off, nobody can comment, and there would be nothing to listen to.
    need_open_comment: bool = Field(True, **labelled("开放评论", "Open comments"))
    only_fans_can_comment: bool = Field(False, **labelled("仅关注者可评论", "Followers only"))
    # "Read more" below the article; without it the first outside link of the post is used.
    content_source_url: str = Field("", **labelled("阅读原文链接", '"Read more" link'))

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
    action_rates={
        Action.MESSAGE: Rate.within(
            500_000, timedelta(days=1), burst=100, source="custom/send, limits of a new account"
        )
    },
    quotas=(
        # A published article uses none of the mass sends, of which an account has one a day or four a month.
        Quota(
            count=1000,
            period=Period.DAY,
            timezone="Asia/Shanghai",
            source="freepublish/submit, as observed in 2025; 53501 can come far earlier",
        ),
    ),
    metrics=("exposure", "likes", "comments", "shares", "saves"),
    audience_closed=Label(
        zh_cn="微信接口不提供粉丝的性别、年龄与地域，只在公众平台网页后台可见",
        en="WeChat's API tells no gender, age or region of followers; its web console shows them",
    ),
    channel_metrics=("followers",),
    metrics_delay=timedelta(hours=32),  # a day's numbers are ready at 08:00 of the next
    audience=Label(
        zh_cn="已关注的订阅者，适合深度阅读和服务", en="Subscribers; made for long reads and service"
    ),
    character=CHARACTER,
)
