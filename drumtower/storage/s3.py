"""Files in an S3 bucket, or one of a server that speaks its protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

# Larger files go in parts of so many bytes; S3 takes 10,000 parts, so files up to 160 GB.
PART = 16 * 1024 * 1024


class S3Storage:
    """Files under `{workspace}/{file}`; visible when the last byte has arrived, not before. Implements Storage."""

    def __init__(
        self, *, bucket: str, endpoint: str | None, region: str, key_id: str | None, secret: str
    ) -> None:
        """Without keys those of the machine are taken (environment, instance role); nothing is called yet."""
        keys = {"access_key_id": key_id, "secret_access_key": secret} if key_id else {}
        place = {"endpoint": endpoint} if endpoint else {}
        self._store = S3Store(
            bucket,
            region=region,
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http:"))},
            retry_config={"max_retries": 2},
            **keys,  # type: ignore[arg-type] # the stub lists each option by name
            **place,  # type: ignore[arg-type]
        )

    async def write(self, workspace_id: UUID, file_id: UUID, content: bytes) -> None:
        with _os_errors():
            await obstore.put_async(self._store, f"{workspace_id}/{file_id}", content, chunk_size=PART)

    async def write_file(self, workspace_id: UUID, file_id: UUID, source: Path) -> None:
        with _os_errors():
            await obstore.put_async(self._store, f"{workspace_id}/{file_id}", source, chunk_size=PART)

    async def read(self, workspace_id: UUID, file_id: UUID, start: int = 0, end: int | None = None) -> bytes:
        path = f"{workspace_id}/{file_id}"
        with _os_errors():
            if end is None and start == 0:
                return bytes(await (await obstore.get_async(self._store, path)).bytes_async())
            size = (await obstore.head_async(self._store, path))["size"] if end is None else end
            if start >= size:
                return b""
            return bytes(await obstore.get_range_async(self._store, path, start=start, end=size))


@contextmanager
def _os_errors() -> Iterator[None]:
    """What the port promises: FileNotFoundError, and OSError for all else."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError("the bucket has no such file") from error
    except (BaseError, ValueError) as error:
        raise OSError(f"S3: {type(error).__name__}") from error
