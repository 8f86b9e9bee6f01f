"""`up` and the demo, with every process killed once along the way: nothing changes but time."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = ("scheduler", "api", "metrics", "sandbox", "valkey", "postgres")

pytestmark = pytest.mark.timeout(400)


def free_pair() -> int:
    """Return a port that is free, with the next one free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory of a running `up`, which is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="drumtower-e2e-") as name:
        place = Path(name)
        command = [sys.executable, "-m", "drumtower.cli", "up", "--port", str(free_pair()), "--state", name]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as up:
            assert up.stdout is not None
            assert "Drumtower is up" in up.stdout.readline()
            for _ in range(4):
                up.stdout.readline()
            yield place
            up.terminate()
            up.stdout.read()
            assert up.wait(60) == 0


def kill(state: Path, name: str) -> None:
    """End a process the hard way; the supervisor brings it back."""
    pid = json.loads((state / "pids" / f"{name}.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)


def test_the_demo_ends_in_equal_figures_whatever_is_killed(state: Path) -> None:
    assert (state / "up.json").stat().st_mode & 0o777 == 0o600
    command = [sys.executable, "-m", "examples.demo", str(state)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        for victim in VICTIMS:
            time.sleep(3)
            if demo.poll() is None:
                kill(state, victim)
        said, _ = demo.communicate(timeout=360)
    assert demo.returncode == 0, said
    assert "Every figure equals" in said
    assert "DIFFERENT" not in said
