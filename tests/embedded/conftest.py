"""A state directory for each test, and whole instances in processes of their own."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from drumtower.embedded import cluster, leftovers
from drumtower.embedded.binaries import postgres_programs
from drumtower.embedded.layout import layout_at

STACK = Path(__file__).with_name("stack.py")
ROOT = STACK.parents[2]
POLL_SECONDS = 0.02


def wait_until(fact: Callable[[], bool], seconds: float) -> float:
    """Returns how long it took; fails the test when the time is over."""
    began = time.monotonic()
    while not fact():
        assert time.monotonic() - began < seconds, "not within the time"
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def remove_state(state: Path) -> None:
    layout = layout_at(state)
    for path in {layout.state, layout.servers, layout.run}:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def new_state() -> Iterator[Path]:
    """Below the temporary directory and not in `tmp_path`, whose 0700 parents keep root's `nobody` out."""
    path = Path(tempfile.mkdtemp(prefix="drumtower-test-"))
    yield path
    remove_state(path)


@pytest.fixture
def state() -> Iterator[Path]:
    with new_state() as path:
        yield path


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """A data directory to copy: making one takes longer than most tests."""
    with new_state() as path:
        layout = layout_at(path)
        layout.prepare()
        cluster.initialise(layout, postgres_programs(layout), durable=False)
        yield layout.postgres_data


@pytest.fixture
def state_with_cluster(state: Path, made_cluster: Path) -> Path:
    layout = layout_at(state)
    layout.prepare()
    subprocess.run(["/bin/cp", "-a", made_cluster, layout.postgres_data], check=True)
    return state


@dataclass
class Stack:
    """A `stack.py` that runs, with the events it printed."""

    state: Path
    names: tuple[str, ...]
    output: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, STACK, self.state, *self.names],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},  # noqa: TID251 - a child of a test
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def events(self, kind: str) -> list[Any]:
        lines = [json.loads(line) for line in self.output.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if kind in line]

    def said(self, part: str) -> bool:
        return any(part in event["say"] for event in self.events("say"))

    def wait_up(self) -> dict[str, Any]:
        wait_until(lambda: bool(self.events("up")) or self.process.poll() is not None, 60)
        assert self.events("up"), self.output.read_text()
        up: dict[str, Any] = self.events("up")[0]
        return up

    def end(self, number: signal.Signals, seconds: float = 30.0) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


StartStack = Callable[..., Stack]


@pytest.fixture
def start_stack(request: pytest.FixtureRequest, state: Path, tmp_path: Path) -> Iterator[StartStack]:
    """Starts instances in `state`, `start_stack("servers", "api")`, and leaves none behind."""
    with contextlib.ExitStack() as ending:
        started: list[Stack] = []

        def start(*names: str) -> Stack:
            if "servers" in names:
                request.getfixturevalue("state_with_cluster")
            stack = Stack(state, names, tmp_path / f"output-{len(started)}")
            started.append(stack)
            ending.callback(finish, stack)
            return stack

        yield start


def finish(stack: Stack) -> None:
    """Kills what still runs, and waits for its orphans so that the directory can go."""
    pids = [pid for event in stack.events("up") for pid in event["up"].values()]
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not any(leftovers.is_alive(pid) for pid in pids), 20)


async def connect(up: dict[str, Any], user: str = "app", database: str = "drumtower") -> Any:
    return await asyncpg.connect(user=user, database=database, host=up["run"], timeout=10)


async def keep_rows(up: dict[str, Any], count: int) -> None:
    """Commits rows, of which none may be lost."""
    connection = await connect(up)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (number bigint)")
    await connection.execute("INSERT INTO kept SELECT generate_series(1, $1::int)", count)
    await connection.close()


async def kept_rows(up: dict[str, Any]) -> int:
    connection = await connect(up)
    count: int = await connection.fetchval("SELECT count(*) FROM kept")
    await connection.close()
    return count
