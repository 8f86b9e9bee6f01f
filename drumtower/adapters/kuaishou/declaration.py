"""What Kuaishou asks of a channel's owner, what it takes and gives, and how it talks: data only.

Sources: open.kuaishou.com and mp.kuaishou.com (kwaiLogin, createAVideo of 2024-09-26, webHook), the official Java SDK,
the error list in zhuovi/XiaoFeng.KuaiShou. UNVERIFIED, and set to the strictest reading known: 500 characters for the
caption and how they are counted (the app's own field); 30 minutes and 2 GiB for a video, 10 MiB for a cover (clients);
how long an upload token lives (an hour is counted on); when a day's quota begins anew; 100100403 and 100100404.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drumtower.adapters.kuaishou.audience import CHARACTER
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.quotas import Period, Quota
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Envelope,
    Meaning,
    OAuth2,
    Parameters,
    Refresh,
    TokenAnswer,
    TokenPlace,
    Wire,
    credential,
    error_table,
)
from drumtower.platforms.auth import OPEN_ID, SCOPES
from drumtower.platforms.moments import BEIJING
from drumtower.platforms.options import labelled

MISSING = frozenset({"100120001", "120001"})
PUBLISH, INFO, DELETE = "user_video_publish", "user_video_info", "user_video_delete"
ERRORS = error_table(
    {
        Meaning.BUSY: {
            "100200500": "Kuaishou has a fault",
            "100120003": "publishing failed",
            "120003": "publishing failed",
        },
        Meaning.AUTH_EXPIRED: {
            "100200102": "the token is not valid",
            "100200105": "the code is spent or over two minutes old",
            "100200108": "the token has ended",
        },
        Meaning.DISCONNECTED: {
            "100200101": "the app, its address or its secret is wrong",
            "100200109": "the person took the authorisation back",
            "100200110": "the authorisation has ended",
            "100200111": "the person has not authorised this app",
            "100200113": "the refresh token has ended or was used before",
        },
        Meaning.NOT_PERMITTED: {
            "100200106": "the scope was not granted",
            "100200107": "there is no such account",
            "400020": "Kuaishou's risk control refuses it",
        },
        Meaning.CONTENT_REJECTED: {
            "100100400": "a parameter is wrong",
            "100400": "a parameter is wrong",
            "100120001": "there is no such video",
            "120001": "there is no such video",
            "100120002": "the video was not uploaded whole",
            "120002": "the video was not uploaded whole",
            "100200100": "a parameter is missing or of another type",
            "100200103": "response_type is wrong",
            "100200104": "grant_type is wrong",
            "100200112": "the bundle token is not allowed",
            "100200114": "the signature is wrong",
            "100200301": "Kuaishou's guard against spam refuses it",
            "10001005": "a mini-program stands there already",
            "400000": "it is not there",
        },
        Meaning.RATE_LIMITED: {
            "100100402": "over a day's calls, or the account is banned",
            "100100403": "too many calls",
            "100100404": "too many calls",
            "100200410": "too many calls in a short time",
            "400002": "too many calls in a short time",
        },
    },
    after={
        "100100403": timedelta(minutes=10),
        "100100404": timedelta(minutes=10),
        "100200410": timedelta(minutes=1),
        "400002": timedelta(minutes=1),
    },
    midnight={"100100402": BEIJING},
)
# A token lives 48 hours. Each use of the refresh token gives the next one, whose end is the first one's: 180 days.
AUTH = OAuth2(
    authorize_url="https://open.kuaishou.com/oauth2/authorize",
    token_url="https://open.kuaishou.com/oauth2/access_token",  # noqa: S106 - an address
    refresh_url="https://open.kuaishou.com/oauth2/refresh_token",
    authorize_parameters={"ua": "pc"},
    asks_by_get=True,
    parameters=Parameters(client_id="app_id", client_secret="app_secret", separator=","),  # noqa: S106 - names
    scopes=("user_info",),
    optional_scopes=(PUBLISH, INFO),
    app_id="app_id",
    app_secret="app_secret",  # noqa: S106 - the name of a field
    answer=TokenAnswer(refresh_expires_in="refresh_token_expires_in", scope="scopes", account="open_id"),
    refresh=Refresh.ROTATED,
    renew_before=timedelta(hours=6),
    fields=(
        credential("app_id", "App ID", "App ID", secret=False),
        credential("app_secret", "App Secret", "App secret"),
        credential("access_token", "授权令牌", "Access token"),
        OPEN_ID,
        SCOPES,
    ),
)
_ENVELOPE = Envelope(code=("result",), said=("error_msg", "error"), fine=frozenset({"1"}))
WIRE = Wire(path="/openapi/{}", token=TokenPlace(header=None), read_error=_ENVELOPE, errors=ERRORS)
# Uploads go to a host that Kuaishou names, and carry a token of their own.
UPLOAD_WIRE = Wire(path="/api/upload{}", read_error=_ENVELOPE, errors=ERRORS)

MB = 1024 * 1024
COVER = MediaRule(types=("image/jpeg", "image/png"), required=1, maximum_count=1, maximum_bytes=10 * MB)
VIDEO = MediaRule(
    types=("video/mp4", "video/quicktime"),
    required=1,
    maximum_count=1,
    maximum_bytes=2048 * MB,
    duration=(timedelta(seconds=1), timedelta(minutes=30)),
    parts=8 * MB,  # "no more than 10 M"
)
_CALLS = "error 100100402 of the official list"
CAPABILITIES = Capabilities(
    kinds=(Kind.VIDEO,),
    body=TextRule(maximum=500, unit=Unit.UTF16, required=True),
    image=COVER,
    video=VIDEO,
    reconcile=Reconcile.HANDLE,
    read_lag=timedelta(minutes=3),
    prepared_for=timedelta(hours=1),
    app_rate=Rate.within(100_000, timedelta(days=1), burst=500, source=f"{_CALLS}: calls of an app a day"),
    quotas=(
        Quota(
            count=1000,
            period=Period.DAY,
            timezone="Asia/Shanghai",
            source=f"{_CALLS}: one call for one account",
        ),
    ),
    metrics=(Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS),
    channel_metrics=(Metric.FOLLOWERS,),
    audience=Label(
        zh_cn="短视频与直播平台，下沉市场与北方用户多，社区黏性与信任感强，适合生活化、人设化内容",
        en="Short video and live; strong in smaller cities and the north, close communities, everyday people",
    ),
    character=CHARACTER,
)


class KuaishouOptions(BaseModel):
    """What an author may set for one video."""

    model_config = ConfigDict(extra="forbid")

    panorama: Annotated[
        Literal["NOT_SPHERICAL_VIDEO", "SPHERICAL_VIDEO_360", "SPHERICAL_VIDEO_180"],
        Field(**labelled("全景视频", "Panorama"), description="Whether it is a panorama."),
    ] = "NOT_SPHERICAL_VIDEO"
    merchant_product_id: Annotated[
        str,
        Field(
            **labelled("小店商品", "Shop article"),
            max_length=64,
            description="An article of the account's shop.",
        ),
    ] = ""
