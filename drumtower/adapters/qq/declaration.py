"""What QQ's bot platform takes and gives, and how it talks: data only. Sources and what is UNVERIFIED: docs/reference/qq.md."""

from datetime import timedelta

from drumtower.adapters.qq.audience import CHARACTER
from drumtower.domain.capabilities import Capabilities, Feature, Label, Reconcile, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.text import Unit
from drumtower.platforms import (
    AppSecret,
    ByHand,
    Envelope,
    Meaning,
    TokenPlace,
    Wire,
    credential,
    error_table,
)

TOKEN_URL = "https://bots.qq.com/app/getAppAccessToken"  # noqa: S105 - an address
# "Seen this msg_id with this msg_seq": our own answer is out already.
REPEATED = "40054005"
# Taken, and shown once QQ has looked at it.
IN_REVIEW = frozenset({"304023", "304024"})
ERRORS = error_table(
    {
        Meaning.BUSY: {"1100300": "the system failed"},
        Meaning.TRANSIENT: {
            "304082": "a file could not be fetched",
            "304083": "a file could not be passed on",
        },
        Meaning.AUTH_EXPIRED: {
            "401": "the token is not taken",
            "11241": "the token is missing",
            "11242": "the token is wrong",
            "11243": "the token has expired",
        },
        Meaning.DISCONNECTED: {"100016": "the app id or its secret is wrong"},
        Meaning.NOT_PERMITTED: {
            "11251": "the bot may not do this",
            "11253": "the bot may not call this",
            "11254": "the bot is banned",
            "11264": "the bot has no right on this group",
            "11265": "the bot has no right on this group",
            "40034102": "bots may not speak first (since 2025-04-21)",
        },
        Meaning.RATE_LIMITED: {
            "22009": "over the limit of answers",
            "304022": "too often",
            "304025": "too often",
            **{str(code): "over a limit of the bot" for code in range(304045, 304053)},
            "1100100": "over a safety limit",
        },
        Meaning.CONTENT_REJECTED: {
            "40034024": "the message can't be answered any more, or is none",
            "304003": "a link is not registered for the bot",
            "304026": "the message can't be answered: its id is wrong",
            "304027": "the message can't be answered any more",
            "1100101": "QQ calls the text sensitive",
            "1100103": "the group is closed",
            "1100104": "the group is gone",
        },
    },
    after={"22009": timedelta(minutes=1)},
)
WIRE = Wire(
    token=TokenPlace(form="QQBot {}"),
    read_error=Envelope(
        code=("err_code", "code"), said=("message",), fine=frozenset({"0", *IN_REVIEW}), status=True
    ),
    errors=ERRORS,
)
AUTH = AppSecret(
    fields=(
        credential("app_id", "机器人 AppID", "The bot's AppID", secret=False),
        credential("app_secret", "机器人 AppSecret", "The bot's AppSecret"),
    ),
    # Asked earlier, QQ gives the same token again; in its last minute a new one.
    renew_before=timedelta(seconds=50),
)
BY_HAND = ByHand(
    features=frozenset({Feature.PUBLISH}),
    steps=(
        Label(
            zh_cn="在 QQ 群内发送（2025-04-21 起机器人不能主动发言），截图留证",
            en="Send it in the QQ group (bots may not speak first since 2025-04-21), and keep a screenshot",
        ),
    ),
)
CAPABILITIES = Capabilities(
    kinds=(Kind.IMAGE_TEXT,),
    body=TextRule(maximum=2000, unit=Unit.CHARACTER, required=True),
    reconcile=Reconcile.BLIND,
    reply=TextRule(maximum=2000, unit=Unit.CHARACTER, required=True),
    reply_window=timedelta(minutes=60),  # of private messages
    mention_window=timedelta(minutes=5),  # of what names the bot in a group
    audience=Label(
        zh_cn="QQ群成员，年轻用户、兴趣与校园社群为主",
        en="Members of QQ groups: young, by interest or campus",
    ),
    character=CHARACTER,
)
