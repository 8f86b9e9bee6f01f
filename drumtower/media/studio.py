"""Has files cleaned in processes of their own: few at once, none for long, and none that outlives its answer."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import structlog

from drumtower.domain.errors import Unavailable
from drumtower.domain.renditions import Target
from drumtower.media.files import Measures, Refused
from drumtower.media.forms import Form

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "drumtower.media.worker")
SECONDS = 30.0
# A recording is copied, so its size counts; slow disks copy as fast.
BYTES_PER_SECOND = 10_000_000
CODING_SECONDS = 1500.0
# Who waits longer for a free process is told to come again.
QUEUE_SECONDS = 20.0
# A file written anew may be a little larger than it was: other tables, another order.
GROWTH = 16 * 1024 * 1024


class Studio:
    """Runs at most `workers` decoding processes."""

    def __init__(self, workers: int = 2) -> None:
        self._free = asyncio.Semaphore(workers)

    async def clean(self, source: BinaryIO, form: Form, made: Path) -> Measures:
        """Write the file anew to `made`; raise Refused, or Unavailable where all processes are busy."""
        return await self._run(source, form.noun, "clean", form.value, str(made))

    async def thumbnail(self, source: BinaryIO, width: int, made: Path) -> Measures:
        """Write a smaller WebP of a clean picture to `made`; raises as `clean` does."""
        return await self._run(source, "image", "thumbnail", str(width), str(made))

    async def look(self, source: BinaryIO) -> Measures:
        """Measure a clean picture, with its perceptual hash; raises as `clean` does."""
        return await self._run(source, "image", "look", Form.IMAGE.value, os.devnull)

    async def fit(self, source: BinaryIO, target: Target, made: Path) -> Measures:
        """Bring a clean file into the form asked for; raises as `clean` does."""
        said = json.dumps(asdict(target))
        return await self._run(source, "rendition", "fit", said, str(made), seconds=CODING_SECONDS)

    async def _run(self, source: BinaryIO, noun: str, *words: str, seconds: float | None = None) -> Measures:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable("images_busy", "Too many files at once.", retry_after=5) from error
        try:
            return _measures(await _work(source, noun, words, seconds), noun)
        finally:
            self._free.release()


async def _work(source: BinaryIO, noun: str, words: tuple[str, ...], seconds: float | None) -> bytes:
    size = os.fstat(source.fileno()).st_size
    seconds = seconds or SECONDS + size / BYTES_PER_SECOND
    # An empty environment: what decodes strangers' files has no business with our secrets.
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        str(2 * size + GROWTH),
        stdin=source,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={},
    )
    try:
        async with asyncio.timeout(seconds):
            answer, _ = await process.communicate()
    except TimeoutError as error:
        raise Refused(f"{noun}_too_slow", f"The {noun} takes longer than {seconds:.0f} s to read.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer


def _measures(answer: bytes, noun: str) -> Measures:
    if not answer.endswith(b"\n"):
        log.warning("media.worker_died")
        raise Refused(f"{noun}_broken", f"The {noun} broke the program that reads it.")
    said = json.loads(answer)
    if "code" in said:
        raise Refused(said["code"], said["detail"])
    return Measures(**{**said, "codecs": tuple(said["codecs"])})
