"""What a forum asks of a channel's owner, what it takes and gives, and how it talks: data only.

Limits are site settings; these are Discourse's own defaults (`config/site_settings.yml`, `discourse_defaults.conf`).
A forum may have others, and what is shorter than its minimum (a topic's title and text: 15 and 20 characters, 6 and 8
where its language is Chinese) it refuses when it sees it. Staff are free of most limits; `max_topics_per_day` (20) is
therefore no quota here. UNVERIFIED: whether `max_admin_api_reqs_per_minute` counts per key or for the whole site; taken
for the whole site. Images are checked after the forum has shrunk them, so it takes larger ones than we do.
"""

from datetime import timedelta

from drumtower.adapters.discourse.audience import CHARACTER
from drumtower.adapters.discourse.errors import ERRORS, read_error
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, FollowUp, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import Action
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import FixedToken, TokenPlace, Wire, credential

AUTH = FixedToken(
    fields=(
        credential("username", "用户名", "User name", secret=False),
        credential("api_key", "API 密钥（管理后台）", "API key (admin panel)"),
        credential("webhook_secret", "Webhook 密钥", "Webhook secret", required=False),
    )
)
WIRE = Wire(
    path="/{}.json", token=TokenPlace(header="Api-Key", form="{}"), read_error=read_error, errors=ERRORS
)
IMAGE = MediaRule(
    types=("image/jpeg", "image/png", "image/gif", "image/webp"),
    maximum_count=20,  # ours: the forum has no limit but the length of the text
    maximum_bytes=4096 * 1024,  # max_image_size_kb
)
_TEXT = TextRule(maximum=32_000, unit=Unit.CHARACTER, required=True)  # max_post_length
_MINUTE = timedelta(minutes=1)

CAPABILITIES = Capabilities(
    kinds=(Kind.ARTICLE, Kind.IMAGE_TEXT, Kind.QUESTION),
    title=TextRule(maximum=255, unit=Unit.CHARACTER, required=True),  # max_topic_title_length
    body=_TEXT,
    image=IMAGE,
    hashtags_in_text=False,  # they are the topic's tags
    reconcile=Reconcile.LOOKUP,
    read_lag=timedelta(seconds=5),
    reply=_TEXT,
    follow_up=FollowUp(option="first_comment", text=_TEXT),
    app_rate=Rate.within(
        60, _MINUTE, burst=10, source="discourse_defaults.conf: max_admin_api_reqs_per_minute"
    ),
    action_rates={
        Action.PUBLISH: Rate(
            count=1, per=timedelta(seconds=15), burst=1, source="site_settings.yml: rate_limit_create_topic"
        ),
        Action.REPLY: Rate(
            count=1, per=timedelta(seconds=5), burst=1, source="site_settings.yml: rate_limit_create_post"
        ),
    },
    metrics=(Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS),
    metrics_delay=_MINUTE,
    audience=Label(
        zh_cn="行业从业者与资深用户：看重经验、数据和长文，搜索带来长尾阅读，不喜欢硬广",
        en="Practitioners and experts of one field: they value experience, data and length; read for years through search",
    ),
    character=CHARACTER,
)
