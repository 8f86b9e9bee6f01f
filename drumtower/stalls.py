"""Notices when the event loop stands still: a thread asks it to answer, and tells where it hangs when it does not."""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Histogram

log = structlog.get_logger(__name__)

ASK_EVERY_SECONDS = 0.25
# Longer than this is told, with the stack.
STALL_SECONDS = 1.0
SHOWN_FRAMES = 12  # the innermost: the way there is always the same

LAG = Histogram(
    "event_loop_lag_seconds",
    "How long the event loop took to answer",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


@contextmanager
def watched(stall: float = STALL_SECONDS) -> Iterator[None]:
    """Watch the running loop while the block runs."""
    watch = _Watch(asyncio.get_running_loop(), threading.get_ident(), stall)
    watch.start()
    try:
        yield
    finally:
        watch.ends.set()


class _Watch(threading.Thread):
    """Asks one loop, which runs in the thread `where`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, where: int, stall: float) -> None:
        super().__init__(name="stalls", daemon=True)
        self.ends = threading.Event()
        self._loop, self._where, self._stall = loop, where, stall

    def run(self) -> None:
        while not self.ends.wait(ASK_EVERY_SECONDS):
            try:
                self._ask()
            except RuntimeError:
                return  # the loop is closed

    def _ask(self) -> None:
        answered, asked = threading.Event(), time.monotonic()
        self._loop.call_soon_threadsafe(answered.set)
        if not answered.wait(self._stall):
            self._tell()
            while not answered.wait(self._stall) and not self.ends.is_set():
                continue
        LAG.observe(time.monotonic() - asked)

    def _tell(self) -> None:
        frame = sys._current_frames().get(self._where)  # noqa: SLF001 - the documented way to another thread's stack
        stack = "".join(traceback.format_stack(frame, limit=SHOWN_FRAMES)) if frame else ""
        log.error("loop.stalled", seconds=self._stall, stack=stack)
