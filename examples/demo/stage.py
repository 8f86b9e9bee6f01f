"""Where the demo plays: a running `up`, or one that the demo starts, keeps alive and stops at the end."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
# `up`'s exit code where another one runs, or is just starting: then that one is waited for.
ALREADY_RUNNING = 3


class Stage:
    """A context manager; `where` is what `up` wrote into its state directory."""

    def __init__(self, state: Path, port: int) -> None:
        self._state = state
        self._port = port
        self._started: subprocess.Popen[bytes] | None = None
        self._owned = False

    def __enter__(self) -> "Stage":
        if not self._is_up():
            sys.stdout.write("Nothing is running: starting it (python3 dev.py up) …\n")
            self._owned = True
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._started is not None:
            self._started.terminate()
            self._started.wait(60)

    @property
    def where(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((self._state / "up.json").read_text(encoding="utf-8"))
        return answer

    def revive(self) -> None:
        """Start our own `up` again where it was killed; one that somebody else started is waited for."""
        if self._owned and self._started is not None and self._started.poll() is not None:
            self._start()

    def _start(self) -> None:
        self._started = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "drumtower.cli",
                "up",
                "--state",
                str(self._state),
                "--port",
                str(self._port),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_SECONDS
        while not self._is_up():
            if self._started.poll() not in (None, ALREADY_RUNNING) or time.monotonic() > until:
                raise SystemExit("`up` did not start; try `python3 dev.py up` to see why.")
            time.sleep(0.2)

    def _is_up(self) -> bool:
        if not (self._state / "up.json").exists():
            return False
        try:
            return httpx.get(f"{self.where['api']}/health/live", timeout=2, trust_env=False).is_success
        except (httpx.TransportError, ValueError):
            return False
