"""What WeCom takes and gives, and how it talks: data only. Sources and what is UNVERIFIED: docs/reference/wecom.md."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drumtower.adapters.wecom.audience import CHARACTER
from drumtower.domain.budgets import Rate
from drumtower.domain.capabilities import Capabilities, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import AppSecret, Envelope, Meaning, TokenPlace, Wire, credential, error_table
from drumtower.platforms.options import labelled

# Every answer is HTTP 200, so a listed code is the only proof.
ERRORS = error_table(
    {
        Meaning.BUSY: {"-1": "the system is busy"},
        Meaning.TRANSIENT: {"40007": "the media_id is not known, or older than three days"},
        Meaning.AUTH_EXPIRED: {
            "40014": "the token is invalid",
            "42001": "the token has expired",
            "42007": "the authorisation was withdrawn",
            "42009": "the authorisation has expired",
            "48004": "the authorisation has expired",
        },
        Meaning.DISCONNECTED: {
            "40001": "the secret is wrong",
            "40013": "there is no such corp id",
            "93000": "the robot's address is no longer valid; make a new robot",
        },
        Meaning.NOT_PERMITTED: {
            "48002": "the app may not call this; allow it under customer contact",
            "50003": "the app is switched off",
            "60011": "the app has no right on this member",
            "60020": "our address is not on the app's list of trusted IPs",
            "81013": "the app sees no such member",
            "84061": "there is no customer relation",
        },
        Meaning.RATE_LIMITED: {
            "45009": "too often",
            "45033": "too many calls at a time",
        },
        Meaning.CONTENT_REJECTED: {
            "40003": "there is no such member",
            "40031": "a member of the list does not exist",
            "40050": "there is no such customer group",
            "40058": "a parameter is wrong",
            "40096": "there is no such customer",
            "41001": "the token is missing",
            "44004": "the text is empty",
            "45002": "the text is too long",
        },
    },
    after={"45009": timedelta(minutes=1), "45033": timedelta(seconds=10)},
)
WIRE = Wire(
    path="/cgi-bin/{}",
    token=TokenPlace(header=None),
    read_error=Envelope(code=("errcode",), said=("errmsg",)),
    errors=ERRORS,
)
# A robot needs its key only; customer groups need the corp, the app's secret and the owner of the groups.
AUTH = AppSecret(
    fields=(
        credential("robot_key", "群机器人 key", "Key of the group's robot", required=False),
        credential("corp_id", "企业ID", "Corp id", secret=False, required=False),
        credential("corp_secret", "应用 Secret", "Secret of the app", required=False),
        credential("agent_id", "应用 AgentId", "AgentId of the app", secret=False, required=False),
        credential("owner", "群主 userid", "User id of the groups' owner", secret=False, required=False),
        credential("token", "接收消息的 Token", "Callback token", required=False),
        credential(
            "encoding_aes_key", "接收消息的 EncodingAESKey", "Callback EncodingAESKey", required=False
        ),
    )
)
IMAGES = MediaRule(types=("image/jpeg", "image/png"), maximum_count=3, maximum_bytes=2 * 1024 * 1024)
LONGEST_DESCRIPTION = 512  # bytes, of a link's card
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT, Kind.ARTICLE),
    title=TextRule(maximum=128, unit=Unit.BYTE),
    body=TextRule(maximum=2048, unit=Unit.BYTE, required=True),
    image=IMAGES,
    # Of customer groups. What a robot said can't be looked up: there a person decides.
    reconcile=Reconcile.HANDLE,
    read_lag=timedelta(seconds=60),
    prepared_for=timedelta(days=2),  # a media_id lives three days
    reply=TextRule(maximum=2048, unit=Unit.BYTE, required=True),
    # A post is up to five messages: text, a link's card, three pictures.
    channel_rate=Rate.within(
        4, timedelta(minutes=1), burst=1, source="group robot: 20 messages a minute, five a post"
    ),
    channel_metrics=(Metric.FOLLOWERS,),
    metrics_delay=timedelta(days=1),
    audience=Label(
        zh_cn="企业内部群成员，以及已建立联系的客户群",
        en="Members of internal groups, and groups of customers",
    ),
    character=CHARACTER,
)


class WeComOptions(BaseModel):
    """`form` and `mention_all` are for robots, `chat_ids` for customer groups (none: all groups of the owner)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal["text", "markdown", "markdown_v2"] = Field("text", **labelled("消息格式", "Message form"))
    mention_all: bool = Field(False, **labelled("提醒所有人", "Mention all"))
    chat_ids: list[str] = Field(**labelled("客户群", "Customer groups"), default=[], max_length=2000)
