"""One child process: how it is started, watched and ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drumtower.embedded import leftovers, logs
from drumtower.embedded.errors import CannotStart
from drumtower.embedded.layout import Layout, Owner

LAUNCH = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02


class ChildFailed(CannotStart):
    """A child ended, or was not ready in time. The message carries the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """What to run. `argv[0]` is an absolute path; `env` is the whole environment, or None for ours.

    `prepare` runs before every start; `ready` is asked until it says yes. A higher tier is stopped before a
    lower one. `stop_signals` are tried in turn, each for the seconds beside it, SIGKILL last.
    `death_signal` is what the kernel sends when we are killed: by default SIGKILL, since nobody would be
    left to insist. It reaches the child alone: one that has children of its own must see to these.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    owner: Owner | None = None
    prepare: Callable[[], None] | None = None
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    tier: int = 1
    stop_signals: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 30.0),)
    hurry_signal: signal.Signals = signal.SIGKILL
    death_signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Environment, directory and user of a short-lived program."""

    env: Mapping[str, str]
    cwd: Path
    owner: Owner | None


class ChildProcess:
    """A `Child` that runs, or ran. Everything it prints goes to `logs/<name>.log`."""

    def __init__(self, child: Child, layout: Layout) -> None:
        self.child = child
        self.log_file = layout.logs / f"{child.name}.log"
        self.pid_file = layout.pids / f"{child.name}.json"
        self.started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Ends what an earlier run left behind, then starts the child; does not wait until it is ready."""
        leftovers.stop(self.pid_file, self.child.stop_signals)
        if self.child.prepare:
            self.child.prepare()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = self._spawn(log.fileno())
        self.started_at = time.monotonic()
        # On a full disk the child still dies with us by the kernel's word; a second one would be worse.
        with contextlib.suppress(OSError):
            leftovers.record(self.pid_file, self._process.pid, self.child.argv)

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            launch_command(self.child.argv, self.child.death_signal, self.child.owner),
            env=self.child.env,
            cwd=self.child.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is ours to handle: it must not reach the servers before their clients.
            start_new_session=True,
        )

    def is_ready(self) -> bool:
        return self.is_running and (self.child.ready is None or self.child.ready())

    def wait_ready(self, each_turn: Callable[[], None] = lambda: None) -> None:
        """Returns when the child is ready. Raises `ChildFailed`, or whatever `each_turn` raises."""
        deadline = self.started_at + self.child.ready_seconds
        while not self.is_ready():
            each_turn()
            if not self.is_running:
                raise ChildFailed(f"{self.child.name} ended: {describe(self.exit_code)}{self._log_end()}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.child.name} was not ready in time{self._log_end()}")
            time.sleep(POLL_SECONDS)

    def send(self, number: signal.Signals) -> None:
        if self._process and self.is_running:
            self._process.send_signal(number)

    def stop(self) -> None:
        """Ends the child, gently first. Returns when it is gone."""
        for number, seconds in self.child.stop_signals:
            self.send(number)
            if self.wait_gone(seconds):
                return
        self.kill()

    def kill(self) -> None:
        """Ends the child at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._sweep()

    def wait_gone(self, seconds: float) -> bool:
        """Whether the child ended within so many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._sweep()
        return True

    def _sweep(self) -> None:
        """Ends what the child started and left in its session; it may hold the child's port."""
        if self._process is None:
            return
        # macOS says PermissionError when only zombies are left in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def _log_end(self) -> str:
        lines = logs.last_lines(self.log_file)
        return "".join(f"\n    {line}" for line in (f"see {self.log_file}", *lines))


def launch_command(argv: Sequence[str], death_signal: signal.Signals, owner: Owner | None) -> list[str]:
    """`argv` behind the launcher, which changes the user and ties the child's life to ours."""
    user = f"{owner.uid}:{owner.gid}" if owner else "-"
    launcher = [sys.executable, "-I", "-S", str(LAUNCH), str(int(death_signal)), str(os.getpid()), user]
    return [*launcher, *argv]


def run_once(argv: Sequence[str], where: Surroundings, text: str = "") -> str:
    """Runs a short program with `text` as its input; returns what it printed. Raises `ChildFailed`."""
    done = subprocess.run(
        launch_command(argv, signal.SIGKILL, where.owner),
        env=where.env,
        cwd=where.cwd,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ChildFailed(f"{Path(argv[0]).name} failed: {describe(done.returncode)}\n{done.stdout.strip()}")
    return done.stdout


def describe(code: int | None) -> str:
    """An exit code in words: `exit 3`, `killed by SIGKILL`."""
    if code is None:
        return "running"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
