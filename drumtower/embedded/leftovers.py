"""Finds and ends children that outlived an earlier instance (macOS has no parent-death signal)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

POLL_SECONDS = 0.02
KILL_SECONDS = 5.0
CAN_LOOK_INSIDE = sys.platform == "linux"


def record(pid_file: Path, pid: int, argv: Sequence[str]) -> None:
    """Remembers a child, with its arguments, so that a reused pid is not taken for it."""
    pid_file.write_text(json.dumps({"pid": pid, "argv": list(argv)}))


def stop(pid_file: Path, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Ends the recorded child if it still runs, each signal for the seconds beside it, SIGKILL last."""
    pid = recorded_pid(pid_file)
    for number, seconds in (*signals, (signal.SIGKILL, KILL_SECONDS)):
        if pid is None or not is_alive(pid):
            break
        end(pid, number, seconds)
    pid_file.unlink(missing_ok=True)


def kill(pids: Iterable[int]) -> None:
    """Ends processes at once, and returns when they are gone."""
    for pid in pids:
        end(pid, signal.SIGKILL, KILL_SECONDS)


def recorded_pid(pid_file: Path) -> int | None:
    """The recorded pid, if that process lives and runs the recorded arguments."""
    try:
        found = json.loads(pid_file.read_text())
        # Titles and interpreters change argv[0]; what follows it says whether the process is ours.
        pid, expected = int(found["pid"]), " ".join(found["argv"][1:])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # Absent, or cut short by a power cut: nothing we could trust enough to send a signal.
        return None
    return pid if command_of(pid).endswith(expected) and expected else None


def end(pid: int, number: signal.Signals, seconds: float) -> None:
    """Sends one signal and waits until the process is gone, or the time is over."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether the process still does anything: a zombie that nobody collects does not count."""
    return bool(command_of(pid))


def command_of(pid: int) -> str:
    """A process's command line, or nothing when it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .rstrip(b"\0")
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except (FileNotFoundError, ProcessLookupError):
            return ""
    asked = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def inside(directory: Path, program: str) -> list[int]:
    """Processes called `program` whose working directory is `directory`; Linux only, else none."""
    found = (entry for entry in Path("/proc").glob("[0-9]*") if is_inside(entry, directory, program))
    return [int(entry.name) for entry in found]


def is_inside(entry: Path, directory: Path, program: str) -> bool:
    try:
        return (entry / "comm").read_text().strip() == program and Path(
            os.readlink(entry / "cwd")
        ) == directory
    except OSError:
        # Gone meanwhile, or another user's: not ours either way.
        return False
