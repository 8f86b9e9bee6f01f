"""What a person publishes by hand: until when, when its owner is reminded, and whether it was late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drumtower.domain.capabilities import Capabilities, Label, TextRule
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.text import Unit, length

# For a channel that names no time of its own: long enough for a lunch, short enough for the day's plan.
WITHIN = timedelta(hours=2)
# How long before the deadline the owner is reminded, the first reminder first.
AHEAD = (timedelta(hours=1), timedelta(minutes=15))


def deadline(
    due_at: datetime, opened_at: datetime, late_by: timedelta | None, within: timedelta | None
) -> datetime:
    """Return until when a proof is due: the delivery's own late policy, else the channel's time, else WITHIN.

    A policy that has run out already leaves the channel's time: nobody can be asked for what is past.
    """
    if late_by is not None and due_at + late_by > opened_at:
        return due_at + late_by
    return max(due_at, opened_at) + (within or WITHIN)


def next_look(until: datetime, now: datetime) -> datetime | None:
    """Return when the owner is reminded next, the deadline itself last; None once that has passed."""
    return next((at for at in (*(until - ahead for ahead in AHEAD), until) if at > now), None)


def late_since(until: datetime | None, missed: datetime | None, published_at: datetime) -> datetime | None:
    """Return the deadline that a closed handoff missed; None where its proof shows that it was out in time.

    `missed`: the deadline by which the engine had no proof. A later one that somebody gave does not undo it.
    """
    first = missed or until
    return first if first is not None and published_at > first else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How long a text is in one of the platform's countings, and how long it may be."""

    length: int
    maximum: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One text to copy into the platform's form. No counts: the platform names no limit."""

    name: str
    text: str
    counts: tuple[Count, ...]

    @property
    def fits(self) -> bool:
        return all(count.length <= count.maximum for count in self.counts)


def fields(title: str, text: str, capabilities: Capabilities) -> tuple[Field, ...]:
    """Return a post's texts, one a field of the platform; a platform without a title gets none."""
    parts = (("title", title, capabilities.title), ("body", text, capabilities.body))
    return tuple(field(name, said, rule) for name, said, rule in parts if rule is not None)


def field(name: str, text: str, rule: TextRule | None) -> Field:
    """Count one text by its rule, and by the second limit where there is one."""
    counts: list[Count] = []
    while rule is not None:
        counts.append(Count(length=length(text, rule.unit), maximum=rule.maximum, unit=rule.unit))
        rule = rule.also
    return Field(name=name, text=text, counts=tuple(counts))


def checklist(
    *, answers: bool, media: int, disclosed: Sequence[Disclosure], own: Sequence[Label]
) -> list[Label]:
    """Return the steps for a person, in their order; `own` are the platform's."""
    steps = [_LOOK, *own, _REPLY if answers else _COPY]
    if media:
        steps.append(_MEDIA)
    steps += [_DISCLOSE[one] for one in disclosed]
    return [*steps, _PROVE]


_LOOK = Label(
    zh_cn="先看一眼账号,确认还没有人发布过这条内容。",
    en="Look at the account first: nobody has published it yet.",
)
_COPY = Label(
    zh_cn="逐字段复制文字,不要改动:审核通过的就是这些字。",
    en="Copy each field as it stands: these words are what was approved.",
)
_REPLY = Label(
    zh_cn="打开原评论或私信,原样回复。", en="Open the comment or message, and answer in these words."
)
_MEDIA = Label(
    zh_cn="下载素材,按给出的顺序上传。", en="Download the media, and upload them in the order given."
)
_DISCLOSE = {
    Disclosure.AD: Label(
        zh_cn="打开平台的广告或合作标识。", en="Switch on the platform's mark for advertising."
    ),
    Disclosure.AI_GENERATED: Label(
        zh_cn="声明内容由 AI 生成。", en="Declare that the content was made with AI."
    ),
}
_PROVE = Label(
    zh_cn="发布后复制链接,在截止时间之前提交为证明。",
    en="Copy the link, and send it as the proof before the deadline.",
)
