"""Children of an earlier instance: ours are ended, a reused pid is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumtower.embedded import leftovers, logs
from drumtower.embedded.backoff import Backoff
from tests.embedded.conftest import wait_until

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
GENTLY = ((signal.SIGTERM, 0.3),)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


def test_a_recorded_child_is_ended_even_if_it_refuses(
    stubborn: subprocess.Popen[str], tmp_path: Path
) -> None:
    record = tmp_path / "api.json"
    leftovers.record(record, stubborn.pid, [sys.executable, "-c", STUBBORN])
    leftovers.stop(record, GENTLY)
    assert stubborn.wait(2) == -signal.SIGKILL
    assert not record.exists()


def test_a_reused_pid_is_left_alone(stubborn: subprocess.Popen[str], tmp_path: Path) -> None:
    record = tmp_path / "api.json"
    leftovers.record(record, stubborn.pid, [sys.executable, "-m", "drumtower.cli", "serve", "api"])
    leftovers.stop(record, GENTLY)
    assert stubborn.poll() is None


@pytest.mark.parametrize("content", ["", "{", "{}", '{"pid": 1}', '{"pid": 1, "argv": ["/sbin/init"]}', "[]"])
def test_a_damaged_record_sends_no_signal(tmp_path: Path, content: str) -> None:
    record = tmp_path / "api.json"
    record.write_text(content)
    assert leftovers.recorded_pid(record) is None


def test_a_zombie_counts_as_gone() -> None:
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: not leftovers.is_alive(zombie.pid), 5)
    # Nobody has collected it yet: the pid still exists.
    os.kill(zombie.pid, 0)
    assert zombie.wait() == 0


def test_a_back_off_doubles_to_its_limit_and_starts_over_after_a_healthy_life() -> None:
    backoff = Backoff(first=0.2, longest=2.0, healthy=30.0)
    assert [backoff.next_delay(0.0) for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert backoff.next_delay(29.9) == 2.0
    assert backoff.next_delay(30.0) == 0.2


def test_old_logs_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    for number in range(6):
        logs.rotate(log)
        log.write_text(f"run {number}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "api.log",
        "api.log.1",
        "api.log.2",
        "api.log.3",
    ]
    assert (tmp_path / "api.log.3").read_text() == "run 2\n"


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    assert logs.last_lines(log) == []
    log.write_text("".join(f"第 {number} 行\n" for number in range(5000)))
    assert logs.last_lines(log, 2) == ["第 4998 行", "第 4999 行"]
