"""Tracked links of one workspace, and the clicks on them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Click, Conversion, Link
from drumtower.db.repositories.scope import Scoped

# A click's id says when it was made; a look-up reads the partitions around that moment only.
_CLICK_SPAN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How often a link was followed, by people and by machines, and what it led to."""

    clicks: int = 0
    bot_clicks: int = 0
    conversions: int = 0


class LinkRepository(Scoped):
    """Reads and adds links."""

    def all(self) -> Select[Link]:
        return self.select(Link)

    async def get(self, link_id: UUID, *, lock: bool = False) -> Link:
        """Return the link; raise NotFound."""
        return await self.find(Link, link_id, "link", lock=lock)

    async def add(self, link: Link) -> bool:
        """Add the link; False where its code is taken, in whatever workspace."""
        columns = {column.key: getattr(link, column.key) for column in Link.__table__.columns}
        statement = insert(Link).values(columns).on_conflict_do_nothing(index_elements=["code"])
        return await self.tx.scalar(statement.returning(Link.id)) is not None

    async def by_codes(self, codes: Collection[str]) -> dict[str, Link]:
        found = await self.tx.scalars(self.all().where(Link.code.in_(codes)))
        return {link.code: link for link in found}

    async def by_ids(self, link_ids: Collection[UUID]) -> dict[UUID, Link]:
        found = await self.tx.scalars(self.all().where(Link.id.in_(link_ids)))
        return {link.id: link for link in found}

    async def followed(self, link_ids: Collection[UUID]) -> dict[UUID, Followed]:
        """Count what links brought, in two queries however many there are."""
        clicks = await self.tx.execute(
            select(
                Click.link_id,
                func.count().filter(~Click.bot).label("people"),
                func.count().filter(Click.bot).label("bots"),
            )
            .where(Click.link_id.in_(link_ids), Click.workspace_id == self.workspace_id)
            .group_by(Click.link_id)
        )
        led = await self.tx.execute(
            select(Conversion.link_id, func.count().label("conversions"))
            .where(Conversion.link_id.in_(link_ids), Conversion.workspace_id == self.workspace_id)
            .group_by(Conversion.link_id)
        )
        counted = {row.link_id: (row.people, row.bots) for row in clicks}
        conversions = {row.link_id: row.conversions for row in led}
        return {
            link_id: Followed(
                clicks=counted.get(link_id, (0, 0))[0],
                bot_clicks=counted.get(link_id, (0, 0))[1],
                conversions=conversions.get(link_id, 0),
            )
            for link_id in link_ids
        }

    async def clicks(self, click_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Return the link of each known click."""
        moments = [moment for click_id in click_ids if (moment := _made_at(click_id)) is not None]
        if not moments:
            return {}
        found = await self.tx.execute(
            select(Click.id, Click.link_id).where(
                Click.id.in_(click_ids),
                Click.workspace_id == self.workspace_id,
                Click.clicked_at >= min(moments) - _CLICK_SPAN,
                Click.clicked_at <= max(moments) + _CLICK_SPAN,
            )
        )
        return {row.id: row.link_id for row in found}


async def public_link(tx: Tx, code: str) -> Link | None:
    """Return the link behind a short address, in whatever workspace: those who follow links belong to none."""
    return (await tx.scalars(select(Link).where(Link.code == code))).one_or_none()


def _made_at(click_id: UUID) -> datetime | None:
    """Read the moment in a UUIDv7; None for other versions and for what no clock has shown."""
    milliseconds = click_id.int >> 80
    if click_id.version != 7 or milliseconds > 32_503_680_000_000:  # the year 3000
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
