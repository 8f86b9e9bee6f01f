"""What LinkedIn asks of a channel's owner, what it takes and gives, and how it talks: data only.

Sources: learn.microsoft.com (Posts, MultiImage, Images, Comments, Organization Social Action Notifications, Share
Statistics, OAuth, rate limits) as of the version below.

UNVERIFIED: how LinkedIn counts its 3,000 characters (UTF-16 units are the strictest reading, so they are ours; escapes
are not counted); a limit in bytes for a picture (documented are 36,152,320 pixels; its help names 5 MB); how soon
`q=author` lists a new post; and how many calls an app of the Standard tier has (500 a day, and 100 a day for each
member, are documented for the Development tier only).
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from drumtower.adapters.linkedin.audience import CHARACTER
from drumtower.adapters.linkedin.errors import ERRORS, read_error
from drumtower.adapters.linkedin.schemas import FACETS
from drumtower.domain.capabilities import Capabilities, FollowUp, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.quotas import Period, Quota
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import OAuth2, Refresh, TokenAnswer, Wire, credential
from drumtower.platforms.options import FirstComment, labelled

VERSION = "202607"  # a version lives about 12 months, then every call is answered 426
MOST_PIXELS = 36_152_320

# A token lives 60 days. Only approved partners get a refresh token (365 days, and refreshing does not prolong it).
# Asking for other scopes than before voids every token that the member gave.
AUTH = OAuth2(
    authorize_url="https://www.linkedin.com/oauth/v2/authorization",
    token_url="https://www.linkedin.com/oauth/v2/accessToken",  # noqa: S106 - an address
    scopes=(
        "openid",
        "profile",
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "rw_organization_admin",
    ),
    app_id="client_id",
    app_secret="client_secret",  # noqa: S106 - the name of a field
    answer=TokenAnswer(refresh_expires_in="refresh_token_expires_in"),
    refresh=Refresh.KEPT,
    fields=(
        credential("client_id", "Client ID", "Client ID", secret=False),
        credential("client_secret", "Client Secret", "Client secret"),
        credential("access_token", "授权令牌", "Access token"),
        credential(
            "organization",
            "公司主页编号（留空则以个人身份发布）",
            "Number of the company page (empty: the member's own profile)",
            secret=False,
            required=False,
        ),
    ),
)
WIRE = Wire(
    path="/rest/{}",
    headers={"LinkedIn-Version": VERSION, "X-Restli-Protocol-Version": "2.0.0"},
    fields={"x-restli-id": "restli_id"},
    read_error=read_error,
    errors=ERRORS,
)
PROFILE_WIRE = Wire(path="/v2/{}", read_error=read_error, errors=ERRORS)
# Uploads go to an address that LinkedIn gives, and are answered without a body.
UPLOAD_WIRE = Wire(bodyless=True, read_error=read_error, errors=ERRORS)

IMAGE = MediaRule(
    types=("image/jpeg", "image/png", "image/gif"), maximum_count=20, maximum_bytes=5 * 1024 * 1024
)
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT, Kind.ARTICLE),
    body=TextRule(maximum=3000, unit=Unit.UTF16, required=True),
    title=TextRule(maximum=400, unit=Unit.UTF16),  # shown on the card of a link
    image=IMAGE,
    reconcile=Reconcile.LOOKUP,
    read_lag=timedelta(minutes=2),
    # LinkedIn: social activity data of members may be stored for 48 hours at most.
    feedback_kept=timedelta(hours=48),
    reply=TextRule(maximum=1250, unit=Unit.UTF16, required=True),
    follow_up=FollowUp(option="first_comment", text=TextRule(maximum=1250, unit=Unit.UTF16, required=True)),
    quotas=(
        Quota(
            count=100,
            period=Period.DAY,
            timezone="UTC",
            source="Community Management FAQ 3: calls per member, Development tier; others UNVERIFIED",
        ),
    ),
    metrics=(Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS, Metric.SHARES),
    channel_metrics=(Metric.FOLLOWERS,),
    audience_dimensions=FACETS,
    audience=Label(
        zh_cn="职场人士与企业决策者，以海外用户为主，适合品牌、招聘与行业观点",
        en="Professionals and decision makers, mostly outside China; employer brand, hiring, industry views",
    ),
    character=CHARACTER,
)


class LinkedInOptions(FirstComment):
    """What an author may set for one post."""

    model_config = ConfigDict(extra="forbid")

    visibility: Annotated[
        Literal["PUBLIC", "LOGGED_IN", "CONNECTIONS"],
        Field(
            **labelled("谁可以看", "Visibility"),
            description="Who sees it; CONNECTIONS is for persons only. Comments are told for PUBLIC ones only.",
        ),
    ] = "PUBLIC"
    resharing: Annotated[
        bool, Field(**labelled("允许转发", "Resharing"), description="Whether others may share it on.")
    ] = True
    card: Annotated[
        bool,
        Field(
            **labelled("显示链接卡片", "Link card"),
            description="Show the first link as a card; LinkedIn reads nothing from the page itself.",
        ),
    ] = True
    card_description: Annotated[
        str,
        Field(
            **labelled("卡片说明", "Card description"), max_length=4000, description="The card's second line."
        ),
    ] = ""
