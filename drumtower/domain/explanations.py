"""Why a delivery has (not) gone out, in one sentence: what comes next and when, and who must do what."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from drumtower.domain.capabilities import Label
from drumtower.domain.deliveries import State
from drumtower.domain.reasons import Reason, Retryable, Who, reason_for


class Step(StrEnum):
    """What happens next by itself."""

    SEND = "send"
    CONFIRM = "confirm"
    LOOK_UP = "look_up"
    REMIND = "remind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that stands in the way now; `code` has its row in domain/reasons.py."""

    code: str
    detail: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one delivery, as plain values. `obstacles` come before what the row's own error says."""

    state: State
    now: datetime
    timezone: str  # in which times are told
    channel: str
    due_at: datetime
    next_at: datetime | None = None
    published_at: datetime | None = None
    lateness_ms: int | None = None
    attempts: int = 0
    needs_check: bool = False
    owner: str | None = None  # of a handoff, and until when it is theirs
    deadline: datetime | None = None
    error: Obstacle | None = None
    platform_code: str | None = None
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer. `reasons` are the obstacles in the order they count; `next_at` is for `next_step`."""

    sentence: Label
    who: Who
    do: Label | None
    retryable: Retryable
    next_step: Step | None = None
    next_at: datetime | None = None
    reasons: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A state's own part of the answer."""

    says: Label
    who: Who
    retryable: Retryable
    step: Step | None = None
    because: bool = True  # whether a reason goes on from the sentence
    do: Label | None = field(default=None)


def _told(
    zh_cn: str,
    en: str,
    who: Who = Who.DRUMTOWER,
    retryable: Retryable = Retryable.YES,
    step: Step | None = None,
    *,
    because: bool = True,
) -> _Told:
    return _Told(says=Label(zh_cn=zh_cn, en=en), who=who, retryable=retryable, step=step, because=because)


_UNKNOWN, _NO = Retryable.UNKNOWN, Retryable.NO

_STATES: dict[State, _Told] = {
    State.PLANNED: _told(
        "计划于 {due} 在「{channel}」发出,到时自动发送",
        "It is planned for {due} on {channel} and goes out by itself",
        step=Step.SEND,
    ),
    State.CLAIMED: _told(
        "正在做发出前的最后检查", "It is being checked one last time and leaves in a moment", because=False
    ),
    State.SENDING: _told(
        "正在发往「{channel}」", "It is leaving for {channel}", retryable=_UNKNOWN, because=False
    ),
    State.ACCEPTED: _told(
        "平台已经收下,还在处理,{next} 再去查询结果",
        "The platform has taken it and is still at work; it is asked again {next}",
        Who.PLATFORM,
        _UNKNOWN,
        Step.CONFIRM,
    ),
    State.PUBLISHED: _told(
        "已于 {published} 在「{channel}」发布,{late}",
        "It was published on {channel} at {published}, {late}",
        Who.NOBODY,
        _NO,
        because=False,
    ),
    State.RETRYING: _told(
        "还没有发出,{next} 再试(已试 {attempts} 次)",
        "It is not out yet and goes again {next} (tried {attempts} times)",
        step=Step.SEND,
    ),
    State.UNKNOWN: _told(
        "可能已经发布;{next} 自动核查,核查清楚之前不会重发",
        "It may be live; it is looked up {next}, and not sent again before that is settled",
        retryable=_UNKNOWN,
        step=Step.LOOK_UP,
    ),
    State.HANDOFF: _told("等待人工发布", "It waits for a person to publish it by hand", Who.PERSON, _NO),
    State.HELD: _told("已被扣住,没有发出", "It is held and has not gone out", Who.PERSON),
    State.MISSED: _told("错过了时间,没有发出", "It was missed and has not gone out", Who.PERSON),
    State.FAILED: _told("没有发出,也不会自动再试", "It failed and does not go again by itself", Who.PERSON),
    State.CANCELLED: _told(
        "已取消,不会发出", "It is cancelled and will not go out", Who.NOBODY, _NO, because=False
    ),
}
_HANDED = _told(
    "等待{owner}人工发布,截止 {deadline}",
    "It waits for {owner} to publish it by hand by {deadline}",
    Who.PERSON,
    _NO,
    Step.REMIND,
)
_LATE = _told(
    "人工发布已经逾期:{owner}应在 {deadline} 之前发布",
    "It is late: {owner} was to publish it by hand by {deadline}",
    Who.PERSON,
    _NO,
)
_DUE = _told("已到计划时间 {due},等待发出", "It was due at {due} and waits to go out", step=Step.SEND)
_ASKED = _told(
    "可能已经发布,需要有人到平台上确认;{next} 还会自动再查一次",
    "It may be live, and a person must look; it is looked up once more {next}",
    Who.PERSON,
    _UNKNOWN,
    Step.LOOK_UP,
)
# Ended, or stopped until somebody acts.
_STOPPED = frozenset({State.HELD, State.HANDOFF, State.MISSED, State.FAILED})


