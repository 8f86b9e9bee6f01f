"""What Bilibili asks of a channel's owner, what it takes and gives, and how it talks: data only.

docs/reference/bilibili.md says where each number comes from. UNVERIFIED, and set to the strictest reading known: the default
partition; how long an upload token is kept; how soon a submission is listed; the access token's life.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from drumtower.adapters.bilibili.audience import CHARACTER
from drumtower.adapters.bilibili.errors import ENVELOPE, ERRORS
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import (
    Capabilities,
    Feature,
    HashtagRule,
    Label,
    MediaRule,
    Reconcile,
    TextRule,
)
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    ByHand,
    OAuth2,
    Parameters,
    Refresh,
    TokenAnswer,
    TokenPlace,
    Wire,
    credential,
)
from drumtower.platforms.options import labelled

MB = 1024 * 1024
SCOPES = {Feature.PUBLISH: "ARC_BASE", Feature.DELETE: "ARC_BASE", Feature.STATISTICS: "ARC_DATA"}
_TOKENS = "https://api.bilibili.com/x/account-oauth2/v1"
# The refresh token works once, and while the access token still does: renewed long before that ends.
AUTH = OAuth2(
    authorize_url="https://account.bilibili.com/pc/account-pc/auth/oauth",
    token_url=f"{_TOKENS}/token",
    refresh_url=f"{_TOKENS}/refresh_token",
    parameters=Parameters(redirect_uri="gourl"),
    app_id="client_id",
    app_secret="app_secret",  # noqa: S106 - the name of a field
    answer=TokenAnswer(
        access="data.access_token",
        expires_in="data.expires_in",
        refresh="data.refresh_token",
        scope="data.scopes",
    ),
    refresh=Refresh.ROTATED,
    renew_before=timedelta(days=5),
    fields=(
        credential("client_id", "Client ID", "Client id", secret=False),
        credential("app_secret", "App Secret", "App secret"),
        credential("access_token", "授权令牌", "Access token"),
    ),
)
WIRE = Wire(
    path="/arcopen/fn/{}",
    token=TokenPlace(header="access-token", form="{}"),
    headers={"Accept": "application/json"},
    read_error=ENVELOPE,
    errors=ERRORS,
)
# Bytes go to a host of their own, unsigned: the upload token says whose they are.
UPLOAD_WIRE = Wire(path="/video/v2/{}", read_error=ENVELOPE, errors=ERRORS)
UPLOAD_HOST = "https://openupos.bilivideo.com"

LONGEST_TAGS = 200
COVER = MediaRule(types=("image/jpeg", "image/png"), maximum_count=1, maximum_bytes=5 * MB)
VIDEO = MediaRule(
    types=("video/mp4", "video/x-flv"),
    required=1,
    maximum_count=1,
    maximum_bytes=4096 * MB,
    duration=(timedelta(), timedelta(hours=5)),
    parts=8 * MB,  # at most 512 of them, which makes the 4 GiB
)
CAPABILITIES = Capabilities(
    kinds=(Kind.VIDEO,),
    hashtags=HashtagRule(maximum_length=LONGEST_TAGS),
    title=TextRule(maximum=80, unit=Unit.CHARACTER, required=True),
    body=TextRule(maximum=250, unit=Unit.CHARACTER),
    image=COVER,
    video=VIDEO,
    hashtags_in_text=False,  # they are the video's tags
    reply=TextRule(maximum=1000, unit=Unit.CHARACTER),  # UNVERIFIED; a person answers
    reconcile=Reconcile.HANDLE,
    read_lag=timedelta(minutes=2),
    prepared_for=timedelta(hours=12),
    action_rates={
        Action.PUBLISH: Rate(count=1, per=timedelta(seconds=31), burst=1, source="error 123026: 30 s apart")
    },
    metrics=(Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES),
    channel_metrics=(Metric.FOLLOWERS,),
    audience=Label(
        zh_cn="年轻、受教育程度高,愿意看长视频和深度内容;重视真诚和专业,对硬广反感。",
        en="Young and well educated; they watch long and thorough videos, value expertise, and dislike plain adverts.",
    ),
    character=CHARACTER,
)
BY_HAND = ByHand(
    features=frozenset({Feature.REPLY, Feature.FEEDBACK}),
    hosts=("bilibili.com",),
    short_hosts=("b23.tv",),
    post=r"/video/(?P<id>BV[0-9A-Za-z]{10})/?",
    address="https://www.bilibili.com/video/{id}",
    compose_url="https://member.bilibili.com/platform/upload/video/frame",
)
Tag = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[^,]+$")]


class BilibiliOptions(BaseModel):
    """What an author may set for one video. Hashtags are its tags; `tags` stand where there are none."""

    model_config = ConfigDict(extra="forbid")

    tid: Annotated[
        int,
        Field(
            **labelled("分区", "Partition"),
            ge=1,
            le=10_000,
            description="The child partition; 21: everyday life.",
        ),
    ] = 21
    tags: Annotated[list[Tag], Field(**labelled("标签", "Tags"), min_length=1, max_length=10)] = ["日常"]
    copyright: Literal["own", "reprint"] = Field("own", **labelled("版权", "Copyright"))
    source: Annotated[
        str,
        Field(
            **labelled("转载来源", "Source of a reprint"),
            max_length=200,
            description="Where a reprint comes from.",
        ),
    ] = ""
    no_reprint: Annotated[
        bool, Field(**labelled("禁止转载", "No reprints"), description="Forbid others to repost it.")
    ] = True
    topic_id: Annotated[int | None, Field(**labelled("话题编号", "Topic id"), ge=1)] = None

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if (self.copyright == "reprint") != bool(self.source):
            raise ValueError("a reprint names its source, and only a reprint does")
        return self
