"""The demo, with every process killed once along the way, the supervisor last: nothing changes but time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.e2e.places import ROOT, free_three

VICTIMS = ("scheduler", "api", "metrics", "sandbox", "valkey", "postgres")

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def kill(state: Path, name: str) -> None:
    """End a process the hard way; the supervisor brings it back."""
    pid = json.loads((state / "pids" / f"{name}.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)


def supervisor(demo: int) -> int:
    """Return the process id of the `up` that the demo started."""
    children = Path(f"/proc/{demo}/task/{demo}/children").read_text()
    return int(children.split()[0])


def until_up(state: Path, demo: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while not (state / "up.json").exists():
        assert demo.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_demo_ends_in_equal_figures_whatever_is_killed() -> None:
    with tempfile.TemporaryDirectory(prefix="drumtower-e2e-") as name:
        state = Path(name)
        command = [sys.executable, "-m", "examples.demo", name, "--port", str(free_three())]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as demo:
            until_up(state, demo)
            assert (state / "up.json").stat().st_mode & 0o777 == 0o600
            for victim in VICTIMS:
                time.sleep(2)
                if demo.poll() is None:
                    kill(state, victim)
            time.sleep(2)
            if demo.poll() is None:
                os.kill(supervisor(demo.pid), signal.SIGKILL)
            said, _ = demo.communicate(timeout=360)
        assert demo.returncode == 0, said
        assert "Every figure equals" in said
        assert "DIFFERENT" not in said