def explain(facts: Facts) -> Explanation:
    """Explain a delivery in any state."""
    told = _state(facts)
    reasons = _reasons(facts) if told.because else ()
    first = reason_for(reasons[0].code, ended=facts.state in _STOPPED) if reasons else None
    who = _who(facts, told, first)
    return Explanation(
        sentence=Label(
            zh_cn=_sentence(facts, told.says.zh_cn, first.says.zh_cn if first else "", reasons, "zh"),
            en=_sentence(facts, told.says.en, first.says.en if first else "", reasons, "en"),
        ),
        who=who,
        do=first.do if first and who is Who.PERSON else None,
        retryable=_retryable(facts, told, first),
        next_step=told.step,
        next_at=facts.next_at if told.step else None,
        reasons=reasons,
    )


def _state(facts: Facts) -> _Told:
    if facts.state is State.PLANNED and facts.due_at <= facts.now:
        return _DUE
    if facts.state is State.UNKNOWN and facts.needs_check:
        return _ASKED
    if facts.state is State.HANDOFF and facts.deadline is not None:
        return _LATE if facts.deadline <= facts.now else _HANDED
    return _STATES[facts.state]


def _reasons(facts: Facts) -> tuple[Obstacle, ...]:
    """Return what stands in the way, each code once: what is so now before what the last try met."""
    found = {one.code: one for one in (*facts.obstacles, *((facts.error,) if facts.error else ()))}
    return tuple(found.values())


def _who(facts: Facts, told: _Told, first: Reason | None) -> Who:
    """A stopped one waits for a person; a waiting one for whoever its first obstacle names."""
    if first is None or told.who is not Who.DRUMTOWER or facts.state is State.UNKNOWN:
        return told.who
    return first.who


def _retryable(facts: Facts, told: _Told, first: Reason | None) -> Retryable:
    return first.retryable if first and facts.state in _STOPPED else told.retryable


def _sentence(facts: Facts, says: str, clause: str, reasons: tuple[Obstacle, ...], language: str) -> str:
    zh = language == "zh"
    whole = says.format(
        channel=facts.channel,
        due=_time(facts, facts.due_at),
        next=_next(facts, zh=zh),
        published=_time(facts, facts.published_at),
        late=_late(facts.lateness_ms or 0, zh=zh),
        attempts=facts.attempts,
        owner=facts.owner or ("" if zh else "a person"),
        deadline=_time(facts, facts.deadline),
    )
    if clause:
        why = clause.format(detail=_detail(facts, reasons[0]))
        whole += f":{why}" if zh else f": {why}"
        if reasons[0].until is not None:
            ends = _time(facts, reasons[0].until)
            whole += f",到 {ends} 为止" if zh else f", until {ends}"
    return whole + ("。" if zh else ".")


def _detail(facts: Facts, reason: Obstacle) -> str:
    code = facts.platform_code if facts.error is reason else None
    detail = reason.detail.rstrip(".。") or reason.code
    return f"{code}: {detail}" if code and code not in detail else detail


def _time(facts: Facts, at: datetime | None) -> str:
    if at is None:
        return "?"
    return f"{at.astimezone(ZoneInfo(facts.timezone)):%Y-%m-%d %H:%M:%S} ({facts.timezone})"


def _next(facts: Facts, *, zh: bool) -> str:
    if facts.next_at is None or facts.next_at <= facts.now:
        return "马上" if zh else "at once"
    return _time(facts, facts.next_at) if zh else f"at {_time(facts, facts.next_at)}"


def _late(lateness_ms: int, *, zh: bool) -> str:
    if lateness_ms < 1000:
        return "准时" if zh else "on time"
    seconds = lateness_ms // 1000
    return f"比计划晚 {seconds} 秒" if zh else f"{seconds} s after its time"
