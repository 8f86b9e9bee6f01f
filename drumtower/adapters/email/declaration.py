"""What a newsletter takes, and what its sender gives: data only. All limits are ours; RFC 5321 and mail programs allow more.

Sources: RFC 5321, 5322, 2047, 2919 (List-Id), 2369 (List-Unsubscribe), and aiosmtpd 1.4.6.
"""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from drumtower.adapters.email.audience import CHARACTER
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import Envelope, Smtp, Wire, credential
from drumtower.platforms.options import labelled

MOST_RECIPIENTS = 100  # what every server must take in one transaction (RFC 5321, 4.5.3.1.8)
LONGEST_UNSUBSCRIBE = 70  # in one line of a header
# A recipient that is refused for now (greylisting) is tried again in this many rounds, so far apart.
ROUNDS, ROUND_GAP = 4, timedelta(minutes=15)

WIRE = Wire(errors={}, read_error=Envelope())  # it speaks SMTP
AUTH = Smtp(
    fields=(
        credential("host", "发信服务器", "Mail server", secret=False),
        credential(
            "port", "端口（465 为 TLS，其余用 STARTTLS）", "Port (465: TLS; others: STARTTLS)", secret=False
        ),
        credential("username", "用户名", "User name", secret=False),
        credential("password", "密码", "Password"),
        credential("from_address", "发件地址", "Sender's address", secret=False),
        credential("from_name", "发件人名称", "Sender's name", secret=False),
        credential("reply_to", "回复地址", "Address for replies", secret=False, required=False),
        credential(
            "recipients",
            "收件人（最多 100 个，以逗号或换行分隔）",
            "Recipients (at most 100, parted by commas or lines)",
            secret=False,
        ),
        credential(
            "unsubscribe",
            "退订地址（网址或邮箱）",
            "Where to unsubscribe (web or mail address)",
            secret=False,
        ),
        credential("signature", "签名档", "Signature block", secret=False, required=False),
    )
)
IMAGE = MediaRule(types=("image/jpeg", "image/png", "image/gif"), maximum_count=5, maximum_bytes=1024 * 1024)
CAPABILITIES = Capabilities(
    kinds=(Kind.ARTICLE, Kind.IMAGE_TEXT),
    title=TextRule(maximum=200, unit=Unit.CHARACTER, required=True),
    body=TextRule(maximum=50_000, unit=Unit.CHARACTER, required=True),
    image=IMAGE,
    alt_text=TextRule(maximum=300, unit=Unit.CHARACTER),
    hashtags_in_text=False,  # nobody searches a mail by them
    reconcile=Reconcile.BLIND,  # SMTP lets nobody look; many servers drop a repeat by its Message-ID, none must
    audience=Label(
        zh_cn="主动订阅的客户与合作伙伴，适合深度内容与转化",
        en="Customers and partners who asked for it: good for depth and for conversion",
    ),
    character=CHARACTER,
)


class EmailOptions(BaseModel):
    """What an author may set for one letter. `preheader`: what an inbox shows after the subject."""

    model_config = ConfigDict(extra="forbid")

    preheader: str = Field(**labelled("预览文字", "Preheader"), default="", max_length=200)
