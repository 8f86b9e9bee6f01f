"""What is wrong with a series, all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Post
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.content import from_json
from drumtower.domain.errors import Invalid, NotFound, Violation
from drumtower.domain.schedules import FURTHEST, zone
from drumtower.domain.series import LONGEST_INTERVAL, Every, Plan, Rule, days
from drumtower.platforms.registry import Registry
from services.api.posts import preflight
from services.api.principals import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A series as it is asked for, whole."""

    post_id: UUID
    channel_ids: Sequence[UUID]
    rule: Rule
    local: str
    timezone: str
    starts_on: date
    ends_on: date | None
    times: int | None

    def plan(self) -> Plan:
        return Plan(
            rule=self.rule,
            local=time.fromisoformat(self.local),
            timezone=self.timezone,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            times=self.times,
        )


async def violations_of_series(
    tx: Tx, principal: Principal, registry: Registry, claims: Claims, now: datetime, *, is_new: bool
) -> list[Violation]:
    """Say everything that is wrong with it."""
    where = _zone(claims.timezone)
    violations = [*_rule(claims.rule), *_ends(claims)]
    if isinstance(where, ZoneInfo):
        violations += _days(claims, where, now, is_new=is_new)
    else:
        violations += where
    violations += await _channels(tx, principal, registry, claims, now)
    if not violations and not _occurs(claims, now):
        detail = "There is no day to come on which this would be published."
        violations.append(_wrong("/rule", "no_occurrences", detail, "Check the rule and the days."))
    return violations


def _zone(name: str) -> ZoneInfo | list[Violation]:
    try:
        return zone(name)
    except Invalid as refused:
        return list(refused.violations)


def _rule(rule: Rule) -> Iterator[Violation]:
    wanted = {"weekdays": rule.every is Every.WEEK, "day": rule.every is Every.MONTH}
    for name, is_wanted in wanted.items():
        given = bool(getattr(rule, name))
        if is_wanted and not given:
            detail = f"A rule by {rule.every} needs {name}."
            yield _wrong(f"/rule/{name}", "field_missing", detail, "Say on which.")
        if given and not is_wanted:
            detail = f"{name} does not belong to a rule by {rule.every}."
            yield _wrong(f"/rule/{name}", "rule_mismatch", detail, "Leave it out.")
    if rule.interval > LONGEST_INTERVAL[rule.every]:
        detail = f"At most every {LONGEST_INTERVAL[rule.every]} {rule.every}s."
        yield _wrong("/rule/interval", "out_of_range", detail, "Choose a smaller interval.")
    if len(set(rule.weekdays)) < len(rule.weekdays):
        detail = "A weekday is named twice."
        yield _wrong("/rule/weekdays", "duplicate_weekday", detail, "Name each once.")


def _ends(claims: Claims) -> Iterator[Violation]:
    if claims.ends_on is not None and claims.times is not None:
        detail = "A series has one end: a last day, or a number of times."
        yield _wrong("/times", "end_choice", detail, "Send ends_on or times.")
    if claims.ends_on is not None and claims.ends_on < claims.starts_on:
        detail = "The last day is before the first."
        yield _wrong("/ends_on", "from_after_to", detail, "Check both days.")


def _days(claims: Claims, where: ZoneInfo, now: datetime, *, is_new: bool) -> Iterator[Violation]:
    today = now.astimezone(where).date()
    for name, day in (("starts_on", claims.starts_on), ("ends_on", claims.ends_on)):
        if day is None or (name == "starts_on" and not is_new):
            continue
        if day < today:
            detail = f"{day} has passed; today is {today} in {where.key}."
            yield _wrong(f"/{name}", "date_in_past", detail, "Choose today or a later day.")
        if day > today + FURTHEST:
            detail = f"{day} is more than two years away."
            yield _wrong(f"/{name}", "date_too_far", detail, "Check the year.")


async def _channels(
    tx: Tx, principal: Principal, registry: Registry, claims: Claims, now: datetime
) -> list[Violation]:
    """The post and its channels, with what the checks would refuse on each of them today."""
    channels, violations = await preflight.channels_named(tx, principal, claims.channel_ids)
    try:
        post = await PostRepository(tx, principal.workspace_id).get(claims.post_id)
    except NotFound:
        return [*violations, Violation.unknown("post")]
    violations += _template(post)
    unique = list({channel.id: channel for channel in channels}.values())
    for one in await preflight.check(tx, principal, registry, from_json(post.content), unique, now):
        pointer = f"/channel_ids/{list(claims.channel_ids).index(one.channel.id)}"
        violations += [_wrong(pointer, v.code, v.detail, v.hint) for v in one.blocking]
    return violations


def _template(post: Post) -> Iterator[Violation]:
    if post.archived_at is not None:
        yield _wrong("/post_id", "post_archived", "The post is archived.", "Duplicate it, and use the copy.")


def _occurs(claims: Claims, now: datetime) -> bool:
    plan = claims.plan()
    today = now.astimezone(ZoneInfo(plan.timezone)).date()
    return any(plan.at(day) > now for day in days(plan, today - timedelta(days=1), today + FURTHEST))


def _wrong(pointer: str, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=pointer, code=code, detail=detail, hint=hint)
