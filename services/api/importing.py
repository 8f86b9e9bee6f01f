"""What imports share: rows as JSON or as CSV, a dry run, and a verdict per row."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, StringConstraints, ValidationError
from sqlalchemy import func, select

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.deliveries import DeliveryRepository
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.schedules import GRACE
from drumtower.domain.tables import MOST_ROWS, moment, read_csv
from drumtower.platforms.by_hand import ByHand, NoProof, read_proof
from services.api.problems import ProblemViolation, row_violations, violations_read
from services.api.schemas import Answer, Body

Row = TypeVar("Row", bound=BaseModel)
Cell = Annotated[str, StringConstraints(min_length=1, max_length=512)]


def _whole(value: Any) -> Any:
    """Read a count as people's tables hold it: 1,234. A rounded one (1.2万) is no count."""
    return value.strip().replace(",", "") if isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=10**15)]


class Rows(Body):
    """`rows` as JSON, or `csv` as text with a header, one of the two.

    `columns` says which of our columns a header of yours is, where it is not known already.
    """

    dry_run: Annotated[bool, Field(description="Say what would become of each row, and store nothing.")] = (
        False
    )
    rows: Annotated[list[dict[str, JsonValue]] | None, Field(min_length=1, max_length=MOST_ROWS)] = None
    csv: Annotated[str | None, StringConstraints(min_length=1, max_length=1_000_000)] = None
    columns: Annotated[dict[Cell, Cell], Field(default_factory=dict, max_length=50)]


class Import(Rows):
    """Rows for one channel."""

    channel_id: UUID


class RowVerdict(StrEnum):
    """What became of one row, or would."""

    CREATED = "created"
    DUPLICATE = "duplicate"  # it is stored already: the same rows again change nothing
    REFUSED = "refused"


class RowRead(Answer):
    """One row's verdict, in the order of the rows; the header of a CSV does not count."""

    index: int
    verdict: RowVerdict
    errors: list[ProblemViolation]


class ImportRead(Answer):
    """Every verdict, and how many there are of each."""

    data: list[RowRead]
    dry_run: bool
    created: int
    duplicate: int
    refused: int
    ignored_columns: list[str]


Refusals = dict[int, list[Violation]]


class Given(BaseModel):
    """An import as it was read: the rows by index that fit, and why the others do not."""

    rows: dict[int, Any]
    refused: Refusals
    count: int
    ignored: tuple[str, ...]
    where: str


def read(asked: Rows, shape: type[Row], names: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Given:
    """Read the rows as `shape`; a row that does not fit is refused, and stops no other."""
    where, found, ignored = cells(asked, shape, names, zone, now)
    rows: dict[int, Any] = {}
    refused: Refusals = {}
    for index, row in enumerate(found):
        try:
            rows[index] = shape.model_validate(row)
        except ValidationError as error:
            refused[index] = row_violations(error, where, index)
    return Given(rows=rows, refused=refused, count=len(found), ignored=ignored, where=where)


def _columns(shape: type[Row]) -> list[str]:
    """Return the fields of a row as clients write them."""
    return [field.alias or name for name, field in shape.model_fields.items()]


def cells(
    asked: Rows,
    shape: type[Row],
    names: Mapping[str, str],
    zone: ZoneInfo,
    now: datetime,
    most: int = MOST_ROWS,
) -> tuple[str, Sequence[Mapping[str, Any]], tuple[str, ...]]:
    """Return where the rows stand, the rows as they were brought, and which columns of theirs are left alone.

    Raises Invalid where they are no rows, or more than `most`.
    """
    if (asked.rows is None) == (asked.csv is None):
        raise Invalid.at("", "rows_or_csv", "Send rows or csv, one of the two.")
    own = _columns(shape)
    unknown = [name for name in asked.columns.values() if name not in own]
    if unknown:
        raise Invalid.at(
            "/columns",
            "csv_columns",
            f"There is no column {unknown[0]!r}.",
            f"Known: {', '.join(own)}.",
        )
    if asked.csv is None:
        return "rows", asked.rows or [], ()
    table = read_csv(asked.csv, {**{name: name for name in own}, **names, **asked.columns}, most=most)
    rows = [
        {
            name: moment(cell, zone, now if name in _PAST else None) if name in _MOMENTS else cell
            for name, cell in row.items()
        }
        for row in table.rows
    ]
    return "csv", rows, table.ignored


_PAST = frozenset({"taken_at", "occurred_at"})
_MOMENTS = _PAST | {"expires_at"}


def refuse(given: Given, index: int, field: str, code: str, detail: str, hint: str = "") -> None:
    """Refuse a row for one of its fields."""
    broken = Violation(pointer=f"/{given.where}/{index}/{field}", code=code, detail=detail, hint=hint)
    given.refused.setdefault(index, []).append(broken)
    given.rows.pop(index, None)


def refuse_future(given: Given, field: str, now: datetime) -> None:
    """Refuse what is dated later than now."""
    for index, row in list(given.rows.items()):
        if getattr(row, field) > now + GRACE:
            refuse(given, index, field, "time_in_future", "Nothing is known of what is still to come.")


def known(given: Given, stored: Iterable[Hashable], key: Callable[[Any], Hashable]) -> list[int]:
    """Return which rows are `stored` already, or stand further up in the same import."""
    found, seen = [], set(stored)
    for index, row in given.rows.items():
        found += [index] if key(row) in seen else []
        seen.add(key(row))
    return found


def told(asked: Rows, given: Given, known: Sequence[int]) -> ImportRead:
    """Return the answer; `known` are the rows that were stored before."""
    verdicts = {**dict.fromkeys(given.rows, RowVerdict.CREATED), **dict.fromkeys(known, RowVerdict.DUPLICATE)}
    data = [
        RowRead(
            index=index,
            verdict=verdicts.get(index, RowVerdict.REFUSED),
            errors=violations_read(given.refused.get(index, [])),
        )
        for index in range(given.count)
    ]
    counts = Counter(row.verdict for row in data)
    return ImportRead(
        data=data,
        dry_run=asked.dry_run,
        created=counts[RowVerdict.CREATED],
        duplicate=counts[RowVerdict.DUPLICATE],
        refused=counts[RowVerdict.REFUSED],
        ignored_columns=list(given.ignored),
    )


async def alone(tx: Tx, owner_id: UUID) -> None:
    """One import a channel (or workspace, where the rows are its own) at a time: the second sees what the first stored."""
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"import {owner_id}", 0))))


async def posts_named(tx: Tx, channel: Channel, by_hand: ByHand, names: set[str]) -> dict[str, Delivery]:
    """Return the channel's published posts by how they were named: a link, the platform's id, or the delivery's."""
    wanted = {name: _named(name, by_hand) for name in names}
    keys = {key for some in wanted.values() for key in some}
    rows = await DeliveryRepository(tx, channel.workspace_id).published_as(channel.id, keys)
    by_key = {key: row for row in rows for key in (row.external_id, row.external_url, str(row.id)) if key}
    return {name: by_key[key] for name, some in wanted.items() for key in some if key in by_key}


def _named(name: str, by_hand: ByHand) -> set[str]:
    """Return all that a name may stand for in our rows."""
    if not name.startswith(("http://", "https://")):
        return {name}
    try:
        proof = read_proof(by_hand, name, ())
    except NoProof:
        return {name}
    return {name, proof.url, *([proof.post_id] if proof.post_id else [])}
