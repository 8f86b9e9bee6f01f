"""Taking conversions: attributed through a click or a link, each external id once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Conversion, Link
from drumtower.db.repositories.conversions import ConversionRepository
from drumtower.db.repositories.links import LinkRepository
from drumtower.domain.errors import Violation
from drumtower.domain.ids import new_id
from services.api.conversions.schemas import ConversionCreate, Verdict
from services.api.principals import Principal

# How far a customer's clock may be ahead of ours.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one conversion: the row that stands, or why it was refused."""

    verdict: Verdict
    conversion: Conversion | None = None
    violation: Violation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The links and clicks that a request names, as far as they exist here."""

    by_code: Mapping[str, Link]
    by_id: Mapping[UUID, Link]
    clicks: Mapping[UUID, UUID]


async def take(
    tx: Tx, principal: Principal, asked: Sequence[ConversionCreate], now: datetime, pointer: str = ""
) -> list[Taken]:
    """Store what is new and sound; one bad conversion refuses no other. `pointer` may hold `{}` for the index."""
    known = await _known(tx, principal, asked)
    attributed = [_attribute(one, known, now, pointer.format(index)) for index, one in enumerate(asked)]
    rows: dict[str, dict[str, Any]] = {}
    for one, link in zip(asked, attributed, strict=True):
        if not isinstance(link, Violation):
            rows.setdefault(one.external_id, _row(one, link, principal, now))
    conversions = ConversionRepository(tx, principal.workspace_id)
    fresh = await conversions.add(list(rows.values()))
    stored = await conversions.by_external_ids(list(rows))
    return _verdicts(asked, attributed, fresh, stored)


def _verdicts(
    asked: Sequence[ConversionCreate],
    attributed: Sequence[Link | Violation | None],
    fresh: set[UUID],
    stored: Mapping[str, Conversion],
) -> list[Taken]:
    seen: set[str] = set()
    taken = []
    for one, link in zip(asked, attributed, strict=True):
        if isinstance(link, Violation):
            taken.append(Taken(verdict=Verdict.REFUSED, violation=link))
            continue
        row = stored[one.external_id]
        first = row.id in fresh and one.external_id not in seen
        seen.add(one.external_id)
        taken.append(Taken(verdict=Verdict.CREATED if first else Verdict.DUPLICATE, conversion=row))
    return taken


async def _known(tx: Tx, principal: Principal, asked: Sequence[ConversionCreate]) -> _Known:
    links = LinkRepository(tx, principal.workspace_id)
    clicks = await links.clicks({one.click_id for one in asked if one.click_id is not None})
    return _Known(
        by_code=await links.by_codes({one.link_code for one in asked if one.link_code is not None}),
        by_id=await links.by_ids(set(clicks.values())),
        clicks=clicks,
    )


def _attribute(one: ConversionCreate, known: _Known, now: datetime, pointer: str) -> Link | Violation | None:
    """Find the link that led to the conversion; None where it names none."""
    named = known.by_code.get(one.link_code) if one.link_code is not None else None
    clicked = known.clicks.get(one.click_id) if one.click_id is not None else None
    if one.occurred_at > now + SKEW:
        return _violation(pointer, "occurred_at", "time_in_future", f"{one.occurred_at} is yet to come.")
    if one.click_id is not None and clicked is None:
        return _violation(pointer, "click_id", "unknown_click", "No click on a link of yours has this id.")
    if one.link_code is not None and named is None:
        return _violation(pointer, "link_code", "unknown_link", "No link of yours has this code.")
    if clicked is not None and named is not None and named.id != clicked:
        return _violation(
            pointer, "link_code", "click_on_another_link", "The click belongs to another link than this one."
        )
    return known.by_id[clicked] if clicked is not None else named


def _violation(pointer: str, field: str, code: str, detail: str) -> Violation:
    return Violation(pointer=f"{pointer}/{field}", code=code, detail=detail)


def _row(one: ConversionCreate, link: Link | None, principal: Principal, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": principal.workspace_id,
        "external_id": one.external_id,
        "event": one.event,
        "link_id": link.id if link else None,
        "click_id": one.click_id,
        "channel_id": link.channel_id if link else None,
        "value": one.value,
        "currency": one.currency,
        "attributes": one.attributes,
        "occurred_at": one.occurred_at,
        "created_at": now,
    }
