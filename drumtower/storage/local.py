"""Files in a directory of this machine, or of one that all processes see."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4


class LocalStorage:
    """Files in a directory; a file is either whole or not there. Implements Storage."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, workspace_id: UUID, file_id: UUID) -> Path:
        return self._root / str(workspace_id) / str(file_id)

    async def write(self, workspace_id: UUID, file_id: UUID, content: bytes) -> None:
        def fill(file: IO[bytes]) -> None:
            file.write(content)

        await asyncio.to_thread(_write, self._path(workspace_id, file_id), fill)

    async def write_file(self, workspace_id: UUID, file_id: UUID, source: Path) -> None:
        def fill(file: IO[bytes]) -> None:
            with source.open("rb") as given:
                shutil.copyfileobj(given, file, 1 << 20)

        await asyncio.to_thread(_write, self._path(workspace_id, file_id), fill)

    async def read(self, workspace_id: UUID, file_id: UUID, start: int = 0, end: int | None = None) -> bytes:
        return await asyncio.to_thread(_read, self._path(workspace_id, file_id), start, end)


def _write(path: Path, fill: Callable[[IO[bytes]], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _read(path: Path, start: int, end: int | None) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read() if end is None else file.read(max(0, end - start))
