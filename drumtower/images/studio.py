"""Has pictures cleaned in processes of their own: few at once, none for long, and none that outlives its answer."""

import asyncio
import json
import sys
from pathlib import Path

import structlog

from drumtower.domain.errors import Unavailable
from drumtower.images.pictures import Picture, Refused

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "drumtower.images.worker")
SECONDS = 30.0
# Who waits longer for a free process is told to come again.
QUEUE_SECONDS = 20.0


class Studio:
    """Runs at most `workers` decoding processes."""

    def __init__(self, workers: int = 2) -> None:
        self._free = asyncio.Semaphore(workers)

    async def clean(self, content: bytes) -> Picture:
        """Return the picture written anew; raise Refused, or Unavailable where all processes are busy."""
        return await self._run(content, "clean")

    async def thumbnail(self, content: bytes, width: int) -> Picture:
        """Return a smaller WebP of a clean picture; raises as `clean` does."""
        return await self._run(content, "thumbnail", str(width))

    async def _run(self, content: bytes, *words: str) -> Picture:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise Unavailable("images_busy", "Too many pictures at once.", retry_after=5) from error
        try:
            return _picture(await _work(content, words))
        finally:
            self._free.release()


async def _work(content: bytes, words: tuple[str, ...]) -> bytes:
    # An empty environment: what decodes strangers' files has no business with our secrets.
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await process.communicate(content)
    except TimeoutError as error:
        raise Refused("image_too_slow", f"The picture takes longer than {SECONDS:.0f} s to read.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer


def _picture(answer: bytes) -> Picture:
    head, newline, content = answer.partition(b"\n")
    if not newline:
        log.warning("image.worker_died")
        raise Refused("image_broken", "The picture broke the program that reads it.")
    said = json.loads(head)
    if "code" in said:
        raise Refused(said["code"], said["detail"])
    return Picture(**said, content=content)
