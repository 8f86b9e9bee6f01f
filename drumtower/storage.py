"""Where files live. One port; the local directory is its first implementation."""

import asyncio
import os
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4


class Storage(Protocol):
    """Keeps files by workspace and id."""

    async def write(self, workspace_id: UUID, asset_id: UUID, content: bytes) -> None: ...

    async def read(self, workspace_id: UUID, asset_id: UUID) -> bytes: ...


class LocalStorage:
    """Files in a directory; a file is either whole or not there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, workspace_id: UUID, asset_id: UUID) -> Path:
        return self._root / str(workspace_id) / str(asset_id)

    async def write(self, workspace_id: UUID, asset_id: UUID, content: bytes) -> None:
        """Store durably; raise OSError (disk full) with nothing half-written left visible."""
        await asyncio.to_thread(self._write, self._path(workspace_id, asset_id), content)

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    async def read(self, workspace_id: UUID, asset_id: UUID) -> bytes:
        """Return the file; raise FileNotFoundError."""
        return await asyncio.to_thread(self._path(workspace_id, asset_id).read_bytes)
