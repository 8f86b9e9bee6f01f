"""Reads tables that people bring from elsewhere: CSV with a header, in whatever dialect their program wrote."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drumtower.domain.errors import Invalid

DELIMITERS = ",;\t"
MOST_ROWS = 1_000
MOST_COLUMNS = 1_000
LONGEST_LINE = 1_000_000
# What a spreadsheet runs where a cell begins with it; some read the full-width forms as the others.
FORMULAS = "=+-@\t\r\n＝＋－＠"
_DAY = len("2026-12-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows by column name; empty cells are left out. `ignored`: columns that nobody asked for."""

    rows: list[dict[str, str]]
    ignored: tuple[str, ...]


def read_csv(text: str, names: Mapping[str, str], pointer: str = "/csv", most: int = MOST_ROWS) -> Table:
    """Read a table; `names`: from a header, as people write it, to the column it is.

    Raises Invalid where it is no table, has no column of ours, or is too long.
    """
    text = text.lstrip("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    if head.count(delimiter) >= MOST_COLUMNS:
        detail = f"It has more than {MOST_COLUMNS} columns."
        raise Invalid.at(pointer, "csv_columns", detail, "Leave out those that are none of ours.")
    try:
        lines = list(csv.reader(_lines(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Invalid.at(
            pointer, "csv_malformed", f"This is no CSV: {error}.", "Quote cells that hold quotes."
        ) from None
    header = [cell.strip() for cell in lines[0]] if lines else []
    columns = [names.get(cell) for cell in header]
    found = [column for column in columns if column is not None]
    if not found or len(set(found)) != len(found):
        detail = "Two columns mean the same." if found else "None of its columns is known."
        raise Invalid.at(
            pointer, "csv_columns", detail, f"Known: {', '.join(sorted(set(names.values())))}; or map them."
        )
    rows = [line for line in lines[1:] if any(cell.strip() for cell in line)]
    if len(rows) > most:
        raise Invalid.at(pointer, "too_many_rows", f"{most} rows at most; these are {len(rows)}.", "Cut it.")
    ignored = tuple(name for name, column in zip(header, columns, strict=True) if column is None and name)
    return Table(rows=[_cells(columns, line) for line in rows], ignored=ignored)


def _lines(text: str) -> Iterator[str]:
    """Give the lines of a text; one that would be cut into millions of cells is refused before it is."""
    for line in io.StringIO(text, newline=""):
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line is longer than {LONGEST_LINE} characters")
        yield line


def _cells(columns: list[str | None], line: list[str]) -> dict[str, str]:
    pairs = zip(columns, line, strict=False)
    return {column: bare(cell) for column, cell in pairs if column is not None and cell.strip()}


def bare(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from running it as a formula.

    It stays text here whatever it begins with: nothing is ever run.
    """
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in FORMULAS else cell


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; `bare` takes the apostrophe away again."""
    return f"'{cell}" if cell.startswith(tuple(FORMULAS)) else cell


def write_csv(lines: Iterable[Sequence[str]]) -> str:
    """Return lines as CSV that is safe to open in a spreadsheet."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([guarded(cell) for cell in line] for line in lines)
    return written.getvalue()


def moment(cell: str, zone: ZoneInfo, now: datetime | None = None) -> str:
    """Return a moment of a table as RFC 3339: a time without an offset is the zone's, a day means its end.

    `now`: for what has happened, so that today means now. What is no moment stays as it is.
    """
    try:
        if len(cell) == _DAY:
            ends = datetime.combine(date.fromisoformat(cell) + timedelta(days=1), time(), zone)
            latest = ends if now is None else max(now, ends - timedelta(days=1))
            return min(ends.astimezone(UTC), latest).isoformat()
        at = datetime.fromisoformat(cell)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat()
    except (ValueError, OverflowError):
        return cell
