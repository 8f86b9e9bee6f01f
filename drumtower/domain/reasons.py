"""Why a delivery waits or has ended, by the code that stands in its error: one row a reason.

A new thing that can stand in the way gets a row here, and a source in services/api/deliveries/obstacles.py where the
delivery's own row does not tell it.
"""

from dataclasses import dataclass
from enum import StrEnum

from drumtower.domain.capabilities import Label


class Who(StrEnum):
    """Who must act next."""

    NOBODY = "nobody"  # it has ended
    DRUMTOWER = "drumtower"  # by itself
    PLATFORM = "platform"
    PERSON = "person"


class Retryable(StrEnum):
    """Whether sending it (again) is safe and can help."""

    YES = "yes"
    NO = "no"  # it would change nothing, or it is out
    UNKNOWN = "unknown"  # it may be live: it could appear twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A clause that goes on from "It waits:" or "It failed:"; `do` is what a person does where one must act.

    `{detail}` in a clause is the platform's or the check's own words.
    """

    says: Label
    who: Who
    do: Label | None = None
    retryable: Retryable = Retryable.YES


def _reason(
    zh_cn: str,
    en: str,
    who: Who,
    do: tuple[str, str] | None = None,
    retryable: Retryable = Retryable.YES,
) -> Reason:
    todo = Label(zh_cn=do[0], en=do[1]) if do else None
    return Reason(says=Label(zh_cn=zh_cn, en=en), who=who, do=todo, retryable=retryable)


_CONNECT = (
    "重新授权这个账号,被扣住的内容会自动继续。",
    "Connect the channel again; what is held goes on by itself.",
)
_REVIEW = ("提交审核并通过四项审核。", "Submit the post and have all four points passed.")

REASONS: dict[str, Reason] = {
    "platform_unavailable": _reason(
        "平台暂时不可用,可以确定没有发出({detail})",
        "the platform could not be used, and provably nothing was published ({detail})",
        Who.DRUMTOWER,
    ),
    "rate_limited": _reason(
        "平台的调用额度用完了({detail})", "the platform's budget is used up ({detail})", Who.DRUMTOWER
    ),
    "budget_spent": _reason(
        "本账号或应用的调用额度用完了({detail})",
        "the budget of the channel or the app is used up ({detail})",
        Who.DRUMTOWER,
    ),
    "breaker_open": _reason(
        "平台最近连续出错,先暂停发送({detail})",
        "the platform has failed repeatedly, so sending rests ({detail})",
        Who.DRUMTOWER,
    ),
    "channel_gap": _reason(
        "账号两次发布之间要隔一段时间({detail})",
        "the channel leaves a gap between two posts ({detail})",
        Who.DRUMTOWER,
    ),
    "frozen": _reason(
        "发布被冻结({detail})",
        "publishing is frozen ({detail})",
        Who.PERSON,
        ("解除冻结,或等它到期。", "Lift the freeze, or wait for its end."),
    ),
    # While it is tried again, the token is renewed by itself; once that has failed, only the owner can.
    "auth_expired": _reason(
        "平台不再接受账号的令牌({detail})",
        "the platform no longer takes the channel's token ({detail})",
        Who.DRUMTOWER,
        _CONNECT,
    ),
    "channel_disconnected": _reason(
        "账号已断开({detail})", "the channel is disconnected ({detail})", Who.PERSON, _CONNECT
    ),
    "not_approved": _reason("内容还没有通过审核", "the post is not approved", Who.PERSON, _REVIEW),
    "approval_outdated": _reason(
        "审核通过之后内容又改过", "the post was edited after its approval", Who.PERSON, _REVIEW
    ),
    "approval_expired": _reason(
        "审核在计划时间之前就已到期", "the approval ends before the planned time", Who.PERSON, _REVIEW
    ),
    "content_rejected": _reason(
        "平台拒绝了内容({detail})",
        "the platform refused the content ({detail})",
        Who.PERSON,
        (
            "按平台的说明修改内容,重新审核后再重试。",
            "Change the content as the platform says, have it reviewed, then retry.",
        ),
        Retryable.NO,
    ),
    "preflight_failed": _reason(
        "发送前的检查没有通过({detail})",
        "the last check before it left did not pass ({detail})",
        Who.PERSON,
        (
            "按检查的说明修改内容,重新审核后再重试。",
            "Mend what the check names, have it reviewed, then retry.",
        ),
        Retryable.NO,
    ),
    "not_permitted": _reason(
        "这个账号没有通过接口发布的权限({detail})",
        "this account may not publish by API ({detail})",
        Who.PERSON,
        ("在平台上人工发布,再提交链接作为证明。", "Publish it by hand, and send its link as the proof."),
        Retryable.NO,
    ),
    "handoff": _reason(
        "这个账号只能人工发布({detail})",
        "this channel takes it from a person only ({detail})",
        Who.PERSON,
        ("在平台上人工发布,再提交链接作为证明。", "Publish it by hand, and send its link as the proof."),
        Retryable.NO,
    ),
    "absent": _reason(
        "核查确认平台上没有这条内容({detail})",
        "it is provably not on the platform ({detail})",
        Who.PERSON,
        (
            "确认内容还适合发布,然后重试或取消。",
            "See that it is still worth publishing, then retry or cancel.",
        ),
    ),
    "missed": _reason(
        "超过了允许的最晚时间({detail})",
        "it was later than its own limit allows ({detail})",
        Who.PERSON,
        ("改一个时间,或者取消。", "Give it another time, or cancel it."),
    ),
    "outcome_unknown": _reason(
        "没有得到平台的明确答复({detail})",
        "the platform gave no answer that proves anything ({detail})",
        Who.DRUMTOWER,
        retryable=Retryable.UNKNOWN,
    ),
    "needs_check": _reason(
        "自动核查得不出结论({detail})",
        "looking it up could not tell ({detail})",
        Who.PERSON,
        (
            "打开 look_at 看一眼:在就选 live 并附链接,不在就选 absent;只有确定不在时才选 send_again。",
            "Open look_at: it is there (live, with its link), it is not (absent), or it is not and goes again"
            " (send_again).",
        ),
        Retryable.UNKNOWN,
    ),
}


def reason_for(code: str, *, ended: bool) -> Reason:
    """Return the reason behind a code; one that is not listed speaks through its detail."""
    found = REASONS.get(code)
    if found is None:
        return _reason("{detail}", "{detail}", Who.PERSON if ended else Who.DRUMTOWER)
    return found
