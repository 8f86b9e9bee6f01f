"""What each key figure means: labels, formula, unit and inputs. docs/reference/kpis.md is made from it."""

from dataclasses import dataclass
from enum import StrEnum

from drumtower.domain.capabilities import Label


class Unit(StrEnum):
    """What a figure counts in. A ratio of 0.05 is 5 %."""

    COUNT = "count"
    RATIO = "ratio"
    SECONDS = "seconds"


class Kpi(StrEnum):
    """A key figure that can be asked for."""

    EXPOSURE = "exposure"
    ENGAGEMENTS = "engagements"
    ENGAGEMENT_RATE = "engagement_rate"
    LIKES = "likes"
    COMMENTS = "comments"
    SHARES = "shares"
    SAVES = "saves"
    FOLLOWER_GROWTH = "follower_growth"
    CONVERSION_RATE = "conversion_rate"
    RESPONSE_TIME = "response_time"


# What is answered when nobody says which.
MAIN = (Kpi.EXPOSURE, Kpi.ENGAGEMENT_RATE, Kpi.FOLLOWER_GROWTH, Kpi.CONVERSION_RATE, Kpi.RESPONSE_TIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One row of the dictionary. `inputs` are the names that a figure's basis shows."""

    kpi: Kpi
    label: Label
    unit: Unit
    formula: str
    inputs: tuple[str, ...]
    meaning: Label


def _sum_of(kpi: Kpi, zh_cn: str, en: str, note_zh: str = "", note_en: str = "") -> Definition:
    return Definition(
        kpi=kpi,
        label=Label(zh_cn=zh_cn, en=en),
        unit=Unit.COUNT,
        formula=f"sum(gain of {kpi.value})",
        inputs=(kpi.value,),
        meaning=Label(
            zh_cn=f"期间内所有内容新增的{zh_cn}。{note_zh}平台不提供的渠道列为缺失，不按 0 计。",
            en=f"{en} that all posts gained in the period. {note_en}Channels whose platform does not give it are "
            "listed as missing, never counted as 0.",
        ),
    )


DICTIONARY: tuple[Definition, ...] = (
    _sum_of(
        Kpi.EXPOSURE,
        "曝光量",
        "Exposure",
        "按平台口径计阅读人数或展示次数。",
        "Impressions, or readers where the platform counts people. ",
    ),
    Definition(
        kpi=Kpi.ENGAGEMENTS,
        label=Label(zh_cn="互动量", en="Engagements"),
        unit=Unit.COUNT,
        formula="sum(gain of likes + comments + shares + saves)",
        inputs=("engagements",),
        meaning=Label(
            zh_cn="期间内新增的点赞、评论、分享、收藏之和。计入了哪些项目见 basis.engagement_metrics。",
            en="Likes, comments, shares and saves gained in the period, as far as each platform gives them; "
            "basis.engagement_metrics says which are counted.",
        ),
    ),
    Definition(
        kpi=Kpi.ENGAGEMENT_RATE,
        label=Label(zh_cn="互动率", en="Engagement rate"),
        unit=Unit.RATIO,
        formula="engagements / exposure, else engagements / followers",
        inputs=("engagements", "exposure", "followers"),
        meaning=Label(
            zh_cn="有曝光数据的内容：互动量除以曝光量。组内没有任何渠道有曝光数据时，改用期末粉丝数作分母；"
            "basis.denominator 写明所用分母，两种口径从不混在同一个比率里。",
            en="Engagements of the posts whose exposure is known, divided by that exposure. Where no channel of the "
            "group has exposure, the followers at the period's end divide instead; basis.denominator says which, and "
            "one ratio never mixes both.",
        ),
    ),
    _sum_of(Kpi.LIKES, "点赞数", "Likes"),
    _sum_of(Kpi.COMMENTS, "评论数", "Comments"),
    _sum_of(Kpi.SHARES, "分享数", "Shares"),
    _sum_of(Kpi.SAVES, "收藏数", "Saves"),
    Definition(
        kpi=Kpi.FOLLOWER_GROWTH,
        label=Label(zh_cn="用户增长", en="Follower growth"),
        unit=Unit.COUNT,
        formula="followers at the end - followers before the period",
        inputs=("followers", "base", "rate"),
        meaning=Label(
            zh_cn="期间内粉丝净增数，可为负。basis.base 是期初粉丝数，basis.rate 是增长率。"
            "首次测量落在期间内的渠道只计首次测量之后的增长，并列为不完整。",
            en="Net followers gained in the period; may be negative. basis.base is the number before, basis.rate the "
            "growth as a ratio of it. A channel first measured within the period counts from that measurement only, "
            "and is listed as incomplete.",
        ),
    ),
    Definition(
        kpi=Kpi.CONVERSION_RATE,
        label=Label(zh_cn="转化率", en="Conversion rate"),
        unit=Unit.RATIO,
        formula="conversions / clicks",
        inputs=("conversions", "clicks", "bot_clicks", "unattributed_conversions"),
        meaning=Label(
            zh_cn="期间内归因到追踪链接的转化数除以这些链接的真人点击数；机器点击与无归因的转化单独列出，不计入。",
            en="Conversions in the period that a tracked link led to, divided by people's clicks on tracked links in "
            "the period. Clicks by bots and conversions without a link are shown and not counted.",
        ),
    ),
    Definition(
        kpi=Kpi.RESPONSE_TIME,
        label=Label(zh_cn="响应时间", en="Response time"),
        unit=Unit.SECONDS,
        formula="median(answered_at - occurred_at)",
        inputs=("answered", "unanswered"),
        meaning=Label(
            zh_cn="期间内得到首次回复的评论、私信、提及，从发生到首次回复的秒数中位数。"
            "basis.unanswered 是期间内发生、至今未回复的数量。",
            en="Median seconds from a comment, message or mention to its first answer, over those answered in the "
            "period. basis.unanswered counts those that occurred in the period and wait still.",
        ),
    ),
)

BY_KPI = {definition.kpi: definition for definition in DICTIONARY}


def reference() -> str:
    """Write docs/reference/kpis.md: the dictionary as Markdown."""
    lines = [
        "# Key figures",
        "",
        "Made from `drumtower/domain/kpi_dictionary.py`; `GET /v1/metrics/dictionary` gives the same as JSON.",
        "A figure that is not known is `null`, never 0, and its basis names what is missing.",
    ]
    for definition in DICTIONARY:
        lines += [
            "",
            f"## {definition.kpi.value}",
            "",
            f"**{definition.label.en}** · {definition.label.zh_cn} · {definition.unit.value}",
            "",
            f"    {definition.formula}",
            "",
            definition.meaning.en,
            "",
            definition.meaning.zh_cn,
            "",
            f"Inputs: {', '.join(f'`{name}`' for name in definition.inputs)}",
        ]
    return "\n".join(lines) + "\n"
