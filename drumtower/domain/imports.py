"""Imports that are worked row by row: how far they are, and what became of each row."""

from enum import StrEnum

MOST_ROWS = 100_000


class ImportState(StrEnum):
    """How far an import is."""

    RUNNING = "running"  # rows may still wait
    DONE = "done"
    CANCELLED = "cancelled"  # what waits is not worked any more


class RowState(StrEnum):
    """What became of one row; in a dry run, what would."""

    WAITING = "waiting"
    CREATED = "created"
    REFUSED = "refused"
