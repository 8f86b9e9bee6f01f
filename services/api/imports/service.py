"""Begins imports, tells of them, and cancels them; working.py works their rows."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Import, ImportRow
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.imports import ImportRepository
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.imports import MOST_ROWS, ImportState, RowState
from drumtower.domain.tables import write_csv
from services.api import audit
from services.api.importing import cells
from services.api.imports.schemas import PostsImport
from services.api.pagination import Paging
from services.api.posts.schemas import PostCreate
from services.api.principals import Principal

NAMES = {
    "标题": "title",
    "正文": "body",
    "内容": "body",
    "类型": "kind",
    "性质": "nature",
    "支柱": "pillar",
    "日期": "due_on",
    "标签": "tags",
    "话题": "hashtags",
    "链接": "links",
    "语言": "language",
}
# How a cell of a CSV becomes a list; addresses have commas and semicolons of their own.
_APART = re.compile(r"[\s,;，；、]+")
_LISTS = {"tags": _APART, "hashtags": _APART, "asset_ids": _APART, "disclosures": _APART}
_LISTS |= {"links": re.compile(r"\s+")}
STORED_AT_ONCE = 1_000
COLUMNS = ("number", "state", "post_id", "title", "pointer", "code", "detail", "hint")


async def begin(tx: Tx, principal: Principal, asked: PostsImport, now: datetime) -> Import:
    """Store the rows, to be worked from the commit on; raise Invalid where they are none."""
    if not await BrandRepository(tx, principal.workspace_id).knows(asked.brand_id):
        raise Invalid.of([Violation.unknown("brand")])
    rows, ignored = await asyncio.to_thread(_read, asked, ZoneInfo(principal.timezone), now)
    begun = Import(
        workspace_id=principal.workspace_id,
        kind="posts",
        state=ImportState.RUNNING.value,
        dry_run=asked.dry_run,
        count=len(rows),
        created=0,
        refused=0,
        ignored_columns=list(ignored),
        created_by=principal.member_id,
        api_key_id=principal.api_key_id,
        created_at=now,
        worked_at=now,
    )
    tx.add(begun)
    await tx.flush()  # the rows refer to it
    await _store(tx, begun, rows)
    audit.record(tx, principal, "import.started", begun.id, now, count=begun.count, dry_run=begun.dry_run)
    return begun


def _read(
    asked: PostsImport, zone: ZoneInfo, now: datetime
) -> tuple[Sequence[Mapping[str, Any]], tuple[str, ...]]:
    where, found, ignored = cells(asked, PostCreate, NAMES, zone, now, MOST_ROWS)
    brand = {"brand_id": str(asked.brand_id)}
    rows = (row if where == "rows" else _lists(row) for row in found)
    return [brand | dict(row) for row in rows], ignored


def _lists(row: Mapping[str, str]) -> dict[str, Any]:
    apart = {name: [one for one in by.split(row[name]) if one] for name, by in _LISTS.items() if name in row}
    return dict(row) | apart


async def _store(tx: Tx, begun: Import, rows: Sequence[Mapping[str, Any]]) -> None:
    same = {
        "import_id": begun.id,
        "workspace_id": begun.workspace_id,
        "state": RowState.WAITING.value,
        "errors": [],
    }
    for first in range(0, len(rows), STORED_AT_ONCE):
        some = enumerate(rows[first : first + STORED_AT_ONCE], first + 1)
        await tx.execute(insert(ImportRow), [same | {"number": number, "raw": raw} for number, raw in some])


async def page(
    tx: Tx, principal: Principal, import_id: UUID, state: RowState | None, paging: Paging
) -> tuple[Sequence[ImportRow], str | None]:
    """Return a page of an import's rows, as they were brought, and the next page's cursor; raise NotFound."""
    imports = ImportRepository(tx, principal.workspace_id)
    await imports.get(import_id)
    after = min(paging.after.int, MOST_ROWS) if paging.after else 0
    wanted = imports.rows(import_id, state).where(ImportRow.number > after).limit(paging.limit + 1)
    found = (await tx.scalars(wanted)).all()
    rows = found[: paging.limit]
    more = len(found) > paging.limit
    return rows, paging.cursor(UUID(int=rows[-1].number)) if more else None


async def export(tx: Tx, principal: Principal, import_id: UUID, state: RowState | None) -> str:
    """Return the verdicts as CSV, one line a violation, safe to open in a spreadsheet; raise NotFound."""
    imports = ImportRepository(tx, principal.workspace_id)
    await imports.get(import_id)
    title = ImportRow.raw["title"].as_string()
    shown = (ImportRow.number, ImportRow.state, ImportRow.post_id, title, ImportRow.errors)
    rows = await tx.execute(imports.rows(import_id, state).with_only_columns(*shown))
    lines = (line for row in rows for line in _lines(*row))
    table = await asyncio.to_thread(write_csv, chain([COLUMNS], lines))
    return f"\ufeff{table}"  # the mark by which spreadsheets know UTF-8


def _lines(
    number: int, state: str, post_id: UUID | None, title: str | None, errors: list[dict[str, Any]]
) -> Iterator[list[str]]:
    head = [str(number), state, str(post_id or ""), title or ""]
    for error in errors or ({},):
        yield head + [str(error.get(name, "")) for name in COLUMNS[4:]]


async def cancel(tx: Tx, principal: Principal, import_id: UUID, now: datetime) -> Import:
    """Leave the rows that wait; what was created stays. Raise Conflict where the import is done."""
    found = await ImportRepository(tx, principal.workspace_id).get(import_id, lock=True)
    if found.state == ImportState.DONE.value:
        raise Conflict("import_done", "Every row has its verdict already.")
    if found.state == ImportState.RUNNING.value:
        found.state = ImportState.CANCELLED.value
        found.ended_at = now
        audit.record(tx, principal, "import.cancelled", found.id, now, created=found.created)
    return found
