"""What keeps files must do."""

from pathlib import Path
from typing import Protocol
from uuid import UUID


class Storage(Protocol):
    """Keeps files by workspace and id. Every method raises OSError where the storage is away or full."""

    async def write(self, workspace_id: UUID, file_id: UUID, content: bytes) -> None:
        """Store durably, with nothing half-written left visible."""

    async def write_file(self, workspace_id: UUID, file_id: UUID, source: Path) -> None:
        """The same with a file's content, which is never held in memory whole."""

    async def read(self, workspace_id: UUID, file_id: UUID, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from `start` up to `end`, or to the file's end; raise FileNotFoundError."""
        ...
