"""Real scheduler processes, and what is done to them: kill -9, SIGSTOP, SIGCONT, SIGTERM."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
STARTED_WITHIN = 60.0
ENDED_WITHIN = 40.0
LOOK_EVERY = 0.01


@dataclass(slots=True, kw_only=True, eq=False)
class Worker:
    """One scheduler process. `code` is its exit code, negative for the signal that ended it."""

    arms: Mapping[str, str]
    log: Path
    pid: int = 0
    code: int | None = None

    @property
    def lives(self) -> bool:
        return self.pid > 0 and self.code is None

    def send(self, number: signal.Signals) -> None:
        if self.lives:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def end(self, number: signal.Signals = signal.SIGKILL, within: float = ENDED_WITHIN) -> int:
        """Signal it, and return its exit code."""
        self.send(number)
        return await self.ended(within)

    async def ended(self, within: float = ENDED_WITHIN) -> int:
        """Wait for its end, and return its exit code."""
        async with asyncio.timeout(within):
            while self.code is None:  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(LOOK_EVERY)
        return self.code


class Nursery:
    """The process that forks schedulers; one for many crews, because it takes seconds to start.

    `root`: whose code they run.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._numbers = itertools.count()
        self._workers: dict[str, Worker] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()  # the children end with their parent
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    async def start(self, environment: Mapping[str, str], arms: Mapping[str, str], logs: Path) -> Worker:
        """Fork a scheduler, and return when it runs."""
        number = str(next(self._numbers))
        worker = Worker(arms=arms, log=logs / f"scheduler-{number}.log")
        self._workers[number] = worker
        wanted = {"id": number, "env": {**environment, **arms}, "log": str(worker.log)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._process.stdin.flush()
        async with asyncio.timeout(STARTED_WITHIN):
            while not worker.pid:  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(LOOK_EVERY)
        return worker

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            worker = self._workers[event["id"]]
            if "code" in event:
                worker.code = event["code"]
            else:
                worker.pid = event["pid"]


@dataclass(slots=True, kw_only=True)
class Crew:
    """The schedulers of one run; `workers` are all that ever ran, the dead too."""

    nursery: Nursery
    environment: Mapping[str, str]
    logs: Path
    workers: list[Worker] = field(default_factory=list)

    @property
    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.lives]

    async def start(self, count: int = 1, **arms: object) -> list[Worker]:
        """Start `count` more; `arms` are fields of Arms, on top of the crew's own environment."""
        given = {f"FAULTS_{name.upper()}": str(value) for name, value in arms.items()}
        return [await self._start(given) for _ in range(count)]

    async def replace(self, dead: Worker) -> Worker:
        """Start another one like it, as an orchestrator does."""
        return await self._start(dead.arms)

    async def _start(self, arms: Mapping[str, str]) -> Worker:
        self.logs.mkdir(parents=True, exist_ok=True)
        worker = await self.nursery.start(self.environment, arms, self.logs)
        self.workers.append(worker)
        return worker

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> list[int]:
        """End all that live; return their exit codes."""
        living = self.living
        for worker in living:
            worker.send(signal.SIGCONT)
        return await asyncio.gather(*(worker.end(number) for worker in living))

    def died(self) -> int:
        """Count those that did not end in peace: killed, or of an error of their own."""
        return sum(worker.code not in (None, 0) for worker in self.workers)

    def said(self, words: str) -> int:
        """Count the log lines that hold `words`."""
        texts = (worker.log.read_text() for worker in self.workers if worker.log.exists())
        return sum(words in line for text in texts for line in text.splitlines())
