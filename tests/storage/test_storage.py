"""One contract for both stores: whole files, ranges, what is not there, and a store that is away."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from drumtower.storage import LocalStorage, Storage, s3
from drumtower.storage.s3 import S3Storage
from drumtower.testkit.serving import serve
from tests.storage.bucket import Bucket

WORKSPACE = UUID(int=1)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
async def remote(bucket: Bucket) -> AsyncIterator[S3Storage]:
    async with serve(bucket.app) as address:
        yield S3Storage(bucket="files", endpoint=address, region="eu-west-1", key_id="tea", secret="leaf")


@pytest.fixture(params=["local", "remote"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, remote: S3Storage) -> Storage:
    return LocalStorage(tmp_path / "kept") if request.param == "local" else remote


async def test_what_is_written_is_read(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "given"
    source.write_bytes(bytes(range(200)))
    file_id = uuid4()
    await storage.write_file(WORKSPACE, file_id, source)
    assert await storage.read(WORKSPACE, file_id) == bytes(range(200))
    assert await storage.read(WORKSPACE, file_id, 10, 20) == bytes(range(10, 20))
    assert await storage.read(WORKSPACE, file_id, 190) == bytes(range(190, 200))
    assert await storage.read(WORKSPACE, file_id, 190, 500) == bytes(range(190, 200))
    assert await storage.read(WORKSPACE, file_id, 200) == b""
    await storage.write(WORKSPACE, file_id, b"new")
    assert await storage.read(WORKSPACE, file_id) == b"new"


async def test_what_is_not_there_is_said(storage: Storage) -> None:
    await storage.write(WORKSPACE, uuid4(), b"x")
    for start, end in ((0, None), (0, 5), (3, None)):
        with pytest.raises(FileNotFoundError):
            await storage.read(WORKSPACE, uuid4(), start, end)


async def test_a_large_file_goes_in_parts(
    remote: S3Storage, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PART", 5 << 20)
    source, file_id = tmp_path / "given", uuid4()
    content = bytes(1 << 20) + b"x" * (11 << 20)
    source.write_bytes(content)
    await remote.write_file(WORKSPACE, file_id, source)
    assert [len(part) for _, part in sorted(bucket.uploads["u0"].items())] == [5 << 20, 5 << 20, 2 << 20]
    assert bucket.objects[f"{WORKSPACE}/{file_id}"] == content


async def test_a_bucket_that_is_away_or_shut_is_an_os_error(remote: S3Storage, bucket: Bucket) -> None:
    bucket.key = "another"
    with pytest.raises(OSError, match="S3"):
        await remote.write(WORKSPACE, uuid4(), b"x")
    bucket.key, bucket.away = "tea", True
    with pytest.raises(OSError, match="S3"):
        await remote.read(WORKSPACE, uuid4())


@pytest.mark.long
def test_who_has_no_bucket_loads_no_client_of_one() -> None:
    script = "import sys, drumtower.storage; assert 'obstore' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
