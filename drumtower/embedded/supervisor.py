"""Runs children under one process: started in order, restarted when they die, stopped in reverse."""

import concurrent.futures
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from drumtower.embedded import logs
from drumtower.embedded.backoff import Backoff
from drumtower.embedded.layout import Layout
from drumtower.embedded.processes import Child, ChildFailed, ChildProcess, describe
from drumtower.embedded.signals import StopRequested, StopSignals

Result = TypeVar("Result")
WATCH_SECONDS = 0.1
# The first request to stop lets work in flight finish; a second one does not wait.
HURRY = 2


class Supervisor:
    """A context manager for the main thread; leaving it ends every child, whatever the reason.

    A request to stop ends the block: `start`, `run` and `watch` raise `StopRequested`, which the end takes.
    """

    def __init__(self, layout: Layout, announce: Callable[[str], None]) -> None:
        self.layout = layout
        self._announce = announce
        self._signals = StopSignals()
        self._watched: list[Watched] = []

    def __enter__(self) -> "Supervisor":
        self._signals.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> bool:
        try:
            self._stop()
        finally:
            self._signals.__exit__(kind, error, at)
        return isinstance(error, StopRequested)

    def start(self, *children: Child) -> None:
        """Starts children together and returns when all are ready. Raises `ChildFailed`, `StopRequested`."""
        self._signals.check()
        started = [Watched(process=ChildProcess(child, self.layout), say=self.say) for child in children]
        for watched in started:
            logs.rotate(watched.process.log_file)
            # Known before it runs, so that the block's end finds it whatever happens here.
            self._watched.append(watched)
            watched.process.start()
        for watched in started:
            watched.process.wait_ready(self._signals.check)
            watched.ready_at = time.monotonic()

    def run(self, work: Callable[[], Result]) -> Result:
        """Does a piece of work that a request to stop may interrupt anywhere, as a migration."""
        with self._signals.interruptible():
            return work()

    def watch(self) -> None:
        """Restarts children that die, until somebody asks to stop; then raises `StopRequested`."""
        while True:
            self._signals.check()
            for watched in self._watched:
                watched.look(time.monotonic())
            time.sleep(WATCH_SECONDS)

    @property
    def pids(self) -> dict[str, int | None]:
        """The children's process ids by name."""
        return {watched.process.child.name: watched.process.pid for watched in self._watched}

    def say(self, line: str) -> None:
        # A closed terminal or pipe must not keep the children from being looked after.
        with contextlib.suppress(OSError):
            self._announce(line)

    def _stop(self) -> None:
        """The highest tier first: servers outlive the programs that use them."""
        for tier in sorted({watched.process.child.tier for watched in self._watched}, reverse=True):
            same = [watched.process for watched in self._watched if watched.process.child.tier == tier]
            stop_together(same[::-1], self._is_hurried)

    def _is_hurried(self) -> bool:
        return self._signals.count >= HURRY


def stop_together(processes: Sequence[ChildProcess], is_hurried: Callable[[], bool]) -> None:
    """Stops several children at the same time; returns when all are gone."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(processes)) as pool:
        waiting = {pool.submit(process.stop) for process in processes}
        hurrying = False
        while waiting:
            if is_hurried() and not hurrying:
                hurrying = True
                for process in processes:
                    process.send(process.child.hurry_signal)
            done, waiting = concurrent.futures.wait(waiting, WATCH_SECONDS)
            for future in done:
                future.result()


@dataclass(slots=True, kw_only=True)
class Watched:
    """A child between its deaths. Times are `time.monotonic()` seconds."""

    process: ChildProcess
    say: Callable[[str], None]
    backoff: Backoff = field(default_factory=Backoff)
    ready_at: float | None = None
    restart_at: float | None = None

    def look(self, now: float) -> None:
        """One step: notices a death, restarts when its time has come, notices readiness."""
        if self.restart_at is not None:
            if now >= self.restart_at:
                self._restart(now)
        elif not self.process.is_running:
            self._plan_restart(now, describe(self.process.exit_code))
        elif self.ready_at is None:
            self._await_ready(now)

    def _plan_restart(self, now: float, reason: str) -> None:
        self.process.kill()
        lived = now - self.ready_at if self.ready_at is not None else 0.0
        delay = self.backoff.next_delay(lived)
        self.ready_at, self.restart_at = None, now + delay
        self.say(f"{self.process.child.name} died ({reason}), starting it again in {delay:.1f} s")

    def _restart(self, now: float) -> None:
        self.restart_at = None
        try:
            self.process.start()
        except (ChildFailed, OSError) as failure:
            self._plan_restart(now, str(failure).splitlines()[0])

    def _await_ready(self, now: float) -> None:
        if self.process.is_ready():
            self.ready_at = now
            self.say(f"{self.process.child.name} is back")
        elif now > self.process.started_at + self.process.child.ready_seconds:
            self.process.kill()
