"""How far what a brand says has moved away from what it means to say."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Brand, Post
from drumtower.db.repositories.brands import BrandRepository
from drumtower.domain import brand_checks
from drumtower.domain.brands import PILLAR_WINDOW, WHOLE, pillar_plan, shares, tone_rules
from drumtower.domain.content import from_json, texts_of
from services.api.brands.schemas import DriftRead, PillarShareRead, ToneDriftRead
from services.api.calendar.service import check_span, check_year
from services.api.principals import Principal

LOOKED_AT = 500  # posts
SHOWN = 10


async def look(
    tx: Tx, principal: Principal, brand_id: UUID, first: date | None, last: date | None, now: datetime
) -> DriftRead:
    """Return the pillars' shares and what leaves the tone, of what is out and planned from the first day to the last."""
    zone = ZoneInfo(principal.timezone)
    end = last or now.astimezone(zone).date()
    check_year(end, "?to")
    start = first or end - PILLAR_WINDOW + timedelta(days=1)
    check_span(start, end)
    brands = BrandRepository(tx, principal.workspace_id)
    brand = await brands.get(brand_id)
    opens = datetime.combine(start, time(), zone)
    closes = datetime.combine(end + timedelta(days=1), time(), zone) - timedelta.resolution
    counted = await brands.pillars(brand_id, opens, closes)
    posts = await brands.said(brand_id, opens, closes, LOOKED_AT)
    return DriftRead(
        start=start,
        end=end,
        posts=sum(counted.values()),
        pillars=[
            PillarShareRead.model_validate(one) for one in shares(counted, pillar_plan(brand.pillar_plan))
        ],
        looked_at=len(posts),
        tone=list(_tone(brand, posts)),
    )


def _tone(brand: Brand, posts: Sequence[Post]) -> Iterator[ToneDriftRead]:
    rules = tone_rules(brand.tone_rules)
    found: dict[str, list[UUID]] = defaultdict(list)
    for post in posts:
        content = from_json(post.content)
        for code in {one.code for one in brand_checks.tone(texts_of(content)[:2], rules)}:
            found[code].append(post.id)
    for code, ids in sorted(found.items()):
        share = WHOLE * len(ids) / len(posts)
        yield ToneDriftRead(code=code, posts=len(ids), percent=share, post_ids=ids[:SHOWN])
