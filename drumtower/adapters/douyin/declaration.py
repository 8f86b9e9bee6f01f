"""What Douyin asks of a channel's owner, what it takes and gives, and how it talks: data only.

Sources: developer.open-douyin.com (accounts, posting, webhooks, data, interaction) and the models and samples of
fudiwei/DotNetCore.SKIT.FlurlHttpClient.ByteDance. UNVERIFIED, and set to the strictest reading: 1,000 as the longest
text and how it is counted; 100 characters for a comment; which picture types are taken; `private_status` and
`download_type` on this route (sent only where an author sets them); how soon a post is listed; how long an upload is
kept; until when a message may be answered, so no window is declared. Numbers of posts a day are shown in the app's
console only.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drumtower.adapters.douyin.audience import CHARACTER
from drumtower.adapters.douyin.errors import ENVELOPE, ERRORS
from drumtower.adapters.douyin.schemas import DISTRIBUTIONS
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Extension,
    OAuth2,
    Parameters,
    Refresh,
    TokenAnswer,
    TokenPlace,
    Wire,
    credential,
)
from drumtower.platforms.auth import OPEN_ID, SCOPES
from drumtower.platforms.options import labelled

MB = 1024 * 1024
PUBLISH, LIST, DATA = "video.create.bind", "video.list.bind", "video.data.bind"
COMMENT, MESSAGE, FANS = "item.comment", "im.direct_message", "data.external.user"
PROFILE = "fans.data.bind"
_ANSWER = TokenAnswer(
    access="data.access_token",
    expires_in="data.expires_in",
    refresh="data.refresh_token",
    refresh_expires_in="data.refresh_expires_in",
    scope="data.scope",
    account="data.open_id",
)
# A token lives 15 days, its refresh token 30; that one can be renewed five times, with a scope of its own.
AUTH = OAuth2(
    authorize_url="https://open.douyin.com/platform/oauth/connect/",
    token_url="https://open.douyin.com/oauth/access_token/",  # noqa: S106 - an address
    refresh_url="https://open.douyin.com/oauth/refresh_token/",
    parameters=Parameters(client_id="client_key", separator=","),
    scopes=("user_info",),
    optional_scopes=("renew_refresh_token", PUBLISH, LIST, DATA, COMMENT, MESSAGE, FANS, PROFILE),
    app_id="client_key",
    app_secret="client_secret",  # noqa: S106 - the name of a field
    answer=_ANSWER,
    refresh=Refresh.KEPT,
    extension=Extension(
        url="https://open.douyin.com/oauth/renew_refresh_token/",
        times=5,
        answer=TokenAnswer(refresh="data.refresh_token", refresh_expires_in="data.expires_in"),
    ),
    renew_before=timedelta(days=2),
    fields=(
        credential("client_key", "Client Key", "Client key", secret=False),
        credential("client_secret", "Client Secret", "Client secret"),
        credential("access_token", "授权令牌", "Access token"),
        OPEN_ID,
        SCOPES,
    ),
)
WIRE = Wire(token=TokenPlace(header="access-token", form="{}"), read_error=ENVELOPE, errors=ERRORS)

IMAGE = MediaRule(types=("image/jpeg", "image/png", "image/webp"), maximum_count=30, maximum_bytes=20 * MB)
VIDEO = MediaRule(
    types=("video/mp4", "video/webm"),
    maximum_count=1,
    maximum_bytes=4 * 1024 * MB,
    duration=(timedelta(seconds=1), timedelta(minutes=15)),
    parts=20 * MB,
)
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT, Kind.VIDEO),
    body=TextRule(maximum=1000, unit=Unit.UTF16),
    media_required=True,
    images_with_video=1,  # its cover
    image=IMAGE,
    video=VIDEO,
    reconcile=Reconcile.HANDLE,
    read_lag=timedelta(minutes=3),
    prepared_for=timedelta(hours=12),
    reply=TextRule(maximum=100, unit=Unit.UTF16, required=True),
    metrics=(Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS, Metric.SHARES),
    channel_metrics=(Metric.FOLLOWERS,),
    audience_dimensions=tuple(DISTRIBUTIONS.values()),
    # A day's followers are there at about ten on the next; a post's own numbers come at once.
    metrics_delay=timedelta(hours=34),
    audience=Label(
        zh_cn="全民短视频平台，年轻与中青年用户为主，推荐算法分发，适合强视觉与剧情内容",
        en="Short video for everybody, younger adults first; reach comes from recommendation, not from followers",
    ),
    character=CHARACTER,
)


class DouyinOptions(BaseModel):
    """What an author may set for one post."""

    model_config = ConfigDict(extra="forbid")

    visibility: Literal["public", "friends", "private"] = Field(
        "public", **labelled("谁可以看", "Visibility")
    )
    downloadable: bool = Field(True, **labelled("允许下载", "Downloadable"))
    cover_at: Annotated[
        float | None,
        Field(
            **labelled("封面所在秒", "Cover at second"),
            ge=0,
            le=900,
            description="Second of the video that is its cover.",
        ),
    ] = None
    poi_id: Annotated[
        str, Field(**labelled("地点", "Place"), max_length=64, description="A place to show under the post.")
    ] = ""
    micro_app_id: Annotated[
        str,
        Field(
            **labelled("小程序", "Mini-program"),
            max_length=64,
            description="A mini-program to show under the post.",
        ),
    ] = ""
    micro_app_title: Annotated[str, Field(**labelled("小程序标题", "Mini-program title"), max_length=20)] = ""
    micro_app_url: Annotated[str, Field(**labelled("小程序页面", "Mini-program page"), max_length=1000)] = ""

    @model_validator(mode="after")
    def _one_anchor(self) -> Self:
        if self.poi_id and self.micro_app_id:
            raise ValueError("Douyin shows one anchor a post: a place or a mini-program")
        return self
