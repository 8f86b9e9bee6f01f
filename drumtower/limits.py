"""Which limits bind a delivery: the adapters' numbers, and the names of the budgets and breakers they are kept under."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from drumtower.domain.budgets import Rate, app_key, channel_key
from drumtower.domain.capabilities import Capabilities
from drumtower.domain.deliveries import Action
from drumtower.domain.failures import Scope
from drumtower.domain.quotas import Quota
from drumtower.platforms.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call leaves from: a channel, on a platform at one address."""

    channel_id: UUID
    platform: str
    app: str  # the app's key
    channel: str  # the channel's

    def key(self, scope: Scope) -> str:
        return self.app if scope is Scope.APP else self.channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that bind; `documented`: those that platforms publish among them."""

    registry: Registry
    documented: bool = True

    def place(self, channel_id: UUID, platform: str, base_url: str | None) -> Place:
        """Say where a channel's calls leave from; no address of its own means the platform's."""
        adapter = self.registry.adapters.get(platform)
        address = base_url or (adapter.default_base_url if adapter else "")
        return Place(
            channel_id=channel_id,
            platform=platform,
            app=app_key(platform, address),
            channel=channel_key(channel_id),
        )

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each platform is, for channels that have no address of their own."""
        return {slug: adapter.default_base_url for slug, adapter in self.registry.adapters.items()}

    def rates(self, place: Place) -> Mapping[str, Rate | None]:
        """Return the budgets that every call there draws on, by key; one without a rate knows resets only."""
        known = self._capabilities(place.platform)
        return {
            place.app: known.app_rate if known else None,
            place.channel: known.channel_rate if known else None,
        }

    def action_rate(self, place: Place, action: Action) -> Mapping[str, Rate | None]:
        """Return the budget, by key, of this action alone; none where it has none."""
        known = self._capabilities(place.platform)
        rate = known.action_rates.get(action) if known else None
        return {f"{place.channel}:{action.value}": rate} if rate else {}

    def quotas(self, platform: str, action: Action | None = None) -> Sequence[Quota]:
        """Return a channel's quotas for an action, or all of them."""
        known = self._capabilities(platform)
        return [quota for quota in known.quotas if action in (None, quota.action)] if known else []

    def _capabilities(self, platform: str) -> Capabilities | None:
        adapter = self.registry.adapters.get(platform)
        return adapter.capabilities if adapter and self.documented else None


_PAGE = """# Limits

What holds a delivery back, and where the numbers come from. The tables are made from the adapters' `capabilities`.

## Rates

A budget lets `burst` calls leave at once after a rest, and `count` in its period on average (GCRA). In no window of the
period are there more than `count + burst`; the numbers below are chosen so that this is the platform's own limit. What
is over budget waits for a token (`not_before`); that is no attempt, and no failure. Publishes and answers draw on them.
Reads (feedback, metrics) do not: a platform that counts them too says so with its answer.

{rates}

`app` binds all channels of a platform at one address, whichever workspace they belong to: every documented limit of
that kind is one of the caller's address.

## Quotas

Counted per channel, in the hours and days of the platform's zone, and reserved when a post is scheduled: one too many is
refused with 409 `quota_used_up`, which names the next hour or day with room. Cancelling, rescheduling, failing and
missing give the place back. What is left: `GET /v1/channels/{{channel_id}}/health`.

{quotas}

WeChat's mass sends (one a day for subscription accounts, four a month for service accounts) are no quota here: free
publishing, which is what the adapter does, uses none of them.

## What the platforms do not say

Nothing is documented that these could be made from, so they are not limited ahead of time: {unsaid}.
Everybody's limits end where the platform answers otherwise: `Retry-After`, `RateLimit-Reset` or `X-RateLimit-Reset` of a
refusal is remembered for the channel or the app it names, and no delivery leaves there before it; numbers are not pulled
there either. While the oldest due delivery is more than a minute old, numbers are pulled nowhere: publishing goes first.

## Switching them off

`DRUMTOWER_DOCUMENTED_LIMITS=false` leaves out the numbers of this page, for accounts with a contract of their own and
for rehearsals on a sandbox. What a platform tells with its answers, and the breakers, go on.

## Breakers

Five faults of a platform (no connection, no answer, 5xx, "busy") within 30 s, with no answer in between, open the breaker
of the app and of the channel. Nothing leaves for `DRUMTOWER_BREAKER_REST`; then one delivery goes as a probe, one that
was never tried if there is one; each probe that fails doubles the rest, up to ten times the first. Any answer closes it:
a refusal of one post's content proves that the platform works. While there are faults and no answer, repeats are limited
to a tenth of the first attempts, and one more whenever a rest is over. `/metrics` counts the open ones: `breakers_open`.
"""


def reference(registry: Registry) -> str:
    """Write docs/reference/limits.md."""
    rates, quotas, unsaid = [], [], []
    for slug, adapter in sorted(registry.adapters.items()):
        known = adapter.capabilities
        given = {"app": known.app_rate, "channel": known.channel_rate}
        given |= {f"channel, {action}": rate for action, rate in known.action_rates.items()}
        rates += [f"| {slug} | {name} | {_rate(rate)} |" for name, rate in given.items() if rate]
        quotas += [
            f"| {slug} | {q.action} | {q.count:,} | {q.period} | {q.timezone} | {q.source} |"
            for q in known.quotas
        ]
        unsaid += [f"{slug} ({name})" for name in ("app", "channel") if not given[name]]
    return _PAGE.format(
        rates=_table("platform | budget | count | burst | source", rates),
        quotas=_table("platform | action | count | in each | zone | source", quotas),
        unsaid=", ".join(unsaid) or "none",
    )


def _rate(rate: Rate) -> str:
    return f"{rate.count:,} in {rate.per.total_seconds():,.0f} s | {rate.burst} | {rate.source}"


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([f"| {head} |", "|---" * (head.count("|") + 1) + "|", *rows])
