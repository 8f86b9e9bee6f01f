"""The children's log files: a few old ones kept, the last lines for error messages."""

import os
from pathlib import Path

KEPT = 3
TAIL_BYTES = 8192
TAIL_LINES = 8


def rotate(path: Path) -> None:
    """Moves `x.log` to `x.log.1` and so on; the oldest goes."""
    for number in range(KEPT, 0, -1):
        newer = path.with_name(f"{path.name}.{number - 1}") if number > 1 else path
        if newer.exists():
            newer.replace(path.with_name(f"{path.name}.{number}"))


def last_lines(path: Path, count: int = TAIL_LINES) -> list[str]:
    """The last lines of a log, or none when there is no such file."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
