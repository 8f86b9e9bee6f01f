"""Keyset pages: stable under inserts, as fast at depth 10,000 as at the top."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from drumtower.db.engine import Tx
from drumtower.domain.errors import Invalid

Read = TypeVar("Read")
Row = TypeVar("Row")

LONGEST_CURSOR = 512


class Page(BaseModel, Generic[Read]):
    """One page of a list, newest first. `next_cursor` is null at the end."""

    data: list[Read]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """What page is asked for. The cursor is bound to the list and its filters."""

    limit: int
    after: UUID | None
    filters: str

    def cursor(self, last: UUID) -> str:
        plain = json.dumps([str(last), self.filters]).encode()
        return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()

    async def rows(
        self, tx: Tx, statement: Select[Row], key: InstrumentedAttribute[UUID]
    ) -> tuple[Sequence[Row], str | None]:
        """Return one page of `statement`, newest id first, and the next page's cursor."""
        if self.after is not None:
            statement = statement.where(key < self.after)
        found = (await tx.scalars(statement.order_by(key.desc()).limit(self.limit + 1))).all()
        rows = found[: self.limit]
        more = len(found) > self.limit
        return rows, self.cursor(getattr(rows[-1], key.key)) if more else None

    async def page(
        self,
        tx: Tx,
        statement: Select[Row],
        key: InstrumentedAttribute[UUID],
        read: Callable[[Row], Read],
    ) -> Page[Read]:
        """Return one page as clients read it."""
        rows, cursor = await self.rows(tx, statement, key)
        return Page(data=[read(row) for row in rows], next_cursor=cursor)


def _filters(request: Request) -> str:
    given = sorted(item for item in request.query_params.multi_items() if item[0] not in ("cursor", "limit"))
    return hashlib.sha256(json.dumps([request.url.path, given]).encode()).hexdigest()[:16]


def _after(cursor: str, filters: str) -> UUID:
    try:
        decoded: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        last, bound = decoded
        after = UUID(last)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise Invalid.at(
            "?cursor", "cursor_invalid", "This is no cursor of ours.", "Start without one."
        ) from error
    if bound != filters:
        raise Invalid.at(
            "?cursor",
            "cursor_of_another_list",
            "The cursor belongs to another list or other filters.",
            "Keep the filters while you page, or start without a cursor.",
        )
    return after


def get_paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="From `next_cursor`.")] = None,
) -> Paging:
    filters = _filters(request)
    return Paging(limit=limit, after=_after(cursor, filters) if cursor else None, filters=filters)


PagingDep = Annotated[Paging, Depends(get_paging)]
