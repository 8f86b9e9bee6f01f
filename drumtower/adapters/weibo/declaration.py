"""What Weibo asks of a channel's owner, what it takes and gives, and how it talks: data only.

Source: open.weibo.com/wiki/2/statuses/share. UNVERIFIED: how emoji and links are counted, and that 5 MB
means 5 MiB. The token goes into a header, so that no address holds it.
"""

from dataclasses import replace
from datetime import timedelta

from pydantic import ConfigDict

from drumtower.adapters.weibo.audience import CHARACTER
from drumtower.adapters.weibo.errors import ERRORS
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, FollowUp, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.quotas import Period, Quota
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import Envelope, OAuth2, Parameters, TokenPlace, Wire, credential
from drumtower.platforms.options import FirstComment

# The web flow gives no refresh token: the person authorises again, and where they are logged in it passes at once.
AUTH = OAuth2(
    parameters=Parameters(separator=","),
    authorize_url="https://api.weibo.com/oauth2/authorize",
    token_url="https://api.weibo.com/oauth2/access_token",  # noqa: S106 - an address
    fields=(
        credential("app_key", "App Key", "App key", secret=False),
        credential("app_secret", "App Secret", "App secret"),
        credential("access_token", "授权令牌", "Access token"),
        credential("security_domain", "安全域名", "Security domain", secret=False),
        credential("rip", "操作者公网 IP", "Public IP of the operator", secret=False),
        credential("fan_service_token", "粉丝服务平台令牌", "Fan service token", required=False),
    ),
)
WIRE = Wire(
    path="/2/{}.json",
    token=TokenPlace(form="OAuth2 {}"),
    # `error_code` is a number or a numeric string.
    read_error=Envelope(code=("error_code",), said=("error_description", "error")),
    errors=ERRORS,
)
# Whose token it is: the token goes into the body here, and nowhere else.
TOKEN_WIRE = replace(WIRE, path="/oauth2/{}")
IMAGE = MediaRule(
    types=("image/jpeg", "image/gif", "image/png"), maximum_count=1, maximum_bytes=5 * 1024 * 1024 - 1
)
_RATES = "Rate-limiting, revision 16512"

CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT,),
    body=TextRule(maximum=140, unit=Unit.WEIBO, required=True),
    image=IMAGE,
    link_domain_required=True,
    reconcile=Reconcile.LOOKUP,
    read_lag=timedelta(seconds=150),  # a status may show up two minutes after it was taken (20032)
    # Comments take 140, of which Weibo's own "回复@name:" may take some; the public SDK stays at 130 too.
    reply=TextRule(maximum=130, unit=Unit.WEIBO, required=True),
    follow_up=FollowUp(option="first_comment", text=TextRule(maximum=140, unit=Unit.WEIBO, required=True)),
    reply_window=timedelta(hours=48),  # messages only; comments have none
    app_rate=Rate.within(
        15_000, timedelta(hours=1), burst=500, source=f"{_RATES}: calls per address of the caller"
    ),
    action_rates={
        Action.PUBLISH: Rate.within(30, timedelta(hours=1), burst=10, source=f"{_RATES}: shares per user"),
        Action.REPLY: Rate.within(60, timedelta(hours=1), burst=20, source="older tiers: comments per user"),
    },
    quotas=(
        Quota(count=30, period=Period.HOUR, timezone="Asia/Shanghai", source=f"{_RATES}: shares per user"),
        Quota(
            count=100, period=Period.DAY, timezone="Asia/Shanghai", source=f"{_RATES}: calls per app and user"
        ),
    ),
    metrics=(Metric.LIKES, Metric.COMMENTS, Metric.SHARES),
    audience_closed=Label(
        zh_cn="微博仅通过商业接口、且仅对蓝V账号提供粉丝年龄与省份，需签约",
        en="Weibo tells followers' ages and provinces to apps with a commercial contract and of organisations' accounts only",
    ),
    channel_metrics=(Metric.FOLLOWERS,),
    metrics_delay=timedelta(minutes=1),
    audience=Label(
        zh_cn="广泛的大众用户，热点与话题传播快", en="A broad public; news and topics spread fast"
    ),
    character=CHARACTER,
)


class WeiboOptions(FirstComment):
    """What an author may set for one status."""

    model_config = ConfigDict(extra="forbid")
