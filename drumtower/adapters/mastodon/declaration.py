"""What Mastodon takes and gives, and how it talks: data only. Source: mastodon/documentation, and its source code.

The limits are a stock server's; an instance may set others, which its answers then say (422). UNVERIFIED: how many
statuses one call gives at once (20).
"""

from datetime import timedelta
from typing import Literal

from pydantic import ConfigDict, Field

from drumtower.adapters.mastodon.audience import CHARACTER
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, FollowUp, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import Envelope, Meaning, OAuth2, Wire, credential, error_table
from drumtower.platforms.options import MOST_PARTS, Thread, labelled

# The status is the code: error texts vary by version and language. 400 is left out, it proves nothing here.
ERRORS = error_table(
    {
        Meaning.AUTH_EXPIRED: {"401": "the token is invalid or was revoked"},
        Meaning.NOT_PERMITTED: {"403": "the account or the token's scope does not allow it"},
        Meaning.CONTENT_REJECTED: {
            "404": "it is gone, or was never visible",
            "410": "it is gone",
            "413": "a file is too large for this server",
            "422": "the server refuses the text or a file",
        },
        Meaning.RATE_LIMITED: {"429": "over the server's rate limit"},
    },
    after={"429": timedelta(minutes=5)},
)
GONE = frozenset({"404", "410"})
WIRE = Wire(read_error=Envelope(said=("error_description", "error"), status=True), errors=ERRORS)
# Most servers give no end to a token and nothing to refresh it with.
AUTH = OAuth2(
    fields=(
        credential("client_id", "应用编号", "Client id", secret=False),
        credential("client_secret", "应用密钥", "Client secret"),
        credential("access_token", "访问令牌", "Access token"),
    ),
    authorize_url="https://mastodon.social/oauth/authorize",
    token_url="https://mastodon.social/oauth/token",  # noqa: S106 - an address
    scopes=("read", "write"),
    pkce=True,
    app_id="client_id",
    app_secret="client_secret",  # noqa: S106 - the name of a field
)
IMAGES = MediaRule(
    types=("image/jpeg", "image/png", "image/gif", "image/webp"),
    maximum_count=4,
    maximum_bytes=16_777_216,
    maximum_pixels=33_177_600,
)
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT,),
    body=TextRule(maximum=500, unit=Unit.MASTODON, required=True),
    image=IMAGES,
    alt_text=TextRule(maximum=1500, unit=Unit.CHARACTER),
    reconcile=Reconcile.KEY,
    # The server keeps a key for an hour; ours ends earlier, because clocks and queues differ.
    key_life=timedelta(minutes=50),
    read_lag=timedelta(seconds=5),
    # The name of the one addressed goes in front.
    reply=TextRule(maximum=430, unit=Unit.MASTODON, required=True),
    follow_up=FollowUp(
        option="thread", text=TextRule(maximum=500, unit=Unit.MASTODON, required=True), most=MOST_PARTS
    ),
    channel_rate=Rate.within(
        300, timedelta(minutes=5), burst=30, source="mastodon/documentation, rate-limits: calls per account"
    ),
    metrics=(Metric.LIKES, Metric.COMMENTS, Metric.SHARES),
    channel_metrics=(Metric.FOLLOWERS,),
    metrics_delay=timedelta(minutes=1),
    audience=Label(
        zh_cn="去中心化社交网络，开源、学术与公共机构用户较多",
        en="A federation of servers; strong in open source, research and public bodies",
    ),
    character=CHARACTER,
)


class MastodonOptions(Thread):
    """What an author may set for one status."""

    model_config = ConfigDict(extra="forbid")

    visibility: Literal["public", "unlisted", "private"] = Field(
        "public", **labelled("谁可以看", "Visibility")
    )
    content_warning: str = Field(**labelled("内容警告", "Content warning"), default="", max_length=100)
    sensitive: bool = Field(False, **labelled("敏感媒体", "Sensitive media"))
