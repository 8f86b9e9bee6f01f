"""Which assets are asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy import Select

from drumtower.db.models import Asset
from services.api import searching
from services.api.assets.schemas import AssetKind
from services.api.deps import ClockDep
from services.api.schemas import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """None: all."""

    kind: AssetKind | None
    content_type: str | None
    folder: str | None
    tag: str | None
    expiring_before: Moment | None
    licence_expires: tuple[datetime, datetime] | None
    q: str | None

    def apply(self, statement: Select[Asset]) -> Select[Asset]:
        """Narrow the statement down."""
        for name in ("kind", "content_type", "folder"):
            value = getattr(self, name)
            if value is not None:
                statement = statement.where(getattr(Asset, name) == value)
        if self.tag is not None:
            statement = statement.where(Asset.tags.contains([self.tag]))
        if self.expiring_before is not None:
            statement = statement.where(Asset.expires_at < self.expiring_before)
        if self.licence_expires is not None:
            statement = statement.where(Asset.expires_at.between(*self.licence_expires))
        if self.q is not None:
            statement = statement.where(searching.found("assets", self.q))
        return statement


def get_filters(
    clock: ClockDep,
    kind: AssetKind | None = None,
    content_type: Annotated[
        str | None, Query(max_length=100, description="The exact type, such as `video/mp4`.")
    ] = None,
    folder: Annotated[str | None, Query(max_length=200, description="The folder's whole name.")] = None,
    tag: Annotated[str | None, Query(max_length=50)] = None,
    expiring_before: Annotated[
        Moment | None, Query(description="Those whose licence ends before, or has ended.")
    ] = None,
    licence_expires_within_days: Annotated[
        int | None, Query(ge=0, le=3_650, description="Those whose licence ends from now on, by then.")
    ] = None,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=100, description="In the name, alternative text, credit or licence."),
    ] = None,
) -> Filters:
    now, days = clock.now(), licence_expires_within_days
    return Filters(
        kind=kind,
        content_type=content_type,
        folder=folder,
        tag=tag,
        expiring_before=expiring_before,
        licence_expires=None if days is None else (now, now + timedelta(days=days)),
        q=q,
    )


FiltersDep = Annotated[Filters, Depends(get_filters)]
