"""Where an `up` of a test's own runs."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_three() -> int:
    """Return a port that is free, with the next two free too."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port


@contextmanager
def running(state: Path) -> Iterator[None]:
    """Run `up` as a newcomer does; it says where it is, and ends well when told to."""
    command = [
        sys.executable,
        "-m",
        "drumtower.cli",
        "up",
        "--port",
        str(free_three()),
        "--state",
        str(state),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        assert "Drumtower is up" in up.stdout.readline()
        for _ in range(4):
            up.stdout.readline()
        yield
        up.terminate()
        up.stdout.read()
        assert up.wait(60) == 0
